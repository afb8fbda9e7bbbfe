/* SPDX-License-Identifier: MIT */
/* The table.  Every cell is decided; tests/unit/core/test_lifecycle.c holds it to that and prints
 * it into docs/reference/lifecycle.md.  It knows no program: who applies it is program.c. */
#include "core/lifecycle.h"

#include <stddef.h>

/* clang-format off */
#define GO(state, what) { .verdict = LIFE_GO, .next = LIFE_##state, .actions = (what) }
#define STAY            { .verdict = LIFE_STAY }
#define STAY_AND(what)  { .verdict = LIFE_STAY, .actions = (what) }
#define NEVER           { .verdict = LIFE_IMPOSSIBLE }
/* clang-format on */

/* a state without processes is told of none */
#define NO_PROCESS                                                                                 \
	[LIFE_ON_LAUNCHED] = NEVER, [LIFE_ON_READY] = NEVER, [LIFE_ON_EXITED] = NEVER,             \
	[LIFE_ON_LEFT] = NEVER, [LIFE_ON_LEFT_TOLD] = NEVER, [LIFE_ON_UNTOLD] = NEVER,             \
	[LIFE_ON_STEP] = NEVER, [LIFE_ON_KILL_NOW] = STAY

/* a state in which nobody waits for the end of the family */
#define NOT_WATCHING                                                                               \
	[LIFE_ON_GONE_STOPPED] = NEVER, [LIFE_ON_GONE_AGAIN] = NEVER,                              \
	[LIFE_ON_GONE_BACKOFF] = NEVER, [LIFE_ON_GONE_EXITED] = NEVER,                             \
	[LIFE_ON_GONE_FAILED] = NEVER

/* a state that has not asked for a spawn */
#define NOT_SPAWNING                                                                               \
	[LIFE_ON_SPAWNED] = NEVER, [LIFE_ON_SPAWNED_READY] = NEVER,                                \
	[LIFE_ON_SPAWNED_UNWANTED] = NEVER, [LIFE_ON_SPAWN_RETRY] = NEVER,                         \
	[LIFE_ON_SPAWN_RETRY_NOW] = NEVER, [LIFE_ON_SPAWN_GIVE_UP] = NEVER,                        \
	[LIFE_ON_SPAWN_UNWANTED] = NEVER

/* where the end of the family leads, the same wherever it is waited for */
#define GONE                                                                                       \
	[LIFE_ON_GONE_STOPPED] = GO(STOPPED, LIFE_DO_DISARM),                                      \
	[LIFE_ON_GONE_AGAIN] = GO(WAITING, LIFE_DO_DISARM),                                        \
	[LIFE_ON_GONE_BACKOFF] = GO(BACKOFF, LIFE_DO_ARM_BACKOFF),                                 \
	[LIFE_ON_GONE_EXITED] = GO(EXITED, LIFE_DO_DISARM),                                        \
	[LIFE_ON_GONE_FAILED] = GO(FAILED, LIFE_DO_DISARM)

