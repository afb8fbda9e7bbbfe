/* SPDX-License-Identifier: MIT */
/* Sentences about states.  Decides nothing. */
#include "control/reason.h"

#include <inttypes.h>

#include "base/parse.h"
#include "base/signame.h"
#include "control/meaning.h"

/* what a sentence is made of */
struct teller {
	const struct control_host *host;
	const struct program_settings *settings;
	const struct program_status *st;
	uint32_t program;
	msec_t now;
	unsigned *looks;
	struct text *out;
};

static void say(const struct teller *t, const char *words)
{
	text_add_string(t->out, words);
}

static void say_left(const struct teller *t, msec_t at)
{
	meaning_put_span(t->out, at > t->now ? at - t->now : 0);
}

static const char *name_of(const struct teller *t, uint32_t program)
{
	return t->host->settings->programs[program].name;
}

/* --- how it last ended --- */

static const struct past_end *last_end(const struct control_host *host, uint32_t program)
{
	const struct history *history = host->history(host->context, program);

	return history ? history_end(history, 0) : NULL;
}

bool reason_put_last_end(struct text *out, const struct control_host *host, uint32_t program,
                         const struct program_status *st)
{
	const struct past_end *end = last_end(host, program);
	const char *failure = host->failure(host->context, program);
	struct past_end told = { .code = (int16_t)st->last_code,
		                 .signal = (uint8_t)st->last_signal,
		                 .core_dumped = st->last_core_dumped,
		                 .uptime_ms = -1 };

	if (st->last_step != SPAWN_STEP_NONE) {
		if (failure)
			text_add_string(out, failure);
		else
			meaning_put_failure(out, st->last_step, st->last_error);
		return true;
	}
	if (!st->exit_known)
		return false;
	if (end && end->step == SPAWN_STEP_NONE)
		told = *end;
	meaning_put_end(out, &told);
	return true;
}

static bool say_last_end(const struct teller *t)
{
	return reason_put_last_end(t->out, t->host, t->program, t->st);
}

/* --- waiting --- */

static enum condition condition_on(const struct teller *t, uint32_t on)
{
	const struct dependencies *deps = t->settings->depends;

	for (size_t i = 0; deps && i < deps->count; i++)
		if (deps->items[i].program == on)
			return deps->items[i].condition;
	return CONDITION_READY;
}

static void say_dependency(const struct teller *t, uint32_t on)
{
	struct program_status other;

	if (!supervisor_has(t->host->supervisor, on)) {
		say(t, "waits for a program that is no longer in the configuration");
		return;
	}
	supervisor_status(t->host->supervisor, on, &other);
	text_add_format(t->out, "waits for %s", name_of(t, on));
	switch (other.state) {
	case LIFE_STOPPED: say(t, ", which is stopped"); break;
	case LIFE_WAITING:
		if (other.waits_for != NO_PROGRAM &&
		    supervisor_has(t->host->supervisor, other.waits_for))
			text_add_format(t->out, ", which waits for %s",
			                name_of(t, other.waits_for));
		else
			say(t, ", which is about to start");
		break;
	case LIFE_SPAWNING:
	case LIFE_STARTING:
	case LIFE_LAUNCHED: say(t, ", which is starting"); break;
	case LIFE_RUNNING:
		say(t, condition_on(t, on) == CONDITION_DONE ? ", which is not done yet"
		                                             : ", which is about to stop");
		break;
	case LIFE_STOPPING:
	case LIFE_CLEARING:
	case LIFE_KILLING: say(t, ", which is stopping"); break;
	case LIFE_BACKOFF:
		say(t, ", which did not stay up and is tried again in ");
		say_left(t, other.deadline_ms);
		break;
	case LIFE_EXITED: say(t, ", which has ended"); break;
	case LIFE_FAILED: say(t, ", which has failed"); break;
	case LIFE_STATE_COUNT: break;
	}
}

static bool say_waiting(const struct teller *t)
{
	if (t->st->waits_for == NO_PROGRAM)
		return false;
	say_dependency(t, t->st->waits_for);
	return true;
}

/* --- stopping --- */

/* the stop step whose grace ends at the deadline; -1 when that cannot be told */
static int step_under_way(const struct teller *t)
{
	const struct stop_plan *plan = t->settings->stop;
	msec_t at = t->st->since_ms;

	if (plan->count == 1)
		return 0;
	for (size_t i = 0; t->st->state == LIFE_STOPPING && i < plan->count; i++) {
		at += plan->steps[i].wait_ms;
		if (at == t->st->deadline_ms)
			return (int)i;
	}
	return -1;
}

static void say_next_step(const struct teller *t)
{
	const struct stop_plan *plan = t->settings->stop;
	char name[SIGNAME_SIZE];
	int step;

	if (t->st->deadline_ms == MSEC_NEVER)
		return;
	if (t->st->state == LIFE_KILLING) {
		say(t, "; killed again in ");
	} else {
		step = step_under_way(t);
		if (step < 0)
			say(t, "; the next signal in ");
		else if ((size_t)step + 1 < plan->count)
			text_add_format(t->out, "; %s in ",
			                signame_format(plan->steps[step + 1].signal, name));
		else
			say(t, "; SIGKILL in ");
	}
	say_left(t, t->st->deadline_ms);
}

/* takes back what was said after `size` */
static void unsay(struct text *out, size_t size)
{
	out->size = size;
	if (out->data)
		out->data[size] = '\0';
}

