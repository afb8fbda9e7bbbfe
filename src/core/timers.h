/* SPDX-License-Identifier: MIT */
/* Deadlines in order: a heap whose elements sit in their owners.  Equal deadlines come out in the
 * order in which they were armed, so that traces are stable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct timer {
	msec_t at_ms;
	/* private */
	uint64_t order;
	uint32_t slot; /* index in the heap + 1; 0 = not armed */
};

struct timers {
	/* private */
	struct timer **heap;
	size_t count, capacity;
	uint64_t next_order;
};

/* Room for `capacity` timers; 0 or -ENOMEM. */
int timers_init(struct timers *t, size_t capacity);
void timers_release(struct timers *t);

/* Makes room for `capacity` timers if there is less; 0 or -ENOMEM. */
int timers_reserve(struct timers *t, size_t capacity);

/* The owner of `timer` was moved to where it is now. */
void timers_moved(struct timers *t, struct timer *timer);

/* Arms (or arms anew).  The timer is borrowed until it is disarmed or taken. */
void timers_arm(struct timers *t, struct timer *timer, msec_t at_ms);
void timers_disarm(struct timers *t, struct timer *timer);

/* The earliest deadline; MSEC_NEVER when none is armed. */
msec_t timers_next(const struct timers *t);

/* Takes out one timer that is due at `now`; NULL when none is. */
struct timer *timers_take_due(struct timers *t, msec_t now);

static inline bool timer_is_armed(const struct timer *timer)
{
	return timer->slot != 0;
}
