/* SPDX-License-Identifier: MIT */
/* A binary heap of deadlines.  Knows no clock: time is an argument. */
#include "core/timers.h"

#include <errno.h>
#include <stdlib.h>

int timers_init(struct timers *t, size_t capacity)
{
	*t = (struct timers){ .heap = calloc(capacity ? capacity : 1, sizeof *t->heap),
		              .capacity = capacity };
	return t->heap ? 0 : -ENOMEM;
}

void timers_release(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){ 0 };
}

int timers_reserve(struct timers *t, size_t capacity)
{
	struct timer **heap;

	if (capacity <= t->capacity)
		return 0;
	heap = reallocarray(t->heap, capacity, sizeof *heap);
	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->capacity = capacity;
	return 0;
}

void timers_moved(struct timers *t, struct timer *timer)
{
	if (timer->slot)
		t->heap[timer->slot - 1] = timer;
}

static bool before(const struct timer *a, const struct timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void place(struct timers *t, struct timer *timer, size_t i)
{
	t->heap[i] = timer;
	timer->slot = (uint32_t)i + 1;
}

static size_t sift_up(struct timers *t, size_t i)
{
	struct timer *timer = t->heap[i];

	for (; i > 0 && before(timer, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		place(t, t->heap[(i - 1) / 2], i);
	place(t, timer, i);
	return i;
}

static void sift_down(struct timers *t, size_t i)
{
	struct timer *timer = t->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < t->count && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (child >= t->count || !before(t->heap[child], timer))
			break;
		place(t, t->heap[child], i);
		i = child;
	}
	place(t, timer, i);
}

void timers_arm(struct timers *t, struct timer *timer, msec_t at_ms)
{
	timers_disarm(t, timer);
	timer->at_ms = at_ms;
	timer->order = t->next_order++;
	place(t, timer, t->count++);
	sift_up(t, t->count - 1);
}

void timers_disarm(struct timers *t, struct timer *timer)
{
	size_t i;

	if (!timer->slot)
		return;
	i = timer->slot - 1;
	timer->slot = 0;
	t->count--;
	if (i == t->count)
		return;
	place(t, t->heap[t->count], i);
	sift_down(t, sift_up(t, i));
}

msec_t timers_next(const struct timers *t)
{
	return t->count ? t->heap[0]->at_ms : MSEC_NEVER;
}

struct timer *timers_take_due(struct timers *t, msec_t now)
{
	struct timer *first;

	if (!t->count || t->heap[0]->at_ms > now)
		return NULL;
	first = t->heap[0];
	timers_disarm(t, first);
	return first;
}
