/* SPDX-License-Identifier: MIT */
/* The table of lines.  Knows no log and no clock. */
#include "base/repeat.h"

#include <stdbool.h>
#include <stddef.h>

/* FNV-1a, 64 bits; two lines with one hash would be taken for one, which costs a line of a log */
static uint64_t hash_add(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
	/* the end counts, so that "a" "bc" is not "ab" "c" */
	return hash * UINT64_C(0x100000001B3);
}

static uint64_t hash_line(const char *subject, const char *message)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	return hash_add(hash_add(hash, subject ? subject : ""), message);
}

static bool is_over(const struct repeat_place *p, msec_t now)
{
	return now - p->since >= REPEAT_WINDOW_MS;
}

/* the place of the line, or else the one that is to be forgotten for it: a free one, or the one
 * that is the longest without a line */
static struct repeat_place *find(struct repeat *r, uint64_t line)
{
	struct repeat_place *oldest = r->places;

	for (size_t i = 0; i < REPEAT_PLACES; i++) {
		struct repeat_place *p = &r->places[i];

		if (p->said > 0 && p->line == line)
			return p;
		if (p->turn < oldest->turn)
			oldest = p;
	}
	r->untold += oldest->hushed;
	*oldest = (struct repeat_place){ .line = line };
	return oldest;
}

enum repeat_verdict repeat_judge(struct repeat *r, const char *subject, const char *message,
                                 msec_t now, unsigned *hushed)
{
	struct repeat_place *p = find(r, hash_line(subject, message));

	*hushed = 0;
	p->turn = ++r->turn;
	if (p->said == 0 || is_over(p, now)) {
		*hushed = p->hushed;
		p->hushed = p->said = 0;
		p->since = now;
	}
	if (p->said == REPEAT_MAX) {
		p->hushed++;
		return REPEAT_HUSH;
	}
	p->said++;
	return REPEAT_SAY;
}

unsigned repeat_settle(struct repeat *r, msec_t now)
{
	unsigned untold = r->untold;

	r->untold = 0;
	for (size_t i = 0; i < REPEAT_PLACES; i++) {
		struct repeat_place *p = &r->places[i];

		if (p->said == 0 || !is_over(p, now))
			continue;
		untold += p->hushed;
		*p = (struct repeat_place){ 0 };
	}
	return untold;
}

msec_t repeat_deadline(const struct repeat *r)
{
	msec_t deadline = r->untold ? 0 : MSEC_NEVER;

	for (size_t i = 0; i < REPEAT_PLACES; i++) {
		const struct repeat_place *p = &r->places[i];

		if (p->hushed > 0 && p->since + REPEAT_WINDOW_MS < deadline)
			deadline = p->since + REPEAT_WINDOW_MS;
	}
	return deadline;
}
