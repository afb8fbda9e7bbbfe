/* SPDX-License-Identifier: MIT */
/* All programs together: what events mean to them, and what the change of one means to others.  Who
 * is to be up is wanting.c, the end of vergerd ending.c, new settings handover.c; what one program
 * does is program.c; what any of it means to the kernel is src/os. */
#include "core/supervisor.h"

#include <errno.h>
#include <stdlib.h>

#include "core/conditions.h"
#include "core/program.h"
#include "core/supervisor_private.h"
#include "core/timers.h"

/* --- the queue of changes: consequences are drawn one after the other, never recursively --- */

void supervisor_note_change(struct supervisor *sv, struct program *p)
{
	if (p->changed)
		return;
	p->changed = true;
	p->changed_next = NO_PROGRAM;
	if (sv->changed_head == NO_PROGRAM)
		sv->changed_head = p->id;
	else
		sv->programs[sv->changed_tail].changed_next = p->id;
	sv->changed_tail = p->id;
}

static void on_change(void *context, struct program *p)
{
	supervisor_note_change(context, p);
}

static struct program *take_changed(struct supervisor *sv)
{
	struct program *p;

	if (sv->changed_head == NO_PROGRAM)
		return NULL;
	p = &sv->programs[sv->changed_head];
	sv->changed_head = p->changed_next;
	p->changed = false;
	return p;
}

struct program_context supervisor_context(struct supervisor *sv, msec_t now, struct effects *out)
{
	return (struct program_context){
		.timers = &sv->timers,
		.out = out,
		.now = now,
		.random = &sv->random,
		.on_change = on_change,
		.context = sv,
	};
}

static bool is_busy(const struct program *p)
{
	return life_state_is_active(p->state) || p->state == LIFE_BACKOFF;
}

int supervisor_advance(struct supervisor *sv, struct program *p, enum life_event event,
                       const struct program_context *ctx)
{
	bool was_settled = life_state_is_settled(p->state), was_busy = is_busy(p);
	int r = program_apply(p, event, ctx);
	bool is_settled = life_state_is_settled(p->state);

	if (was_settled && !is_settled)
		sv->unsettled++;
	if (!was_settled && is_settled)
		sv->unsettled--;
	sv->busy += is_busy(p);
	sv->busy -= was_busy;
	return r;
}

/* who has gone, or stays, holds up nobody it depends on */
static void release_dependencies(struct supervisor *sv, const struct program *p,
                                 const struct program_context *ctx)
{
	const struct dependencies *deps = p->settings->depends;
	bool may_hold = life_state_is_active(p->state) && (!p->wanted || p->again);

	for (size_t i = 0; deps && !may_hold && i < deps->count; i++)
		wanting_let_down(sv, &sv->programs[deps->items[i].program], ctx);
}

/* what the change of one program means to the others; all of it by the settings it lived by, before
 * new ones take their place */
static void look_at_change(struct supervisor *sv, struct program *p,
                           const struct program_context *ctx)
{
	size_t count;
	const uint32_t *items = dependents_of(&sv->dependents, p->id, &count);

	if (p->state == LIFE_EXITED || p->state == LIFE_FAILED)
		ending_on_end(sv, p, ctx);
	release_dependencies(sv, p, ctx);
	if (!life_state_is_active(p->state))
		handover_on_inactive(sv, p, ctx);
	wanting_try_start(sv, p, ctx);
	for (size_t i = 0; i < count; i++)
		wanting_try_start(sv, &sv->programs[items[i]], ctx);
}

static void draw_consequences(struct supervisor *sv, const struct program_context *ctx)
{
	struct program *p;

	while ((p = take_changed(sv)))
		look_at_change(sv, p, ctx);
}

void supervisor_settle(struct supervisor *sv, const struct program_context *ctx)
{
	draw_consequences(sv, ctx);
	if (ending_begin_if_all_over(sv, ctx))
		draw_consequences(sv, ctx);
	ending_quit_if_settled(sv, ctx);
}

/* --- events --- */

