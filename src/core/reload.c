/* SPDX-License-Identifier: MIT */
/* The plan of a reload: which program of the new settings is which of those that are there, and
 * what becomes of each.  Only looks; handover.c carries it out. */
#include "core/reload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/lifecycle.h"
#include "core/program.h"
#include "core/supervisor_private.h"

const char *const reload_action_names[] = {
	[RELOAD_ADD] = "add",         [RELOAD_START] = "start",   [RELOAD_STOP] = "stop",
	[RELOAD_RESTART] = "restart", [RELOAD_CHANGE] = "change", NULL,
};

/* --- who is who --- */

struct named {
	const char *name;
	uint32_t program;
};

/* what is known of the ids while a plan is made */
struct census {
	const struct supervisor *sv;
	size_t count;
	struct named *by_name; /* owned; sorted */
	size_t named_count;
	bool *is_named; /* owned; for each id: the new settings name it */
	bool *is_taken; /* owned; for each id: it cannot be given to a new program */
	uint32_t next_free;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* An edge of what still runs leads to an id, and has to lead nowhere when that program is gone:
 * who is given the id has nothing to do with it. */
static void take_ends_of_edges(struct census *c, const struct program_settings *s)
{
	const struct dependencies *deps = s ? s->depends : NULL;

	for (size_t i = 0; deps && i < deps->count; i++)
		c->is_taken[deps->items[i].program] = true;
}

static void census_release(struct census *c)
{
	free(c->by_name);
	free(c->is_named);
	free(c->is_taken);
}

/* 0 or -ENOMEM; released by the caller in either case */
static int census_take(struct census *c, const struct supervisor *sv)
{
	size_t n = sv->settings->program_count;

	*c = (struct census){ .sv = sv, .count = n };
	c->by_name = calloc(n + 1, sizeof *c->by_name);
	c->is_named = calloc(n + 1, sizeof *c->is_named);
	c->is_taken = calloc(n + 1, sizeof *c->is_taken);
	if (!c->by_name || !c->is_named || !c->is_taken)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		take_ends_of_edges(c, sv->programs[i].settings);
		take_ends_of_edges(c, sv->programs[i].pending);
		if (!supervisor_has(sv, i))
			continue;
		c->is_taken[i] = true;
		c->by_name[c->named_count++] = (struct named){ sv->settings->programs[i].name, i };
	}
	qsort(c->by_name, c->named_count, sizeof *c->by_name, compare_names);
	return 0;
}

/* the id of a program that is there, or NO_PROGRAM */
static uint32_t find_program(const struct census *c, const char *name)
{
	struct named key = { .name = name };
	const struct named *found =
		bsearch(&key, c->by_name, c->named_count, sizeof *c->by_name, compare_names);

	return found ? found->program : NO_PROGRAM;
}

/* the next id that nobody has; those beyond the last are all free */
static uint32_t take_free_id(struct census *c)
{
	while (c->next_free < c->count && c->is_taken[c->next_free])
		c->next_free++;
	return c->next_free++;
}

/* --- what becomes of each --- */

/* on its way down, or about to be */
static bool is_leaving(const struct program *p)
{
	return p->told || !p->wanted || p->again || p->state == LIFE_CLEARING;
}

/* a change that takes a new process */
static enum reload_action judge_restart(const struct program *p,
                                        const struct program_settings *fresh)
{
	bool has_ended = p->state == LIFE_EXITED || p->state == LIFE_FAILED;
	bool ends_by_itself = p->wanted && !p->again;

	if (life_state_is_active(p->state) && !is_leaving(p))
		return RELOAD_RESTART;
	/* what it failed by, or was done with, may be what is different now */
	if (has_ended || p->state == LIFE_BACKOFF ||
	    (life_state_is_active(p->state) && ends_by_itself))
		return fresh->autostart ? RELOAD_START : RELOAD_CHANGE;
	return RELOAD_CHANGE;
}

