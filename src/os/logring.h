/* SPDX-License-Identifier: MIT */
/* The last bytes that a program wrote, for whoever asks why it ended and cannot read its log.
 * Bounded; memory is taken as output comes, and the oldest bytes make room.  When there is none it
 * keeps less: nothing fails.  Not for several threads at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct logring {
	/* private */
	char *bytes; /* owned; NULL before the first byte */
	size_t size, room, capacity;
	size_t first; /* where the oldest byte is */
	bool cut;     /* the oldest byte is not the first of a line */
};

/* Will keep up to `capacity` bytes; 0: none. */
void logring_init(struct logring *r, size_t capacity);
void logring_release(struct logring *r);

/* Adds bytes as the program wrote them. */
void logring_add(struct logring *r, const char *bytes, size_t size);

/* Copies the last bytes, up to `size`, and tells how many.  They begin with a line where the start
 * of one is among them, else (the last line alone is longer) in the middle of it. */
size_t logring_copy(const struct logring *r, char *out, size_t size);