static void boot(struct supervisor *sv, const struct program_context *ctx)
{
	if (sv->phase >= PHASE_STOPPING)
		return;
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		sv->programs[i].since_ms =
			ctx->now; /* it has been stopped for as long as we are there */
		if (sv->programs[i].settings->autostart)
			wanting_up(sv, &sv->programs[i], ctx);
	}
}

static void tick(struct supervisor *sv, const struct program_context *ctx)
{
	struct timer *timer;

	while ((timer = timers_take_due(&sv->timers, ctx->now))) {
		if (timer == &sv->drain_timer) {
			ending_stop_all(sv, ctx);
		} else if (timer == &sv->deadline_timer) {
			if (sv->phase < PHASE_STOPPING)
				ending_stop_all(sv, ctx);
			ending_kill_all(sv, ctx);
		} else {
			struct program *p = (struct program *)timer; /* its first member */

			supervisor_advance(sv, p, program_on_timeout(p), ctx);
		}
	}
}

/* what `signo` becomes for this program; -1 = it does not claim it */
static int translate(const struct program_settings *s, int signo)
{
	for (size_t i = 0; s->forward && i < s->forward->count; i++)
		if (s->forward->rules[i].from == signo)
			return s->forward->rules[i].to;
	return -1;
}

static void relay(struct supervisor *sv, int signo, const struct program_context *ctx)
{
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		const struct program *p = &sv->programs[i];
		int to = translate(p->settings, signo);

		if (to > 0 && p->pid)
			effects_add(ctx->out, (struct effect){ .type = EFFECT_SIGNAL,
			                                       .program = p->id,
			                                       .signal = to,
			                                       .scope = p->settings->forward_to });
	}
}

/* an event of the lifecycle that is possible where `type` is: the deciders take notes, and what
 * cannot be must leave none */
static bool is_possible(const struct program *p, enum event_type type)
{
	enum life_event event;

	switch (type) {
	case EVENT_SPAWNED: event = LIFE_ON_SPAWNED; break;
	case EVENT_SPAWN_FAILED: event = LIFE_ON_SPAWN_UNWANTED; break;
	case EVENT_EXITED: event = LIFE_ON_EXITED; break;
	case EVENT_FAMILY_EMPTY: event = LIFE_ON_GONE_STOPPED; break;
	case EVENT_FAMILY_LEFT: event = p->told ? LIFE_ON_LEFT_TOLD : LIFE_ON_LEFT; break;
	case EVENT_STOP_COMMAND_FAILED: event = LIFE_ON_UNTOLD; break;
	default: event = LIFE_ON_READY; break;
	}
	return lifecycle_rule(p->state, event)->verdict != LIFE_IMPOSSIBLE;
}

/* events that concern one program and come from the system */
static int on_system_event(struct supervisor *sv, struct program *p, const struct event *ev,
                           const struct program_context *ctx)
{
	enum life_event event;
	int r;

	/* the kernel may count the main process out before it was reaped: its exit asks again */
	if (ev->type == EVENT_FAMILY_EMPTY && p->pid)
		return 0;
	if (!is_possible(p, ev->type))
		return -EPROTO;
	switch (ev->type) {
	case EVENT_SPAWNED: event = program_on_spawned(p, ev->pid, ctx->now); break;
	case EVENT_SPAWN_FAILED:
		event = program_on_spawn_failed(p, ev->failure.step, ev->failure.error, ctx);
		break;
	case EVENT_EXITED:
		event = program_on_exited(p, ev->exit.code, ev->exit.signal, ev->exit.core_dumped);
		break;
	case EVENT_MAIN_FOUND: event = program_on_main_found(p, ev->pid); break;
	case EVENT_READY: event = LIFE_ON_READY; break;
	case EVENT_FAMILY_LEFT: event = program_on_family_left(p); break;
	case EVENT_FAMILY_EMPTY: event = program_on_family_empty(p, ctx); break;
	case EVENT_STOP_COMMAND_FAILED: event = LIFE_ON_UNTOLD; break;
	default: return -EPROTO;
	}
	r = supervisor_advance(sv, p, event, ctx);
	if (sv->phase == PHASE_KILLING) /* what was on its way when there was no more grace */
		supervisor_advance(sv, p, LIFE_ON_KILL_NOW, ctx);
	return r;
}

