/* SPDX-License-Identifier: MIT */
/* Threads for what may hang.  A write to a file on a server that has died waits in the kernel for
 * as long as it likes, and no flag of open(2) prevents that; so it is done where nobody else waits.
 *
 * Threads are made when there is work for them and end when there is none.  They take no signals,
 * log nothing, and know nothing of programs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	CREW_THREADS_MAX = 32,
	/* at one device: the third would wait for the same as the first two */
	CREW_LANE_THREADS = 2,
	/* of all, for work that is known not to hang */
	CREW_PROMPT_THREADS = 4,
};

/* The lane of work that is known not to hang. */
#define CREW_PROMPT ((uint64_t)0)

struct crew;

/* A piece of work, embedded in what it works on. */
struct crew_job {
	/* Called by a thread; `bench` is that thread's own, NULL at first, and is passed to the
	 * crew's `clear` when the thread ends. */
	void (*run)(struct crew_job *job, void **bench);
	uint64_t lane; /* what it may hang at: a device; or CREW_PROMPT */
	bool brief; /* nothing follows soon: a thread is not kept for it, which could be wanted as
	               the process of a program (R4) */
	/* private */
	struct crew_job *next; /* crew.queue */
};

/* NULL when memory is out.  `clear` gives back what a thread keeps; may be NULL. */
struct crew *crew_new(void (*clear)(void *bench));

/* Waits until all threads have ended, but no longer than `patience_ms`; whether they have.  Jobs
 * that were not begun are forgotten.  Without success the crew is left to the threads, and what
 * they work on must stay. */
bool crew_free(struct crew *c, msec_t patience_ms);

/* Has a job done as soon as a thread is free and its lane has room.  It must not be waiting
 * already; it may be running, and may add itself.  Any thread may call this. */
void crew_add(struct crew *c, struct crew_job *job);

/* Takes back a job that nobody has begun; false: somebody has. */
bool crew_cancel(struct crew *c, struct crew_job *job);

/* Whether a job of this lane would have to wait for others there. */
bool crew_is_full(struct crew *c, uint64_t lane);

/* When a job of this lane was last begun or ended, if there are some at work; else when one was
 * that might have hung (clock_monotonic_ms). */
msec_t crew_moved(struct crew *c, uint64_t lane);

/* Whether there is no thread: behind crew_add this means that none can be had (R4), and that work
 * which cannot wait is to be done by whoever has it. */
bool crew_is_empty(struct crew *c);

/* Makes the thread that could not be made when a job was added (R4). */
void crew_retry(struct crew *c);
