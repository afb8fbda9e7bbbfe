/* SPDX-License-Identifier: MIT */
/* A line of the proof: "@@NAME LIFE NUMBER SIZE filler CHECKSUM".  SIZE is that of the whole line
 * without its newline, CHECKSUM is over everything before it, and the filler has no '@'. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERSE_NAME_MAX = 16, VERSE_MIN = 64, VERSE_MAX = 1 << 17 };

/* How long the lines are: from min to max; each `seldom`th is longer than a page and each `rare`th
 * longer than 16 KiB (0 = none is). */
struct verse_range {
	uint32_t min, max;
	uint32_t seldom, rare;
};

/* Writes line `number` with its newline; returns its size.  The same arguments give the same line.
 * `out` has room for VERSE_MAX bytes. */
size_t verse_write(char *out, const char *name, uint64_t life, uint64_t number, uint64_t seed,
                   const struct verse_range *range);

struct verse {
	char name[VERSE_NAME_MAX + 1];
	uint64_t life, number;
};

enum verse_state {
	VERSE_WHOLE,
	VERSE_TORN,     /* its beginning tells whose it is */
	VERSE_NAMELESS, /* not even that */
};

/* Reads a line without its newline. */
enum verse_state verse_read(const char *bytes, size_t size, struct verse *out);
