/* SPDX-License-Identifier: MIT */
#include "os/logseek.h"

#include <string.h>
#include <unistd.h>

#include "base/stamp.h"

enum {
	CHUNK = 16384,
	NEAR = 4 * CHUNK,     /* a leap that finds no stamp so near is the last one */
	LEAP_MIN = 2 * CHUNK, /* less is read line by line */
};

/* --- the last lines --- */

void logseek_back_init(struct logseek_back *s, off_t floor, off_t size, unsigned lines)
{
	/* a newline at the very end begins no line */
	*s = (struct logseek_back){ .at = size > floor ? size - 1 : floor,
		                    .floor = size > floor ? floor : size,
		                    .lines = lines };
	if (size <= floor)
		s->at = s->floor = size;
	else if (s->at == s->floor)
		s->lines--; /* its only byte */
}

/* Counts back over newlines; how many bytes of the chunk stand before the last lines, -1 = they do
 * not begin in it. */
static ssize_t count_back(const char *chunk, size_t size, unsigned *lines)
{
	while (size > 0) {
		const char *newline = memrchr(chunk, '\n', size);

		if (!newline)
			return -1;
		size = (size_t)(newline - chunk);
		if (--*lines == 0)
			return (ssize_t)size + 1;
	}
	return -1;
}

enum logseek_result logseek_back(struct logseek_back *s, int fd)
{
	char chunk[CHUNK];

	for (size_t done = 0; s->at > s->floor; done += sizeof chunk) {
		off_t left = s->at - s->floor;
		size_t want = left > (off_t)sizeof chunk ? sizeof chunk : (size_t)left;
		ssize_t start;

		if (done >= LOGSEEK_STEP)
			return LOGSEEK_ON;
		if (pread(fd, chunk, want, s->at - (off_t)want) != (ssize_t)want) {
			/* it was cut off meanwhile, or cannot be read */
			s->lines = 0;
			return LOGSEEK_FOUND;
		}
		start = count_back(chunk, want, &s->lines);
		s->at -= (off_t)want;
		if (start >= 0) {
			s->at += start;
			return LOGSEEK_FOUND;
		}
		if (s->at == s->floor)
			s->lines--; /* one begins there */
	}
	return s->lines ? LOGSEEK_END : LOGSEEK_FOUND;
}

off_t logseek_line(int fd, off_t at)
{
	char chunk[CHUNK];
	ssize_t got = pread(fd, chunk, sizeof chunk, at);
	const char *newline = got > 0 ? memchr(chunk, '\n', (size_t)got) : NULL;

	return newline ? at + (newline + 1 - chunk) : at;
}

/* --- the lines of a time --- */

/* A part of a file, and where in it the next line begins. */
struct part {
	char bytes[CHUNK];
	size_t size, at;
};

/* Reads whole lines, unless there is one that is longer than a part: *is_cut.  False: nothing is
 * there. */
static bool read_part(struct part *p, int fd, off_t from, off_t size, bool *is_cut)
{
	size_t want = size - from > CHUNK ? CHUNK : (size_t)(size - from);
	ssize_t got = pread(fd, p->bytes, want, from);
	const char *newline;

	*is_cut = false;
	p->at = 0;
	p->size = got > 0 ? (size_t)got : 0;
	if (got <= 0 || from + got >= size)
		return got > 0;
	newline = memrchr(p->bytes, '\n', p->size);
	*is_cut = !newline;
	if (newline)
		p->size = (size_t)(newline + 1 - p->bytes);
	return true;
}

/* To behind the next newline; false when there is none. */
static bool skip_line(struct part *p)
{
	const char *newline = memchr(p->bytes + p->at, '\n', p->size - p->at);

	p->at = newline ? (size_t)(newline + 1 - p->bytes) : p->size;
	return newline != NULL;
}

/* The first stamped line that begins behind `from`, looked for nearby.  Its time, and its place in
 * *at; STAMP_NONE. */
static int64_t find_stamp(int fd, off_t from, off_t size, off_t *at)
{
	struct part p;
	bool is_cut;

	for (off_t near = from + NEAR; from < near && from < size; from += (off_t)p.size) {
		if (!read_part(&p, fd, from, size, &is_cut))
			break;
		while (skip_line(&p) && p.at < p.size) {
			int64_t us = stamp_of_line(p.bytes + p.at, p.size - p.at);

			*at = from + (off_t)p.at;
			if (us != STAMP_NONE)
				return us;
		}
	}
	return STAMP_NONE;
}

void logseek_time_init(struct logseek_time *s, int fd, off_t size, int64_t since_us)
{
	off_t low = 0, high = size, at = 0;

	*s = (struct logseek_time){ .size = size, .since_us = since_us };
	while (high - low > LEAP_MIN) {
		off_t middle = low + (high - low) / 2;
		int64_t us = find_stamp(fd, middle, size, &at);

		if (us == STAMP_NONE)
			break;
		s->is_stamped = true;
		if (us >= since_us)
			high = middle;
		else
			low = at;
	}
	s->at = low;
}

/* Goes on to the first line of the part that is due; false: there is none. */
static bool find_due(struct logseek_time *s, struct part *p)
{
	if (s->is_amid && !skip_line(p))
		return false;
	do {
		int64_t us = stamp_of_line(p->bytes + p->at, p->size - p->at);

		s->is_stamped = s->is_stamped || us != STAMP_NONE;
		if (us != STAMP_NONE && us >= s->since_us)
			return true;
	} while (skip_line(p) && p->at < p->size);
	return false;
}

enum logseek_result logseek_time(struct logseek_time *s, int fd)
{
	struct part p;

	for (size_t done = 0; s->at < s->size; done += p.size) {
		bool is_cut;

		if (done >= LOGSEEK_STEP)
			return LOGSEEK_ON;
		if (!s->is_stamped && s->at > LOGSEEK_BARE)
			break;
		if (!read_part(&p, fd, s->at, s->size, &is_cut))
			break;
		if (find_due(s, &p)) {
			s->at += (off_t)p.at;
			return LOGSEEK_FOUND;
		}
		s->is_amid = is_cut;
		s->at += (off_t)p.size;
	}
	s->at = s->is_stamped ? s->size : 0;
	return LOGSEEK_FOUND;
}
