/* SPDX-License-Identifier: MIT */
/* The stage.  Knows no system: what it would answer is the scene's to say. */
#include "sim/stage.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/reload.h"
#include "sim/casting.h"

enum { STAGE_TRACE_MAX = 1 << 24, STAGE_FIRST_PID = 100 };

void stage_open(struct stage *s, struct settings *settings)
{
	*s = (struct stage){ .settings = settings,
		             .sv = supervisor_new(settings, 1),
		             .next_pid = STAGE_FIRST_PID,
		             .speaker = NO_PROGRAM };
	ck_assert_ptr_nonnull(s->sv);
	ck_assert_int_eq(effects_init(&s->out, supervisor_effects_max(s->sv)), 0);
	s->states = calloc(settings->program_count + 1, sizeof *s->states);
	ck_assert_ptr_nonnull(s->states);
	text_init(&s->trace, STAGE_TRACE_MAX);
}

void stage_close(struct stage *s)
{
	supervisor_free(s->sv);
	effects_release(&s->out);
	text_release(&s->trace);
	free(s->states);
	settings_free(s->settings);
}

static void end_line(struct stage *s)
{
	if (s->speaker != NO_PROGRAM)
		text_add_char(&s->trace, '\n');
	s->speaker = NO_PROGRAM;
}

static void begin_line(struct stage *s, uint32_t program)
{
	end_line(s);
	s->speaker = program;
	text_add_format(&s->trace, "t=%lld %s %s", (long long)s->now,
	                s->settings->programs[program].name, life_state_symbol(s->states[program]));
}

/* whether `next` continues those that `fx` has signalled */
static bool is_followed_by_continue(const struct effect *fx, const struct effect *next)
{
	return next->type == EFFECT_CONTINUE && next->program == fx->program &&
	       next->scope == fx->scope;
}

static void write_signal(struct stage *s, const struct effect *fx, bool cont)
{
	text_add_format(&s->trace, " %s%s:%s", sigabbrev_np(fx->signal), cont ? "+CONT" : "",
	                signal_scope_names[fx->scope]);
}

static void write_state(struct stage *s, const struct effect *fx)
{
	ck_assert_int_eq(fx->from, s->states[fx->program]);
	begin_line(s, fx->program);
	text_add_format(&s->trace, "→%s", life_state_symbol(fx->to));
	s->states[fx->program] = fx->to;
}

static void write_word(struct stage *s, const struct effect *fx)
{
	static const char *const words[] = {
		[EFFECT_SPAWN] = "spawn",         [EFFECT_CONTINUE] = "continue-alone",
		[EFFECT_WATCH_FAMILY] = "watch",  [EFFECT_SWEEP] = "sweep",
		[EFFECT_FIND_MAIN] = "find",      [EFFECT_STOP_COMMAND] = "stop-command",
		[EFFECT_LEFTOVERS] = "leftovers", [EFFECT_RELOAD_COMMAND] = "reload-command",
		[EFFECT_REMOVED] = "removed",
	};

	text_add_format(&s->trace, " %s", words[fx->type]);
}

static void write_effects(struct stage *s)
{
	for (size_t i = 0; i < s->out.count; i++) {
		const struct effect *fx = &s->out.items[i];
		bool cont = i + 1 < s->out.count && is_followed_by_continue(fx, fx + 1);

		if (fx->type == EFFECT_QUIT) {
			end_line(s);
			text_add_format(&s->trace, "t=%lld quit %d\n", (long long)s->now,
			                fx->status);
			continue;
		}
		if (fx->type == EFFECT_STATE) {
			write_state(s, fx);
			continue;
		}
		if (s->speaker != fx->program)
			begin_line(s, fx->program);
		if (fx->type == EFFECT_SIGNAL)
			write_signal(s, fx, cont);
		else
			write_word(s, fx);
		i += fx->type == EFFECT_SIGNAL && cont;
	}
	end_line(s);
}

/* what holds after whatever was done */
static void look_over(struct stage *s)
{
	const char *broken = supervisor_check(s->sv);

	ck_assert_msg(s->out.count <= supervisor_effects_max(s->sv),
	              "%zu effects of one event, supervisor_effects_max() is %zu", s->out.count,
	              supervisor_effects_max(s->sv));
	write_effects(s);
	ck_assert_msg(!broken, "broken at t=%lld: %s\n%s", (long long)s->now, broken ? broken : "",
	              text_get(&s->trace));
}

int stage_try(struct stage *s, struct event ev)
{
	int r;

	s->out.count = 0;
	r = supervisor_apply(s->sv, &ev, s->now, &s->out);
	look_over(s);
	return r;
}

void stage_event(struct stage *s, struct event ev)
{
	int r = stage_try(s, ev);

	ck_assert_msg(r == 0, "event %d refused at t=%lld: %s\n%s", ev.type, (long long)s->now,
	              strerror(-r), text_get(&s->trace));
}

void stage_until(struct stage *s, msec_t t)
{
	msec_t at;

	while ((at = supervisor_deadline(s->sv)) <= t) {
		s->now = at > s->now ? at : s->now;
		stage_event(s, (struct event){ .type = EVENT_TICK });
	}
	s->now = t;
}

void stage_late(struct stage *s, msec_t t)
{
	s->now = t;
	stage_event(s, (struct event){ .type = EVENT_TICK });
}

