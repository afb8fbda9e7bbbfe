/* SPDX-License-Identifier: MIT */
/* Back-off and giving up.  Knows no program. */
#include "core/backoff.h"

#include <stdlib.h>

msec_t backoff_delay(unsigned level, msec_t first_ms, msec_t max_ms)
{
	msec_t delay = first_ms;

	if (level == 0 || first_ms == 0)
		return 0;
	while (--level > 0 && delay < max_ms)
		delay *= 2;
	return delay < max_ms ? delay : max_ms;
}

unsigned backoff_level_after(unsigned level, msec_t uptime_ms, msec_t min_uptime_ms,
                             msec_t first_ms, msec_t max_ms)
{
	msec_t stretch;

	if (uptime_ms < min_uptime_ms)
		return level < BACKOFF_LEVEL_MAX ? level + 1 : level;
	while (level > 0) {
		stretch = backoff_delay(level, first_ms, max_ms) + min_uptime_ms;
		if (uptime_ms < stretch)
			break;
		uptime_ms -= stretch;
		level--;
	}
	return level;
}

msec_t backoff_jitter(msec_t delay_ms, unsigned percent, uint64_t random)
{
	msec_t span = delay_ms / 100 * percent + delay_ms % 100 * percent / 100;

	return delay_ms - (msec_t)(random % ((uint64_t)span + 1));
}

void start_limit_release(struct start_limit *l)
{
	free(l->times);
	*l = (struct start_limit){ 0 };
}

void start_limit_reset(struct start_limit *l)
{
	l->used = l->next = 0;
}

bool start_limit_hit(struct start_limit *l, unsigned count, msec_t window_ms, msec_t now)
{
	if (count == 0)
		return false;
	if (!l->times || l->size != count) {
		start_limit_release(l);
		l->times = calloc(count, sizeof *l->times);
		if (!l->times)
			return false; /* without memory to count by, going on is the kinder mistake
			               */
		l->size = (uint16_t)count;
	}
	l->times[l->next] = now;
	l->next = (uint16_t)((l->next + 1) % l->size);
	if (l->used < l->size)
		l->used++;
	return start_limit_count(l, window_ms, now) >= count;
}

unsigned start_limit_count(const struct start_limit *l, msec_t window_ms, msec_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->used; i++)
		n += now - l->times[i] <= window_ms;
	return n;
}
