/* SPDX-License-Identifier: MIT */
/* What the supervisor does, as a pure function: an event and the time in, a list of effects out. No
 * clock, no descriptor, no process: all of it can be walked through by a test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "core/settings.h"

struct supervisor;

/* What can be told of a program. */
struct program_status {
	enum life_state state;
	pid_t pid;          /* main process, 0 = none */
	msec_t since_ms;    /* when it entered the state */
	msec_t deadline_ms; /* when something happens by itself; MSEC_NEVER = nothing */
	msec_t delay_ms;    /* BACKOFF: the delay chosen */
	uint64_t starts;    /* processes ever started */
	unsigned failures;  /* failed starts in the window of start_limit, when it entered the state
	                     */
	bool wanted;
	bool exit_known; /* last_code and last_signal mean something */
	int last_code, last_signal;
	bool last_core_dumped, last_success;
	enum spawn_step last_step; /* SPAWN_STEP_NONE unless the last start failed */
	int last_error;
	uint32_t waits_for; /* WAITING: a dependency that is not there; NO_PROGRAM otherwise */
};

/* Makes a supervisor of `settings`, which is borrowed and must outlive it.  `seed` drives the
 * jitter of back-off. NULL when memory is out. */
struct supervisor *supervisor_new(const struct settings *settings, uint64_t seed);
void supervisor_free(struct supervisor *sv);

/* Takes one event at the time `now` and appends what is to be done to `out`.  0, or -EPROTO for an
 * event that cannot be (a fault of the caller's or ours: nothing has changed), -ENOENT for a
 * program that does not exist, -ESHUTDOWN for a start during a shutdown. */
int supervisor_apply(struct supervisor *sv, const struct event *ev, msec_t now,
                     struct effects *out);

/* The next moment at which it wants EVENT_TICK; MSEC_NEVER when none. */
msec_t supervisor_deadline(const struct supervisor *sv);

/* An upper bound of the effects one event can have. */
size_t supervisor_effects_max(const struct supervisor *sv);

/* Whether an EFFECT_SPAWN that has not been carried out yet is still wanted; if not, answer it with
 * EVENT_SPAWN_FAILED and SPAWN_STEP_CANCELLED. */
bool supervisor_wants_spawn(const struct supervisor *sv, uint32_t program);

/* Whether some program claims this signal in forward_signals. */
bool supervisor_claims_signal(const struct supervisor *sv, int signo);

bool supervisor_is_shutting_down(const struct supervisor *sv);

void supervisor_status(const struct supervisor *sv, uint32_t program, struct program_status *out);

/* The invariants, for tests: NULL when all hold, else which one does not. */
const char *supervisor_check(const struct supervisor *sv);
