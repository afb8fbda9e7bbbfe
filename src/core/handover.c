/* SPDX-License-Identifier: MIT */
/* New settings take the place of old ones (supervisor_reload), and the old ones are kept exactly as
 * long as something still lives by them: a process is stopped by what it was started by.
 *
 * First everything that can fail: room for all there will be.  Then the change itself, which
 * cannot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/conditions.h"
#include "core/program.h"
#include "core/reload.h"
#include "core/supervisor_private.h"
#include "core/timers.h"

/* --- past settings --- */

static struct settings_past *find_past(const struct settings *s, unsigned generation)
{
	struct settings_past *past = s->past;

	while (past && past->generation != generation)
		past = past->next;
	return past;
}

/* frees those that nobody lives by */
static void free_unused_past(struct settings *s)
{
	struct settings_past **link = &s->past, *past;

	while ((past = *link)) {
		if (past->users) {
			link = &past->next;
			continue;
		}
		*link = past->next;
		arena_free(past->arena);
		free(past);
	}
}

/* somebody does not live by the settings of this generation any more */
static void release_past(struct settings *s, unsigned generation)
{
	struct settings_past *past = find_past(s, generation);

	if (past && --past->users == 0)
		free_unused_past(s);
}

static void count_user(const struct settings *s, const struct program_settings *user)
{
	struct settings_past *past = user ? find_past(s, user->generation) : NULL;

	if (past)
		past->users++;
}

static void count_users(const struct supervisor *sv)
{
	for (struct settings_past *past = sv->settings->past; past; past = past->next)
		past->users = 0;
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		count_user(sv->settings, sv->programs[i].settings);
		count_user(sv->settings, sv->programs[i].pending);
	}
}

bool handover_check(const struct supervisor *sv)
{
	uint32_t counted = 0, found = 0;

	for (const struct settings_past *past = sv->settings->past; past; past = past->next) {
		if (!past->users)
			return false;
		counted += past->users;
	}
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		const struct program *p = &sv->programs[i];

		found += p->settings->generation != sv->settings->generation;
		found += p->pending && p->pending->generation != sv->settings->generation;
	}
	return counted == found;
}

/* --- one program --- */

static struct program_settings *place_of(struct supervisor *sv, const struct program *p)
{
	return &sv->settings->programs[p->id];
}

static void drop_pending(struct supervisor *sv, struct program *p)
{
	release_past(sv->settings, p->pending->generation);
	free(p->pending);
	p->pending = NULL;
}

/* what was kept holds from now on */
static void take_pending(struct supervisor *sv, struct program *p)
{
	struct program_settings *place = place_of(sv, p);
	bool claims = place->forward || p->pending->forward;

	release_past(sv->settings, place->generation);
	*place = *p->pending;
	free(p->pending);
	p->pending = NULL;
	if (claims)
		sv->claims = supervisor_collect_claims(sv->settings);
}

static void tell_removed(const struct program *p, const struct program_context *ctx)
{
	effects_add(ctx->out, (struct effect){ .type = EFFECT_REMOVED, .program = p->id });
}

void handover_on_inactive(struct supervisor *sv, struct program *p,
                          const struct program_context *ctx)
{
	if (p->pending && p->removed)
		drop_pending(sv, p);
	else if (p->pending)
		take_pending(sv, p);
	if (p->removed && life_state_is_settled(p->state))
		tell_removed(p, ctx);
}

static void make_inert(struct program_settings *place, unsigned generation)
{
	program_settings_defaults(place);
	place->name = place->section = "";
	place->autostart = false;
	place->generation = generation;
}

void handover_forget(struct supervisor *sv, struct program *p)
{
	struct program_settings *place = place_of(sv, p);
	bool claims = place->forward;

	if (!p->removed || !life_state_is_settled(p->state))
		return;
	release_past(sv->settings, place->generation);
	make_inert(place, sv->settings->generation);
	program_release(p);
	program_init(p, p->id, place);
	if (claims)
		sv->claims = supervisor_collect_claims(sv->settings);
}

/* --- what can fail: room, and what refers to programs by their ids --- */

struct room {
	struct settings_past *past;          /* owned until it is used, as the rest */
	struct program_settings **spares;    /* for what is kept aside */
	size_t spare_count;                  /* of them, those left */
	const struct dependencies **depends; /* of each program of the new settings, as ids */
	uint32_t **members;                  /* of each group, as ids */
	struct dependents dependents;
};

static void room_release(struct room *room)
{
	free(room->past);
	while (room->spare_count > 0)
		free(room->spares[--room->spare_count]);
	free(room->spares);
	free(room->depends);
	free(room->members);
	dependents_release(&room->dependents);
}

/* the arrays of programs grow, and who points into them follows */
static int grow_places(struct supervisor *sv, size_t count)
{
	struct settings *s = sv->settings;
	struct program_settings *places =
		reallocarray(s->programs, count ? count : 1, sizeof *places);
	struct program *programs;

	if (!places)
		return -ENOMEM;
	s->programs = places;
	for (size_t i = 0; i < s->program_count; i++)
		sv->programs[i].settings = &places[i];
	programs = reallocarray(sv->programs, count ? count : 1, sizeof *programs);
	if (!programs)
		return -ENOMEM;
	sv->programs = programs;
	for (size_t i = 0; i < s->program_count; i++)
		timers_moved(&sv->timers, &programs[i].timer);
	return timers_reserve(&sv->timers, count + 2);
}

