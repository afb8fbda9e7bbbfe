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
	s->programs = arena_alloc(s->arena, max_programs * sizeof *s->programs);
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
