/* SPDX-License-Identifier: MIT */
/* Puts the lines of several logs into the order of their times.  A line without a time stays behind
 * the line before it, and those that a log begins with before its first one that has; a log without
 * any times comes first, as a whole.  Knows bytes, not whose they are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lines of one log, each with its newline; borrowed. */
struct merge_log {
	const char *at, *end; /* what is left of it */
	/* private */
	int64_t us; /* of the line that is next */
	bool led;   /* a line with a time was given */
};

struct merge {
	struct merge_log *logs; /* borrowed */
	size_t count;
	size_t current; /* the log whose next line belongs to the last one; SIZE_MAX = none */
};

struct merge_line {
	const char *bytes; /* without its newline */
	size_t size;
	size_t log; /* its number */
};

void merge_init(struct merge *m, struct merge_log *logs, size_t count);

/* Takes the next line; false when there is none. */
bool merge_next(struct merge *m, struct merge_line *line);
