/* SPDX-License-Identifier: MIT */
/* Who depends on whom, in both directions, and what follows for starting and stopping (S5).
 *
 * A program whose new settings wait for its next start (program.pending) has two sets of edges:
 * what it is held to while it is there are those it was started by; what it can be started for, and
 * what takes it down with it, are those to come. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/program.h"

/* The edges turned round: for each program those that depend on it, or did or will.  Which of that
 * holds is asked edge by edge. */
struct dependents {
	/* private */
	uint32_t *first; /* index into `items` for each program, one more at the end; NULL = nobody
	                    depends on anybody */
	uint32_t *items;
};

/* Room for so many programs and, between them, so many edges; and no edge yet.  0 or -ENOMEM. */
int dependents_init(struct dependents *d, size_t programs, size_t edges);
void dependents_release(struct dependents *d);

/* Turns the edges round that the programs have and will have; there must be room for them. */
void dependents_fill(struct dependents *d, const struct program *all, size_t programs);

/* The programs that may depend on `program`: *count of them, borrowed. */
const uint32_t *dependents_of(const struct dependents *d, uint32_t program, size_t *count);

/* The first dependency that keeps `p` from starting; NO_PROGRAM when it may start.  An `after`
 * holds only while the other is wanted and still on its way. */
uint32_t conditions_missing(const struct program *p, const struct program *all);

/* Whether `p` requires program `on`, or will with its next start, and does not only come after it.
 */
bool conditions_requires(const struct program *p, uint32_t on);

/* Whether none of those that depend on `program` has anything left to stop. */
bool conditions_may_stop(const struct dependents *d, uint32_t program, const struct program *all);
