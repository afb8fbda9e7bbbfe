/* SPDX-License-Identifier: MIT */
/* Reads and writes fields of settings: limits, exits, signals, accounts, other programs.
 * Knows nothing of sections and files. */
#include "config/keytype.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/signame.h"
#include "config/accounts.h"
#include "config/keytype_private.h"
#include "config/roster.h"
#include "config/values.h"

/* limits: key->min is the resource */

PARSE(limit)
{
	struct draft *d = t->draft;
	struct limit limit = { .resource = key->min };
	size_t i = 0;
	int r = value_limit(text, &limit, fault);

	if (r != 0)
		return r;
	while (i < d->limit_count && d->limits[i].resource != limit.resource)
		i++;
	if (i == DRAFT_LIMITS_MAX)
		return fault_set(fault, "more than %d limits", DRAFT_LIMITS_MAX);
	d->limits[i] = limit;
	if (i == d->limit_count)
		d->limit_count++;
	return 0;
}

static int add_bound(uint64_t bound, struct text *out)
{
	if (bound == RLIM_INFINITY)
		return text_add_string(out, "unlimited");
	return text_add_format(out, "%llu", (unsigned long long)bound);
}

FORMAT(limit)
{
	for (size_t i = 0; p->limits && i < p->limits->count; i++) {
		const struct limit *limit = &p->limits->items[i];
		int r;

		if (limit->resource != key->min)
			continue;
		r = add_bound(limit->soft, out);
		if (r == 0 && limit->hard_given)
			r = text_add_char(out, ':');
		if (r == 0 && limit->hard_given)
			r = add_bound(limit->hard, out);
		return keytype_written(r);
	}
	return 0;
}

/* exits, restarts, signals */

/* signals are written without SIG, and as numbers where they have no name */
static int add_signal(int signo, struct text *out)
{
	char name[SIGNAME_SIZE];

	signame_format(signo, name);
	if (strncmp(name, "SIG", 3) != 0)
		return text_add_format(out, "%d", signo);
	return text_add_string(out, name + 3);
}

PARSE(exit_set)
{
	struct exit_set set;
	int r;

	memset(&set, 0, sizeof set);
	r = value_exit_set(text, &set, fault);
	if (r != 0)
		return r;
	t->draft->p.success_exit = arena_intern_bytes(t->arena, &set, sizeof set);
	return t->draft->p.success_exit ? 0 : -ENOMEM;
}

FORMAT(exit_set)
{
	const struct exit_set *set = *(const struct exit_set *const *)keytype_field_in(key, s, p);
	size_t start = out->size;
	int r = 0;

	for (int code = 0; code < 256 && r == 0; code++)
		if (exit_set_has(set, code, 0))
			r = text_add_format(out, out->size > start ? " %d" : "%d", code);
	for (int signo = 1; signo <= 64 && r == 0; signo++) {
		if (!exit_set_has(set, 0, signo))
			continue;
		if (out->size > start)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = add_signal(signo, out);
	}
	return keytype_written(r);
}

PARSE(start_limit)
{
	struct program_settings *program = &t->draft->p;

	return value_start_limit(text, &program->start_limit_count, &program->start_limit_window_ms,
	                         fault);
}

FORMAT(start_limit)
{
	int r;

	if (p->start_limit_count == 0)
		return keytype_written(text_add_string(out, "none"));
	r = text_add_format(out, "%u/", p->start_limit_count);
	return keytype_written(r == 0 ? keytype_add_duration(p->start_limit_window_ms, out) : r);
}

PARSE(stop_signal)
{
	return value_stop_steps(text, t->draft->stop_steps, &t->draft->stop_count, fault);
}

static int add_step(const struct stop_step *step, struct text *out)
{
	int r = add_signal(step->signal, out);

	if (r == 0)
		r = text_add_char(out, '/');
	return r == 0 ? keytype_add_duration(step->wait_ms, out) : r;
}

FORMAT(stop_signal)
{
	int r = 0;

	for (size_t i = 0; i < p->stop->count && r == 0; i++) {
		if (i > 0)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = add_step(&p->stop->steps[i], out);
	}
	return keytype_written(r);
}

PARSE(reload_signal)
{
	return value_reload_signal(text, &t->draft->p.reload_signal, fault);
}

FORMAT(reload_signal)
{
	return p->reload_signal ? keytype_written(add_signal(p->reload_signal, out)) : 0;
}

PARSE(stop_timeout)
{
	return value_duration(text, &t->draft->stop_timeout_ms, fault);
}

static const struct forward_rules *intern_rules(struct arena *arena,
                                                const struct forward_rule *rules, size_t count)
{
	size_t size = sizeof(struct forward_rules) + count * sizeof *rules;
	_cleanup_free_ struct forward_rules *copy = calloc(1, size);

	if (!copy)
		return NULL;
	copy->count = count;
	memcpy(copy->rules, rules, count * sizeof *rules);
	return arena_intern_bytes(arena, copy, size);
}

