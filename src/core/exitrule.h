/* SPDX-License-Identifier: MIT */
/* What an exit means: success or not, restart or not, and as what status it is passed on. */
#pragma once

#include <stdbool.h>

#include "core/event.h"
#include "core/settings.h"

/* Whether it counts as success: in success_exit, or (`asked`: a stop was under way) a death by one
 * of the stop signals. */
bool exitrule_is_success(const struct program_settings *s, int code, int signal, bool asked);

/* Whether the policy restarts a program that was still wanted. */
bool exitrule_restarts(const struct program_settings *s, bool success);

/* The exit status of a process as shells report it: the code as is, 128+N for signal N (X1, POSIX
 * sh 2.8.2). */
int exitrule_status(int code, int signal);

/* The status for a program that could not be started: 127 not found, 126 found but not executable,
 * 125 when it failed before that (X2; as env(1), nohup(1) and Docker have it). */
int exitrule_spawn_status(enum spawn_step step, int error);

/* Whether a failed start is the machine's doing (R4): tried again for ever and not held against the
 * program. */
bool exitrule_is_machine_failure(enum spawn_step step, int error);
