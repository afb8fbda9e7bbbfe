/* SPDX-License-Identifier: MIT */
/* The played system.  Knows what a kernel may do, nothing of what the supervisor should do but its
 * promises. */
#include "sim/world.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/exitrule.h"
#include "core/supervisor.h"
#include "sim/casting.h"

enum {
	PROGRAMS_MAX = 10,
	QUEUE_MAX = 256,
	TRACE_MAX = 1 << 22,
	TRACE_TAIL = 6000,
	SPAWN_MS = 50,   /* the longest a start waits in the queue, and again for its answer */
	SWEEP_MS = 100,  /* the longest a killed process takes */
	STUCK_MS = 25000 /* the same in uninterruptible sleep */
};

enum spawn_phase { SPAWN_IDLE, SPAWN_QUEUED, SPAWN_UNDER_WAY };

/* what the system has of one program */
struct actor {
	enum spawn_phase spawn;
	msec_t spawn_at;
	bool alive, deaf; /* the main process; deaf to stop signals */
	bool zombie;      /* it has ended and is not reaped: a signal does not miss it */
	msec_t dies_at;
	int code, signal;
	unsigned family; /* others */
	bool family_deaf;
	msec_t family_gone_at;
	msec_t found_at; /* the daemon is recognised */
	bool watched, swept, sought;
	bool empty_posted;

	/* what was promised */
	enum life_state state;
	enum spawn_step failed_step; /* of the last start; NONE when it did not fail */
	int failed_error, last_code, last_signal;
	bool down; /* asked to stop, and nobody has asked for it since */
	msec_t down_by;
};

struct world {
	uint64_t seed, random;
	struct settings *settings;
	struct supervisor *sv;
	struct effects out;
	struct actor actors[PROGRAMS_MAX];
	uint32_t count;
	struct event queue[QUEUE_MAX];
	size_t queue_first, queue_count;
	struct text trace;
	int verbose;
	msec_t now, verb_at, bound, over_by;
	unsigned verbs;
	pid_t next_pid;
	enum event_type cause;
	bool asked, hurried, over, ended;
	int expected; /* status of the end; -1 = a shutdown that was asked for */
	int first_bad;
	struct world_result *sum;
};

/* --- chance --- */

