/* SPDX-License-Identifier: MIT */
/* One program's life.  Knows no other program. */
#include "core/program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/exitrule.h"

void program_init(struct program *p, uint32_t id, const struct program_settings *settings)
{
	*p = (struct program){ .id = id, .settings = settings, .state = LIFE_STOPPED };
}

void program_release(struct program *p)
{
	start_limit_release(&p->failures);
	free(p->pending);
}

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, and jitter needs no more */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* --- actions: what a cell of the table asks for --- */

static void add(const struct program *p, const struct program_context *ctx, struct effect effect)
{
	effect.program = p->id;
	effects_add(ctx->out, effect);
}

static void send(const struct program *p, const struct program_context *ctx, int signal,
                 enum signal_scope scope)
{
	add(p, ctx, (struct effect){ .type = EFFECT_SIGNAL, .signal = signal, .scope = scope });
	if (signal != SIGKILL && signal != SIGSTOP && signal != SIGCONT)
		add(p, ctx, (struct effect){ .type = EFFECT_CONTINUE, .scope = scope });
}

static void send_stop_step(struct program *p, const struct program_context *ctx)
{
	const struct stop_step *step = &p->settings->stop->steps[p->stop_step];

	/* whom the leader would have told on is told by us once the leader is gone */
	send(p, ctx, step->signal, p->pid ? p->settings->kill : SCOPE_TREE);
	timers_arm(ctx->timers, &p->timer, ctx->now + step->wait_ms);
}

static void begin_stop(struct program *p, const struct program_context *ctx)
{
	p->told = true;
	p->stop_step = 0;
	if (!p->settings->stop_command || !p->pid) {
		send_stop_step(p, ctx);
		return;
	}
	/* the command stands in for the first signal and has its grace */
	add(p, ctx, (struct effect){ .type = EFFECT_STOP_COMMAND });
	timers_arm(ctx->timers, &p->timer, ctx->now + p->settings->stop->steps[0].wait_ms);
}

static void tell_left(struct program *p, const struct program_context *ctx)
{
	bool only_leader = p->settings->kill != SCOPE_TREE;
	bool only_command = p->settings->stop_command && p->stop_step == 0;

	/* what a launcher leaves behind may have been born while the signal was handed round */
	if (only_leader || only_command || p->launching)
		send(p, ctx, p->settings->stop->steps[p->stop_step].signal, SCOPE_TREE);
}

static void sweep(struct program *p, const struct program_context *ctx)
{
	p->told = true;
	add(p, ctx, (struct effect){ .type = EFFECT_SWEEP });
	timers_arm(ctx->timers, &p->timer, ctx->now + PROGRAM_KILL_NAMING_MS);
}

static void act(struct program *p, unsigned actions, const struct program_context *ctx)
{
	if (actions & LIFE_DO_DISARM)
		timers_disarm(ctx->timers, &p->timer);
	if (actions & LIFE_DO_NAME_LEFTOVERS)
		add(p, ctx, (struct effect){ .type = EFFECT_LEFTOVERS });
	if (actions & LIFE_DO_SPAWN)
		add(p, ctx, (struct effect){ .type = EFFECT_SPAWN });
	if (actions & LIFE_DO_ARM_READY)
		timers_arm(ctx->timers, &p->timer, ctx->now + p->settings->ready_timeout_ms);
	if (actions & LIFE_DO_ARM_BACKOFF)
		timers_arm(ctx->timers, &p->timer, ctx->now + p->delay_ms);
	if (actions & LIFE_DO_BEGIN_STOP)
		begin_stop(p, ctx);
	if (actions & LIFE_DO_NEXT_STEP) {
		p->stop_step++;
		send_stop_step(p, ctx);
	}
	if (actions & LIFE_DO_REPEAT_STEP)
		send_stop_step(p, ctx);
	if (actions & LIFE_DO_TELL_LEFT)
		tell_left(p, ctx);
	if (actions & LIFE_DO_FIND_MAIN)
		add(p, ctx, (struct effect){ .type = EFFECT_FIND_MAIN });
	if (actions & LIFE_DO_WATCH_FAMILY)
		add(p, ctx, (struct effect){ .type = EFFECT_WATCH_FAMILY });
	if (actions & LIFE_DO_SWEEP)
		sweep(p, ctx);
}

