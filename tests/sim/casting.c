/* SPDX-License-Identifier: MIT */
/* Settings without a file. */
#include "sim/casting.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct settings *casting_new(size_t max_programs)
{
	struct settings *s = settings_new();

	if (!s)
		abort();
	s->programs = calloc(max_programs, sizeof *s->programs);
	if (!s->programs)
		abort();
	s->groups = arena_alloc(s->arena, max_programs * sizeof *s->groups);
	return s;
}

struct program_settings *casting_add(struct settings *s, const char *name)
{
	static char *const command[] = { (char *)"/bin/true", NULL };
	struct program_settings *p = &s->programs[s->program_count++];

	program_settings_defaults(p);
	p->name = p->section = arena_intern(s->arena, name);
	p->command = command;
	return p;
}

uint32_t casting_index(const struct settings *s, const struct program_settings *p)
{
	return (uint32_t)(p - s->programs);
}

static void depend(struct settings *s, struct program_settings *p, struct dependency dependency)
{
	size_t count = p->depends ? p->depends->count : 0;
	struct dependencies *grown =
		arena_alloc(s->arena, sizeof *grown + (count + 1) * sizeof *grown->items);

	grown->count = count + 1;
	if (count)
		memcpy(grown->items, p->depends->items, count * sizeof *grown->items);
	grown->items[count] = dependency;
	p->depends = grown;
}

void casting_requires(struct settings *s, struct program_settings *p,
                      const struct program_settings *on, enum condition condition)
{
	depend(s, p, (struct dependency){ casting_index(s, on), condition, .required = true });
}

void casting_after(struct settings *s, struct program_settings *p,
                   const struct program_settings *on, enum condition condition)
{
	depend(s, p, (struct dependency){ casting_index(s, on), condition, .required = false });
}

void casting_group(struct settings *s, const char *name, ...)
{
	uint32_t *members = arena_alloc(s->arena, s->program_count * sizeof *members);
	struct program_settings *p;
	size_t count = 0;
	va_list args;

	va_start(args, name);
	while ((p = va_arg(args, struct program_settings *))) {
		p->group = (uint32_t)s->group_count;
		members[count++] = casting_index(s, p);
	}
	va_end(args);
	s->groups[s->group_count++] = (struct group_settings){ .name = arena_intern(s->arena, name),
		                                               .count = count,
		                                               .programs = members };
}

void casting_stop(struct settings *s, struct program_settings *p, size_t count,
                  const struct stop_step *steps)
{
	struct stop_plan *plan = arena_alloc(s->arena, sizeof *plan + count * sizeof *steps);

	plan->count = count;
	memcpy(plan->steps, steps, count * sizeof *steps);
	p->stop = plan;
}

void casting_forward(struct settings *s, struct program_settings *p, int from, int to)
{
	size_t count = p->forward ? p->forward->count : 0;
	struct forward_rules *grown =
		arena_alloc(s->arena, sizeof *grown + (count + 1) * sizeof *grown->rules);

	grown->count = count + 1;
	if (count)
		memcpy(grown->rules, p->forward->rules, count * sizeof *grown->rules);
	grown->rules[count] = (struct forward_rule){ from, to };
	p->forward = grown;
}

void casting_success(struct settings *s, struct program_settings *p, unsigned code)
{
	struct exit_set *set = arena_alloc(s->arena, sizeof *set);

	*set = *p->success_exit;
	exit_set_add_code(set, code);
	p->success_exit = set;
}

void casting_command(struct settings *s, struct program_settings *p, const char *word)
{
	const char **words = arena_alloc(s->arena, 2 * sizeof *words);

	words[0] = arena_intern(s->arena, word);
	p->command = (char *const *)words;
}

/* --- comparing --- */

static const char *name_or_none(const struct settings *s, uint32_t program)
{
	return program == NO_PROGRAM ? "" : s->programs[program].name;
}

static bool same_dependencies(const struct casting_pair *pair, const struct program_settings *a,
                              const struct program_settings *b)
{
	size_t count = a->depends ? a->depends->count : 0;

	if (count != (b->depends ? b->depends->count : 0))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct dependency *da = &a->depends->items[i], *db = &b->depends->items[i];

		if (da->condition != db->condition || da->required != db->required ||
		    strcmp(name_or_none(pair->held, da->program),
		           name_or_none(pair->fresh, db->program)) != 0)
			return false;
	}
	return true;
}

static bool same_stop(const struct stop_plan *a, const struct stop_plan *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->steps[i].signal != b->steps[i].signal ||
		    a->steps[i].wait_ms != b->steps[i].wait_ms)
			return false;
	return true;
}

static bool same_forward(const struct forward_rules *a, const struct forward_rules *b)
{
	if (!a || !b)
		return a == b;
	return a->count == b->count && !memcmp(a->rules, b->rules, a->count * sizeof a->rules[0]);
}

static bool same_words(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a[0], b[0]); /* one word is all that is ever cast */
}

/* a group has no id of its own: its name is what is compared */
static bool same_group(const struct casting_pair *pair, const struct program_settings *a,
                       const struct program_settings *b)
{
	if (a->group == NO_GROUP || b->group == NO_GROUP)
		return a->group == b->group;
	return !strcmp(pair->held->groups[a->group].name, pair->fresh->groups[b->group].name);
}

static bool same_policy(const struct program_settings *a, const struct program_settings *b)
{
	return a->autostart == b->autostart && a->restart == b->restart &&
	       a->on_exit == b->on_exit && a->on_failure == b->on_failure && a->kill == b->kill &&
	       a->forward_to == b->forward_to &&
	       a->restart_jitter_percent == b->restart_jitter_percent &&
	       a->start_limit_count == b->start_limit_count &&
	       a->start_limit_window_ms == b->start_limit_window_ms &&
	       a->min_uptime_ms == b->min_uptime_ms && a->restart_delay_ms == b->restart_delay_ms &&
	       a->restart_delay_max_ms == b->restart_delay_max_ms &&
	       a->ready_timeout_ms == b->ready_timeout_ms && a->reload_signal == b->reload_signal;
}

enum reload_difference casting_compare(void *context, const struct program_settings *held,
                                       const struct program_settings *fresh)
{
	const struct casting_pair *pair = context;

	if (!same_words(held->command, fresh->command) || held->type != fresh->type)
		return RELOAD_NEEDS_RESTART;
	return same_policy(held, fresh) && same_dependencies(pair, held, fresh) &&
	                       same_group(pair, held, fresh) &&
	                       same_stop(held->stop, fresh->stop) &&
	                       same_forward(held->forward, fresh->forward) &&
	                       same_words(held->stop_command, fresh->stop_command) &&
	                       same_words(held->reload_command, fresh->reload_command) &&
	                       !memcmp(held->success_exit, fresh->success_exit,
	                               sizeof *held->success_exit)
	               ? RELOAD_EQUAL
	               : RELOAD_DIFFERS;
}
