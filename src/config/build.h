/* SPDX-License-Identifier: MIT */
/* From sections and entries to settings: expansion, values, defaults, instances, and all that
 * several keys or programs must agree on. */
#pragma once

#include <stdbool.h>

#include "config/load.h"
#include "config/source.h"
#include "core/settings.h"

/* A program for `vergerd -- CMD` is made from one section and words that no file holds. */
struct build_command {
	struct section *section;
	char *const *words;
};

/* Makes settings of what `source` holds; faults go to its diags.  `file` is the main file or NULL;
 * `ask_system` allows to look at accounts and PID file paths; `command` is NULL for files.  Returns
 * the settings, which are good only if no fault was told, or NULL when memory is out. */
struct settings *build_settings(struct source *source, const char *file,
                                const struct conf_context *context, bool ask_system,
                                const struct build_command *command);