static void enter(struct program *p, enum life_state next, const struct program_context *ctx)
{
	enum life_state from = p->state;

	p->state = (uint8_t)next;
	p->since_ms = ctx->now;
	if (!life_state_is_active(next))
		p->told = p->again = false;
	if (next == LIFE_CLEARING) /* what it takes to clear up is no life */
		p->uptime_ms = ctx->now - p->started_ms;
	if (next == LIFE_SPAWNING)
		p->start_failed = false;
	add(p, ctx, (struct effect){ .type = EFFECT_STATE, .from = from, .to = next });
}

int program_apply(struct program *p, enum life_event event, const struct program_context *ctx)
{
	const struct life_rule *rule = lifecycle_rule(p->state, event);

	switch (rule->verdict) {
	case LIFE_UNDECIDED:
	case LIFE_IMPOSSIBLE: return -EPROTO;
	case LIFE_STAY: act(p, rule->actions, ctx); return 0;
	case LIFE_GO:
		enter(p, rule->next, ctx);
		act(p, rule->actions, ctx);
		ctx->on_change(ctx->context, p);
		return 0;
	}
	return -EPROTO;
}

/* --- deciders: what happened, as an event of the lifecycle --- */

enum life_event program_on_spawned(struct program *p, pid_t pid, msec_t now)
{
	p->pid = pid;
	p->launching = p->settings->type == PROGRAM_FORKING;
	p->started_ms = now;
	p->starts++;
	p->last_step = SPAWN_STEP_NONE;
	p->last_error = 0;
	if (!p->wanted || p->again)
		return LIFE_ON_SPAWNED_UNWANTED;
	return p->settings->type == PROGRAM_FORKING ? LIFE_ON_SPAWNED : LIFE_ON_SPAWNED_READY;
}

/* notes a failed start; true when it was one too many */
static bool is_given_up(struct program *p, msec_t now)
{
	return start_limit_hit(&p->failures, p->settings->start_limit_count,
	                       p->settings->start_limit_window_ms, now);
}

/* a failed start: shorter than any min_uptime */
#define UPTIME_NONE (-1)

/* the back-off after a life of uptime_ms */
static void choose_delay(struct program *p, msec_t uptime_ms, const struct program_context *ctx)
{
	const struct program_settings *s = p->settings;
	msec_t delay;

	p->level = (uint8_t)backoff_level_after(p->level, uptime_ms, s->min_uptime_ms,
	                                        s->restart_delay_ms, s->restart_delay_max_ms);
	delay = backoff_delay(p->level, s->restart_delay_ms, s->restart_delay_max_ms);
	p->delay_ms = backoff_jitter(delay, s->restart_jitter_percent, next_random(ctx->random));
}

enum life_event program_on_spawn_failed(struct program *p, enum spawn_step step, int error,
                                        const struct program_context *ctx)
{
	bool machine = exitrule_is_machine_failure(step, error);

	if (step == SPAWN_STEP_CANCELLED)
		return p->wanted ? LIFE_ON_SPAWN_RETRY_NOW : LIFE_ON_SPAWN_UNWANTED;
	p->last_step = (uint8_t)step;
	p->last_error = (uint16_t)error;
	if (!p->wanted)
		return LIFE_ON_SPAWN_UNWANTED;
	if (p->again) /* what could not be started is not what is to be started now */
		return LIFE_ON_SPAWN_RETRY_NOW;
	p->failed++;
	if (!machine && (p->settings->restart == RESTART_NEVER || is_given_up(p, ctx->now)))
		return LIFE_ON_SPAWN_GIVE_UP;
	choose_delay(p, UPTIME_NONE, ctx);
	/* the machine needs a rest even where the program does not */
	if (machine && p->delay_ms == 0)
		p->delay_ms = 100;
	return p->delay_ms ? LIFE_ON_SPAWN_RETRY : LIFE_ON_SPAWN_RETRY_NOW;
}

enum life_event program_on_exited(struct program *p, int code, int signal, bool core_dumped)
{
	p->pid = 0;
	p->exit_known = true;
	p->last_code = (int16_t)code;
	p->last_signal = (uint8_t)signal;
	p->last_core = core_dumped;
	p->last_success = exitrule_is_success(p->settings, code, signal, p->told);
	if (p->state == LIFE_STARTING && p->settings->type == PROGRAM_FORKING) {
		if (code == 0 && signal == 0)
			return LIFE_ON_LAUNCHED;
		p->start_failed = true;
	}
	return LIFE_ON_EXITED;
}

enum life_event program_on_main_found(struct program *p, pid_t pid)
{
	/* a stop may have come first: then it is one of the family that is cleared */
	if (p->state == LIFE_LAUNCHED) {
		p->pid = pid;
		p->launching = false;
	}
	return LIFE_ON_READY;
}

