/* SPDX-License-Identifier: MIT */
/* What is to be done, as values: core's only output.  The shell carries them out in order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/lifecycle.h"
#include "core/settings.h"

enum effect_type {
	EFFECT_SPAWN,    /* start the program; answered by EVENT_SPAWNED or EVENT_SPAWN_FAILED */
	EFFECT_SIGNAL,   /* send signal to scope */
	EFFECT_CONTINUE, /* continue those in scope that are stopped: a stopped process acts on
	                  * TERM only then */
	EFFECT_WATCH_FAMILY, /* answered at once by EVENT_FAMILY_EMPTY, or by EVENT_FAMILY_LEFT and
	                        EMPTY later */
	EFFECT_SWEEP,        /* kill everything of the program until EVENT_FAMILY_EMPTY */
	EFFECT_FIND_MAIN,    /* look for the daemon: EVENT_MAIN_FOUND, or EVENT_FAMILY_EMPTY */
	EFFECT_STOP_COMMAND, /* run the stop_command; answered by EVENT_STOP_COMMAND_FAILED if it
	                        cannot be */
	EFFECT_RELOAD_COMMAND, /* run the reload_command */
	EFFECT_REMOVED,   /* a program that the settings no longer name has come to rest: forget it
	                     and answer with EVENT_FORGOTTEN; its place in the settings is as it was
	                     until then */
	EFFECT_STATE,     /* the state has changed: for logs and listeners */
	EFFECT_LEFTOVERS, /* a stop waits: name the processes that are still there (S4) */
	EFFECT_QUIT,      /* everything is settled: leave with `status` */
};

struct effect {
	enum effect_type type;
	uint32_t program;
	union {
		struct {
			int signal;
			enum signal_scope scope;
		};
		struct {
			enum life_state from, to;
		};
		struct {
			int status;
			bool at_once; /* no grace for what is left beside the programs */
		};
	};
};

/* A list of effects with room reserved for the worst event, so that nothing allocates while
 * something is decided. */
struct effects {
	struct effect *items;
	size_t count, capacity;
};

/* Reserves room; 0 or -ENOMEM. */
int effects_init(struct effects *fx, size_t capacity);
void effects_release(struct effects *fx);

/* Makes room for `capacity` effects if there is less; 0 or -ENOMEM. */
int effects_reserve(struct effects *fx, size_t capacity);

/* Appends; a list that is full grows, and aborts with a sentence if it cannot. */
void effects_add(struct effects *fx, struct effect effect);