static uint64_t draw(struct world *w)
{
	/* xorshift64* (Vigna 2016) */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * 2685821657736338717u >> 16;
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

static bool one_in(struct world *w, unsigned n)
{
	return below(w, n) == 0;
}

static msec_t within(struct world *w, msec_t longest)
{
	return (msec_t)(draw(w) % (uint64_t)(longest + 1));
}

/* --- telling --- */

static const char *name_of(const struct world *w, uint32_t program)
{
	return w->settings->programs[program].name;
}

static void tell(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct world *w, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (text_add_format(&w->trace, "t=%lld %s\n", (long long)w->now, line) < 0)
		text_reset(&w->trace);
	if (w->verbose)
		fprintf(stderr, "t=%lld %s\n", (long long)w->now, line);
}

static void broken(struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
static void broken(struct world *w, const char *format, ...)
{
	const char *trace = text_get(&w->trace);
	char what[256];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (w->trace.size > TRACE_TAIL) {
		trace += w->trace.size - TRACE_TAIL;
		trace = strchr(trace, '\n') + 1;
	}
	if (!w->verbose)
		fprintf(stderr, "[…]\n%s", trace);
	fprintf(stderr, "broken at t=%lld: %s\nreplay with: VERGER_SIM_SEED=%llu %s\n",
	        (long long)w->now, what, (unsigned long long)w->seed, program_invocation_name);
	ck_abort_msg("seed %llu: %s", (unsigned long long)w->seed, what);
	abort();
}

static void require(struct world *w, bool holds, uint32_t program, const char *promise)
{
	if (!holds)
		broken(w, "%s: %s", name_of(w, program), promise);
}

/* --- events on their way to the supervisor --- */

static void post(struct world *w, struct event ev)
{
	if (w->queue_count == QUEUE_MAX)
		broken(w, "the supervisor and the system answer each other for ever");
	w->queue[(w->queue_first + w->queue_count++) % QUEUE_MAX] = ev;
}

static void post_plain(struct world *w, uint32_t program, enum event_type type)
{
	post(w, (struct event){ .type = type, .program = program });
}

/* nothing of the program is left: once for everybody who asked */
static void post_empty(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	if (a->empty_posted)
		return;
	a->empty_posted = true;
	a->watched = a->swept = a->sought = false;
	a->found_at = MSEC_NEVER;
	post_plain(w, program, EVENT_FAMILY_EMPTY);
}

/* --- processes --- */

static void choose_death(struct world *w, struct actor *a)
{
	static const int codes[] = { 0, 0, 1, 3, 255 };
	static const int signals[] = { SIGSEGV, SIGKILL, SIGTERM };

	a->signal = one_in(w, 4) ? signals[below(w, 3)] : 0;
	a->code = a->signal ? 0 : codes[below(w, 5)];
}

static void choose_family(struct world *w, struct actor *a)
{
	a->family = one_in(w, 3) ? 1 + below(w, 3) : 0;
	a->family_deaf = one_in(w, 3);
	a->family_gone_at = one_in(w, 2) ? w->now + within(w, 60000) : MSEC_NEVER;
}

static void begin_life(struct world *w, uint32_t program)
{
	const struct program_settings *s = &w->settings->programs[program];
	struct actor *a = &w->actors[program];

	a->alive = true;
	a->deaf = one_in(w, 6);
	choose_death(w, a);
	choose_family(w, a);
	switch (below(w, 3)) {
	case 0: a->dies_at = w->now + 1 + within(w, 2 * s->min_uptime_ms); break;
	case 1: a->dies_at = w->now + 1 + within(w, 120000); break;
	default: a->dies_at = MSEC_NEVER; break;
	}
	if (s->type == PROGRAM_SIMPLE)
		return;
	a->dies_at = w->now + 1 + within(w, s->ready_timeout_ms * 4 / 3);
	if (s->type == PROGRAM_FORKING && !one_in(w, 4)) {
		a->code = a->signal = 0;
		if (!one_in(w, 5)) {
			a->family = 1 + below(w, 3);
			a->family_gone_at = MSEC_NEVER;
		}
	}
}

static void die_by(struct world *w, struct actor *a, int signal, msec_t longest)
{
	msec_t at = w->now + within(w, longest);

	if (!a->alive || a->zombie || at >= a->dies_at)
		return;
	a->dies_at = at;
	a->signal = one_in(w, 3) && signal != SIGKILL ? 0 : signal;
	a->code = 0;
}

static void let_family_go(struct world *w, struct actor *a, msec_t longest)
{
	msec_t at = w->now + within(w, longest);

	if (a->family && at < a->family_gone_at)
		a->family_gone_at = at;
}

/* --- effects --- */

static bool is_settled(const struct actor *a)
{
	return life_state_is_settled(a->state);
}

static void take_spawn(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	require(w, a->spawn == SPAWN_IDLE && !a->alive, program, "started twice at once");
	require(w, a->family == 0, program, "S3: started while others of it are left");
	require(w, !a->down, program, "R1: started after a stop that was asked for");
	require(w, !w->over, program, "X3: started after the end");
	a->spawn = SPAWN_QUEUED;
	a->spawn_at = w->now + within(w, SPAWN_MS);
	a->empty_posted = false;
	w->sum->spawns++;
}

static void take_signal(struct world *w, const struct effect *fx)
{
	struct actor *a = &w->actors[fx->program];
	bool stopping = a->state == LIFE_STOPPING || a->state == LIFE_CLEARING;

	require(w, a->alive || (fx->scope == SCOPE_TREE && a->family), fx->program,
	        "a signal to processes that are not there");
	if (fx->type == EFFECT_CONTINUE)
		return;
	require(w, fx->signal > 0 && fx->signal <= 64, fx->program, "no signal");
	if (!stopping && !one_in(w, 10))
		return;
	if (!a->deaf)
		die_by(w, a, fx->signal, 1000);
	if (fx->scope == SCOPE_TREE && !a->family_deaf)
		let_family_go(w, a, 1000);
}

static void take_sweep(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];
	msec_t longest = one_in(w, 20) ? STUCK_MS : SWEEP_MS;

	a->swept = true;
	die_by(w, a, SIGKILL, longest);
	let_family_go(w, a, longest);
	if (!a->alive && !a->family)
		post_empty(w, program);
}

static void take_watch(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	require(w, !a->alive, program, "its family is watched before its main process has ended");
	if (!one_in(w, 10)) /* a search that ends too late is answered all the same */
		a->sought = false;
	a->watched = true;
	if (a->family)
		post_plain(w, program, EVENT_FAMILY_LEFT);
	else
		post_empty(w, program);
}

static void take_search(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	require(w, !a->alive, program, "a daemon is looked for beside a main process");
	a->sought = true;
	a->found_at = one_in(w, 6)
	                      ? MSEC_NEVER
	                      : w->now + within(w, w->settings->programs[program].ready_timeout_ms);
	if (!a->family)
		post_empty(w, program);
}

static void take_stop_command(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	require(w, a->alive, program, "a stop command without a process to stop");
	if (one_in(w, 4))
		post_plain(w, program, EVENT_STOP_COMMAND_FAILED);
	else if (!one_in(w, 4))
		die_by(w, a, SIGTERM, 1000);
}

/* S5: who requires it has to be gone before it is told to stop, unless there is no more time */
static void check_order(struct world *w, const struct effect *fx)
{
	struct program_status status;
	bool told = (fx->to == LIFE_STOPPING &&
	             (fx->from == LIFE_RUNNING || fx->from == LIFE_STARTING)) ||
	            (fx->to == LIFE_CLEARING && fx->from == LIFE_LAUNCHED);

	supervisor_status(w->sv, fx->program, &status);
	if (!told || status.wanted || w->hurried || w->cause == EVENT_TICK)
		return;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct dependencies *deps = w->settings->programs[i].depends;

		for (size_t k = 0; deps && i != fx->program && k < deps->count; k++)
			if (deps->items[k].program == fx->program && deps->items[k].required)
				require(w, !life_state_is_active(w->actors[i].state), i,
				        "S5: outlives what it requires");
	}
}

