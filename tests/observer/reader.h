/* SPDX-License-Identifier: MIT */
/* Reads PID files without pause and checks whom they name (P2, P3). */
#pragma once

#include <stddef.h>

#include "observer/tally.h"

/* Names of the programs: their PID file is NAME.pid, their process is called NAME, and nothing else
 * in this PID namespace is. */
struct cast {
	char names[16][16];
	size_t count;
};

/* The name of vergerd's own process, which its children bear until they have exec'ed. */
#define SUPERVISOR_NAME "vergerd"

/* Reads the files of `cast` in `dir_fd` in turn, beginning with `first`, until tally->stop. */
void reader_run(struct tally *tally, const struct cast *cast, int dir_fd, size_t first);
