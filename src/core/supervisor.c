/* SPDX-License-Identifier: MIT */
/* All programs together: verbs, shutdown, exit policy, relayed signals, the order of starts and
 * stops.  What one program does is program.c; what any of it means to the kernel is src/os. */
#include "core/supervisor.h"

#include <errno.h>
#include <stdlib.h>

#include "core/conditions.h"
#include "core/program.h"
#include "core/timers.h"

enum shutdown_phase {
	PHASE_UP,
	PHASE_DRAINING, /* shutdown was asked for; programs still serve (stop_delay) */
	PHASE_STOPPING,
	PHASE_KILLING, /* asked for twice, or stop_deadline: no more grace */
	PHASE_OVER,    /* EFFECT_QUIT was given */
};

struct supervisor {
	const struct settings *settings; /* borrowed */
	struct program *programs;        /* owned; as in settings */
	struct dependents dependents;
	struct timers timers;
	struct timer drain_timer;    /* end of stop_delay */
	struct timer deadline_timer; /* stop_deadline */
	uint64_t random;
	uint64_t claims;       /* bit N-1: signal N is in somebody's forward_signals */
	uint32_t unsettled;    /* programs that are not at rest */
	uint32_t busy;         /* of them, those that go on by themselves: all but WAITING */
	uint32_t changed_head; /* queue of programs whose state has changed and was not looked at;
	                          NO_PROGRAM = empty */
	uint32_t changed_tail;
	enum shutdown_phase phase;
	bool ended;        /* some program has ended for good */
	bool status_taken; /* exit_status is some program's */
	int exit_status;
	int bad_status; /* of the first program that ended badly; 0 = none did */
};

/* --- the queue of changes: consequences are drawn one after the other, never recursively --- */