static int status_of(const struct actor *a, bool failed)
{
	int status = a->failed_step != SPAWN_STEP_NONE
	                     ? exitrule_spawn_status(a->failed_step, a->failed_error)
	                     : exitrule_status(a->last_code, a->last_signal);

	return failed && status == 0 ? 1 : status;
}

/* X1: an end that counts, and the status it should give */
static void note_end(struct world *w, uint32_t program)
{
	const struct program_settings *s = &w->settings->programs[program];
	const struct actor *a = &w->actors[program];
	bool failed = a->state == LIFE_FAILED;
	int status = status_of(a, failed);

	w->ended = true;
	if (failed && !w->first_bad)
		w->first_bad = status;
	if (w->expected >= 0)
		return;
	if (s->on_exit == END_EXIT || (failed && s->on_failure == END_EXIT))
		w->expected = status;
	else if (w->settings->exit_when == EXIT_WHEN_ANY)
		w->expected = w->settings->exit_code_from == NO_PROGRAM ? w->first_bad : 1000;
	if (w->expected >= 0 && !w->over_by)
		w->over_by = w->now + w->bound;
}

static void take_state(struct world *w, const struct effect *fx)
{
	struct actor *a = &w->actors[fx->program];

	tell(w, "%s %s→%s", name_of(w, fx->program), life_state_symbol(fx->from),
	     life_state_symbol(fx->to));
	require(w, fx->from == a->state, fx->program, "a state was left that it was not in");
	check_order(w, fx);
	a->state = fx->to;
	if (!life_state_is_active(fx->to))
		require(w, !a->alive && !a->family, fx->program, "S3: at rest, but not gone");
	if (fx->to == LIFE_EXITED || fx->to == LIFE_FAILED)
		note_end(w, fx->program);
}

