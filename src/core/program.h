/* SPDX-License-Identifier: MIT */
/* One program's life: its record, and the one door through which its state changes.  Knows no other
 * program; what programs mean to each other is supervisor.c and conditions.c.
 *
 * Invariants (program_check):
 *  1. a settled program has no process, no deadline, and is in no hurry to stop;
 *  2. STARTING LAUNCHED STOPPING KILLING BACKOFF always have a deadline, CLEARING once others were
 * found to be left;
 *  3. STARTING RUNNING STOPPING have a main process, WAITING SPAWNING LAUNCHED CLEARING BACKOFF
 * have none;
 *  4. a program that was told to stop and is not wanted comes to rest without another start;
 *  5. a start that is to follow a stop is remembered as long as there is something to stop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/backoff.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "core/settings.h"
#include "core/timers.h"

/* While a sweep goes on, what resists is named this often. */
#define PROGRAM_KILL_NAMING_MS 10000

struct program {
	struct timer
		timer; /* the deadline of its state; first, so that a timer leads to its program */
	const struct program_settings *settings; /* borrowed */
	struct program_settings *pending;        /* owned; what its next start goes by, if not
	                                            `settings` */
	struct start_limit failures;
	msec_t since_ms;   /* when it entered its state */
	msec_t started_ms; /* when its last process was started */
	msec_t uptime_ms;  /* how long its last main process was there */
	msec_t delay_ms;   /* the back-off last chosen */
	uint32_t id;
	uint32_t starts;
	uint32_t changed_next; /* supervisor.changed: next in that queue */
	pid_t pid;             /* main process; 0 = none */
	uint16_t last_error;   /* of the last start that failed; positive errno */
	int16_t last_code;
	uint16_t failed; /* starts that failed, ever; counts round */
	uint16_t born;   /* generation of the settings that named it first */
	uint8_t last_signal;
	uint8_t last_step; /* enum spawn_step; NONE unless the last start failed */
	uint8_t state;     /* enum life_state; written by program_apply only */
	uint8_t level;     /* of back-off */
	uint8_t stop_step; /* index of the stop step under way */
	bool wanted : 1;
	bool again : 1; /* restart or start asked for during a stop: start anew without a delay */
	bool told : 1;  /* a stop is under way */
	bool launching : 1;    /* forking: its process is the launcher, not the daemon */
	bool start_failed : 1; /* this life counts as a failed start whatever its length */
	bool exit_known : 1;
	bool last_success : 1;
	bool last_core : 1;
	bool changed : 1; /* is in supervisor.changed */
	bool removed : 1; /* the settings no longer name it */
};

/* What a program needs of the world to change. */
struct program_context {
	struct timers *timers;
	struct effects *out;
	msec_t now;
	uint64_t *random;                                    /* state of the generator of jitter */
	void (*on_change)(void *context, struct program *p); /* after each change of state */
	void *context;
};

void program_init(struct program *p, uint32_t id, const struct program_settings *settings);
void program_release(struct program *p);

/* Applies one event of the lifecycle: looks its cell up, changes the state, acts.  0, or -EPROTO
 * for a cell that cannot be; nothing has changed then. */
int program_apply(struct program *p, enum life_event event, const struct program_context *ctx);

/* The deciders that turn what happened into events of the lifecycle.  They take notes in the record
 * (last exit, back-off level, failures) and leave the state alone. */
enum life_event program_on_spawned(struct program *p, pid_t pid, msec_t now);
enum life_event program_on_spawn_failed(struct program *p, enum spawn_step step, int error,
                                        const struct program_context *ctx);
enum life_event program_on_exited(struct program *p, int code, int signal, bool core_dumped);
enum life_event program_on_main_found(struct program *p, pid_t pid);
enum life_event program_on_family_left(const struct program *p);
enum life_event program_on_family_empty(struct program *p, const struct program_context *ctx);
enum life_event program_on_timeout(struct program *p);

/* The status that vergerd takes over from it (X1). */
int program_exit_status(const struct program *p);

/* Whether something that depends on it may start. */
bool program_meets(const struct program *p, enum condition condition);

/* The invariants above: NULL, or which one is broken. */
const char *program_check(const struct program *p);
