/* SPDX-License-Identifier: MIT */
/* Makes processes of plans.  Several children may be between clone and exec at once, sharing our
 * memory, each on a stack of its own; all signals stay blocked meanwhile (docs/adr/0003). */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/event.h"
#include "os/pidfile.h"
#include "os/probe.h"
#include "os/spawn_plan.h"

struct spawner;

struct spawn_result {
	uint32_t program;
	pid_t pid;                    /* 0 when it failed */
	int pidfd;                    /* taken by the receiver; -1 without pidfds */
	enum spawn_step step;         /* SPAWN_STEP_NONE = it has exec'ed */
	int error;                    /* positive errno */
	char detail[PLAN_DETAIL_MAX]; /* of a failure: a sentence part as spawn_plan_explain writes
	                                 it; else "" */
	struct pidfile_identity pidfile; /* of the file published; .inode 0 = none */
};

/* Called once for each spawner_start, in the order of the starts, from spawner_start or
 * spawner_finish.  A child that failed is reaped and its PID file gone before the call.  Must not
 * call the spawner. */
typedef void spawner_done(void *context, struct spawn_result *result);

/* Signals that are ignored at this time (and shall not be in children) are noted: call it after
 * signals_reset.  NULL when memory is out. */
struct spawner *spawner_new(const struct probe *probe, spawner_done *done, void *context);
void spawner_free(struct spawner *sp);

/* Starts a child by `plan`, which is taken; what it borrows must stay until the result has come.
 * May wait for an earlier child to exec, never for this one (except with oom_score_adj).  From here
 * to spawner_finish all signals are blocked. */
void spawner_start(struct spawner *sp, uint32_t program, struct spawn_plan *plan);

/* Waits until every child has exec'ed or failed, and lets signals in again.  Call it before going
 * back to the loop. */
void spawner_finish(struct spawner *sp);
