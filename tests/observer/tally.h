/* SPDX-License-Identifier: MIT */
/* What the actors of the observer test tell each other and the verdict: numbers in shared memory,
 * each written with one atomic addition. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct tally {
	_Atomic bool stop; /* everybody: come to an end */

	/* readers: one of these for each look that found a file; a look reads it twice */
	_Atomic unsigned long accepted; /* the process was of that very program */
	_Atomic unsigned long changed;  /* the file went or changed before the look was over */
	_Atomic unsigned long gone;     /* its process ended while we waited for its exec */
	_Atomic unsigned long empty;    /* P3 */
	_Atomic unsigned long torn;     /* P3: not exactly one PID and a newline */
	_Atomic unsigned long aliens;   /* P2: the file named another program's process */
	_Atomic unsigned long late;     /* P2: the process was reaped, its file was still there */

	/* readers: looks that found no file; PIDs that were another's after the file had gone,
	 * which is what a careless reader would have signalled */
	_Atomic unsigned long absent;
	_Atomic unsigned long careless;

	/* hunter */
	_Atomic unsigned long kills;       /* SIGKILL to a main process */
	_Atomic unsigned long generations; /* ends of a main process that it has waited for */
	_Atomic unsigned long reuses;      /* PIDs just freed that it got for a bystander */
};

static inline void tally_add(_Atomic unsigned long *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline unsigned long tally_reads(const struct tally *t)
{
	return t->accepted + t->changed + t->gone + t->empty + t->torn + t->aliens + t->late;
}

static inline unsigned long tally_violations(const struct tally *t)
{
	return t->empty + t->torn + t->aliens + t->late;
}