static int make_spares(struct room *room, const struct supervisor *sv, const struct settings *fresh,
                       const struct reload_plan *plan)
{
	room->spares = calloc(fresh->program_count + 1, sizeof(struct program_settings *));
	if (!room->spares)
		return -ENOMEM;
	for (size_t i = 0; i < fresh->program_count; i++) {
		struct program_settings *spare;

		if (!plan->places[i].kept || sv->programs[plan->places[i].program].pending)
			continue;
		spare = malloc(sizeof *spare);
		if (!spare)
			return -ENOMEM;
		room->spares[room->spare_count++] = spare;
	}
	return 0;
}

static size_t edges_of(const struct program_settings *s)
{
	return s && s->depends ? s->depends->count : 0;
}

static int make_dependents(struct room *room, const struct supervisor *sv,
                           const struct settings *fresh, const struct reload_plan *plan)
{
	size_t edges = 0;

	for (size_t i = 0; i < sv->settings->program_count; i++)
		edges += edges_of(sv->programs[i].settings) + edges_of(sv->programs[i].pending);
	for (size_t i = 0; i < fresh->program_count; i++)
		edges += edges_of(&fresh->programs[i]);
	return dependents_init(&room->dependents, plan->place_count, edges);
}

/* NULL when memory is out; equal lists are shared by the arena */
static const struct dependencies *with_ids(const struct dependencies *deps, struct arena *arena,
                                           const struct reload_plan *plan)
{
	size_t size = sizeof *deps + deps->count * sizeof *deps->items;
	struct dependencies *copy = malloc(size);
	const struct dependencies *shared;

	if (!copy)
		return NULL;
	memcpy(copy, deps, size);
	for (size_t i = 0; i < copy->count; i++)
		copy->items[i].program = plan->places[deps->items[i].program].program;
	shared = arena_intern_bytes(arena, copy, size);
	free(copy);
	return shared;
}

static int translate_dependencies(struct room *room, const struct settings *fresh,
                                  const struct reload_plan *plan)
{
	const struct dependencies *last = NULL, *last_with_ids = NULL;

	room->depends = calloc(fresh->program_count + 1, sizeof(const struct dependencies *));
	if (!room->depends)
		return -ENOMEM;
	for (size_t i = 0; i < fresh->program_count; i++) {
		const struct dependencies *deps = fresh->programs[i].depends;

		if (deps && deps != last) {
			last = deps;
			last_with_ids = with_ids(deps, fresh->arena, plan);
			if (!last_with_ids)
				return -ENOMEM;
		}
		room->depends[i] = deps ? last_with_ids : NULL;
	}
	return 0;
}

static int translate_groups(struct room *room, const struct settings *fresh,
                            const struct reload_plan *plan)
{
	room->members = calloc(fresh->group_count + 1, sizeof(uint32_t *));
	if (!room->members)
		return -ENOMEM;
	for (size_t i = 0; i < fresh->group_count; i++) {
		const struct group_settings *group = &fresh->groups[i];

		room->members[i] =
			arena_alloc(fresh->arena, (group->count + 1) * sizeof **room->members);
		if (!room->members[i])
			return -ENOMEM;
		for (size_t k = 0; k < group->count; k++)
			room->members[i][k] = plan->places[group->programs[k]].program;
	}
	return 0;
}

/* as much as one event can ask for, in the reload and in any after it */
static int reserve_effects(const struct supervisor *sv, const struct settings *fresh,
                           struct effects *out)
{
	size_t most = supervisor_effects_max(sv);

	for (size_t i = 0; i < fresh->program_count; i++)
		most += supervisor_effects_of(&fresh->programs[i]);
	return effects_reserve(out, out->count + most);
}

static int make_room(struct room *room, struct supervisor *sv, const struct settings *fresh,
                     const struct reload_plan *plan, struct effects *out)
{
	int r;

	*room = (struct room){ .past = calloc(1, sizeof *room->past) };
	if (!room->past)
		return -ENOMEM;
	if ((r = reserve_effects(sv, fresh, out)) < 0 ||
	    (r = make_spares(room, sv, fresh, plan)) < 0 ||
	    (r = make_dependents(room, sv, fresh, plan)) < 0 ||
	    (r = translate_dependencies(room, fresh, plan)) < 0 ||
	    (r = translate_groups(room, fresh, plan)) < 0 ||
	    (r = grow_places(sv, plan->place_count)) < 0)
		return r;
	return 0;
}

/* --- what cannot fail --- */

