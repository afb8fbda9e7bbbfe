/* SPDX-License-Identifier: MIT */
/* What somebody who asked for something waits for, and whether it has come about: one outcome for
 * each state, so that no request ever hangs or ends by guesswork. */
#pragma once

#include <stdint.h>

#include "core/supervisor.h"

enum goal {
	GOAL_UP,      /* a start: it is there (ready); a oneshot has done its work */
	GOAL_RENEWED, /* a restart: the same, by a process started after the request */
	GOAL_DOWN,    /* a stop: nothing of it is left */
	GOAL_GONE,    /* a removal: it is stopped and forgotten */
	GOAL_STATE,   /* it is in a certain state, as people name it */
	GOAL_COUNT,
};

enum goal_verdict {
	GOAL_PENDING,
	GOAL_REACHED,
	GOAL_MISSED, /* it will not come about by itself: goal_explain says why */
};

struct goal_watch {
	enum goal goal;
	uint32_t program;
	uint64_t starts;        /* RENEWED: how often it had been started when the request came */
	const char *state_name; /* STATE: a name of life_state_name; borrowed, static */
	/* private */
	uint16_t born; /* an id is given away again; a program keeps the generation it came with */
	uint16_t failed; /* starts that had failed */
};

/* Notes what is there at the time of a request, before its event is applied. */
struct goal_watch goal_watch_begin(const struct supervisor *sv, enum goal goal, uint32_t program);

/* The verdict of now.  A start is missed when a start has failed (even if it is tried again), when
 * it has come to rest otherwise than asked for, or when it waits for a program that rests and is
 * not wanted.  A goal of a program that is gone is missed, unless it was to stop or to go. */
enum goal_verdict goal_judge(const struct supervisor *sv, const struct goal_watch *watch);

/* Why a goal is missed, as the end of a sentence about the program ("was stopped by somebody
 * else"); static.  NULL when it is not. */
const char *goal_explain(const struct supervisor *sv, const struct goal_watch *watch);