static void take_quit(struct world *w, int status)
{
	tell(w, "quit %d", status);
	if (w->over)
		broken(w, "the end came twice");
	w->over = true;
	w->sum->quits++;
	for (uint32_t i = 0; i < w->count; i++)
		require(w, is_settled(&w->actors[i]), i, "X3: left behind");
	if (w->expected >= 0 && w->expected < 256 && status != w->expected)
		broken(w, "X1: status %d instead of %d", status, w->expected);
	if (w->expected < 0 && !w->asked && w->settings->exit_when == EXIT_WHEN_NEVER)
		broken(w, "an end that nobody asked for");
	if (w->expected < 0 && w->settings->exit_when == EXIT_WHEN_NEVER &&
	    w->settings->exit_code_from == NO_PROGRAM && status != 0)
		broken(w, "X2: status %d after a shutdown that was asked for", status);
}

static void take(struct world *w, const struct effect *fx)
{
	switch (fx->type) {
	case EFFECT_SPAWN: take_spawn(w, fx->program); break;
	case EFFECT_SIGNAL:
	case EFFECT_CONTINUE: take_signal(w, fx); break;
	case EFFECT_WATCH_FAMILY: take_watch(w, fx->program); break;
	case EFFECT_SWEEP: take_sweep(w, fx->program); break;
	case EFFECT_FIND_MAIN: take_search(w, fx->program); break;
	case EFFECT_STOP_COMMAND: take_stop_command(w, fx->program); break;
	case EFFECT_STATE: take_state(w, fx); break;
	case EFFECT_LEFTOVERS:
		require(w, w->actors[fx->program].alive || w->actors[fx->program].family,
		        fx->program, "S4: leftovers are named where none are");
		break;
	case EFFECT_QUIT: take_quit(w, fx->status); break;
	}
}

/* --- the promises that hold between any two events --- */

static void check_program(struct world *w, uint32_t program)
{
	const struct actor *a = &w->actors[program];
	struct program_status status;

	supervisor_status(w->sv, program, &status);
	require(w, status.state == a->state, program, "a change of state was not told");
	require(w, (a->state == LIFE_SPAWNING) == (a->spawn != SPAWN_IDLE), program,
	        "S6: its start and its state do not agree");
	require(w, (status.pid != 0) == a->alive, program, "a main process that is not known");
	switch (a->state) {
	case LIFE_WAITING:
		require(w, status.waits_for != NO_PROGRAM, program, "S6: waits for nothing");
		break;
	case LIFE_STARTING:
	case LIFE_LAUNCHED:
	case LIFE_STOPPING:
	case LIFE_KILLING:
	case LIFE_BACKOFF:
		require(w, status.deadline_ms != MSEC_NEVER, program,
		        "S6: waits without a deadline");
		break;
	case LIFE_CLEARING:
		require(w, a->watched && status.deadline_ms != MSEC_NEVER, program,
		        "S6: clears without an end");
		break;
	default:
		require(w, status.deadline_ms == MSEC_NEVER, program, "I1: a deadline for nothing");
		break;
	}
	require(w, !a->down || is_settled(a) || w->now <= a->down_by, program,
	        "S6: a stop that does not end");
}

static void check_world(struct world *w)
{
	bool busy = false;

	for (uint32_t i = 0; i < w->count; i++) {
		check_program(w, i);
		busy |= life_state_is_active(w->actors[i].state) ||
		        w->actors[i].state == LIFE_BACKOFF;
	}
	if (w->over_by && !w->over && w->now > w->over_by)
		broken(w, "S6: a shutdown that does not end");
	if (w->settings->exit_when == EXIT_WHEN_ALL && w->ended && !busy && !w->over)
		broken(w, "X1: everything has ended but vergerd");
}

