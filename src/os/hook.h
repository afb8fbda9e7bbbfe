/* SPDX-License-Identifier: MIT */
/* Commands that vergerd runs beside the programs: on_state_change, reload_command.  They belong to
 * no family, nobody waits for them, and each has a time by which it must have ended.
 *
 * What a command leaves in the background when it ends is not followed: it is nobody's, and goes
 * when vergerd ends (families_signal_strays). */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "os/probe.h"
#include "os/reaper.h"
#include "os/spawn_plan.h"

enum {
	HOOK_TIMEOUT_MS = 30000, /* then its process group is killed */
	HOOKS_RUNNING_MAX = 64,  /* at once, of all programs */
	HOOK_QUEUE_MAX = 16,     /* waiting, of one program; the oldest is dropped and counted */
};

struct hooks;

/* What a hook is called with. */
struct hook_call {
	uint32_t program;
	const char *what;         /* "on_state_change", for the log; static */
	char *const *command;     /* borrowed during hooks_run; copied if it has to wait */
	char *const *environment; /* NAME=value in addition, NULL-terminated, may be NULL; copied
	                             likewise */
};

/* Makes the plan of a call: the program's user, directory and environment, with the call's command
 * and variables, no PID file, no control group, and the mark of a command beside the programs
 * (family_mark of NO_PROGRAM).  What the plan borrows stays until the next call.  False: it cannot
 * be started (it has been logged). */
typedef bool hook_plan(void *context, const struct hook_call *call, struct spawn_plan *plan);

/* The name of a program, for the log. */
typedef const char *hook_name(void *context, uint32_t program);

/* `probe` is borrowed.  NULL when memory is out. */
struct hooks *hooks_new(struct ev_loop *loop, const struct probe *probe, hook_plan *plan,
                        hook_name *name, void *context);
/* Kills what still runs. */
void hooks_free(struct hooks *h);

/* Another time than HOOK_TIMEOUT_MS, for those that start from now on. */
void hooks_set_timeout(struct hooks *h, msec_t timeout_ms);

/* Runs a command as soon as it may: those of one program one after the other, in order.  As long as
 * one waits, another runs. */
void hooks_run(struct hooks *h, const struct hook_call *call);

/* Whether a command of this program has not begun yet. */
bool hooks_wait(const struct hooks *h, uint32_t program);

/* Forgets what waits for a program; what runs goes on. */
void hooks_forget(struct hooks *h, uint32_t program);

/* An orphan was reaped: true if it was one of ours.  Has to be told of each, at once: until then
 * the process group of a hook is taken to be its own. */
bool hooks_on_exit(struct hooks *h, const struct reaper_exit *exit);

/* Whether `pid` is a hook that was not reaped yet, which leads its session; for
 * families_set_outsider. */
bool hooks_own(const struct hooks *h, pid_t pid);

/* How many run, or have ended and are not reaped yet: the end is reported when there is none. */
size_t hooks_running(const struct hooks *h);

/* For the end: forgets what waits and kills all that run; how many those were. */
size_t hooks_kill(struct hooks *h);
