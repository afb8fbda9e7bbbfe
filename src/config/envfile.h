/* SPDX-License-Identifier: MIT */
/* Files of NAME=value lines (env_file), read at each start of a program.
 *
 * One assignment a line; blanks around it are dropped, lines that are empty or start with `#` or
 * `;` are skipped, and `export ` before a name is allowed.  A value that starts with a quote is one
 * word, quoted as in a shell; any other is taken as it is to the end of the line.  Nothing is
 * expanded. */
#pragma once

#include <stddef.h>

#include "base/strv.h"

enum { ENVFILE_SIZE_MAX = 1024 * 1024 }; /* bytes of a file */

/* Sets every assignment of `bytes` in `env`; later ones win.  0, -EINVAL with a sentence ("line 3:
 * …") in `error`, or -ENOMEM; `env` may hold the assignments before the fault. */
int envfile_parse(const char *bytes, size_t size, struct strv *env, char *error, size_t error_size);

/* Reads the file `path` and parses it.  As above, or the negative errno of open() or read(), with a
 * sentence in `error` for every failure. */
int envfile_load(const char *path, struct strv *env, char *error, size_t error_size);
