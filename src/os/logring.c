/* SPDX-License-Identifier: MIT */
/* The ring.  Knows of lines only where they begin. */
#include "os/logring.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 256 };

void logring_init(struct logring *r, size_t capacity)
{
	*r = (struct logring){ .capacity = capacity };
}

void logring_release(struct logring *r)
{
	free(r->bytes);
	logring_init(r, r->capacity);
}

/* Makes room for more while the capacity is not reached: most programs say little.  Nothing was
 * overwritten up to then, so the bytes begin at 0. */
static void grow(struct logring *r, size_t extra)
{
	size_t room = r->room ? r->room : ROOM_MIN;
	char *bytes;

	if (r->room == r->capacity || extra <= r->room - r->size || r->first > 0)
		return;
	while (room < r->capacity && room - r->size < extra)
		room *= 2;
	if (room > r->capacity)
		room = r->capacity;
	bytes = realloc(r->bytes, room);
	if (!bytes)
		return;
	r->bytes = bytes;
	r->room = room;
}

/* forgets the oldest `n` bytes */
static void drop(struct logring *r, size_t n)
{
	if (n == 0)
		return;
	r->cut = r->bytes[(r->first + n - 1) % r->room] != '\n';
	r->first = (r->first + n) % r->room;
	r->size -= n;
}

static void append(struct logring *r, const char *bytes, size_t size)
{
	size_t at = (r->first + r->size) % r->room, straight = r->room - at;

	if (straight > size)
		straight = size;
	memcpy(r->bytes + at, bytes, straight);
	memcpy(r->bytes, bytes + straight, size - straight);
	r->size += size;
}

void logring_add(struct logring *r, const char *bytes, size_t size)
{
	if (size == 0 || r->capacity == 0)
		return;
	grow(r, size);
	if (r->room == 0)
		return;
	if (size > r->room) {
		size_t lost = size - r->room;

		/* of the bytes themselves the last ones alone are kept */
		r->size = r->first = 0;
		r->cut = bytes[lost - 1] != '\n';
		bytes += lost;
		size -= lost;
	}
	if (size > r->room - r->size)
		drop(r, size - (r->room - r->size));
	append(r, bytes, size);
}

/* the last bytes, `from` bytes after the oldest one; all of them are wanted */
static void copy_out(const struct logring *r, size_t from, char *out, size_t size)
{
	size_t at = (r->first + from) % r->room, straight = r->room - at;

	if (straight > size)
		straight = size;
	memcpy(out, r->bytes + at, straight);
	memcpy(out + straight, r->bytes, size - straight);
}

static bool starts_line(const struct logring *r, size_t from)
{
	if (from == 0)
		return !r->cut;
	return r->bytes[(r->first + from - 1) % r->room] == '\n';
}

size_t logring_copy(const struct logring *r, char *out, size_t size)
{
	const char *newline;
	bool whole;
	size_t cut;

	if (size > r->size)
		size = r->size;
	if (size == 0)
		return 0;
	whole = starts_line(r, r->size - size);
	copy_out(r, r->size - size, out, size);
	newline = whole ? NULL : memchr(out, '\n', size);
	cut = newline ? (size_t)(newline + 1 - out) : 0;
	if (cut == 0 || cut == size)
		return size;
	memmove(out, out + cut, size - cut);
	return size - cut;
}
