/* SPDX-License-Identifier: MIT */
/* The start of a program that daemonizes: which of the processes that its launcher leaves behind is
 * the one that stays (P7). */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "os/membership.h"

/* Embedded; all zero means that nothing was launched. */
struct launch {
	int64_t started_us; /* what is older in a main_pid_file does not count; 0 = not started */
	/* private */
	msec_t guessed_ms;
	pid_t guess; /* the candidate for the main process */
};

/* The one daemon that is our child now, by the file it wrote or, after it has been the only one for
 * a moment, by being that.  The PID; 0 = not yet clear; -EPERM = the file names a process that is
 * not ours (with *told set to that number). */
pid_t launch_find_main(struct launch *l, const struct membership *m, const char *main_pid_file,
                       pid_t *told);