enum life_event program_on_family_left(const struct program *p)
{
	return p->told ? LIFE_ON_LEFT_TOLD : LIFE_ON_LEFT;
}

/* a life that was not worth its start; a oneshot lives for its end */
static bool is_failed_start(const struct program *p, msec_t uptime)
{
	if (p->settings->type == PROGRAM_ONESHOT)
		return !p->last_success;
	return uptime < p->settings->min_uptime_ms;
}

enum life_event program_on_family_empty(struct program *p, const struct program_context *ctx)
{
	msec_t uptime = p->uptime_ms;

	if (!p->wanted)
		return LIFE_ON_GONE_STOPPED;
	if (p->again) {
		p->level = 0;
		return LIFE_ON_GONE_AGAIN;
	}
	if (p->state == LIFE_LAUNCHED || p->start_failed) {
		/* the daemon never came, or not in time: the launcher's good word does not count */
		p->start_failed = true;
		p->last_success = false;
		uptime = UPTIME_NONE;
	}
	if (is_failed_start(p, uptime))
		p->failed++;
	if (!exitrule_restarts(p->settings, p->last_success))
		return p->last_success ? LIFE_ON_GONE_EXITED : LIFE_ON_GONE_FAILED;
	if (uptime < p->settings->min_uptime_ms && is_given_up(p, ctx->now))
		return LIFE_ON_GONE_FAILED;
	choose_delay(p, uptime, ctx);
	return p->delay_ms ? LIFE_ON_GONE_BACKOFF : LIFE_ON_GONE_AGAIN;
}

enum life_event program_on_timeout(struct program *p)
{
	bool stopping = p->state == LIFE_STOPPING || p->state == LIFE_CLEARING;

	/* a start that ran out of time is a failed start however it ends */
	if (p->state == LIFE_STARTING || p->state == LIFE_LAUNCHED)
		p->start_failed = true;
	return stopping && p->stop_step + 1u < p->settings->stop->count ? LIFE_ON_STEP
	                                                                : LIFE_ON_TIMEOUT;
}

int program_exit_status(const struct program *p)
{
	if (p->last_step != SPAWN_STEP_NONE)
		return exitrule_spawn_status((enum spawn_step)p->last_step, p->last_error);
	if (!p->exit_known ||
	    (p->state == LIFE_FAILED && exitrule_status(p->last_code, p->last_signal) == 0))
		return p->state == LIFE_FAILED ? 1 : 0;
	return exitrule_status(p->last_code, p->last_signal);
}

bool program_meets(const struct program *p, enum condition condition)
{
	switch (condition) {
	case CONDITION_STARTED:
		return p->state == LIFE_STARTING || p->state == LIFE_LAUNCHED ||
		       p->state == LIFE_RUNNING ||
		       (p->state == LIFE_EXITED && p->settings->type == PROGRAM_ONESHOT);
	case CONDITION_READY:
		return p->state == LIFE_RUNNING ||
		       (p->state == LIFE_EXITED && p->settings->type == PROGRAM_ONESHOT);
	case CONDITION_DONE: return p->state == LIFE_EXITED && p->last_success;
	}
	return false;
}

const char *program_check(const struct program *p)
{
	static const uint16_t with_process =
		1 << LIFE_STARTING | 1 << LIFE_RUNNING | 1 << LIFE_STOPPING;
	static const uint16_t with_deadline = 1 << LIFE_STARTING | 1 << LIFE_LAUNCHED |
	                                      1 << LIFE_STOPPING | 1 << LIFE_KILLING |
	                                      1 << LIFE_BACKOFF;
	bool armed = timer_is_armed(&p->timer);

	if (life_state_is_settled(p->state) && (p->pid || armed || p->told))
		return "1: settled, but with a process, a deadline or a stop under way";
	if ((with_deadline >> p->state & 1) && !armed)
		return "2: waits without a deadline";
	if ((with_process >> p->state & 1) && !p->pid)
		return "3: active without a main process";
	if (!(with_process >> p->state & 1) && p->state != LIFE_KILLING && p->pid)
		return "3: a main process where none can be";
	if (!p->wanted && (p->again || p->state == LIFE_WAITING || p->state == LIFE_BACKOFF))
		return "4: not wanted, yet about to start";
	if (p->again && !life_state_is_active(p->state))
		return "5: a start after a stop that is over";
	return NULL;
}
