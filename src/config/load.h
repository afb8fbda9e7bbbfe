/* SPDX-License-Identifier: MIT */
/* From a file or a command line to validated settings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "core/settings.h"

enum { CONF_OK = 0, CONF_INVALID = 1 };

struct conf_context {
	char *const *environ;        /* vergerd's environment: what ${NAME} sees; NULL = empty */
	const char *default_run_dir; /* run_dir when the file names none; NULL = none can be had */
};

/* Reads `path` and what it includes into new settings, which the caller frees.  CONF_OK; or
 * CONF_INVALID with every fault appended to `diags`, file by file in the order they were read, line
 * by line, and *out untouched.  A file that cannot be read is such a fault.  Warnings may be in
 * `diags` in either case. */
int conf_load(const char *path, const struct conf_context *context, struct settings **out,
              struct diags *diags);

/* The same from bytes in memory, under the name `name`, asking the machine nothing: nothing is
 * included, users and groups have no names, and PID file paths are not looked at.  For tests and
 * fuzzing. */
int conf_load_bytes(const char *name, const char *bytes, size_t size,
                    const struct conf_context *context, struct settings **out, struct diags *diags);

/* `--KEY VALUE` of a command line. */
struct conf_assignment {
	const char *key; /* without dashes in front, '-' and '_' alike; or "name" */
	const char *value;
};

/* Settings of the one program of `vergerd [--KEY VALUE…] -- CMD ARG…`.  The program is called like
 * the last component of CMD unless `name` is given; `command` is taken word by word as it is.  What
 * differs from a file: restart = never, on_exit = exit, on_failure = exit, stdin = inherit,
 * forward_signals = all, no PID file unless given.  A key given twice has its last value;
 * environment and env_file add up.  Faults stand under the file "command line". */
int conf_from_command(const struct conf_assignment *assignments, size_t count, char *const *command,
                      const struct conf_context *context, struct settings **out,
                      struct diags *diags);

/* Whether `--NAME` is an option of the above. */
bool conf_key_find(const char *name);

/* For origin.c. */

struct record;

/* conf_load, noting in `record` (may be NULL) where each value came from. */
int load_recording(const char *path, const struct conf_context *context, struct record *record,
                   struct settings **out, struct diags *diags);

/* Tells that memory is out and returns CONF_INVALID.  `file` is NULL for a command line. */
int load_refuse_memory(const char *file, struct diags *diags);