/* what becomes of a program that differs */
static enum reload_action judge(const struct program *p, const struct program_settings *fresh,
                                enum reload_difference difference)
{
	if (p->removed) /* named again before it was gone */
		return fresh->autostart ? RELOAD_START : RELOAD_ADD;
	return difference == RELOAD_NEEDS_RESTART ? judge_restart(p, fresh) : RELOAD_CHANGE;
}

/* whether the place has to keep what is in it: the process that is there was started so, or is
 * being stopped so */
static bool is_kept(const struct program *p, enum reload_difference difference)
{
	bool stopping =
		p->state == LIFE_STOPPING || p->state == LIFE_CLEARING || p->state == LIFE_KILLING;

	if (p->pending)
		return true;
	return (difference == RELOAD_NEEDS_RESTART && life_state_is_active(p->state)) ||
	       (difference == RELOAD_DIFFERS && stopping);
}

static void add_step(struct reload_plan *plan, enum reload_action action, uint32_t program,
                     uint32_t fresh)
{
	plan->steps[plan->count++] = (struct reload_step){ action, program, fresh };
}

static void plan_removals(struct reload_plan *plan, const struct census *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (supervisor_has(c->sv, i) && !c->is_named[i] && !c->sv->programs[i].removed)
			add_step(plan, RELOAD_STOP, i, NO_PROGRAM);
}

static void plan_held(struct reload_plan *plan, const struct program *p,
                      const struct settings *settings, uint32_t fresh, reload_compare *compare,
                      void *context)
{
	const struct program_settings *next = &settings->programs[fresh];
	enum reload_difference difference =
		compare(context, p->pending ? p->pending : p->settings, next);

	plan->places[fresh].kept = is_kept(p, difference);
	if (difference == RELOAD_EQUAL && !p->removed)
		plan->untouched++;
	else
		add_step(plan, judge(p, next, difference), p->id, fresh);
}

/* 0 or -ENOMEM */
static int make_room(struct reload_plan *plan, size_t held, size_t fresh)
{
	plan->steps = calloc(held + fresh + 1, sizeof *plan->steps);
	plan->places = calloc(fresh + 1, sizeof *plan->places);
	return plan->steps && plan->places ? 0 : -ENOMEM;
}

static void find_places(struct reload_plan *plan, struct census *c, const struct settings *fresh)
{
	plan->place_count = c->count;
	for (uint32_t i = 0; i < fresh->program_count; i++) {
		uint32_t id = find_program(c, fresh->programs[i].name);

		if (id != NO_PROGRAM)
			c->is_named[id] = true;
		else
			id = take_free_id(c);
		if (id >= plan->place_count)
			plan->place_count = (size_t)id + 1;
		plan->places[i].program = id;
	}
}

int reload_plan_make(struct reload_plan *plan, const struct supervisor *sv,
                     const struct settings *fresh, reload_compare *compare, void *context)
{
	struct census census;
	int r = census_take(&census, sv);

	*plan = (struct reload_plan)RELOAD_PLAN_INIT;
	if (r == 0)
		r = make_room(plan, census.count, fresh->program_count);
	if (r < 0) {
		census_release(&census);
		reload_plan_release(plan);
		return r;
	}
	find_places(plan, &census, fresh);
	plan_removals(plan, &census);
	for (uint32_t i = 0; i < fresh->program_count; i++) {
		uint32_t id = plan->places[i].program;

		if (supervisor_has(sv, id))
			plan_held(plan, &sv->programs[id], fresh, i, compare, context);
		else
			add_step(plan, fresh->programs[i].autostart ? RELOAD_START : RELOAD_ADD, id,
			         i);
	}
	census_release(&census);
	return 0;
}

void reload_plan_release(struct reload_plan *plan)
{
	free(plan->steps);
	free(plan->places);
	*plan = (struct reload_plan)RELOAD_PLAN_INIT;
}
