/* SPDX-License-Identifier: MIT */
/* What the played system is made of: world.c plays the kernel, people.c everybody who asks for
 * something, promises.c watches. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "core/settings.h"
#include "core/supervisor.h"
#include "sim/chance.h"
#include "sim/troupe.h"
#include "sim/world.h"

enum {
	ACTORS_MAX = 64, /* ids: one for each name, and those that are still to be forgotten */
	QUEUE_MAX = 256,
	SPAWN_MS = 50,    /* the longest a start waits in the queue, and again for its answer */
	SWEEP_MS = 100,   /* the longest a killed process takes */
	STUCK_MS = 25000, /* the same in uninterruptible sleep */
	FORGET_MS = 20000 /* the longest a removal takes to be answered */
};

enum spawn_phase { SPAWN_IDLE, SPAWN_QUEUED, SPAWN_UNDER_WAY };

/* what must not last: since when it does, or MSEC_NEVER */
enum limbo {
	LIMBO_UNWANTED, /* it is to go */
	LIMBO_AGAIN,    /* a start is to follow */
	LIMBO_PENDING,  /* settings are kept for that */
	LIMBO_REMOVED,  /* it is to be forgotten */
	LIMBO_COUNT,
};

/* what the system has of one program */
struct actor {
	char name[8]; /* empty: nobody has this id */
	enum spawn_phase spawn;
	msec_t spawn_at;
	bool alive, deaf; /* the main process; deaf to stop signals */
	bool zombie;      /* it has ended and is not reaped: a signal does not miss it */
	msec_t dies_at;
	int code, signal;
	unsigned family; /* others */
	bool family_deaf;
	msec_t family_gone_at;
	msec_t found_at; /* the daemon is recognised */
	bool watched, swept, sought;
	bool empty_posted;
	unsigned forgettings; /* answers to EFFECT_REMOVED under way */
	msec_t forgotten_at;

	/* what was promised */
	enum life_state state;
	enum spawn_step failed_step; /* of the last start; NONE when it did not fail */
	int failed_error, last_code, last_signal;
	bool down; /* asked to stop, and nobody has asked for it since */
	msec_t down_since;
	char command[16];                    /* what was started */
	enum end_policy on_exit, on_failure; /* before the event that is applied */
	msec_t limbo[LIMBO_COUNT];
};

struct world {
	uint64_t seed;
	struct chance chance;
	struct troupe troupe;
	struct settings *settings;
	struct supervisor *sv;
	struct effects out;
	struct actor actors[ACTORS_MAX];
	uint32_t count; /* ids */
	struct event queue[QUEUE_MAX];
	size_t queue_first, queue_count;
	struct text trace;
	int verbose;
	msec_t now, verb_at, bound, over_since;
	unsigned verbs;
	pid_t next_pid;
	enum event_type cause;
	bool asked, hurried, over, ended, quiet;
	int expected; /* status of the end; -1 = a shutdown that was asked for */
	int first_bad;
	struct world_result *sum;
};

static inline unsigned below(struct world *w, unsigned n)
{
	return chance_below(&w->chance, n);
}

static inline bool one_in(struct world *w, unsigned n)
{
	return chance_one_in(&w->chance, n);
}

static inline msec_t within(struct world *w, msec_t longest)
{
	return chance_within(&w->chance, longest);
}

static inline bool is_settled(const struct actor *a)
{
	return life_state_is_settled(a->state);
}

/* Notes a line of the way. */
void world_tell(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells the way and fails the test. */
void world_broken(struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void world_require(struct world *w, bool holds, uint32_t program, const char *promise);

const char *world_name(const struct world *w, uint32_t program);

/* Puts an event into the queue for the supervisor. */
void world_post(struct world *w, struct event ev);
void world_post_plain(struct world *w, uint32_t program, enum event_type type);

/* Does what the supervisor wants done. */
void world_take_all(struct world *w);

/* --- people.c --- */

/* It is time for somebody to want something. */
void people_ask(struct world *w);

/* --- promises.c --- */

/* The longest a stop may take: one program after the other, each with all its grace, and every
 * wake-up late. */
void promises_set_bound(struct world *w);

/* Before an event: what its consequences are to be judged by. */
void promises_remember(struct world *w);
/* What supervisor_apply() may say to it; true: `r` is that. */
bool promises_allow(const struct world *w, const struct event *ev, int r);

/* A change of state, in its turn among the effects. */
void promises_on_state(struct world *w, const struct effect *fx);
void promises_on_spawn(struct world *w, uint32_t program);
void promises_on_quit(struct world *w, int status);

/* Somebody asks for a stop: what is asked to stop, and all that requires it and was wanted, has to
 * go. */
void promises_on_stop(struct world *w, uint32_t program);

/* A reload: what was there before, what the file said then, and what must have come of it. */
struct world_before {
	struct troupe troupe;
	struct program_status status[ACTORS_MAX];
	bool was_there[ACTORS_MAX];
};
void promises_before_reload(const struct world *w, struct world_before *before);
void promises_on_reload(struct world *w, const struct world_before *before);
void promises_after_reload(struct world *w, const struct world_before *before);

/* All that holds between any two events. */
void promises_check(struct world *w);