PARSE(forward)
{
	struct forward_rule rules[VALUE_FORWARD_MAX];
	size_t count;
	int r = value_forward(text, rules, &count, fault);

	if (r != 0)
		return r;
	t->draft->p.forward = count ? intern_rules(t->arena, rules, count) : NULL;
	return count && !t->draft->p.forward ? -ENOMEM : 0;
}

static bool forwards_all(const struct forward_rules *rules)
{
	struct forward_rule all[VALUE_FORWARD_MAX];
	struct fault fault;
	size_t count = 0;

	return value_forward("all", all, &count, &fault) == 0 && count == rules->count &&
	       !memcmp(all, rules->rules, count * sizeof *all);
}

static int add_rule(const struct forward_rule *rule, struct text *out)
{
	int r = add_signal(rule->from, out);

	if (r < 0 || rule->to == rule->from)
		return r;
	r = text_add_char(out, ':');
	if (r < 0)
		return r;
	return rule->to ? add_signal(rule->to, out) : text_add_char(out, '0');
}

FORMAT(forward)
{
	int r = 0;

	if (!p->forward)
		return keytype_written(text_add_string(out, "none"));
	if (forwards_all(p->forward))
		return keytype_written(text_add_string(out, "all"));
	for (size_t i = 0; i < p->forward->count && r == 0; i++) {
		if (i > 0)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = add_rule(&p->forward->rules[i], out);
	}
	return keytype_written(r);
}

PARSE(ready)
{
	if (!strcmp(text, "exec"))
		return 0;
	return fault_set(
		fault,
		"expected exec, got '%.80s' (this version knows no other proof of readiness)",
		text);
}

/* accounts and other programs: most are looked up when all keys are read */

PARSE(role_group)
{
	return accounts_group(t->accounts, text, keytype_field_of(key, t), fault);
}

FORMAT(role_group)
{
	gid_t gid = *(const gid_t *)keytype_field_in(key, s, p);

	return gid != (gid_t)-1 ? keytype_written(text_add_format(out, "%u", (unsigned)gid)) : 0;
}

PARSE(user)
{
	return keytype_intern(t->scratch, text, &t->draft->user);
}

FORMAT(user)
{
	const struct credentials *c = p->credentials;

	if (c && c->user_name)
		return keytype_write_text(c->user_name, out);
	if (!c || !c->set_user)
		return 0;
	return keytype_written(text_add_format(out, "%u", (unsigned)c->uid));
}

PARSE(group)
{
	return keytype_intern(t->scratch, text, &t->draft->group);
}

FORMAT(group)
{
	if (!p->credentials || !p->credentials->set_group)
		return 0;
	return keytype_written(text_add_format(out, "%u", (unsigned)p->credentials->gid));
}

PARSE(owner)
{
	return keytype_intern(t->scratch, text, &t->draft->pidfile_owner);
}

FORMAT(owner)
{
	bool has_user = p->pidfile_uid != (uid_t)-1, has_group = p->pidfile_gid != (gid_t)-1;
	int r = 0;

	if (!has_user && !has_group)
		return 0;
	if (has_user)
		r = text_add_format(out, "%u", (unsigned)p->pidfile_uid);
	if (r == 0 && has_group)
		r = text_add_format(out, ":%u", (unsigned)p->pidfile_gid);
	return keytype_written(r);
}

PARSE(requires)
{
	return keytype_intern(t->scratch, text, &t->draft->requires);
}

PARSE(after)
{
	return keytype_intern(t->scratch, text, &t->draft->after);
}

/* The name of a program; NULL where there is none, or none any more. */
static const char *name_of(const struct settings *s, uint32_t program)
{
	if (program >= s->program_count || roster_is_free(&s->programs[program]))
		return NULL;
	return s->programs[program].name;
}

static int write_dependencies(const struct settings *s, const struct program_settings *p,
                              bool required, struct text *out)
{
	size_t start = out->size;
	int r = 0;

	for (size_t i = 0; p->depends && i < p->depends->count && r == 0; i++) {
		const struct dependency *d = &p->depends->items[i];
		const char *name = d->required == required ? name_of(s, d->program) : NULL;

		if (name)
			r = text_add_format(out, "%s%s:%s", out->size > start ? " " : "", name,
			                    condition_names[d->condition]);
	}
	return r == 0 ? out->size > start : r;
}

FORMAT(requires)
{
	return write_dependencies(s, p, true, out);
}

FORMAT(after)
{
	return write_dependencies(s, p, false, out);
}

FORMAT(exit_code_from)
{
	const char *name = name_of(s, s->exit_code_from);

	return name ? keytype_written(text_add_string(out, name)) : 0;
}
