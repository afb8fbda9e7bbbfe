/* SPDX-License-Identifier: MIT */
/* Lines that say the same again and again: the first ones are said, the others are counted, so that
 * a disk that fails a thousand times a second does not fill the next one.  A line is known by its
 * hash; the latest few that differ are remembered. */
#pragma once

#include <stdint.h>

#include "base/clock.h"

enum {
	REPEAT_MAX = 10, /* lines that are equal, of one window */
	REPEAT_WINDOW_MS = 10000,
	REPEAT_PLACES = 32, /* lines that are remembered */
};

/* All zero at the beginning. */
struct repeat {
	/* private */
	struct repeat_place {
		uint64_t line;
		msec_t since;  /* the window begins */
		unsigned said; /* 0: the place is free */
		unsigned hushed;
		uint64_t turn; /* of the last line, for the one to forget */
	} places[REPEAT_PLACES];
	uint64_t turn;
	unsigned untold; /* kept back, and forgotten */
};

enum repeat_verdict { REPEAT_SAY, REPEAT_HUSH };

/* What to do with a line.  With REPEAT_SAY, *hushed is how many equal ones were kept back before it
 * and are to be told with it; they are told to nobody again.  `subject` may be NULL. */
enum repeat_verdict repeat_judge(struct repeat *r, const char *subject, const char *message,
                                 msec_t now, unsigned *hushed);

/* How many lines were kept back in windows that are over, without an equal one after them to tell
 * them with; each is counted in one answer only. */
unsigned repeat_settle(struct repeat *r, msec_t now);

/* When repeat_settle will have lines to tell, if no equal one comes; MSEC_NEVER: not at all. */
msec_t repeat_deadline(const struct repeat *r);
