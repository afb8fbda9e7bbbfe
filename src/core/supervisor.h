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
struct reload_plan;

/* What can be told of a program. */
struct program_status {
	enum life_state state;
	pid_t pid;          /* main process, 0 = none */
	msec_t since_ms;    /* when it entered the state */
	msec_t started_ms;  /* when its last process was started; means something if starts > 0 */
	msec_t deadline_ms; /* when something happens by itself; MSEC_NEVER = nothing */
	msec_t delay_ms;    /* BACKOFF: the delay chosen */
	uint64_t starts;    /* processes ever started */
	unsigned failures;  /* failed starts in the window of start_limit, when it entered the state
	                     */
	bool wanted;
	bool again;      /* a start follows the stop that is under way */
	bool removed;    /* the settings no longer name it; it goes as soon as it is at rest */
	bool pending;    /* new settings are kept for its next start */
	bool exit_known; /* last_code and last_signal mean something */
	int last_code, last_signal;
	bool last_core_dumped, last_success;
	enum spawn_step last_step; /* SPAWN_STEP_NONE unless the last start failed */
	int last_error;
	uint32_t waits_for; /* WAITING: a dependency that is not there; NO_PROGRAM otherwise */
};

/* Makes a supervisor of `settings`, which is borrowed, must outlive it and is changed by
 * supervisor_reload only.  `seed` drives the jitter of back-off.  NULL when memory is out. */
struct supervisor *supervisor_new(struct settings *settings, uint64_t seed);
void supervisor_free(struct supervisor *sv);

/* Puts `fresh` in the place of the settings, by a plan that was made of them (reload.h) since the
 * last event: programs keep their ids, new ones take free ones or the next, and what is to start,
 * stop or restart does so.  `fresh` is taken and freed; the settings given to supervisor_new stay
 * where they are and have its content.  Until a program that is to restart (or is on its way to
 * stop anyway) has come to rest, its place holds the settings it was started by.  Whoever keeps a
 * string of the settings, and not the place, loses it here or in the events that follow.
 *
 * A program that is no longer named is stopped once what depends on it and goes as well is gone;
 * then EFFECT_REMOVED asks for it to be forgotten, and EVENT_FORGOTTEN frees its id.
 *
 * `out` gets room for this and for whatever one event can ask for afterwards
 * (supervisor_effects_max).  0; -ESHUTDOWN (one has begun) or -ENOMEM: nothing has changed, and
 * `fresh` is the caller's. */
int supervisor_reload(struct supervisor *sv, struct settings *fresh, const struct reload_plan *plan,
                      msec_t now, struct effects *out);

/* Takes one event at the time `now` and appends what is to be done to `out`.  0, or
 *   -EPROTO     an event that cannot be (a fault of the caller's or ours): nothing has changed
 *   -ENOENT     there is no such program, or it was removed and is asked for more than to stop
 *   -ESHUTDOWN  a start or restart during a shutdown
 *   -ESRCH      EVENT_RELOAD: the program is not running
 *   -ENOTSUP    EVENT_RELOAD: it has neither reload_command nor reload_signal */
int supervisor_apply(struct supervisor *sv, const struct event *ev, msec_t now,
                     struct effects *out);

/* The same for EVENT_START, STOP or RESTART of several programs at once: all of them are asked
 * before anything follows from it, so that what is to stop is not started in between because of
 * what stops before it.  Programs that cannot be asked (see the codes above) are left out. */
void supervisor_request(struct supervisor *sv, enum event_type verb, const uint32_t *programs,
                        size_t count, msec_t now, struct effects *out);

/* The next moment at which it wants EVENT_TICK; MSEC_NEVER when none. */
msec_t supervisor_deadline(const struct supervisor *sv);

/* An upper bound of the effects one event can have. */
size_t supervisor_effects_max(const struct supervisor *sv);

/* Whether an EFFECT_SPAWN that has not been carried out yet is still wanted; if not, answer it with
 * EVENT_SPAWN_FAILED and SPAWN_STEP_CANCELLED. */
bool supervisor_wants_spawn(const struct supervisor *sv, uint32_t program);

/* The signals that programs claim in forward_signals, bit N-1 for signal N.  May change with any
 * event: settings that were kept aside take their place. */
uint64_t supervisor_claims(const struct supervisor *sv);

/* Whether some program claims this signal in forward_signals. */
bool supervisor_claims_signal(const struct supervisor *sv, int signo);

bool supervisor_is_shutting_down(const struct supervisor *sv);

/* Whether there is a program of this id: not one that was removed and forgotten. */
bool supervisor_has(const struct supervisor *sv, uint32_t program);

void supervisor_status(const struct supervisor *sv, uint32_t program, struct program_status *out);

/* The invariants, for tests: NULL when all hold, else which one does not. */
const char *supervisor_check(const struct supervisor *sv);
