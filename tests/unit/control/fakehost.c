/* SPDX-License-Identifier: MIT */
/* The played vergerd. */
#include "unit/control/fakehost.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/goal.h"
#include "core/reload.h"

enum { FIRST_PID = 100, NOTES_MAX = 1 << 20 };

struct host_tail {
	struct fake *fake;
	uint32_t program;
	size_t at;
	bool follow;
	size_t searches; /* to do yet */
	size_t unread;   /* files told */
	char line[64];
};

/* --- the system --- */

static struct past_end *note_end(struct fake *f, uint32_t program)
{
	struct fake_program *p = &f->programs[program];
	struct past_end end = { .at_us = f->now_us, .asked = p->asked };

	if (!p->history)
		p->history = history_new();
	history_add(p->history, &end);
	return history_last(p->history);
}

static void post(struct fake *f, struct event event)
{
	if (f->queued == FAKE_QUEUE_MAX)
		abort();
	f->queue[f->queued++] = event;
}

static void spawned(struct fake *f, uint32_t program)
{
	struct fake_program *p = &f->programs[program];

	p->pid = f->next_pid++;
	p->started_ms = f->now;
	p->dead = p->asked = p->empty_posted = false;
	post(f, (struct event){ .type = EVENT_SPAWNED, .program = program, .pid = p->pid });
}

static void spawn_failed(struct fake *f, uint32_t program, enum spawn_step step, int error)
{
	struct past_end *end;

	if (step != SPAWN_STEP_CANCELLED) {
		end = note_end(f, program);
		end->step = (uint8_t)step;
		end->error = error;
		end->short_lived = true;
	}
	post(f, (struct event){ .type = EVENT_SPAWN_FAILED,
	                        .program = program,
	                        .failure = { step, error } });
}

static void spawn(struct fake *f, uint32_t program)
{
	const struct fake_program *p = &f->programs[program];

	if (!supervisor_wants_spawn(f->sv, program))
		spawn_failed(f, program, SPAWN_STEP_CANCELLED, 0);
	else if (p->spawn_error)
		spawn_failed(f, program, SPAWN_STEP_COMMAND, p->spawn_error);
	else if (!p->slow_spawn)
		spawned(f, program);
}

static void end(struct fake *f, uint32_t program, int code, int signal)
{
	struct fake_program *p = &f->programs[program];
	struct past_end *end = note_end(f, program);

	end->pid = p->pid;
	end->uptime_ms = f->now - p->started_ms;
	end->code = (int16_t)code;
	end->signal = (uint8_t)signal;
	end->short_lived = end->uptime_ms < 1000;
	p->pid = 0;
	post(f, (struct event){ .type = EVENT_EXITED,
	                        .program = program,
	                        .exit = { .code = code, .signal = signal } });
}

static void tell_family(struct fake *f, uint32_t program)
{
	struct fake_program *p = &f->programs[program];

	if (p->leftovers) {
		post(f, (struct event){ .type = EVENT_FAMILY_LEFT, .program = program });
	} else if (!p->empty_posted) {
		p->empty_posted = true;
		post(f, (struct event){ .type = EVENT_FAMILY_EMPTY, .program = program });
	}
}

static void kill_with(struct fake *f, uint32_t program, int signo)
{
	struct fake_program *p = &f->programs[program];
	bool had_others = p->leftovers > 0;

	if (p->hung || (p->stubborn && signo != SIGKILL) || signo == SIGCONT)
		return;
	p->asked = true;
	p->leftovers = 0;
	if (p->pid > 0)
		end(f, program, 0, signo);
	else if (had_others)
		tell_family(f, program);
}

static void sweep(struct fake *f, uint32_t program)
{
	if (f->programs[program].hung)
		return;
	if (f->programs[program].pid > 0)
		kill_with(f, program, SIGKILL);
	f->programs[program].leftovers = 0;
	tell_family(f, program);
}