/* the processes that are there; the main one alone when there were too many looks (S4) */
static void say_processes(const struct teller *t)
{
	size_t before = t->out->size;

	if (*t->looks) {
		--*t->looks;
		say(t, ": ");
		if (t->host->processes(t->host->context, t->program, t->out) > 0)
			return;
		unsay(t->out, before);
	}
	if (t->st->pid)
		text_add_format(t->out, ": %d", (int)t->st->pid);
}

static bool say_stopping(const struct teller *t)
{
	bool ended_itself = t->st->state == LIFE_CLEARING && t->st->wanted && !t->st->again;

	if (ended_itself && say_last_end(t))
		say(t, "; what it left is still there");
	else
		say(t, t->st->state == LIFE_KILLING ? "being killed" : "still stopping");
	say_processes(t);
	say_next_step(t);
	if (t->st->again)
		say(t, "; then it starts again");
	return true;
}

/* A program that is to go and is held up by one that requires it. */
static bool say_held_up(const struct teller *t)
{
	const struct settings *s = t->host->settings;

	if (*t->looks == 0)
		return false;
	--*t->looks;
	for (uint32_t i = 0; i < s->program_count; i++) {
		const struct dependencies *deps = s->programs[i].depends;
		struct program_status other;

		for (size_t k = 0; deps && k < deps->count; k++) {
			if (deps->items[k].program != t->program ||
			    !supervisor_has(t->host->supervisor, i))
				continue;
			supervisor_status(t->host->supervisor, i, &other);
			if (!life_state_is_active(other.state))
				continue;
			text_add_format(t->out, "stops as soon as %s has stopped", name_of(t, i));
			return true;
		}
	}
	return false;
}

/* --- the end, and what follows --- */

static bool say_backoff(const struct teller *t)
{
	if (say_last_end(t))
		say(t, "; ");
	say(t, "next try in ");
	say_left(t, t->st->deadline_ms);
	if (t->settings->start_limit_count && t->st->failures)
		text_add_format(t->out, " (%u of %u)", t->st->failures,
		                t->settings->start_limit_count);
	return true;
}

static bool say_failed(const struct teller *t)
{
	char window[DURATION_SIZE];
	bool given_up = t->settings->restart != RESTART_NEVER && t->settings->start_limit_count &&
	                t->st->failures >= t->settings->start_limit_count;

	if (given_up) {
		text_add_format(t->out, "given up after %u failed starts within %s",
		                t->st->failures,
		                parse_format_duration(t->settings->start_limit_window_ms, window));
		say(t, "; the last one: ");
	}
	if (!say_last_end(t))
		say(t, "it could not be started");
	if (t->settings->restart == RESTART_NEVER)
		say(t, " (restart = never)");
	return true;
}

static bool say_starting(const struct teller *t)
{
	if (t->st->state == LIFE_SPAWNING)
		return false;
	say(t, t->st->state == LIFE_LAUNCHED ? "its daemon is being looked for" : "not ready yet");
	if (t->st->deadline_ms != MSEC_NEVER) {
		say(t, "; given up in ");
		say_left(t, t->st->deadline_ms);
	}
	return true;
}

static bool say_state(const struct teller *t)
{
	switch (t->st->state) {
	case LIFE_WAITING: return say_waiting(t);
	case LIFE_SPAWNING:
	case LIFE_STARTING:
	case LIFE_LAUNCHED: return say_starting(t);
	case LIFE_RUNNING: return (!t->st->wanted || t->st->again) && say_held_up(t);
	case LIFE_STOPPING:
	case LIFE_CLEARING:
	case LIFE_KILLING: return say_stopping(t);
	case LIFE_BACKOFF: return say_backoff(t);
	case LIFE_EXITED: return say_last_end(t);
	case LIFE_FAILED: return say_failed(t);
	case LIFE_STOPPED:
	case LIFE_STATE_COUNT: break;
	}
	return false;
}

/* --- its logs --- */

static void say_log(const struct teller *t, const char *before)
{
	struct host_log log;

	if (!t->host->log(t->host->context, t->program, &log) || !log.trouble)
		return;
	text_add_format(t->out, "%slog %s: %s", before, log.target, log.trouble);
	if (log.stalled && log.drops)
		text_add_format(t->out, "; %" PRIu64 " lines lost so far", log.lost_lines);
	else if (log.stalled)
		say(t, "; it will have to wait");
}

/* the many that need no words */
static bool is_plain(const struct program_status *st)
{
	bool as_wanted = (st->state == LIFE_RUNNING && st->wanted && !st->again) ||
	                 st->state == LIFE_STOPPED;

	return as_wanted && !st->removed && !st->pending;
}

bool reason_put(struct text *out, const struct control_host *host, uint32_t program,
                const struct program_status *st, unsigned *looks)
{
	struct teller t = {
		.host = host,
		.settings = &host->settings->programs[program],
		.st = st,
		.program = program,
		.looks = looks,
		.out = out,
	};
	size_t before = out->size;
	bool told;

	if (is_plain(st)) {
		say_log(&t, "");
		return out->size > before;
	}
	t.now = host->now_ms(host->context);
	if (st->removed)
		say(&t, "no longer in the configuration; ");
	told = say_state(&t);
	if (st->removed && !told)
		say(&t, "going");
	if (st->pending && !st->removed)
		say(&t, told ? "; new settings hold from its next start"
		             : "new settings hold from its next start");
	say_log(&t, out->size > before ? "; " : "");
	return out->size > before;
}