/* reload_command, or reload_signal, or neither */
static int reload_itself(const struct program *p, const struct program_context *ctx)
{
	if (p->state != LIFE_RUNNING)
		return -ESRCH;
	if (p->settings->reload_command)
		effects_add(ctx->out,
		            (struct effect){ .type = EFFECT_RELOAD_COMMAND, .program = p->id });
	else if (p->settings->reload_signal)
		effects_add(ctx->out, (struct effect){ .type = EFFECT_SIGNAL,
		                                       .program = p->id,
		                                       .signal = p->settings->reload_signal,
		                                       .scope = SCOPE_MAIN });
	else
		return -ENOTSUP;
	return 0;
}

/* events that concern one program and that somebody asks for */
static int on_request(struct supervisor *sv, struct program *p, enum event_type type,
                      const struct program_context *ctx)
{
	if (type == EVENT_STOP) {
		wanting_down(sv, p, ctx);
		return 0;
	}
	if (p->removed)
		return -ENOENT;
	if (type == EVENT_RELOAD)
		return reload_itself(p, ctx);
	if (sv->phase >= PHASE_STOPPING)
		return -ESHUTDOWN;
	if (type == EVENT_START)
		wanting_up(sv, p, ctx);
	else
		wanting_restart(sv, p, ctx);
	return 0;
}

static int on_program_event(struct supervisor *sv, const struct event *ev,
                            const struct program_context *ctx)
{
	struct program *p;

	if (!supervisor_has(sv, ev->program))
		return -ENOENT;
	p = &sv->programs[ev->program];
	switch (ev->type) {
	case EVENT_START:
	case EVENT_STOP:
	case EVENT_RESTART:
	case EVENT_RELOAD: return on_request(sv, p, ev->type, ctx);
	case EVENT_FORGOTTEN: handover_forget(sv, p); return 0;
	default: return on_system_event(sv, p, ev, ctx);
	}
}

int supervisor_apply(struct supervisor *sv, const struct event *ev, msec_t now, struct effects *out)
{
	struct program_context ctx = supervisor_context(sv, now, out);
	int r = 0;

	switch (ev->type) {
	case EVENT_BOOT: boot(sv, &ctx); break;
	case EVENT_TICK: tick(sv, &ctx); break;
	case EVENT_SHUTDOWN: ending_shutdown(sv, &ctx); break;
	case EVENT_SIGNAL: relay(sv, ev->signal, &ctx); break;
	default: r = on_program_event(sv, ev, &ctx); break;
	}
	supervisor_settle(sv, &ctx);
	return r;
}

void supervisor_request(struct supervisor *sv, enum event_type verb, const uint32_t *programs,
                        size_t count, msec_t now, struct effects *out)
{
	struct program_context ctx = supervisor_context(sv, now, out);

	for (size_t i = 0; i < count; i++)
		if (supervisor_has(sv, programs[i]))
			on_request(sv, &sv->programs[programs[i]], verb, &ctx);
	supervisor_settle(sv, &ctx);
}

/* --- life and questions --- */

uint64_t supervisor_collect_claims(const struct settings *settings)
{
	uint64_t claims = 0;

	for (size_t i = 0; i < settings->program_count; i++) {
		const struct forward_rules *f = settings->programs[i].forward;

		for (size_t k = 0; f && k < f->count; k++)
			claims |= (uint64_t)1 << (f->rules[k].from - 1);
	}
	return claims;
}

static size_t count_edges(const struct settings *settings)
{
	size_t n = 0;

	for (size_t i = 0; i < settings->program_count; i++)
		if (settings->programs[i].depends)
			n += settings->programs[i].depends->count;
	return n;
}

struct supervisor *supervisor_new(struct settings *settings, uint64_t seed)
{
	struct supervisor *sv = calloc(1, sizeof *sv);
	size_t n = settings->program_count;

