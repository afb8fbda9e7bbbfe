/* SPDX-License-Identifier: MIT */
/* Control groups (version 2) as the kernel's list of who belongs to a program: nobody can leave one
 * by forking, calling setsid or clearing an environment.  No resource limits here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "os/proc.h"

enum { CGROUP_REASON_MAX = 160, CGROUP_NAME_MAX = 80 };

/* The directory of the control group we are in, malloc'ed, if it may be ours to divide; NULL with
 * the reason.  Nothing is tried here but looking. */
char *cgroup_own(char reason[CGROUP_REASON_MAX]);

/* All below work on the group `name` in the directory `dir_fd`; each returns 0 (or the outcome
 * named) or negative errno. */

/* Makes it; one that exists already is taken. */
int cgroup_make(int dir_fd, const char *name);

/* A descriptor of the group's directory, as clone3 and openat want it. */
int cgroup_open(int dir_fd, const char *name);

/* 1 when a process lives in it or below it, 0 when none does; a group that does not exist has none.
 */
int cgroup_is_populated(int dir_fd, const char *name);

/* SIGKILL to everything in it and below it, forks under way included. */
int cgroup_kill(int dir_fd, const char *name);

/* Appends the PIDs of everything in it and below it. */
int cgroup_members(int dir_fd, const char *name, struct pid_list *out);

/* Removes it and the groups below it; -EBUSY while a process lives there. */
int cgroup_remove(int dir_fd, const char *name);
