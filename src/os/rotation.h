/* SPDX-License-Identifier: MIT */
/* The files that a log was rotated to: PATH-20261130T081500.123456Z, and with .gz, .zst or .xz when
 * they are packed.  Knows names, not what is in the files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

/* Whether `name` is that of a file which the log `path` was rotated to (both with the same folder
 * before them, or both without); *when_us is when that was. */
bool rotation_parse(const char *path, const char *name, int64_t *when_us);

/* Whether a file of this name is packed. */
bool rotation_is_packed(const char *name);

/* Appends the paths of all that are there, oldest first; of one that is there twice, because it was
 * packed a moment ago, the plain one.  0 or negative errno. */
int rotation_list(const char *path, struct strv *out);

/* Puts the name of the same file packed in place of *name, if there is one: it was packed since it
 * was listed. */
bool rotation_find_packed(char **name);