	if (!sv)
		return NULL;
	sv->settings = settings;
	sv->random = seed;
	sv->changed_head = NO_PROGRAM;
	sv->claims = supervisor_collect_claims(settings);
	sv->programs = calloc(n ? n : 1, sizeof *sv->programs);
	if (!sv->programs || timers_init(&sv->timers, n + 2) < 0 ||
	    dependents_init(&sv->dependents, n, count_edges(settings)) < 0) {
		supervisor_free(sv);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		program_init(&sv->programs[i], (uint32_t)i, &settings->programs[i]);
	dependents_fill(&sv->dependents, sv->programs, n);
	return sv;
}

void supervisor_free(struct supervisor *sv)
{
	if (!sv)
		return;
	for (size_t i = 0; sv->programs && i < sv->settings->program_count; i++)
		program_release(&sv->programs[i]);
	free(sv->programs);
	timers_release(&sv->timers);
	dependents_release(&sv->dependents);
	free(sv);
}

msec_t supervisor_deadline(const struct supervisor *sv)
{
	return timers_next(&sv->timers);
}

size_t supervisor_effects_max(const struct supervisor *sv)
{
	size_t max = SUPERVISOR_EFFECTS_BASE;

	for (size_t i = 0; i < sv->settings->program_count; i++) {
		const struct program *p = &sv->programs[i];

		max += supervisor_effects_of(p->settings);
		if (p->pending)
			max += supervisor_effects_of(p->pending);
	}
	return max;
}

bool supervisor_wants_spawn(const struct supervisor *sv, uint32_t program)
{
	const struct program *p = &sv->programs[program];

	return p->state == LIFE_SPAWNING && p->wanted && !p->again;
}

uint64_t supervisor_claims(const struct supervisor *sv)
{
	return sv->claims;
}

bool supervisor_claims_signal(const struct supervisor *sv, int signo)
{
	return signo > 0 && signo <= 64 && (sv->claims >> (signo - 1) & 1);
}

bool supervisor_is_shutting_down(const struct supervisor *sv)
{
	return sv->phase != PHASE_UP;
}

bool supervisor_has(const struct supervisor *sv, uint32_t program)
{
	return program < sv->settings->program_count && *sv->settings->programs[program].name;
}

void supervisor_status(const struct supervisor *sv, uint32_t program, struct program_status *out)
{
	const struct program *p = &sv->programs[program];

	*out = (struct program_status){
		.state = p->state,
		.pid = p->pid,
		.since_ms = p->since_ms,
		.started_ms = p->started_ms,
		.deadline_ms = timer_is_armed(&p->timer) ? p->timer.at_ms : MSEC_NEVER,
		.delay_ms = p->delay_ms,
		.starts = p->starts,
		.failures = start_limit_count(&p->failures, p->settings->start_limit_window_ms,
		                              p->since_ms),
		.wanted = p->wanted,
		.again = p->again,
		.removed = p->removed,
		.pending = p->pending && !p->removed,
		.exit_known = p->exit_known,
		.last_code = p->last_code,
		.last_signal = p->last_signal,
		.last_core_dumped = p->last_core,
		.last_success = p->last_success,
		.last_step = (enum spawn_step)p->last_step,
		.last_error = p->last_error,
		.waits_for =
			p->state == LIFE_WAITING ? conditions_missing(p, sv->programs) : NO_PROGRAM,
	};
}

const char *supervisor_check(const struct supervisor *sv)
{
	uint32_t unsettled = 0, busy = 0;

	for (size_t i = 0; i < sv->settings->program_count; i++) {
		const struct program *p = &sv->programs[i];
		const char *broken = program_check(p);

		if (broken)
			return broken;
		if (p->wanted && (sv->phase >= PHASE_STOPPING || p->removed))
			return "5: wanted in a shutdown, or after it was removed";
		if (p->settings != &sv->settings->programs[i] || p->id != i)
			return "8: not in its place";
		if (p->pending && !life_state_is_active(p->state))
			return "9: new settings are kept for nothing";
		unsettled += !life_state_is_settled(p->state);
		busy += is_busy(p);
	}
	if (unsettled != sv->unsettled || busy != sv->busy)
		return "6: the count of programs at rest is wrong";
	if (sv->changed_head != NO_PROGRAM)
		return "7: a change was not looked at";
	if (!handover_check(sv))
		return "10: past settings are kept or freed against their use";
	return NULL;
}
