/* SPDX-License-Identifier: MIT */
/* Carries effects out, and turns what comes back from the system into events. */
#pragma once

#include "core/effects.h"
#include "daemon/daemon.h"

/* How many programs are started before the loop is looked at again. */
#define EXECUTOR_SLICE 64

/* Carries out one effect; what follows from it is posted. */
void executor_carry_out(struct daemon *d, const struct effect *effect);

/* What a process of this program is started in.  `in_family`: as one of its family, in its control
 * group (which is to be given back when the process has exec'ed). */
struct spawn_surroundings executor_surroundings(struct daemon *d, uint32_t program, bool in_family);

/* Starts up to EXECUTOR_SLICE of the programs that wait for it. */
void executor_spawn_slice(struct daemon *d);

/* Looks once for the daemons of forking programs. */
void executor_find_mains(struct daemon *d);

/* Callbacks for src/os; `context` is the daemon. */
void executor_on_spawned(void *context, struct spawn_result *result);
void executor_before_reap(void *context, uint32_t program);
void executor_on_exited(void *context, uint32_t program, const struct reaper_exit *exit);
void executor_on_orphan(void *context, const struct reaper_exit *exit);
void executor_on_settled(void *context);
void executor_on_family_empty(void *context, uint32_t program);
