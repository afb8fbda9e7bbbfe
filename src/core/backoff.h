/* SPDX-License-Identifier: MIT */
/* How long to wait before the next start (R2), and when to give up (R3).  Numbers in, numbers out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Levels beyond this change nothing: every delay has met its maximum long before. */
#define BACKOFF_LEVEL_MAX 40

/* The delay of a level: none at 0, then first_ms, doubled with every level, at most max_ms. */
msec_t backoff_delay(unsigned level, msec_t first_ms, msec_t max_ms);

/* The level after a life of uptime_ms.  Shorter than min_uptime_ms: one up.  Otherwise one down for
 * each stretch of min_uptime_ms that it stayed up beyond the delay it had to wait for, so that a
 * long healthy run leads back to 0: an immediate restart. */
unsigned backoff_level_after(unsigned level, msec_t uptime_ms, msec_t min_uptime_ms,
                             msec_t first_ms, msec_t max_ms);

/* The delay shortened by up to `percent` of itself, by `random`; never longer than asked for, so
 * that restart_delay_max is kept. */
msec_t backoff_jitter(msec_t delay_ms, unsigned percent, uint64_t random);

/* Failed starts within a window; of at most 65535, which the configuration keeps far below. */
struct start_limit {
	msec_t *times; /* owned; ring of the last `size` failures; made at the first one */
	uint16_t size, used, next;
};

void start_limit_release(struct start_limit *l);
void start_limit_reset(struct start_limit *l);

/* Notes a failed start at `now`.  True: there were `count` of them within window_ms, this one
 * included.  A count of 0 never says so. */
bool start_limit_hit(struct start_limit *l, unsigned count, msec_t window_ms, msec_t now);

/* How many failed starts lie within the window. */
unsigned start_limit_count(const struct start_limit *l, msec_t window_ms, msec_t now);