static void apply(struct world *w, struct event ev)
{
	const char *invariant;
	int r;

	w->cause = ev.type;
	w->out.count = 0;
	w->sum->events++;
	r = supervisor_apply(w->sv, &ev, w->now, &w->out);
	if (r < 0 && !(r == -ESHUTDOWN && (ev.type == EVENT_START || ev.type == EVENT_RESTART)))
		broken(w, "event %d of %s was refused: %s", ev.type,
		       ev.program < w->count ? name_of(w, ev.program) : "-", strerror(-r));
	if (w->out.count > supervisor_effects_max(w->sv))
		broken(w, "%zu effects of one event", w->out.count);
	for (size_t i = 0; i < w->out.count; i++)
		take(w, &w->out.items[i]);
	invariant = supervisor_check(w->sv);
	if (invariant)
		broken(w, "invariant %s", invariant);
}

/* what the supervisor learns changes what the system has, too */
static void deliver(struct world *w, struct event ev)
{
	struct actor *a = ev.program < w->count ? &w->actors[ev.program] : NULL;
	struct program_status status;

	if (ev.type == EVENT_MAIN_FOUND) {
		a->alive = a->state == LIFE_LAUNCHED;
		a->family -= a->alive;
		if (a->alive && !a->family)
			a->family_gone_at = MSEC_NEVER;
		choose_death(w, a);
		a->deaf = one_in(w, 6);
		a->dies_at = one_in(w, 2) ? w->now + 1 + within(w, 60000) : MSEC_NEVER;
	}
	if (ev.type == EVENT_EXITED)
		a->alive = a->zombie = false;
	if (ev.type == EVENT_FAMILY_EMPTY)
		a->empty_posted = false;
	apply(w, ev);
	if (ev.type == EVENT_MAIN_FOUND) {
		supervisor_status(w->sv, ev.program, &status);
		require(w, (status.pid == ev.pid) == a->alive, ev.program,
		        "P7: what was found and what is believed do not agree");
	}
}

static void deliver_all(struct world *w)
{
	while (w->queue_count) {
		struct event ev = w->queue[w->queue_first];

		w->queue_first = (w->queue_first + 1) % QUEUE_MAX;
		w->queue_count--;
		deliver(w, ev);
	}
	check_world(w);
}

/* --- what happens by itself --- */

static void fail_spawn(struct world *w, uint32_t program)
{
	static const struct {
		enum spawn_step step;
		int error;
	} failures[] = {
		{ SPAWN_STEP_EXEC, ENOENT },      { SPAWN_STEP_EXEC, EACCES },
		{ SPAWN_STEP_DIRECTORY, ENOENT }, { SPAWN_STEP_PROCESS, EAGAIN },
		{ SPAWN_STEP_PIDFILE, ENOSPC },
	};
	unsigned i = below(w, 5);
	struct actor *a = &w->actors[program];

	a->spawn = SPAWN_IDLE;
	a->failed_step = failures[i].step;
	a->failed_error = failures[i].error;
	tell(w, "  %s cannot be started: %s", name_of(w, program), strerror(failures[i].error));
	post(w,
	     (struct event){ .type = EVENT_SPAWN_FAILED,
	                     .program = program,
	                     .failure = { .step = failures[i].step, .error = failures[i].error } });
}

