/* SPDX-License-Identifier: MIT */
/* A supervisor on a stage: a scene tells it what happens and when, and everything it wants done is
 * written down as text, which the scene compares with what should have come.  One line is one
 * change of state, or one moment without:
 *
 *     t=0 web RUNNING→STOPPING TERM+CONT:tree
 *     t=5000 web STOPPING leftovers INT+CONT:tree
 *
 * Between any two events the invariants are checked and no event may be refused, unless the scene
 * asks for that. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "core/supervisor.h"

struct stage {
	struct settings *settings; /* owned */
	struct supervisor *sv;     /* owned */
	struct effects out;
	enum life_state *states; /* owned; as told by EFFECT_STATE */
	struct text trace;
	msec_t now;
	pid_t next_pid;
	uint32_t speaker; /* whose line the trace ends in; NO_PROGRAM = no line is open */
};

/* Takes the settings over. */
void stage_open(struct stage *s, struct settings *settings);
void stage_close(struct stage *s);

/* Lets time pass up to t, with every deadline on the way met to the millisecond. */
void stage_until(struct stage *s, msec_t t);
/* The same, but the loop was busy: it wakes up at t and finds everything due at once. */
void stage_late(struct stage *s, msec_t t);

/* An event for a program, which must be taken. */
void stage_event(struct stage *s, struct event ev);
/* An event whatever comes of it: what supervisor_apply() says. */
int stage_try(struct stage *s, struct event ev);

void stage_boot(struct stage *s);
void stage_shutdown(struct stage *s);
void stage_signal(struct stage *s, int signo);
void stage_start(struct stage *s, uint32_t program);
void stage_stop(struct stage *s, uint32_t program);
void stage_restart(struct stage *s, uint32_t program);
void stage_spawned(struct stage *s, uint32_t program); /* pids are 100, 101, … */
void stage_spawn_failed(struct stage *s, uint32_t program, enum spawn_step step, int error);
void stage_exit(struct stage *s, uint32_t program, int code);
void stage_die(struct stage *s, uint32_t program, int signal);
void stage_left(struct stage *s, uint32_t program);
void stage_empty(struct stage *s, uint32_t program);
void stage_main_found(struct stage *s, uint32_t program);
void stage_forgotten(struct stage *s, uint32_t program);

/* New settings, which are taken; what is planned is written as
 *
 *     t=5000 plan: stop db, restart web, 1 untouched
 */
void stage_reload(struct stage *s, struct settings *fresh);
/* The same whatever comes of it; the settings are freed if they are refused. */
int stage_try_reload(struct stage *s, struct settings *fresh);

/* The main process ends, and it was the only one: exit and empty. */
void stage_gone(struct stage *s, uint32_t program, int code);
void stage_killed(struct stage *s, uint32_t program, int signal);
/* BOOT, and every program that is asked for is started at once. */
void stage_boot_all(struct stage *s);

/* What was written since the last call is exactly `expected`. */
void stage_expect(struct stage *s, const char *expected);
/* Forgets what was written so far: how the scene came about is another scene's matter. */
void stage_forget(struct stage *s);

/* The id of a program by its name; the scene fails when there is none, or more than one. */
uint32_t stage_find(const struct stage *s, const char *name);

struct program_status stage_status(const struct stage *s, uint32_t program);
