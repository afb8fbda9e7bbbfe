/* SPDX-License-Identifier: MIT */
/* Chance that a seed decides: the same walk for the same number, on every machine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct chance {
	uint64_t state; /* not 0 */
};

static inline uint64_t chance_draw(struct chance *c)
{
	/* xorshift64* (Vigna 2016) */
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return c->state * 2685821657736338717u >> 16;
}

static inline unsigned chance_below(struct chance *c, unsigned n)
{
	return (unsigned)(chance_draw(c) % n);
}

static inline bool chance_one_in(struct chance *c, unsigned n)
{
	return chance_below(c, n) == 0;
}

static inline msec_t chance_within(struct chance *c, msec_t longest)
{
	return (msec_t)(chance_draw(c) % (uint64_t)(longest + 1));
}