static void go_on_spawning(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	if (a->spawn == SPAWN_QUEUED && !supervisor_wants_spawn(w->sv, program)) {
		a->spawn = SPAWN_IDLE;
		tell(w, "  %s need not be started any more", name_of(w, program));
		post(w, (struct event){ .type = EVENT_SPAWN_FAILED,
		                        .program = program,
		                        .failure = { .step = SPAWN_STEP_CANCELLED } });
		return;
	}
	if (a->spawn == SPAWN_QUEUED) {
		a->spawn = SPAWN_UNDER_WAY;
		a->spawn_at = w->now + within(w, SPAWN_MS);
		return;
	}
	if (one_in(w, 6)) {
		fail_spawn(w, program);
		return;
	}
	a->spawn = SPAWN_IDLE;
	a->failed_step = SPAWN_STEP_NONE;
	begin_life(w, program);
	tell(w, "  %s is there", name_of(w, program));
	post(w, (struct event){ .type = EVENT_SPAWNED, .program = program, .pid = w->next_pid++ });
}

static void die(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	tell(w, "  %s ends: code %d signal %d, %u left", name_of(w, program), a->code, a->signal,
	     a->family);
	/* the group can be seen empty before the main process is reaped */
	if (a->swept && !a->family && one_in(w, 2))
		apply(w, (struct event){ .type = EVENT_FAMILY_EMPTY, .program = program });
	a->zombie = true;
	a->dies_at = MSEC_NEVER;
	a->last_code = a->code;
	a->last_signal = a->signal;
	post(w, (struct event){ .type = EVENT_EXITED,
	                        .program = program,
	                        .exit = { .code = a->code, .signal = a->signal } });
}

static void lose_family(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	tell(w, "  %s: the others are gone", name_of(w, program));
	a->family = 0;
	a->family_gone_at = MSEC_NEVER;
	if (!a->alive && (a->watched || a->swept || a->sought))
		post_empty(w, program);
}

static void find_main(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	a->found_at = MSEC_NEVER;
	if (!a->sought || !a->family || a->alive)
		return;
	a->sought = false;
	tell(w, "  %s: the daemon is found", name_of(w, program));
	post(w,
	     (struct event){ .type = EVENT_MAIN_FOUND, .program = program, .pid = w->next_pid++ });
}

/* --- people --- */

/* what is asked to stop, and all that requires it and was wanted, has to go */
static void expect_down(struct world *w, uint32_t program)
{
	struct program_status status;

	supervisor_status(w->sv, program, &status);
	if (!status.wanted && is_settled(&w->actors[program]))
		return;
	if (!w->actors[program].down)
		w->actors[program].down_by = w->now + w->bound;
	w->actors[program].down = true;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct dependencies *deps = w->settings->programs[i].depends;

		for (size_t k = 0; deps && k < deps->count; k++)
			if (deps->items[k].program == program && deps->items[k].required &&
			    !w->actors[i].down)
				expect_down(w, i);
	}
}

static void ask_for_the_end(struct world *w)
{
	tell(w, "  somebody asks for a shutdown");
	w->hurried |= w->asked || w->expected >= 0;
	w->asked = true;
	if (!w->over_by)
		w->over_by = w->now + w->bound;
	post_plain(w, NO_PROGRAM, EVENT_SHUTDOWN);
}

static void ask(struct world *w)
{
	uint32_t program = below(w, w->count);
	struct actor *a = &w->actors[program];

	w->verb_at = w->now + within(w, one_in(w, 3) ? 100 : 20000);
	if (w->verbs == 0 || one_in(w, 60)) {
		ask_for_the_end(w);
		return;
	}
	w->verbs--;
	switch (below(w, 8)) {
	case 0:
	case 1:
	case 2:
		tell(w, "  somebody starts %s", name_of(w, program));
		a->down = false;
		post_plain(w, program, EVENT_START);
		break;
	case 3:
	case 4:
		tell(w, "  somebody stops %s", name_of(w, program));
		expect_down(w, program);
		post_plain(w, program, EVENT_STOP);
		break;
	case 5:
	case 6:
		tell(w, "  somebody restarts %s", name_of(w, program));
		a->down = false;
		post_plain(w, program, EVENT_RESTART);
		break;
	default:
		post(w, (struct event){
				.type = EVENT_SIGNAL, .program = NO_PROGRAM, .signal = SIGUSR1 });
		break;
	}
}

/* --- time --- */

