/* SPDX-License-Identifier: MIT */
/* The cutter.  Knows no program and no log. */
#include "os/linecut.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { CAPACITY_MIN = 128 };

void linecut_init(struct linecut *c, size_t max)
{
	*c = (struct linecut){ .max = max };
}

void linecut_release(struct linecut *c)
{
	free(c->held);
	linecut_init(c, c->max);
}

static void drop_given(struct linecut *c)
{
	if (c->given == 0)
		return;
	c->held_size -= c->given;
	if (c->held_size > 0) {
		memmove(c->held, c->held + c->given, c->held_size);
	} else {
		free(c->held);
		c->held = NULL;
		c->capacity = 0;
	}
	c->given = 0;
}

/* false: there is no memory, and nothing was done; never more than `max` in all */
static bool hold(struct linecut *c, const char *bytes, size_t size)
{
	size_t need = c->held_size + size, capacity = c->capacity ? c->capacity : CAPACITY_MIN;
	char *held;

	if (need > c->capacity) {
		while (capacity < need)
			capacity *= 2;
		held = realloc(c->held, capacity);
		if (!held)
			return false;
		c->held = held;
		c->capacity = capacity;
	}
	if (size)
		memcpy(c->held + c->held_size, bytes, size);
	c->held_size = need;
	return true;
}

/* how many of the bytes to give out so that no character is cut at their end; at least one */
static size_t whole_characters(const char *bytes, size_t size)
{
	for (size_t tail = 1; tail <= 3 && tail < size; tail++) {
		const char *at = bytes + size - tail;
		bool valid;

		if (((unsigned char)*at & 0xC0) == 0x80)
			continue;
		if ((unsigned char)*at >= 0xC0 && utf8_span(at, tail, &valid) == tail && !valid)
			return size - tail;
		break;
	}
	return size;
}

static bool give(struct linecut *c, struct line *out, const char *bytes, size_t size, bool partial)
{
	*out = (struct line){ bytes, size, .begun = c->begun, .partial = partial };
	c->begun = partial;
	return true;
}

static bool give_held(struct linecut *c, struct line *out, size_t size, bool partial)
{
	c->given = size;
	return give(c, out, c->held, size, partial);
}

static void advance(const char **bytes, size_t *size, size_t n)
{
	*bytes += n;
	*size -= n;
}

/* the input continues what is held; `end` is the newline in what may still belong to it */
static bool next_of_held(struct linecut *c, const char **bytes, size_t *size, const char *end,
                         struct line *out)
{
	size_t room = c->max - c->held_size, n = *size < room ? *size : room;

	if (end)
		n = (size_t)(end - *bytes);
	if (!hold(c, *bytes, n))
		return give_held(c, out, c->held_size, true);
	advance(bytes, size, end ? n + 1 : n);
	if (end)
		return give_held(c, out, c->held_size, false);
	if (*size == 0)
		return false;
	return give_held(c, out, whole_characters(c->held, c->held_size), true);
}

bool linecut_next(struct linecut *c, const char **bytes, size_t *size, struct line *out)
{
	const char *start = *bytes, *end;
	size_t n, room;

	drop_given(c);
	if (*size == 0)
		return false;
	/* the newline of a line that is as long as it may be stands one byte behind it */
	room = c->max - c->held_size;
	end = memchr(start, '\n', *size <= room ? *size : room + 1);
	if (c->held_size > 0)
		return next_of_held(c, bytes, size, end, out);
	if (end) {
		n = (size_t)(end - start);
		advance(bytes, size, n + 1);
		return give(c, out, start, n, false);
	}
	n = *size > room ? whole_characters(start, room) : *size;
	if (*size <= room && hold(c, start, n)) {
		advance(bytes, size, n);
		return false;
	}
	advance(bytes, size, n);
	return give(c, out, start, n, true);
}

bool linecut_flush(struct linecut *c, struct line *out)
{
	drop_given(c);
	if (linecut_is_empty(c))
		return false;
	if (c->held_size > 0)
		return give_held(c, out, c->held_size, false);
	return give(c, out, "", 0, false);
}

bool linecut_is_empty(const struct linecut *c)
{
	return c->held_size == c->given && !c->begun;
}