static const struct life_rule rules[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
	[LIFE_STOPPED] = {
		[LIFE_ON_WANT_UP] = GO(WAITING, 0),
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_TIMEOUT] = NEVER,
		NOT_SPAWNING, NO_PROCESS, NOT_WATCHING,
	},
	[LIFE_WAITING] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = GO(STOPPED, 0),
		[LIFE_ON_CONDITIONS_MET] = GO(SPAWNING, LIFE_DO_SPAWN),
		[LIFE_ON_TIMEOUT] = NEVER,
		NOT_SPAWNING, NO_PROCESS, NOT_WATCHING,
	},
	[LIFE_SPAWNING] = {
		/* what is wanted by now is asked when the answer comes */
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_SPAWNED] = GO(STARTING, LIFE_DO_ARM_READY),
		[LIFE_ON_SPAWNED_READY] = GO(RUNNING, 0),
		[LIFE_ON_SPAWNED_UNWANTED] = GO(STOPPING, LIFE_DO_BEGIN_STOP),
		[LIFE_ON_SPAWN_RETRY] = GO(BACKOFF, LIFE_DO_ARM_BACKOFF),
		[LIFE_ON_SPAWN_RETRY_NOW] = GO(WAITING, 0),
		[LIFE_ON_SPAWN_GIVE_UP] = GO(FAILED, 0),
		[LIFE_ON_SPAWN_UNWANTED] = GO(STOPPED, 0),
		[LIFE_ON_TIMEOUT] = NEVER,
		NO_PROCESS, NOT_WATCHING,
	},
	[LIFE_STARTING] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = GO(STOPPING, LIFE_DO_BEGIN_STOP),
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = GO(LAUNCHED, LIFE_DO_FIND_MAIN),
		[LIFE_ON_READY] = GO(RUNNING, LIFE_DO_DISARM),
		[LIFE_ON_EXITED] = GO(CLEARING, LIFE_DO_DISARM | LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_LEFT] = NEVER,
		[LIFE_ON_LEFT_TOLD] = NEVER,
		[LIFE_ON_UNTOLD] = NEVER,
		[LIFE_ON_TIMEOUT] = GO(STOPPING, LIFE_DO_NAME_LEFTOVERS | LIFE_DO_BEGIN_STOP),
		[LIFE_ON_STEP] = NEVER,
		[LIFE_ON_KILL_NOW] = GO(KILLING, LIFE_DO_SWEEP),
		NOT_SPAWNING, NOT_WATCHING,
	},
	[LIFE_LAUNCHED] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = GO(CLEARING, LIFE_DO_DISARM | LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = NEVER,
		[LIFE_ON_READY] = GO(RUNNING, LIFE_DO_DISARM),
		[LIFE_ON_EXITED] = NEVER,
		[LIFE_ON_LEFT] = NEVER,
		[LIFE_ON_LEFT_TOLD] = NEVER,
		[LIFE_ON_UNTOLD] = NEVER,
		[LIFE_ON_TIMEOUT] = GO(CLEARING, LIFE_DO_NAME_LEFTOVERS | LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_STEP] = NEVER,
		[LIFE_ON_KILL_NOW] = GO(KILLING, LIFE_DO_SWEEP),
		NOT_SPAWNING, GONE,
	},
	[LIFE_RUNNING] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = GO(STOPPING, LIFE_DO_BEGIN_STOP),
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = NEVER,
		[LIFE_ON_READY] = STAY,
		[LIFE_ON_EXITED] = GO(CLEARING, LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_LEFT] = NEVER,
		[LIFE_ON_LEFT_TOLD] = NEVER,
		[LIFE_ON_UNTOLD] = NEVER,
		[LIFE_ON_TIMEOUT] = NEVER,
		[LIFE_ON_STEP] = NEVER,
		[LIFE_ON_KILL_NOW] = GO(KILLING, LIFE_DO_SWEEP),
		NOT_SPAWNING, NOT_WATCHING,
	},
	[LIFE_STOPPING] = {
		/* a start during a stop is remembered and done when the stop is complete */
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = NEVER,
		[LIFE_ON_READY] = STAY,
		[LIFE_ON_EXITED] = GO(CLEARING, LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_LEFT] = NEVER,
		[LIFE_ON_LEFT_TOLD] = NEVER,
		[LIFE_ON_UNTOLD] = STAY_AND(LIFE_DO_REPEAT_STEP),
		[LIFE_ON_TIMEOUT] = GO(KILLING, LIFE_DO_NAME_LEFTOVERS | LIFE_DO_SWEEP),
		[LIFE_ON_STEP] = STAY_AND(LIFE_DO_NAME_LEFTOVERS | LIFE_DO_NEXT_STEP),
		[LIFE_ON_KILL_NOW] = GO(KILLING, LIFE_DO_SWEEP),
		NOT_SPAWNING, NOT_WATCHING,
	},
	[LIFE_CLEARING] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = NEVER,
		[LIFE_ON_READY] = STAY,
		[LIFE_ON_EXITED] = STAY_AND(LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_LEFT] = STAY_AND(LIFE_DO_BEGIN_STOP),
		[LIFE_ON_LEFT_TOLD] = STAY_AND(LIFE_DO_TELL_LEFT),
		[LIFE_ON_UNTOLD] = STAY_AND(LIFE_DO_REPEAT_STEP),
		[LIFE_ON_TIMEOUT] = GO(KILLING, LIFE_DO_NAME_LEFTOVERS | LIFE_DO_SWEEP),
		[LIFE_ON_STEP] = STAY_AND(LIFE_DO_NAME_LEFTOVERS | LIFE_DO_NEXT_STEP),
		[LIFE_ON_KILL_NOW] = GO(KILLING, LIFE_DO_SWEEP),
		NOT_SPAWNING, GONE,
	},
	[LIFE_KILLING] = {
		[LIFE_ON_WANT_UP] = STAY,
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_LAUNCHED] = NEVER,
		[LIFE_ON_READY] = STAY,
		[LIFE_ON_EXITED] = STAY_AND(LIFE_DO_WATCH_FAMILY),
		[LIFE_ON_LEFT] = STAY,
		[LIFE_ON_LEFT_TOLD] = STAY,
		[LIFE_ON_UNTOLD] = STAY,
		[LIFE_ON_TIMEOUT] = STAY_AND(LIFE_DO_NAME_LEFTOVERS | LIFE_DO_SWEEP),
		[LIFE_ON_STEP] = NEVER,
		[LIFE_ON_KILL_NOW] = STAY,
		NOT_SPAWNING, GONE,
	},
	[LIFE_BACKOFF] = {
		[LIFE_ON_WANT_UP] = GO(WAITING, LIFE_DO_DISARM),
		[LIFE_ON_WANT_DOWN] = GO(STOPPED, LIFE_DO_DISARM),
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_TIMEOUT] = GO(WAITING, 0),
		NOT_SPAWNING, NO_PROCESS, NOT_WATCHING,
	},
	[LIFE_EXITED] = {
		[LIFE_ON_WANT_UP] = GO(WAITING, 0),
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_TIMEOUT] = NEVER,
		NOT_SPAWNING, NO_PROCESS, NOT_WATCHING,
	},
	[LIFE_FAILED] = {
		[LIFE_ON_WANT_UP] = GO(WAITING, 0),
		[LIFE_ON_WANT_DOWN] = STAY,
		[LIFE_ON_CONDITIONS_MET] = STAY,
		[LIFE_ON_TIMEOUT] = NEVER,
		NOT_SPAWNING, NO_PROCESS, NOT_WATCHING,
	},
};

