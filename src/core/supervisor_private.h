/* SPDX-License-Identifier: MIT */
/* What a supervisor is made of, and what the nouns beside supervisor.c do for it: wanting.c (who is
 * to be up), ending.c (the end of vergerd), handover.c (new settings), reload.c and goal.c (which
 * only look).  For nobody else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conditions.h"
#include "core/lifecycle.h"
#include "core/program.h"
#include "core/settings.h"
#include "core/supervisor.h"
#include "core/timers.h"

enum shutdown_phase {
	PHASE_UP,
	PHASE_DRAINING, /* shutdown was asked for; programs still serve (stop_delay) */
	PHASE_STOPPING,
	PHASE_KILLING, /* asked for twice, or stop_deadline: no more grace */
	PHASE_OVER,    /* EFFECT_QUIT was given */
};

struct supervisor {
	struct settings *settings; /* borrowed */
	struct program *programs;  /* owned; as in settings */
	struct dependents dependents;
	struct timers timers;
	struct timer drain_timer;    /* end of stop_delay */
	struct timer deadline_timer; /* stop_deadline */
	uint64_t random;
	uint64_t claims;       /* bit N-1: signal N is in somebody's forward_signals */
	uint32_t unsettled;    /* programs that are not at rest */
	uint32_t busy;         /* of them, those that go on by themselves: all but WAITING */
	uint32_t changed_head; /* queue of programs whose state has changed and was not looked at;
	                          NO_PROGRAM = empty */
	uint32_t changed_tail;
	enum shutdown_phase phase;
	bool ended;        /* some program has ended for good */
	bool status_taken; /* exit_status is some program's */
	int exit_status;
	int bad_status; /* of the first program that ended badly; 0 = none did */
};

/* Where a program of new settings goes (reload_plan.places). */
struct reload_place {
	uint32_t program; /* its id */
	bool kept;        /* until its next start: what it was started by stays until then */
};

/* --- supervisor.c --- */

enum { SUPERVISOR_EFFECTS_BASE = 4 };

/* The most effects one program can have of one event: the worst is one that fails, restarts and is
 * stopped within it: four changes of state and twice a signal with its CONT, a spawn, a sweep, a
 * watch; and every step of a stop whose steps have no grace. */
static inline size_t supervisor_effects_of(const struct program_settings *s)
{
	return 12 + 3 * s->stop->count;
}

/* What a change of a program needs, at this time. */
struct program_context supervisor_context(struct supervisor *sv, msec_t now, struct effects *out);

/* program_apply, and who is at rest is counted. */
int supervisor_advance(struct supervisor *sv, struct program *p, enum life_event event,
                       const struct program_context *ctx);

/* Puts a program into the queue of those whose change has consequences. */
void supervisor_note_change(struct supervisor *sv, struct program *p);

/* Draws all consequences, one after the other; at the end of every event. */
void supervisor_settle(struct supervisor *sv, const struct program_context *ctx);

/* The signals that somebody claims in what the programs live by. */
uint64_t supervisor_collect_claims(const struct settings *settings);

/* --- wanting.c --- */

/* Somebody asks for a start, a stop, a restart. */
void wanting_up(struct supervisor *sv, struct program *p, const struct program_context *ctx);
void wanting_down(struct supervisor *sv, struct program *p, const struct program_context *ctx);
void wanting_restart(struct supervisor *sv, struct program *p, const struct program_context *ctx);

/* Lets a program that is to go do so, unless somebody that depends on it has still to go first. */
void wanting_let_down(struct supervisor *sv, struct program *p, const struct program_context *ctx);

/* Starts a program that waits, if nothing keeps it any more. */
void wanting_try_start(struct supervisor *sv, struct program *p, const struct program_context *ctx);

/* --- ending.c --- */

void ending_shutdown(struct supervisor *sv, const struct program_context *ctx);
void ending_stop_all(struct supervisor *sv, const struct program_context *ctx);
void ending_kill_all(struct supervisor *sv, const struct program_context *ctx);

/* A program has come to rest by itself: what that means for the others and for vergerd (X1). */
void ending_on_end(struct supervisor *sv, struct program *p, const struct program_context *ctx);

/* exit_when = all: begins the end if it is time; whether it did. */
bool ending_begin_if_all_over(struct supervisor *sv, const struct program_context *ctx);
/* The end is there once everything rests. */
void ending_quit_if_settled(struct supervisor *sv, const struct program_context *ctx);

/* --- handover.c --- */

/* Nothing of the program is there any more: what was kept for its next start holds from now on; or,
 * if it was removed, it goes. */
void handover_on_inactive(struct supervisor *sv, struct program *p,
                          const struct program_context *ctx);

/* EVENT_FORGOTTEN: the id is free, unless the program was named again in between. */
void handover_forget(struct supervisor *sv, struct program *p);

/* Whether the past settings that are kept are those that somebody lives by. */
bool handover_check(const struct supervisor *sv);
