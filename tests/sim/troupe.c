/* SPDX-License-Identifier: MIT */
/* Random settings.  Knows what may be written, and nothing of what it leads to. */
#include "sim/troupe.h"

#include <signal.h>
#include <string.h>

#include "sim/casting.h"

static const char *const names[TROUPE_MAX] = { "ant", "bee", "cat", "dog",  "eel",
	                                       "fox", "gnu", "hen", "ibis", "jay" };

/* --- one role --- */

static void draw_stop(struct role *r, struct chance *c)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGWINCH, SIGKILL };

	r->step_count = 1 + (chance_one_in(c, 2) ? chance_below(c, ROLE_STEPS_MAX) : 0);
	for (size_t i = 0; i < r->step_count; i++)
		r->steps[i] =
			(struct stop_step){ signals[chance_below(c, 5)],
			                    chance_one_in(c, 4) ? 0 : chance_within(c, 5000) };
	r->has_stop_command = chance_one_in(c, 6);
}

static enum end_policy draw_end_policy(struct chance *c)
{
	return chance_one_in(c, 40) ? END_EXIT : chance_one_in(c, 8) ? END_STOP_GROUP : END_IGNORE;
}

static void draw_policy(struct role *r, struct chance *c)
{
	static const unsigned limits[] = { 0, 1, 3, 10 };
	static const msec_t uptimes[] = { 0, 500, 1000, 1000 };
	struct program_settings *p = &r->policy;
	enum program_type type = p->type;

	program_settings_defaults(p);
	p->type = type;
	p->restart = (enum restart_policy)chance_below(c, 3);
	p->autostart = !chance_one_in(c, 5);
	p->start_limit_count = limits[chance_below(c, 4)];
	p->min_uptime_ms = uptimes[chance_below(c, 4)];
	p->restart_delay_ms = 1 + chance_within(c, 500);
	p->restart_delay_max_ms = p->restart_delay_ms + chance_within(c, 20000);
	p->restart_jitter_percent = chance_below(c, 101);
	p->ready_timeout_ms = chance_within(c, 5000);
	p->kill = (enum signal_scope)chance_below(c, 3);
	p->forward_to = (enum signal_scope)chance_below(c, 3);
	p->on_exit = draw_end_policy(c);
	p->on_failure = draw_end_policy(c);
	p->reload_signal = chance_one_in(c, 2) ? SIGHUP : 0;
	r->has_reload_command = chance_one_in(c, 4);
	r->is_kind = chance_one_in(c, 3);
	r->is_in_herd = chance_one_in(c, 4);
	r->forward = !chance_one_in(c, 3) ? -1 : chance_one_in(c, 4) ? 0 : SIGUSR2;
	draw_stop(r, c);
}

static void draw_command(struct role *r, struct chance *c)
{
	static const char *const commands[] = { "/bin/one", "/bin/two", "/bin/three" };

	r->command = commands[chance_below(c, 3)];
}

static void draw_type(struct role *r, struct chance *c)
{
	r->policy.type = (enum program_type)chance_below(c, 3);
}

static void draw_ties(struct troupe *t, struct role *r, struct chance *c)
{
	r->tie_count = 0;
	for (unsigned i = 0; i < TROUPE_MAX; i++) {
		const struct role *on = &t->roles[i];
		bool required = chance_one_in(c, 5);
		enum condition condition =
			on->policy.type == PROGRAM_ONESHOT ? CONDITION_DONE : CONDITION_READY;

		if (on->rank >= r->rank || !(required || chance_one_in(c, 10)))
			continue;
		if (chance_one_in(c, 3))
			condition = (enum condition)chance_below(c, 3);
		r->ties[r->tie_count++] = (struct tie){ i, condition, required };
	}
}

/* --- all of them --- */

/* who may depend on whom is turned upside down */
static void draw_ranks(struct troupe *t, struct chance *c)
{
	for (unsigned i = 0; i < TROUPE_MAX; i++) {
		unsigned k = chance_below(c, i + 1);

		t->roles[i].rank = t->roles[k].rank;
		t->roles[k].rank = i;
	}
	for (unsigned i = 0; i < TROUPE_MAX; i++)
		draw_ties(t, &t->roles[i], c);
}

static void draw_rules(struct troupe *t, struct chance *c)
{
	t->exit_when = chance_one_in(c, 6)    ? EXIT_WHEN_ALL
	               : chance_one_in(c, 20) ? EXIT_WHEN_ANY
	                                      : EXIT_WHEN_NEVER;
	t->exit_code_from = chance_one_in(c, 6) ? chance_below(c, TROUPE_MAX) : TROUPE_MAX;
	t->stop_delay_ms = chance_one_in(c, 3) ? chance_within(c, 5000) : 0;
	t->stop_deadline_ms = chance_one_in(c, 4) ? chance_within(c, 8000) : MSEC_NEVER;
}

