/* SPDX-License-Identifier: MIT */
/* Where values came from: kept only for whoever asks (`vergerctl config show`), never by a vergerd
 * that just runs. */
#pragma once

#include <stdint.h>

#include "base/diag.h"
#include "base/text.h"
#include "config/load.h"
#include "core/settings.h"

/* One value of [verger] (program = NO_PROGRAM) or of a program.  A value that several lines make
 * (environment adds up) came from the last of them. */
struct conf_origin {
	uint32_t program;    /* index in the settings */
	const char *section; /* "verger", "program:web:0" */
	const char *key;
	const char *value; /* as it would stand in a file; NULL = none, and a line says so */
	const char *file;  /* NULL = a default */
	unsigned line;
};

typedef void conf_origin_told(void *arg, const struct conf_origin *origin);

/* Reads the file again and tells the origin of each value of it, in the order of --print-config;
 * *out gets the settings (the caller frees them) for comparing with those that hold.  CONF_OK, or
 * CONF_INVALID with the faults in `diags` and nothing told. */
int conf_origins(const char *path, const struct conf_context *context, conf_origin_told *told,
                 void *arg, struct settings **out, struct diags *diags);

/* The value of `key` of a program (NO_PROGRAM: of [verger]) appended as it would stand in a file.
 * 1; 0 when there is none; -ENOMEM. */
int conf_value(const struct settings *s, uint32_t program, const char *key, struct text *out);