static msec_t earliest(const struct world *w)
{
	msec_t at = supervisor_deadline(w->sv);

	at = w->verb_at < at ? w->verb_at : at;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct actor *a = &w->actors[i];

		if (a->spawn != SPAWN_IDLE && a->spawn_at < at)
			at = a->spawn_at;
		if (a->alive && a->dies_at < at)
			at = a->dies_at;
		if (a->family && a->family_gone_at < at)
			at = a->family_gone_at;
		if (a->found_at < at)
			at = a->found_at;
	}
	return at > w->now ? at : w->now;
}

/* everything that is due, in an order that chance decides */
static void pass_time(struct world *w)
{
	uint32_t first = below(w, w->count);

	w->now = earliest(w) + (one_in(w, 20) ? within(w, 300) : 0); /* a busy loop wakes up late */
	if (one_in(w, 2) && supervisor_deadline(w->sv) <= w->now)
		post_plain(w, NO_PROGRAM, EVENT_TICK);
	deliver_all(w);
	for (uint32_t k = 0; k < w->count && !w->over; k++) {
		uint32_t i = (first + k) % w->count;
		struct actor *a = &w->actors[i];

		if (a->spawn != SPAWN_IDLE && a->spawn_at <= w->now)
			go_on_spawning(w, i);
		if (a->found_at <= w->now)
			find_main(w, i);
		if (a->alive && a->dies_at <= w->now)
			die(w, i);
		if (a->family && a->family_gone_at <= w->now)
			lose_family(w, i);
		if (one_in(w, 2)) /* else together with the next one's */
			deliver_all(w);
	}
	deliver_all(w);
	if (w->over)
		return;
	if (w->verb_at <= w->now)
		ask(w);
	deliver_all(w);
	if (supervisor_deadline(w->sv) <= w->now) {
		post_plain(w, NO_PROGRAM, EVENT_TICK);
		deliver_all(w);
	}
}

/* --- the cast --- */

static void cast_stop(struct world *w, struct program_settings *p)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGWINCH, SIGKILL };
	static char *const words[] = { (char *)"stop", NULL };
	struct stop_step steps[6];
	size_t count = 1 + (one_in(w, 2) ? below(w, 6) : 0);

	for (size_t i = 0; i < count; i++)
		steps[i] = (struct stop_step){ signals[below(w, 5)],
			                       one_in(w, 4) ? 0 : within(w, 5000) };
	casting_stop(w->settings, p, count, steps);
	if (one_in(w, 6))
		p->stop_command = words;
}

static void cast_dependencies(struct world *w, struct program_settings *p)
{
	for (uint32_t i = 0; i < casting_index(w->settings, p); i++) {
		const struct program_settings *on = &w->settings->programs[i];
		enum condition condition =
			on->type == PROGRAM_ONESHOT ? CONDITION_DONE : CONDITION_READY;

		if (one_in(w, 3))
			condition = (enum condition)below(w, 3);
		if (one_in(w, 5))
			casting_requires(w->settings, p, on, condition);
		else if (one_in(w, 10))
			casting_after(w->settings, p, on, condition);
	}
}

static enum end_policy draw_end_policy(struct world *w)
{
	return one_in(w, 12) ? END_EXIT : one_in(w, 8) ? END_STOP_GROUP : END_IGNORE;
}

