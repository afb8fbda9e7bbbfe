/* SPDX-License-Identifier: MIT */
/* The life of a child between clone and exec: carries a plan out, step by step. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "os/pidfile.h"
#include "os/spawn_plan.h"

/* What the parent reads when the child has exec'ed or died; in memory both see. */
struct child_report {
	enum spawn_step step;            /* SPAWN_STEP_NONE unless a step failed */
	int error;                       /* positive errno */
	struct pidfile_identity pidfile; /* published, even when a later step failed */
};

struct child_job {
	const struct spawn_plan *plan;
	struct child_report *report; /* zeroed */
	uint64_t reset_signals;      /* bit N-1: signal N has to be given its default disposition */
	bool writes_pidfile;
	bool joins_cgroup; /* by itself: the kernel did not put it there */
	bool has_close_range;
	int shared_fds_from; /* the descriptor table is still the parent's: get our own, without
	                      * those from here on; 0 = it is our own */
};

/* Becomes the program, or exits with status 127 after it has filled in the report.  `job` is a
 * struct child_job.  All signals must be blocked.  Does nothing but raw system calls, since memory
 * and thread-local storage may be shared with a running parent and with other children. */
int child_run(void *job) __attribute__((noreturn));
