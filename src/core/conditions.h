/* SPDX-License-Identifier: MIT */
/* Who depends on whom, in both directions, and what follows for starting and stopping (S5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/program.h"

/* The edges turned round: for each program those that depend on it. */
struct dependents {
	/* private */
	uint32_t *first; /* index into `items` for each program, one more at the end; NULL = nobody
	                    depends on anybody */
	uint32_t *items;
};

/* 0 or -ENOMEM. */
int dependents_init(struct dependents *d, const struct settings *settings);
void dependents_release(struct dependents *d);

/* The programs that depend on `program`: *count of them, borrowed. */
const uint32_t *dependents_of(const struct dependents *d, uint32_t program, size_t *count);

/* The first dependency that keeps `p` from starting; NO_PROGRAM when it may start.  An `after`
 * holds only while the other is wanted and still on its way. */
uint32_t conditions_missing(const struct program *p, const struct program *all);

/* Whether `p` requires program `on`, and does not only come after it. */
bool conditions_requires(const struct program *p, uint32_t on);

/* Whether none of those that depend on `program` has anything left to stop. */
bool conditions_may_stop(const struct dependents *d, uint32_t program, const struct program *all);
