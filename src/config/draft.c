/* SPDX-License-Identifier: MIT */
/* Puts a program together.  Everything small is interned, so that 10,000 programs that say the same
 * share it. */
#include "config/draft.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { STOP_TIMEOUT_MS = 10000 };

void draft_init(struct draft *d)
{
	*d = (struct draft){ .enabled = true, .instances = 1, .stop_timeout_ms = STOP_TIMEOUT_MS };
	program_settings_defaults(&d->p);
}

void draft_release(struct draft *d)
{
	strv_release(&d->environment);
	strv_release(&d->env_files);
}

int draft_intern_strv(struct arena *arena, const struct strv *v, char *const **out)
{
	_cleanup_free_ const char **items = NULL;

	*out = NULL;
	if (v->count == 0)
		return 0;
	items = calloc(v->count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < v->count; i++) {
		items[i] = arena_intern(arena, v->items[i]);
		if (!items[i])
			return -ENOMEM;
	}
	*out = arena_intern_bytes(arena, items, (v->count + 1) * sizeof *items);
	return *out ? 0 : -ENOMEM;
}

static int finish_stop(struct draft *d, struct arena *arena)
{
	size_t count = d->stop_count ? d->stop_count : 1;
	size_t size = sizeof(struct stop_plan) + count * sizeof(struct stop_step);
	_cleanup_free_ struct stop_plan *plan = calloc(1, size);

	if (!plan)
		return -ENOMEM;
	plan->count = count;
	if (d->stop_count == 0)
		plan->steps[0] =
			(struct stop_step){ .signal = SIGTERM, .wait_ms = d->stop_timeout_ms };
	for (size_t i = 0; i < d->stop_count; i++) {
		/* field by field: padding must be equal for plans that are */
		plan->steps[i].signal = d->stop_steps[i].signal;
		plan->steps[i].wait_ms = d->stop_steps[i].wait_ms == VALUE_NO_WAIT
		                                 ? d->stop_timeout_ms
		                                 : d->stop_steps[i].wait_ms;
	}
	d->p.stop = arena_intern_bytes(arena, plan, size);
	return d->p.stop ? 0 : -ENOMEM;
}

static int finish_limits(struct draft *d, struct arena *arena)
{
	size_t size = sizeof(struct limits) + d->limit_count * sizeof(struct limit);
	_cleanup_free_ struct limits *limits = NULL;

	if (d->limit_count == 0)
		return 0;
	limits = calloc(1, size);
	if (!limits)
		return -ENOMEM;
	limits->count = d->limit_count;
	for (size_t i = 0; i < d->limit_count; i++) {
		limits->items[i].resource = d->limits[i].resource;
		limits->items[i].soft = d->limits[i].soft;
		limits->items[i].hard = d->limits[i].hard;
		limits->items[i].hard_given = d->limits[i].hard_given;
	}
	d->p.limits = arena_intern_bytes(arena, limits, size);
	return d->p.limits ? 0 : -ENOMEM;
}

int draft_finish(struct draft *d, struct arena *arena)
{
	int r = finish_stop(d, arena);

	if (r == 0)
		r = finish_limits(d, arena);
	if (r == 0)
		r = draft_intern_strv(arena, &d->environment, &d->p.environment);
	if (r == 0)
		r = draft_intern_strv(arena, &d->env_files, &d->p.env_files);
	return r;
}
