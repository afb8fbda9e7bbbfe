/* SPDX-License-Identifier: MIT */
/* What this kernel and this sandbox allow, found out once by trying.  The rest of src/os chooses
 * its way by this and never by a version number. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* How children are made, best first. */
enum spawn_mode {
	SPAWN_CLONE3, /* shared memory, in parallel; cgroup and signal reset by the kernel
	                 (Linux 5.7) */
	SPAWN_CLONE,  /* shared memory, in parallel; through the old call (clone3 refused, as in
	                 Docker's default seccomp) */
	SPAWN_FORK,   /* a copy, one after the other: works everywhere, valgrind and gVisor included
	               */
};

struct probe {
	enum spawn_mode spawn_mode;
	bool pidfd;              /* pidfd_open and waitid(P_PIDFD) (5.4); without: SIGCHLD only */
	bool close_range;        /* with CLOSE_RANGE_CLOEXEC (5.11) */
	bool subreaper;          /* PR_SET_CHILD_SUBREAPER (3.4), or we are PID 1 */
	bool children;           /* /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN) */
	bool cgroup_kill;        /* we may make cgroups and their cgroup.kill works (5.14) */
	char *cgroup_dir;        /* directory below which we may make cgroups; owned; NULL = none */
	char cgroup_reason[160]; /* why there is none */
	char spawn_reason[160];  /* why it is not the best mode */
};

/* Tries everything.  Environment VERGER_SPAWN=clone3|clone|fork and VERGER_CGROUP=no force a lesser
 * way (for tests). */
void probe_run(struct probe *p);
void probe_release(struct probe *p);

/* For `vergerd --probe`: one line per thing, what was found and what it means. */
void probe_print(const struct probe *p, FILE *out);