void troupe_draw(struct troupe *t, struct chance *c)
{
	unsigned count = 1 + chance_below(c, TROUPE_MAX);

	*t = (struct troupe){ 0 };
	for (unsigned i = 0; i < TROUPE_MAX; i++) {
		struct role *r = &t->roles[i];

		r->name = names[i];
		r->cast = i < count;
		draw_type(r, c);
		draw_command(r, c);
		draw_policy(r, c);
	}
	draw_ranks(t, c);
	draw_rules(t, c);
}

void troupe_edit(struct troupe *t, struct chance *c)
{
	unsigned changes = chance_one_in(c, 8) ? 12 : chance_below(c, 4);

	while (changes-- > 0) {
		struct role *r = &t->roles[chance_below(c, TROUPE_MAX)];

		switch (chance_below(c, 9)) {
		case 0:
		case 1:
		case 2: r->cast = !r->cast; break;
		case 3: draw_policy(r, c); break;
		case 4:
		case 5: draw_command(r, c); break;
		case 6: draw_type(r, c); break;
		case 7: draw_ties(t, r, c); break;
		default:
			if (chance_one_in(c, 2))
				draw_ranks(t, c);
			else
				draw_rules(t, c);
			break;
		}
	}
}

/* --- settings --- */

static struct program_settings *cast_role(struct settings *s, const struct role *r)
{
	static char *const stop[] = { (char *)"stop", NULL };
	static char *const reload[] = { (char *)"reload", NULL };
	struct program_settings *p = casting_add(s, r->name);
	const char *name = p->name;

	*p = r->policy;
	p->name = p->section = name;
	casting_command(s, p, r->command);
	casting_stop(s, p, r->step_count, r->steps);
	if (r->has_stop_command)
		p->stop_command = stop;
	if (r->has_reload_command)
		p->reload_command = reload;
	if (r->is_kind)
		casting_success(s, p, 3);
	if (r->forward >= 0)
		casting_forward(s, p, SIGUSR1, r->forward);
	return p;
}

static void cast_ties(struct settings *s, const struct role *r, struct program_settings *p,
                      struct program_settings *const *cast)
{
	for (size_t i = 0; i < r->tie_count; i++) {
		const struct tie *tie = &r->ties[i];

		if (!cast[tie->on])
			continue;
		if (tie->required)
			casting_requires(s, p, cast[tie->on], tie->condition);
		else
			casting_after(s, p, cast[tie->on], tie->condition);
	}
}

static void cast_herd(const struct troupe *t, struct settings *s,
                      struct program_settings *const *cast)
{
	struct program_settings *m[TROUPE_MAX] = { 0 };
	size_t count = 0;

	for (unsigned i = 0; i < TROUPE_MAX; i++)
		if (cast[i] && t->roles[i].is_in_herd)
			m[count++] = cast[i];
	casting_group(s, "herd", m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], NULL);
}

struct settings *troupe_settings(const struct troupe *t, struct chance *c)
{
	struct settings *s = casting_new(TROUPE_MAX);
	struct program_settings *cast[TROUPE_MAX] = { 0 };
	unsigned first = chance_below(c, TROUPE_MAX);

	for (unsigned k = 0; k < TROUPE_MAX; k++) {
		unsigned i = (first + k) % TROUPE_MAX;

		if (t->roles[i].cast)
			cast[i] = cast_role(s, &t->roles[i]);
	}
	for (unsigned i = 0; i < TROUPE_MAX; i++)
		if (cast[i])
			cast_ties(s, &t->roles[i], cast[i], cast);
	cast_herd(t, s, cast);
	s->exit_when = t->exit_when;
	s->stop_delay_ms = t->stop_delay_ms;
	s->stop_deadline_ms = t->stop_deadline_ms;
	if (t->exit_code_from < TROUPE_MAX && cast[t->exit_code_from])
		s->exit_code_from = casting_index(s, cast[t->exit_code_from]);
	return s;
}

const struct role *troupe_find(const struct troupe *t, const char *name)
{
	for (unsigned i = 0; i < TROUPE_MAX; i++)
		if (t->roles[i].cast && !strcmp(t->roles[i].name, name))
			return &t->roles[i];
	return NULL;
}

bool troupe_requires(const struct troupe *t, const struct role *role, const char *name)
{
	for (size_t i = 0; i < role->tie_count; i++) {
		const struct role *on = &t->roles[role->ties[i].on];

		if (role->ties[i].required && on->cast && !strcmp(on->name, name))
			return true;
	}
	return false;
}
