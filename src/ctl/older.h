/* SPDX-License-Identifier: MIT */
/* The lines of files that a log was rotated to and that vergerd has left to us: packed ones,
 * through the program that packs them.  What cannot be read is said on standard error and left out.
 */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OLDER_LINE_MAX = 16384 }; /* a longer line comes in pieces */

struct older {
	int64_t since_us; /* in the first file, from the first line on that bears a time not before
	                     it, or all if none bears one; INT64_MIN = all */
	/* Takes a line without its newline. */
	void (*take)(void *context, const char *bytes, size_t size);
	/* Is asked now and then; false ends the reading. */
	bool (*go_on)(void *context);
	void *context;
};

/* Reads files (an array of paths, the oldest first): all lines, or the last `lines` of all of them
 * (UINT_MAX = all), and no more files than that takes. */
void older_read(const struct older *o, const json_t *paths, unsigned lines);