struct state_info {
	const char *name, *symbol;
	bool active, settled;
};

static const struct state_info states[LIFE_STATE_COUNT] = {
	[LIFE_STOPPED] = { "stopped", "STOPPED", false, true },
	[LIFE_WAITING] = { "waiting", "WAITING", false, false },
	[LIFE_SPAWNING] = { "starting", "SPAWNING", true, false },
	[LIFE_STARTING] = { "starting", "STARTING", true, false },
	[LIFE_LAUNCHED] = { "starting", "LAUNCHED", true, false },
	[LIFE_RUNNING] = { "running", "RUNNING", true, false },
	[LIFE_STOPPING] = { "stopping", "STOPPING", true, false },
	[LIFE_CLEARING] = { "stopping", "CLEARING", true, false },
	[LIFE_KILLING] = { "stopping", "KILLING", true, false },
	[LIFE_BACKOFF] = { "backoff", "BACKOFF", false, false },
	[LIFE_EXITED] = { "exited", "EXITED", false, true },
	[LIFE_FAILED] = { "failed", "FAILED", false, true },
};

static const char *const event_symbols[LIFE_EVENT_COUNT] = {
	[LIFE_ON_WANT_UP] = "WANT_UP",
	[LIFE_ON_WANT_DOWN] = "WANT_DOWN",
	[LIFE_ON_CONDITIONS_MET] = "CONDITIONS_MET",
	[LIFE_ON_SPAWNED] = "SPAWNED",
	[LIFE_ON_SPAWNED_READY] = "SPAWNED_READY",
	[LIFE_ON_SPAWNED_UNWANTED] = "SPAWNED_UNWANTED",
	[LIFE_ON_SPAWN_RETRY] = "SPAWN_RETRY",
	[LIFE_ON_SPAWN_RETRY_NOW] = "SPAWN_RETRY_NOW",
	[LIFE_ON_SPAWN_GIVE_UP] = "SPAWN_GIVE_UP",
	[LIFE_ON_SPAWN_UNWANTED] = "SPAWN_UNWANTED",
	[LIFE_ON_LAUNCHED] = "LAUNCHED",
	[LIFE_ON_READY] = "READY",
	[LIFE_ON_EXITED] = "EXITED",
	[LIFE_ON_LEFT] = "LEFT",
	[LIFE_ON_LEFT_TOLD] = "LEFT_TOLD",
	[LIFE_ON_UNTOLD] = "UNTOLD",
	[LIFE_ON_TIMEOUT] = "TIMEOUT",
	[LIFE_ON_STEP] = "STEP",
	[LIFE_ON_KILL_NOW] = "KILL_NOW",
	[LIFE_ON_GONE_STOPPED] = "GONE_STOPPED",
	[LIFE_ON_GONE_AGAIN] = "GONE_AGAIN",
	[LIFE_ON_GONE_BACKOFF] = "GONE_BACKOFF",
	[LIFE_ON_GONE_EXITED] = "GONE_EXITED",
	[LIFE_ON_GONE_FAILED] = "GONE_FAILED",
};

const struct life_rule *lifecycle_rule(enum life_state state, enum life_event event)
{
	return &rules[state][event];
}

const char *life_state_name(enum life_state state)
{
	return states[state].name;
}

const char *life_state_symbol(enum life_state state)
{
	return states[state].symbol;
}

const char *life_event_symbol(enum life_event event)
{
	return event_symbols[event];
}

bool life_state_is_active(enum life_state state)
{
	return states[state].active;
}

bool life_state_is_settled(enum life_state state)
{
	return states[state].settled;
}