void stage_boot(struct stage *s)
{
	stage_event(s, (struct event){ .type = EVENT_BOOT });
}

void stage_shutdown(struct stage *s)
{
	stage_event(s, (struct event){ .type = EVENT_SHUTDOWN });
}

void stage_signal(struct stage *s, int signo)
{
	stage_event(s, (struct event){ .type = EVENT_SIGNAL, .signal = signo });
}

void stage_start(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_START, .program = program });
}

void stage_stop(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_STOP, .program = program });
}

void stage_restart(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_RESTART, .program = program });
}

void stage_spawned(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){
			       .type = EVENT_SPAWNED, .program = program, .pid = s->next_pid++ });
}

void stage_spawn_failed(struct stage *s, uint32_t program, enum spawn_step step, int error)
{
	stage_event(s, (struct event){ .type = EVENT_SPAWN_FAILED,
	                               .program = program,
	                               .failure = { .step = step, .error = error } });
}

void stage_exit(struct stage *s, uint32_t program, int code)
{
	stage_event(s, (struct event){ .type = EVENT_EXITED,
	                               .program = program,
	                               .exit = { .code = code } });
}

void stage_die(struct stage *s, uint32_t program, int signal)
{
	stage_event(s, (struct event){ .type = EVENT_EXITED,
	                               .program = program,
	                               .exit = { .signal = signal } });
}

void stage_left(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_FAMILY_LEFT, .program = program });
}

void stage_empty(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_FAMILY_EMPTY, .program = program });
}

void stage_main_found(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_MAIN_FOUND,
	                               .program = program,
	                               .pid = s->next_pid++ });
}

void stage_forgotten(struct stage *s, uint32_t program)
{
	stage_event(s, (struct event){ .type = EVENT_FORGOTTEN, .program = program });
	s->states[program] = LIFE_STOPPED;
}

static void write_plan(struct stage *s, const struct settings *fresh,
                       const struct reload_plan *plan)
{
	text_add_format(&s->trace, "t=%lld plan:", (long long)s->now);
	for (size_t i = 0; i < plan->count; i++) {
		const struct reload_step *step = &plan->steps[i];

		text_add_format(&s->trace, " %s %s,", reload_action_names[step->action],
		                step->fresh == NO_PROGRAM
		                        ? s->settings->programs[step->program].name
		                        : fresh->programs[step->fresh].name);
	}
	text_add_format(&s->trace, " %zu untouched\n", plan->untouched);
}

/* new ids are at rest */
static void grow_states(struct stage *s, size_t from, size_t to)
{
	s->states = realloc(s->states, (to + 1) * sizeof *s->states);
	ck_assert_ptr_nonnull(s->states);
	for (size_t i = from; i < to; i++)
		s->states[i] = LIFE_STOPPED;
}

int stage_try_reload(struct stage *s, struct settings *fresh)
{
	struct reload_plan plan;
	struct casting_pair pair = { s->settings, fresh };
	size_t count = s->settings->program_count;
	int r;

	ck_assert_int_eq(reload_plan_make(&plan, s->sv, fresh, casting_compare, &pair), 0);
	write_plan(s, fresh, &plan);
	s->out.count = 0;
	r = supervisor_reload(s->sv, fresh, &plan, s->now, &s->out);
	reload_plan_release(&plan);
	if (r < 0)
		settings_free(fresh);
	else
		grow_states(s, count, s->settings->program_count);
	look_over(s);
	return r;
}

void stage_reload(struct stage *s, struct settings *fresh)
{
	int r = stage_try_reload(s, fresh);

	ck_assert_msg(r == 0, "reload refused at t=%lld: %s\n%s", (long long)s->now, strerror(-r),
	              text_get(&s->trace));
}

void stage_gone(struct stage *s, uint32_t program, int code)
{
	stage_exit(s, program, code);
	stage_empty(s, program);
}

void stage_killed(struct stage *s, uint32_t program, int signal)
{
	stage_die(s, program, signal);
	stage_empty(s, program);
}

void stage_boot_all(struct stage *s)
{
	bool some = true;

	stage_boot(s);
	while (some) {
		some = false;
		for (uint32_t i = 0; i < s->settings->program_count; i++) {
			if (s->states[i] != LIFE_SPAWNING)
				continue;
			some = true;
			stage_spawned(s, i);
		}
	}
	stage_forget(s);
}

void stage_expect(struct stage *s, const char *expected)
{
	ck_assert_str_eq(text_get(&s->trace), expected);
	text_reset(&s->trace);
}

void stage_forget(struct stage *s)
{
	text_reset(&s->trace);
}

uint32_t stage_find(const struct stage *s, const char *name)
{
	uint32_t found = NO_PROGRAM;

	for (uint32_t i = 0; i < s->settings->program_count; i++) {
		if (strcmp(s->settings->programs[i].name, name) != 0)
			continue;
		ck_assert_msg(found == NO_PROGRAM, "two programs are called %s", name);
		found = i;
	}
	ck_assert_msg(found != NO_PROGRAM, "no program is called %s", name);
	return found;
}

struct program_status stage_status(const struct stage *s, uint32_t program)
{
	struct program_status status;

	supervisor_status(s->sv, program, &status);
	return status;
}
