/* SPDX-License-Identifier: MIT */
/* Dependencies.  Knows the states of programs, changes none. */
#include "core/conditions.h"

#include <errno.h>
#include <stdlib.h>

int dependents_init(struct dependents *d, size_t programs, size_t edges)
{
	*d = (struct dependents){ 0 };
	if (!edges)
		return 0;
	d->first = calloc(programs + 1, sizeof *d->first);
	d->items = calloc(edges, sizeof *d->items);
	if (!d->first || !d->items) {
		dependents_release(d);
		return -ENOMEM;
	}
	return 0;
}

void dependents_release(struct dependents *d)
{
	free(d->first);
	free(d->items);
	*d = (struct dependents){ 0 };
}

static void count_edges(struct dependents *d, const struct program_settings *s)
{
	const struct dependencies *deps = s ? s->depends : NULL;

	for (size_t i = 0; deps && i < deps->count; i++)
		d->first[deps->items[i].program + 1]++;
}

static void add_edges(struct dependents *d, const struct program_settings *s, uint32_t from)
{
	const struct dependencies *deps = s ? s->depends : NULL;

	for (size_t i = 0; deps && i < deps->count; i++)
		d->items[d->first[deps->items[i].program]++] = from;
}

/* counts, sums up, fills: the usual three passes of a compressed adjacency list */
void dependents_fill(struct dependents *d, const struct program *all, size_t programs)
{
	if (!d->first)
		return;
	for (size_t i = 0; i < programs; i++) {
		count_edges(d, all[i].settings);
		count_edges(d, all[i].pending);
	}
	for (size_t i = 0; i < programs; i++)
		d->first[i + 1] += d->first[i];
	for (size_t i = 0; i < programs; i++) {
		add_edges(d, all[i].settings, all[i].id);
		add_edges(d, all[i].pending, all[i].id);
	}
	/* filling has moved each start to the next one's */
	for (size_t i = programs; i > 0; i--)
		d->first[i] = d->first[i - 1];
	d->first[0] = 0;
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

/* the edge from `s` to program `on`, the one that requires it before one that only orders */
static const struct dependency *find_edge(const struct program_settings *s, uint32_t on)
{
	const struct dependencies *deps = s->depends;
	const struct dependency *found = NULL;

	for (size_t i = 0; deps && i < deps->count; i++)
		if (deps->items[i].program == on && (!found || deps->items[i].required))
			found = &deps->items[i];
	return found;
}

bool conditions_requires(const struct program *p, uint32_t on)
{
	const struct dependency *edge = find_edge(p->pending ? p->pending : p->settings, on);

	return edge && edge->required;
}

/* Whether `on` has to stay for `p`.
 *
 * Who stays itself holds nobody up.  That nobody waits in a circle follows from this: who waits for
 * others is held to edges of one acyclic configuration, the last that named it.  An edge that only
 * the settings it was started by still have is of another; it counts for those alone who wait for
 * nobody. */
static bool holds_up(const struct program *p, uint32_t on)
{
	bool is_to_go = !p->wanted || p->again;
	bool goes_by_itself = p->told || p->state == LIFE_CLEARING;
	const struct dependency *edge;

	if (!life_state_is_active(p->state))
		return false;
	edge = find_edge(p->settings, on);
	if (!edge)
		return false;
	/* an order alone does not hold up what stops by itself */
	if (!is_to_go && !(goes_by_itself && edge->required))
		return false;
	return !p->pending || goes_by_itself || p->state == LIFE_SPAWNING ||
	       find_edge(p->pending, on);
}

bool conditions_may_stop(const struct dependents *d, uint32_t program, const struct program *all)
{
	size_t count;
	const uint32_t *items = dependents_of(d, program, &count);

	for (size_t i = 0; i < count; i++)
		if (holds_up(&all[items[i]], program))
			return false;
	return true;
}