static void forget(struct fake *f, uint32_t program)
{
	if (!f->mute)
		control_on_state(f->control, program, LIFE_STOPPED, LIFE_STATE_COUNT);
	history_free(f->programs[program].history);
	f->programs[program] = (struct fake_program){ 0 };
	post(f, (struct event){ .type = EVENT_FORGOTTEN, .program = program });
}

static void carry_out(struct fake *f, const struct effect *fx)
{
	switch (fx->type) {
	case EFFECT_SPAWN: spawn(f, fx->program); break;
	case EFFECT_SIGNAL: kill_with(f, fx->program, fx->signal); break;
	case EFFECT_WATCH_FAMILY: tell_family(f, fx->program); break;
	case EFFECT_SWEEP: sweep(f, fx->program); break;
	case EFFECT_FIND_MAIN:
		f->programs[fx->program].pid = f->next_pid++;
		post(f, (struct event){ .type = EVENT_MAIN_FOUND,
		                        .program = fx->program,
		                        .pid = f->programs[fx->program].pid });
		break;
	case EFFECT_STATE:
		if (!f->mute)
			control_on_state(f->control, fx->program, fx->from, fx->to);
		break;
	case EFFECT_REMOVED: forget(f, fx->program); break;
	case EFFECT_QUIT: f->quit = true; break;
	case EFFECT_CONTINUE:
	case EFFECT_STOP_COMMAND:
	case EFFECT_RELOAD_COMMAND:
	case EFFECT_LEFTOVERS: break;
	}
}

static void carry_out_all(struct fake *f, struct effects *out)
{
	for (size_t i = 0; i < out->count; i++)
		carry_out(f, &out->items[i]);
	effects_release(out);
}

/* events one after the other, as the real loop does: never one within another */
static void pump(struct fake *f)
{
	if (f->pumping)
		return;
	f->pumping = true;
	for (size_t i = 0; i < f->queued; i++) {
		const struct event ev = f->queue[i];
		struct effects out;

		if (effects_init(&out, supervisor_effects_max(f->sv)) < 0)
			abort();
		supervisor_apply(f->sv, &ev, f->now, &out);
		carry_out_all(f, &out);
	}
	f->queued = 0;
	f->pumping = false;
}

static void apply(struct fake *f, const struct event *event)
{
	post(f, *event);
	pump(f);
}

void fake_event(struct fake *f, struct event event)
{
	apply(f, &event);
}

void fake_spawned(struct fake *f, uint32_t program)
{
	spawned(f, program);
	pump(f);
}

void fake_exit(struct fake *f, uint32_t program, int code, int signal)
{
	if (f->programs[program].pid <= 0)
		return;
	end(f, program, code, signal);
	pump(f);
}