static void cast_program(struct world *w, const char *name)
{
	static const unsigned limits[] = { 0, 1, 3, 10 };
	static const msec_t uptimes[] = { 0, 500, 1000, 1000 };
	struct program_settings *p = casting_add(w->settings, name);

	p->type = (enum program_type)below(w, 3);
	p->restart = (enum restart_policy)below(w, 3);
	p->autostart = !one_in(w, 5);
	p->start_limit_count = limits[below(w, 4)];
	p->min_uptime_ms = uptimes[below(w, 4)];
	p->restart_delay_ms = 1 + within(w, 500);
	p->restart_delay_max_ms = p->restart_delay_ms + within(w, 20000);
	p->restart_jitter_percent = below(w, 101);
	p->ready_timeout_ms = within(w, 5000);
	p->kill = (enum signal_scope)below(w, 3);
	p->forward_to = (enum signal_scope)below(w, 3);
	p->on_exit = draw_end_policy(w);
	p->on_failure = draw_end_policy(w);
	if (one_in(w, 3))
		casting_success(w->settings, p, 3);
	if (one_in(w, 3))
		casting_forward(w->settings, p, SIGUSR1, one_in(w, 4) ? 0 : SIGUSR2);
	cast_stop(w, p);
	cast_dependencies(w, p);
}

static void cast(struct world *w)
{
	static const char *const names[PROGRAMS_MAX] = { "ant", "bee", "cat", "dog",  "eel",
		                                         "fox", "gnu", "hen", "ibis", "jay" };
	struct settings *s;

	w->settings = s = casting_new(PROGRAMS_MAX);
	w->count = 1 + below(w, PROGRAMS_MAX);
	for (uint32_t i = 0; i < w->count; i++)
		cast_program(w, names[i]);
	if (w->count >= 2)
		casting_group(s, "herd", &s->programs[0], &s->programs[w->count - 1], NULL);
	s->exit_when = one_in(w, 4)    ? EXIT_WHEN_ALL
	               : one_in(w, 12) ? EXIT_WHEN_ANY
	                               : EXIT_WHEN_NEVER;
	s->exit_code_from = one_in(w, 6) ? below(w, w->count) : NO_PROGRAM;
	s->stop_delay_ms = one_in(w, 3) ? within(w, 5000) : 0;
	s->stop_deadline_ms = one_in(w, 4) ? within(w, 8000) : MSEC_NEVER;
	/* the longest a stop may take: one program after the other, each with all its grace, and
	 * every wake-up late */
	w->bound = s->stop_delay_ms + 1000;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct program_settings *p = &s->programs[i];

		w->bound += 2 * SPAWN_MS + STUCK_MS + 5000;
		for (size_t k = 0; k < p->stop->count; k++)
			w->bound += p->stop->steps[k].wait_ms + 300;
	}
}

static void open_world(struct world *w, uint64_t seed, unsigned verbs, int verbose,
                       struct world_result *sum)
{
	*w = (struct world){ .seed = seed,
		             .random = (seed + 1) * 0x9e3779b97f4a7c15u,
		             .verbose = verbose,
		             .verbs = verbs,
		             .next_pid = 100,
		             .expected = -1,
		             .sum = sum };
	text_init(&w->trace, TRACE_MAX);
	for (int i = 0; i < 8; i++)
		draw(w);
	cast(w);
	/* a deadline for the whole ends all grace by itself: the order is off then */
	w->hurried = w->settings->stop_deadline_ms != MSEC_NEVER;
	for (uint32_t i = 0; i < w->count; i++)
		w->actors[i].dies_at = w->actors[i].family_gone_at = w->actors[i].found_at =
			MSEC_NEVER;
	w->sv = supervisor_new(w->settings, seed);
	ck_assert_ptr_nonnull(w->sv);
	ck_assert_int_eq(effects_init(&w->out, supervisor_effects_max(w->sv)), 0);
}

void world_play(uint64_t seed, unsigned verbs, int verbose, struct world_result *sum)
{
	struct world world, *w = &world;

	open_world(w, seed, verbs, verbose, sum);
	post_plain(w, NO_PROGRAM, EVENT_BOOT);
	deliver_all(w);
	while (!w->over)
		pass_time(w);
	if (supervisor_deadline(w->sv) != MSEC_NEVER)
		broken(w, "I1: a deadline after the end");
	apply(w, (struct event){ .type = EVENT_SHUTDOWN, .program = NO_PROGRAM });
	supervisor_free(w->sv);
	effects_release(&w->out);
	text_release(&w->trace);
	settings_free(w->settings);
}
