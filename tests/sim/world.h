/* SPDX-License-Identifier: MIT */
/* A played system: it takes the effects of a supervisor and, after a while that a seeded generator
 * chooses, answers with the events the kernel would have caused.  Processes live, die early, ignore
 * signals, leave families behind; somebody keeps asking for things and editing the file.  After
 * every event everything that must hold is checked, and what breaks is told with the way there. */
#pragma once

#include <stdint.h>

struct world_result {
	unsigned long events, spawns, reloads, quits;
};

/* Plays one seed through to the end of its supervisor.  With `verbose` the whole trace goes to
 * standard error.  Fails the running test when something does not hold. */
void world_play(uint64_t seed, unsigned verbs, int verbose, struct world_result *sum);
