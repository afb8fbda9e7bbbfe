/* SPDX-License-Identifier: MIT */
/* The world of the test: namespaces, a tmpfs with the programs and the configuration, and vergerd.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "observer/reader.h"

struct stage {
	const char *vergerd, *hosted; /* binaries; borrowed */
	char dir[64];                 /* the tmpfs */
	int run_fd;                   /* its run_dir, where the PID files are */
};

/* In a child that is PID 1 of its namespace: mounts /proc and a tmpfs on stage->dir and puts
 * everything there.  0 or negative errno. */
int stage_build(struct stage *stage, struct cast *cast);

/* Starts vergerd, with or without control groups; its PID or negative errno. */
pid_t stage_start_vergerd(const struct stage *stage, bool cgroups);

/* How many PID files of programs there are. */
unsigned stage_count_pidfiles(const struct stage *stage);

/* Prints what vergerd has logged, its last lines. */
void stage_print_log(const struct stage *stage);