static void on_change(void *context, struct program *p)
{
	struct supervisor *sv = context;

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

static struct program_context context_at(struct supervisor *sv, msec_t now, struct effects *out)
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

/* applies an event and keeps count of who is at rest */
static int apply(struct supervisor *sv, struct program *p, enum life_event event,
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

/* --- wanting --- */

static void want_up(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	bool leaving = life_state_is_active(p->state) && !p->wanted;

	/* a start while it stops is kept until the stop is complete; so is one that what it
	 * requires cannot serve any more */
	if (p->told || p->state == LIFE_CLEARING ||
	    (leaving && conditions_missing(p, sv->programs) != NO_PROGRAM))
		p->again = true;
	p->wanted = true;
	p->level = 0;
	start_limit_reset(&p->failures);
	apply(sv, p, LIFE_ON_WANT_UP, ctx);
	on_change(sv, p); /* being wanted again may be what others wait for */
}

/* lets a program that is not wanted go, unless somebody that depends on it has still to go first */
static void let_down(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	if (p->told || (p->wanted && !p->again))
		return;
	if (!life_state_is_active(p->state) ||
	    conditions_may_stop(&sv->dependents, p->id, sv->programs))
		apply(sv, p, LIFE_ON_WANT_DOWN, ctx);
}

/* what requires a program that is to stop has to stop as well, and first */
static void want_down(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	size_t count;
	const uint32_t *items = dependents_of(&sv->dependents, p->id, &count);

	p->again = false;
	if (!p->wanted && life_state_is_settled(p->state))
		return;
	p->wanted = false;
	on_change(sv, p); /* who only comes after it need not wait any more */
	for (size_t i = 0; i < count; i++)
		if (sv->programs[items[i]].wanted &&
		    conditions_requires(&sv->programs[items[i]], p->id))
			want_down(sv, &sv->programs[items[i]], ctx);
	let_down(sv, p, ctx);
}

static void restart(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	bool running = life_state_is_active(p->state) && !p->told, was_wanted = p->wanted;

	want_up(sv, p, ctx);
	if (!running)
		return;
	p->again = true;
	if (was_wanted)
		apply(sv, p, LIFE_ON_WANT_DOWN, ctx);
	else
		let_down(sv, p, ctx); /* it was to stop once its dependents have */
}

/* --- shutdown --- */

static void stop_all(struct supervisor *sv, const struct program_context *ctx)
{
	sv->phase = PHASE_STOPPING;
	timers_disarm(&sv->timers, &sv->drain_timer);
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		sv->programs[i].wanted = false;
		sv->programs[i].again = false;
	}
	for (size_t i = 0; i < sv->settings->program_count; i++)
		let_down(sv, &sv->programs[i], ctx);
}

static void kill_all(struct supervisor *sv, const struct program_context *ctx)
{
	sv->phase = PHASE_KILLING;
	for (size_t i = 0; i < sv->settings->program_count; i++)
		apply(sv, &sv->programs[i], LIFE_ON_KILL_NOW, ctx);
}

static void begin_shutdown(struct supervisor *sv, msec_t delay_ms,
                           const struct program_context *ctx)
{
	if (sv->settings->stop_deadline_ms != MSEC_NEVER)
		timers_arm(&sv->timers, &sv->deadline_timer,
		           ctx->now + sv->settings->stop_deadline_ms);
	if (delay_ms == 0) {
		stop_all(sv, ctx);
		return;
	}
	sv->phase = PHASE_DRAINING;
	timers_arm(&sv->timers, &sv->drain_timer, ctx->now + delay_ms);
}

/* each further request drops what the one before still waited for: the delay, then the grace */
static void shutdown(struct supervisor *sv, const struct program_context *ctx)
{
	switch (sv->phase) {
	case PHASE_UP: begin_shutdown(sv, sv->settings->stop_delay_ms, ctx); break;
	case PHASE_DRAINING: stop_all(sv, ctx); break;
	case PHASE_STOPPING: kill_all(sv, ctx); break;
	case PHASE_KILLING:
	case PHASE_OVER: break;
	}
}

/* vergerd ends because programs did (X1): with their status, and without the delay meant for load
 * balancers */
static void end_with(struct supervisor *sv, int status, const struct program_context *ctx)
{
	if (!sv->status_taken) {
		sv->status_taken = true;
		sv->exit_status = status;
	}
	if (sv->phase == PHASE_UP)
		begin_shutdown(sv, 0, ctx);
	else if (sv->phase == PHASE_DRAINING)
		stop_all(sv, ctx);
}

/* --- consequences of a program's end --- */

static void stop_group(struct supervisor *sv, const struct program *p,
                       const struct program_context *ctx)
{
	const struct group_settings *group;

	if (p->settings->group == NO_GROUP)
		return;
	group = &sv->settings->groups[p->settings->group];
	for (size_t i = 0; i < group->count; i++)
		want_down(sv, &sv->programs[group->programs[i]], ctx);
}

static void follow_end_policy(struct supervisor *sv, struct program *p, enum end_policy policy,
                              const struct program_context *ctx)
{
	switch (policy) {
	case END_IGNORE: break;
	case END_EXIT: end_with(sv, program_exit_status(p), ctx); break;
	case END_STOP_GROUP: stop_group(sv, p, ctx); break;
	}
}

/* the status when exit_when ends us: the named program's, else the first bad one, else 0 */
static int combined_status(const struct supervisor *sv)
{
	uint32_t from = sv->settings->exit_code_from;

	return from == NO_PROGRAM ? sv->bad_status : program_exit_status(&sv->programs[from]);
}

/* a program has come to rest by itself: what that means for vergerd */
static void on_end(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	bool failed = p->state == LIFE_FAILED;

	p->wanted = false;
	sv->ended = true;
	if (failed && !sv->bad_status)
		sv->bad_status = program_exit_status(p);
	if (sv->phase > PHASE_DRAINING)
		return;
	if (failed)
		follow_end_policy(sv, p, p->settings->on_failure, ctx);
	follow_end_policy(sv, p, p->settings->on_exit, ctx);
	if (sv->settings->exit_when == EXIT_WHEN_ANY)
		end_with(sv, combined_status(sv), ctx);
}

/* the status of a shutdown that was asked for (X2); a death by the signal we sent is no failure */
static int requested_status(const struct supervisor *sv)
{
	uint32_t from = sv->settings->exit_code_from;
	const struct program *p;

	if (from == NO_PROGRAM)
		return 0;
	p = &sv->programs[from];
	return p->last_success && p->last_signal ? 0 : program_exit_status(p);
}

static void try_start(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	if (p->state == LIFE_WAITING && conditions_missing(p, sv->programs) == NO_PROGRAM)
		apply(sv, p, LIFE_ON_CONDITIONS_MET, ctx);
}

/* nothing of it is there any more: what it depends on need not stay for it */
static void on_inactive(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	const struct dependencies *deps = p->settings->depends;

	if (p->state == LIFE_EXITED || p->state == LIFE_FAILED)
		on_end(sv, p, ctx);
	for (size_t i = 0; deps && i < deps->count; i++)
		let_down(sv, &sv->programs[deps->items[i].program], ctx);
}

/* draws the consequences of every change until there are none */
static void draw_consequences(struct supervisor *sv, const struct program_context *ctx)
{
	struct program *p;

	while ((p = take_changed(sv))) {
		size_t count;
		const uint32_t *items = dependents_of(&sv->dependents, p->id, &count);

		try_start(sv, p, ctx);
		if (!life_state_is_active(p->state))
			on_inactive(sv, p, ctx);
		for (size_t i = 0; i < count; i++)
			try_start(sv, &sv->programs[items[i]], ctx);
	}
}

/* exit_when = all: whoever is not at rest waits for somebody who is */
static bool is_all_over(const struct supervisor *sv)
{
	return sv->settings->exit_when == EXIT_WHEN_ALL && sv->phase <= PHASE_DRAINING &&
	       sv->ended && !sv->busy;
}

static void settle_changes(struct supervisor *sv, const struct program_context *ctx)
{
	draw_consequences(sv, ctx);
	if (is_all_over(sv)) {
		end_with(sv, combined_status(sv), ctx);
		draw_consequences(sv, ctx);
	}
	if (sv->phase >= PHASE_STOPPING && sv->phase != PHASE_OVER && !sv->unsettled) {
		sv->phase = PHASE_OVER;
		timers_disarm(&sv->timers, &sv->deadline_timer);
		if (!sv->status_taken)
			sv->exit_status = requested_status(sv);
		effects_add(ctx->out, (struct effect){ .type = EFFECT_QUIT,
		                                       .program = NO_PROGRAM,
		                                       .status = sv->exit_status });
	}
}

/* --- events --- */

static void boot(struct supervisor *sv, const struct program_context *ctx)
{
	if (sv->phase >= PHASE_STOPPING)
		return;
	for (size_t i = 0; i < sv->settings->program_count; i++)
		if (sv->programs[i].settings->autostart)
			want_up(sv, &sv->programs[i], ctx);
}

static void tick(struct supervisor *sv, const struct program_context *ctx)
{
	struct timer *timer;

	while ((timer = timers_take_due(&sv->timers, ctx->now))) {
		if (timer == &sv->drain_timer) {
			stop_all(sv, ctx);
		} else if (timer == &sv->deadline_timer) {
			if (sv->phase < PHASE_STOPPING)
				stop_all(sv, ctx);
			kill_all(sv, ctx);
		} else {
			struct program *p = (struct program *)timer; /* its first member */

			apply(sv, p, program_on_timeout(p), ctx);
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
	r = apply(sv, p, event, ctx);
	if (sv->phase == PHASE_KILLING) /* what was on its way when there was no more grace */
		apply(sv, p, LIFE_ON_KILL_NOW, ctx);
	return r;
}

static int on_program_event(struct supervisor *sv, const struct event *ev,
                            const struct program_context *ctx)
{
	struct program *p;

	if (ev->program >= sv->settings->program_count)
		return -ENOENT;
	p = &sv->programs[ev->program];
	switch (ev->type) {
	case EVENT_START:
	case EVENT_RESTART:
		if (sv->phase >= PHASE_STOPPING)
			return -ESHUTDOWN;
		if (ev->type == EVENT_START)
			want_up(sv, p, ctx);
		else
			restart(sv, p, ctx);
		return 0;
	case EVENT_STOP: want_down(sv, p, ctx); return 0;
	default: return on_system_event(sv, p, ev, ctx);
	}
}

int supervisor_apply(struct supervisor *sv, const struct event *ev, msec_t now, struct effects *out)
{
	struct program_context ctx = context_at(sv, now, out);
	int r = 0;

	switch (ev->type) {
	case EVENT_BOOT: boot(sv, &ctx); break;
	case EVENT_TICK: tick(sv, &ctx); break;
	case EVENT_SHUTDOWN: shutdown(sv, &ctx); break;
	case EVENT_SIGNAL: relay(sv, ev->signal, &ctx); break;
	default: r = on_program_event(sv, ev, &ctx); break;
	}
	settle_changes(sv, &ctx);
	return r;
}

/* --- life and questions --- */

static uint64_t collect_claims(const struct settings *settings)
{
	uint64_t claims = 0;

	for (size_t i = 0; i < settings->program_count; i++) {
		const struct forward_rules *f = settings->programs[i].forward;

		for (size_t k = 0; f && k < f->count; k++)
			claims |= (uint64_t)1 << (f->rules[k].from - 1);
	}
	return claims;
}

struct supervisor *supervisor_new(const struct settings *settings, uint64_t seed)
{
	struct supervisor *sv = calloc(1, sizeof *sv);
	size_t n = settings->program_count;

	if (!sv)
		return NULL;
	sv->settings = settings;
	sv->random = seed;
	sv->changed_head = NO_PROGRAM;
	sv->claims = collect_claims(settings);
	sv->programs = calloc(n ? n : 1, sizeof *sv->programs);
	if (!sv->programs || timers_init(&sv->timers, n + 2) < 0 ||
	    dependents_init(&sv->dependents, settings) < 0) {
		supervisor_free(sv);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		program_init(&sv->programs[i], (uint32_t)i, &settings->programs[i]);
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
	size_t max = 4;

	/* the worst is a program that fails, restarts and is stopped within one event: four changes
	 * of state and twice a signal with its CONT, a spawn, a sweep, a watch; and every step of
	 * a stop whose steps have no grace */
	for (size_t i = 0; i < sv->settings->program_count; i++)
		max += 12 + 3 * sv->settings->programs[i].stop->count;
	return max;
}

bool supervisor_wants_spawn(const struct supervisor *sv, uint32_t program)
{
	const struct program *p = &sv->programs[program];

	return p->state == LIFE_SPAWNING && p->wanted && !p->again;
}

bool supervisor_claims_signal(const struct supervisor *sv, int signo)
{
	return signo > 0 && signo <= 64 && (sv->claims >> (signo - 1) & 1);
}

bool supervisor_is_shutting_down(const struct supervisor *sv)
{
	return sv->phase != PHASE_UP;
}

void supervisor_status(const struct supervisor *sv, uint32_t program, struct program_status *out)
{
	const struct program *p = &sv->programs[program];

	*out = (struct program_status){
		.state = p->state,
		.pid = p->pid,
		.since_ms = p->since_ms,
		.deadline_ms = timer_is_armed(&p->timer) ? p->timer.at_ms : MSEC_NEVER,
		.delay_ms = p->delay_ms,
		.starts = p->starts,
		.failures = start_limit_count(&p->failures, p->settings->start_limit_window_ms,
		                              p->since_ms),
		.wanted = p->wanted,
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
		if (sv->phase >= PHASE_STOPPING && p->wanted)
			return "5: wanted in a shutdown";
		unsettled += !life_state_is_settled(p->state);
		busy += is_busy(p);
	}
	if (unsettled != sv->unsettled || busy != sv->busy)
		return "6: the count of programs at rest is wrong";
	if (sv->changed_head != NO_PROGRAM)
		return "7: a change was not looked at";
	return NULL;
}