static msec_t sooner(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

void fake_pass(struct fake *f, msec_t ms)
{
	msec_t until = f->now + ms;

	for (int guard = 0; guard < 1000; guard++) {
		msec_t next = sooner(supervisor_deadline(f->sv), control_deadline(f->control));

		if (next > until)
			break;
		if (next > f->now) {
			f->now_us += (next - f->now) * 1000;
			f->now = next;
		}
		if (supervisor_deadline(f->sv) <= f->now)
			apply(f, &(struct event){ .type = EVENT_TICK });
		control_tick(f->control, f->now);
	}
	if (until > f->now) {
		f->now_us += (until - f->now) * 1000;
		f->now = until;
	}
}

/* --- what the host is asked --- */

static msec_t now_ms(void *context)
{
	return ((struct fake *)context)->now;
}

static int64_t now_us(void *context)
{
	return ((struct fake *)context)->now_us;
}

static void facts(void *context, struct host_facts *out)
{
	struct fake *f = context;

	*out = (struct host_facts){ .version = "1.2.3",
		                    .pid = 7,
		                    .started_ms = 0,
		                    .loaded_us = f->now_us - f->now * 1000,
		                    .reloads = 0 };
}

static void host_apply(void *context, const struct event *event)
{
	apply(context, event);
}

static void host_request(void *context, enum event_type verb, const uint32_t *programs,
                         size_t count)
{
	struct fake *f = context;
	struct effects out;

	if (effects_init(&out, supervisor_effects_max(f->sv)) < 0)
		abort();
	supervisor_request(f->sv, verb, programs, count, f->now, &out);
	carry_out_all(f, &out);
	pump(f);
}

static int send_signal(void *context, uint32_t program, int signo, enum signal_scope scope)
{
	struct fake *f = context;

	(void)scope;
	if (f->programs[program].pid <= 0)
		return -ESRCH;
	f->programs[program].signal = signo;
	return 1;
}

static bool is_alive(void *context, uint32_t program)
{
	const struct fake *f = context;

	return f->programs[program].pid > 0 && !f->programs[program].dead;
}

static const struct history *history(void *context, uint32_t program)
{
	return ((struct fake *)context)->programs[program].history;
}

static const char *failure(void *context, uint32_t program)
{
	return ((struct fake *)context)->programs[program].failure;
}

static size_t processes(void *context, uint32_t program, struct text *out)
{
	const struct fake_program *p = &((struct fake *)context)->programs[program];
	size_t n = 0;

	if (p->pid > 0) {
		text_add_format(out, "%d (main)", (int)p->pid);
		n++;
	}
	for (size_t i = 0; i < p->leftovers; i++, n++)
		text_add_format(out, "%s%zu (left, %zu)", n ? ", " : "", 9000 + i, i);
	return n;
}

static enum reload_difference compare(void *context, const struct program_settings *held,
                                      const struct program_settings *fresh)
{
	(void)context;
	if (held->line == fresh->line)
		return RELOAD_EQUAL;
	return fresh->line >= 1000 ? RELOAD_NEEDS_RESTART : RELOAD_DIFFERS;
}

static void tell_plan(const struct fake *f, const struct reload_plan *plan,
                      const struct host_plan_sink *sink)
{
	static const struct host_key_change key = { "command", "/bin/old", "/bin/n\xffw" };

	sink->change(sink->context, NULL, "daemon", NULL, 0);
	for (size_t i = 0; i < plan->count; i++) {
		const struct reload_step *step = &plan->steps[i];
		const char *name = step->fresh == NO_PROGRAM
		                           ? f->settings->programs[step->program].name
		                           : f->fresh->programs[step->fresh].name;

		sink->change(sink->context, name, reload_action_names[step->action], &key,
		             step->action == RELOAD_RESTART);
	}
	sink->untouched(sink->context, plan->untouched);
}

static void expect_plan(const struct reload_plan *plan, const struct host_plan_sink *sink)
{
	for (size_t i = 0; i < plan->count; i++) {
		uint32_t program = plan->steps[i].program;

		if (plan->steps[i].action == RELOAD_START)
			sink->expect(sink->context, program, GOAL_UP);
		if (plan->steps[i].action == RELOAD_RESTART)
			sink->expect(sink->context, program, GOAL_RENEWED);
		if (plan->steps[i].action == RELOAD_STOP)
			sink->expect(sink->context, program, GOAL_GONE);
	}
}

static void take_fresh(struct fake *f, const struct reload_plan *plan,
                       const struct host_plan_sink *sink)
{
	struct effects out;

	if (effects_init(&out, 64 + 32 * FAKE_PROGRAMS_MAX) < 0 ||
	    supervisor_reload(f->sv, f->fresh, plan, f->now, &out) < 0)
		abort();
	f->fresh = NULL;
	expect_plan(plan, sink);
	carry_out_all(f, &out);
	pump(f);
}

static enum host_reload_result reload(void *context, bool dry_run,
                                      const struct host_plan_sink *sink, struct diags *diags)
{
	struct fake *f = context;
	struct reload_plan plan = RELOAD_PLAN_INIT;

	if (f->reload_result != HOST_RELOAD_DONE)
		return f->reload_result;
	if (supervisor_is_shutting_down(f->sv))
		return HOST_RELOAD_SHUTDOWN;
	diags_add(diags, f->fresh ? DIAG_WARNING : DIAG_ERROR, "verger.ini", 12, "program:web",
	          "retries", "caf\xe9 is no number");
	if (!f->fresh)
		return HOST_RELOAD_FAULTY;
	if (reload_plan_make(&plan, f->sv, f->fresh, compare, NULL) < 0)
		abort();
	if (plan.place_count > FAKE_PROGRAMS_MAX) {
		reload_plan_release(&plan);
		return HOST_RELOAD_NO_MEMORY;
	}
	tell_plan(f, &plan, sink);
	if (!dry_run)
		take_fresh(f, &plan, sink);
	reload_plan_release(&plan);
	return HOST_RELOAD_DONE;
}

static int config(void *context, bool (*selected)(void *arg, uint32_t program),
                  void (*value)(void *arg, const struct host_value *value), void *arg,
                  struct diags *faults)
{
	const struct fake *f = context;

	(void)faults;
	if (selected(arg, NO_PROGRAM))
		value(arg,
		      &(struct host_value){ .section = "verger", .key = "log", .value = "stderr" });
	for (uint32_t i = 0; i < f->settings->program_count; i++)
		if (supervisor_has(f->sv, i) && selected(arg, i))
			value(arg, &(struct host_value){ .section = f->settings->programs[i].name,
			                                 .key = "command",
			                                 .value = "/bin/true",
			                                 .file = "verger.ini",
			                                 .line = 3,
			                                 .differs = "/bin/false" });
	return 0;
}

/* --- logs --- */

static struct host_tail *tail_open(void *context, uint32_t program,
                                   const struct host_tail_wish *wish, const char **why)
{
	struct fake *f = context;
	struct fake_program *p = &f->programs[program];
	struct host_tail *tail;

	*why = "its output goes nowhere";
	tail = p->no_output ? NULL : calloc(1, sizeof *tail);
	if (!tail)
		return NULL;
	*tail = (struct host_tail){
		.fake = f, .program = program, .follow = wish->follow, .searches = p->searches
	};
	tail->at = p->lines > wish->lines ? p->lines - wish->lines : 0;
	p->since_us = wish->since_us;
	p->tail = tail;
	return tail;
}

static enum host_tail_news tail_next(struct host_tail *tail, struct host_tail_piece *piece)
{
	const struct fake_program *p = &tail->fake->programs[tail->program];

	*piece = (struct host_tail_piece){ .bytes = tail->line };
	if (tail->searches > 0) {
		tail->searches--;
		return HOST_TAIL_LATER;
	}
	if (tail->unread < p->unread) {
		snprintf(tail->line, sizeof tail->line, "/log-%zu.gz", ++tail->unread);
		piece->size = strlen(piece->bytes);
		piece->lines = tail->unread < 3 ? 7 : HOST_TAIL_ALL;
		return HOST_TAIL_UNREAD;
	}
	if (tail->at >= p->lines)
		return HOST_TAIL_NOTHING;
	snprintf(tail->line, sizeof tail->line, "line %zu", ++tail->at);
	if (p->line)
		piece->bytes = p->line;
	if (p->two_streams)
		piece->stream = tail->at % 4 < 2 ? "stdout" : "stderr";
	piece->size = strlen(piece->bytes);
	return HOST_TAIL_LINE;
}

static size_t recent(void *context, uint32_t program, char *out, size_t size)
{
	const char *text = ((struct fake *)context)->programs[program].recent;
	size_t length = text ? strlen(text) : 0;

	if (length > size)
		length = size;
	memcpy(out, text ? text : "", length);
	return length;
}

static void tail_close(struct host_tail *tail)
{
	if (tail->fake->programs[tail->program].tail == tail)
		tail->fake->programs[tail->program].tail = NULL;
	free(tail);
}

void fake_write(struct fake *f, uint32_t program, size_t lines)
{
	struct fake_program *p = &f->programs[program];

	p->lines += lines;
	if (p->tail && p->tail->follow)
		control_on_log(f->control, p->tail);
}

static void doctor(void *context,
                   void (*finding)(void *arg, enum finding_level level, const char *subject,
                                   const char *text, const char *advice),
                   void *arg)
{
	(void)context;
	finding(arg, FINDING_GOOD, "kernel", "has pidfds", NULL);
	finding(arg, FINDING_BAD, "run_dir", "/r\xffn is not writable", "chmod");
}

static bool log_trouble(void *context, uint32_t program, struct host_log *out)
{
	const struct fake *f = context;

	*out = f->log;
	return f->log.target && program == f->log_of;
}

static size_t reopen_logs(void *context, bool only_ask, const char **failed)
{
	struct fake *f = context;

	f->reopened += !only_ask;
	*failed = f->reopen_failed;
	return f->reopen_pending;
}

static void note(void *context, const char *text)
{
	struct fake *f = context;

	text_add_string(&f->notes, text);
	text_add_char(&f->notes, '\n');
}

/* --- life --- */

void fake_open(struct fake *f, struct settings *settings)
{
	*f = (struct fake){
		.settings = settings,
		.next_pid = FIRST_PID,
		.now = 5000,
		.now_us = INT64_C(1790000000) * 1000000,
		.host = {
			.now_ms = now_ms,
			.now_us = now_us,
			.facts = facts,
			.apply = host_apply,
			.request = host_request,
			.signal = send_signal,
			.is_alive = is_alive,
			.history = history,
			.failure = failure,
			.processes = processes,
			.reload = reload,
			.config = config,
			.tail_open = tail_open,
			.tail_next = tail_next,
			.tail_close = tail_close,
			.recent = recent,
			.doctor = doctor,
			.log = log_trouble,
			.reopen_logs = reopen_logs,
			.note = note,
		},
	};
	text_init(&f->notes, NOTES_MAX);
	f->sv = supervisor_new(settings, 1);
	f->programs = calloc(settings->program_count + FAKE_PROGRAMS_MAX, sizeof *f->programs);
	f->host.supervisor = f->sv;
	f->host.settings = settings;
	f->host.context = f;
	f->control = control_new(&f->host);
	if (!f->sv || !f->programs || !f->control)
		abort();
	apply(f, &(struct event){ .type = EVENT_BOOT });
}

void fake_close(struct fake *f)
{
	control_free(f->control);
	for (size_t i = 0; i < f->settings->program_count; i++)
		history_free(f->programs[i].history);
	free(f->programs);
	supervisor_free(f->sv);
	settings_free(f->settings);
	settings_free(f->fresh);
	text_release(&f->notes);
}

/* --- clients --- */

static void wake(void *arg)
{
	((struct fake_client *)arg)->wakes++;
}

void fake_connect(struct fake *f, struct fake_client *c, enum control_role role)
{
	*c = (struct fake_client){ .fake = f };
	text_init(&c->received, (size_t)1 << 28);
	c->session = session_open(f->control, role, "root (PID 12)", wake, c);
	if (!c->session)
		abort();
}

void fake_disconnect(struct fake_client *c)
{
	session_close(c->session);
	text_release(&c->received);
	for (size_t i = 0; i < FAKE_ASKED_MAX; i++)
		free(c->asked[i]);
}

void fake_send(struct fake_client *c, const void *bytes, size_t size)
{
	int r = session_receive(c->session, bytes, size);

	if (r < 0 && !c->cut)
		c->cut = r;
}

static bool take_output(struct fake_client *c)
{
	size_t size;
	const char *bytes = session_output(c->session, &size);

	if (size == 0 || c->deaf)
		return false;
	if (text_add(&c->received, bytes, size) < 0)
		abort();
	session_sent(c->session, size);
	return true;
}

void fake_run(struct fake_client *c)
{
	bool moved = true;

	while (moved && !c->cut) {
		moved = take_output(c);
		if (session_is_ready(c->session)) {
			c->cut = session_step(c->session);
			moved = true;
		}
	}
	take_output(c);
}
