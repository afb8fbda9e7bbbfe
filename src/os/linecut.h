/* SPDX-License-Identifier: MIT */
/* Bytes of a program cut into lines.  A line ends at its newline, which does not belong to it; a
 * '\r' before that does.  What is longer than a maximum is cut into pieces, so that nobody's memory
 * is the size of a line.  All pieces put together are the line: nothing is lost and nothing added.
 *
 * Nothing is copied while lines are whole, and nothing is held while no line is unfinished. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line, and of a piece of one, in a log. */
enum { LINECUT_MAX = 16384 };

/* What text shows where a line was cut: behind a piece that goes on, and before the one that
 * continues it.  They do not count towards the maximum. */
#define LINECUT_GOES_ON   " [...]"
#define LINECUT_CONTINUES "[...] "

/* A line, or a piece of one. */
struct line {
	const char *bytes; /* borrowed; without newline; not NULL */
	size_t size;
	bool begun;   /* continues the piece before it */
	bool partial; /* goes on in the piece after it */
};

struct linecut {
	/* private */
	char *held; /* owned; NULL while no line is unfinished */
	size_t held_size, capacity;
	size_t given; /* bytes of `held` that were given out and go with the next call */
	size_t max;
	bool begun; /* what comes next continues a piece */
};

/* Starts at the beginning of a line.  A line of exactly `max` (> 0) bytes is whole; a piece is of
 * `max` bytes, or up to three less so that no UTF-8 character is cut. */
void linecut_init(struct linecut *c, size_t max);

/* Forgets what is unfinished. */
void linecut_release(struct linecut *c);

/* Takes the next line out of `*bytes`, which is moved on past what was consumed; `*size` is what is
 * left of it.  True: *out is a line, borrowed until the next call and as long as the bytes stay.
 * False: all bytes are consumed, and a line they did not end is held.  When there is no memory to
 * hold it, it is given out as a piece; the rest of such a line may be empty. */
bool linecut_next(struct linecut *c, const char **bytes, size_t *size, struct line *out);

/* Ends the unfinished line, if there is one (false: none), as a newline would: there will be no
 * more of it.  *out is borrowed until the next call. */
bool linecut_flush(struct linecut *c, struct line *out);

/* Whether no line is unfinished. */
bool linecut_is_empty(const struct linecut *c);