/* what [verger] says; the places and what is past stay */
static void take_daemon_settings(struct supervisor *sv, struct settings *fresh, struct room *room,
                                 const struct reload_plan *plan)
{
	struct settings *s = sv->settings;
	struct settings held = *s;

	*room->past = (struct settings_past){ .next = held.past,
		                              .arena = held.arena,
		                              .generation = held.generation };
	*s = *fresh;
	s->past = room->past;
	s->generation = held.generation + 1;
	s->programs = held.programs;
	s->program_count = plan->place_count;
	room->past = NULL;
	if (s->exit_code_from != NO_PROGRAM)
		s->exit_code_from = plan->places[s->exit_code_from].program;
	for (size_t i = 0; i < s->group_count; i++)
		s->groups[i].programs = room->members[i];
	for (size_t i = held.program_count; i < s->program_count; i++) {
		make_inert(&s->programs[i], s->generation);
		program_init(&sv->programs[i], (uint32_t)i, &s->programs[i]);
	}
}

/* Nothing of an id that is in no plan changes, but that groups are counted anew and that nothing of
 * the settings that go stays where nobody is. */
static void leave_places(struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->settings->program_count; i++) {
		sv->settings->programs[i].group = NO_GROUP;
		if (!supervisor_has(sv, i))
			sv->settings->programs[i].generation = sv->settings->generation;
	}
}

static void take_place(struct supervisor *sv, const struct program_settings *next,
                       const struct reload_place *to, struct room *room)
{
	struct program *p = &sv->programs[to->program];
	struct program_settings *place = place_of(sv, p);

	if (!supervisor_has(sv, p->id))
		p->born = (uint16_t)next->generation;
	p->removed = false;
	if (!to->kept) {
		*place = *next;
		return;
	}
	if (!p->pending)
		p->pending = room->spares[--room->spare_count];
	*p->pending = *next;
	place->group = next->group;
}

static void take_programs(struct supervisor *sv, struct settings *fresh, struct room *room,
                          const struct reload_plan *plan)
{
	for (size_t i = 0; i < fresh->program_count; i++) {
		struct program_settings *next = &fresh->programs[i];

		next->generation = sv->settings->generation;
		next->depends = room->depends[i];
		take_place(sv, next, &plan->places[i], room);
	}
}

static void turn_dependencies_round(struct supervisor *sv, struct room *room)
{
	dependents_release(&sv->dependents);
	sv->dependents = room->dependents;
	room->dependents = (struct dependents){ 0 };
	dependents_fill(&sv->dependents, sv->programs, sv->settings->program_count);
}

/* whether one of those that are left has ended for good */
static bool has_somebody_ended(const struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->settings->program_count; i++) {
		const struct program *p = &sv->programs[i];

		if (!p->removed && (p->state == LIFE_EXITED || p->state == LIFE_FAILED))
			return true;
	}
	return false;
}

/* it is let down with those that are to go, in their order */
static void remove_program(struct supervisor *sv, struct program *p,
                           const struct program_context *ctx)
{
	p->removed = true;
	p->wanted = p->again = false;
	if (life_state_is_settled(p->state))
		tell_removed(p, ctx);
	else
		supervisor_note_change(sv, p);
}

/* all removals, then all restarts, then all starts */
static void take_steps(struct supervisor *sv, const struct reload_plan *plan,
                       const struct program_context *ctx)
{
	for (size_t i = 0; i < plan->count && plan->steps[i].action == RELOAD_STOP; i++)
		remove_program(sv, &sv->programs[plan->steps[i].program], ctx);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == RELOAD_RESTART)
			wanting_restart(sv, &sv->programs[plan->steps[i].program], ctx);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == RELOAD_START)
			wanting_up(sv, &sv->programs[plan->steps[i].program], ctx);
}

/* who waited for what is not asked for any more need not wait any more */
static void look_at_all(struct supervisor *sv, const struct program_context *ctx)
{
	for (size_t i = 0; i < sv->settings->program_count; i++)
		wanting_let_down(sv, &sv->programs[i], ctx);
	for (size_t i = 0; i < sv->settings->program_count; i++)
		wanting_try_start(sv, &sv->programs[i], ctx);
}

int supervisor_reload(struct supervisor *sv, struct settings *fresh, const struct reload_plan *plan,
                      msec_t now, struct effects *out)
{
	struct program_context ctx = supervisor_context(sv, now, out);
	struct room room;
	int r;

	if (sv->phase != PHASE_UP)
		return -ESHUTDOWN;
	r = make_room(&room, sv, fresh, plan, out);
	if (r < 0) {
		room_release(&room);
		return r;
	}
	take_daemon_settings(sv, fresh, &room, plan);
	leave_places(sv);
	take_programs(sv, fresh, &room, plan);
	for (size_t i = 0; i < sv->settings->program_count; i++)
		if (sv->programs[i].since_ms == 0)
			sv->programs[i].since_ms = now; /* it is there from now on */
	turn_dependencies_round(sv, &room);
	room_release(&room);
	free(fresh->programs);
	free(fresh);
	count_users(sv);
	free_unused_past(sv->settings);
	sv->claims = supervisor_collect_claims(sv->settings);

	take_steps(sv, plan, &ctx);
	sv->ended = sv->ended && has_somebody_ended(sv);
	look_at_all(sv, &ctx);
	supervisor_settle(sv, &ctx);
	return 0;
}
