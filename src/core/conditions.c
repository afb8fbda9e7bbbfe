/* SPDX-License-Identifier: MIT */
/* Dependencies.  Knows the states of programs, changes none. */
#include "core/conditions.h"

#include <errno.h>
#include <stdlib.h>

static size_t count_edges(const struct settings *settings)
{
	size_t n = 0;

	for (size_t i = 0; i < settings->program_count; i++)
		if (settings->programs[i].depends)
			n += settings->programs[i].depends->count;
	return n;
}

/* counts, sums up, fills: the usual three passes of a compressed adjacency list */
static void turn_round(struct dependents *d, const struct settings *settings)
{
	size_t programs = settings->program_count;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < programs; i++) {
			const struct dependencies *deps = settings->programs[i].depends;

			for (size_t k = 0; deps && k < deps->count; k++) {
				uint32_t on = deps->items[k].program;

				if (pass == 0)
					d->first[on + 1]++;
				else
					d->items[d->first[on]++] = (uint32_t)i;
			}
		}
		if (pass == 0)
			for (size_t i = 0; i < programs; i++)
				d->first[i + 1] += d->first[i];
	}
	/* filling has moved each start to the next one's */
	for (size_t i = programs; i > 0; i--)
		d->first[i] = d->first[i - 1];
	d->first[0] = 0;
}

int dependents_init(struct dependents *d, const struct settings *settings)
{
	size_t edges = count_edges(settings);

	*d = (struct dependents){ 0 };
	if (!edges)
		return 0;
	d->first = calloc(settings->program_count + 1, sizeof *d->first);
	d->items = calloc(edges, sizeof *d->items);
	if (!d->first || !d->items) {
		dependents_release(d);
		return -ENOMEM;
	}
	turn_round(d, settings);
	return 0;
}

void dependents_release(struct dependents *d)
{
	free(d->first);
	free(d->items);
	*d = (struct dependents){ 0 };
}

const uint32_t *dependents_of(const struct dependents *d, uint32_t program, size_t *count)
{
	if (!d->first) {
		*count = 0;
		return NULL;
	}
	*count = d->first[program + 1] - d->first[program];
	return d->items + d->first[program];
}

static bool holds_back(const struct dependency *dep, const struct program *other)
{
	bool is_leaving = (!other->wanted || other->again) && !life_state_is_settled(other->state);

	if (program_meets(other, dep->condition) && !is_leaving)
		return false;
	return dep->required || (other->wanted && !life_state_is_settled(other->state));
}

uint32_t conditions_missing(const struct program *p, const struct program *all)
{
	const struct dependencies *deps = p->settings->depends;

	for (size_t i = 0; deps && i < deps->count; i++)
		if (holds_back(&deps->items[i], &all[deps->items[i].program]))
			return deps->items[i].program;
	return NO_PROGRAM;
}

bool conditions_requires(const struct program *p, uint32_t on)
{
	const struct dependencies *deps = p->settings->depends;

	for (size_t i = 0; deps && i < deps->count; i++)
		if (deps->items[i].program == on && deps->items[i].required)
			return true;
	return false;
}

bool conditions_may_stop(const struct dependents *d, uint32_t program, const struct program *all)
{
	size_t count;
	const uint32_t *items = dependents_of(d, program, &count);

	for (size_t i = 0; i < count; i++) {
		const struct program *p = &all[items[i]];

		/* an order alone does not hold up what stops by itself */
		if (life_state_is_active(p->state) &&
		    (!p->wanted || conditions_requires(p, program)))
			return false;
	}
	return true;
}
