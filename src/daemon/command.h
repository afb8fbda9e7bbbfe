/* SPDX-License-Identifier: MIT */
/* The commands of a program beside its own: stop_command, reload_command, on_state_change.  They
 * run as its user, in its directory, with its environment and what they are told about it. */
#pragma once

#include "daemon/daemon.h"
#include "os/spawn_plan.h"

/* Makes a plan for `words` with the variables in `environment` (NAME=value, NULL-terminated, may be
 * NULL) added to those of the program.  A member of the family is stopped with the program (its
 * control group is to be given back: *cgroup_fd).  0; or -1 after saying in the log why `what`
 * cannot be run. */
int command_plan(struct daemon *d, uint32_t program, const char *what, char *const *words,
                 char *const *environment, bool in_family, struct spawn_plan *plan, int *cgroup_fd);

/* Runs reload_command beside the program, without waiting for it. */
void command_reload(struct daemon *d, uint32_t program);

/* Runs on_state_change, if there is one and people would call it a change. */
void command_tell_state(struct daemon *d, uint32_t program, enum life_state from,
                        enum life_state to);

/* VERGER_PROGRAM and VERGER_PID as an environment.  0 or -ENOMEM. */
int command_environment(struct daemon *d, uint32_t program, struct strv *env);

/* For os/hook.h; `context` is the daemon. */
bool command_hook_plan(void *context, const struct hook_call *call, struct spawn_plan *plan);
/* For families_set_outsider. */
bool command_is_hook(const void *context, pid_t pid);
const char *command_hook_name(void *context, uint32_t program);
