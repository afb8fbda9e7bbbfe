/* SPDX-License-Identifier: MIT */
/* The played system.  Knows what a kernel may do, nothing of what the supervisor should do. */
#include "sim/world.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world_private.h"

enum { TRACE_MAX = 1 << 22, TRACE_TAIL = 6000 };

/* --- telling --- */

const char *world_name(const struct world *w, uint32_t program)
{
	return w->settings->programs[program].name;
}

void world_tell(struct world *w, const char *format, ...)
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

void world_broken(struct world *w, const char *format, ...)
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

void world_require(struct world *w, bool holds, uint32_t program, const char *promise)
{
	if (!holds)
		world_broken(w, "%s: %s", world_name(w, program), promise);
}

/* --- events on their way to the supervisor --- */

void world_post(struct world *w, struct event ev)
{
	if (w->queue_count == QUEUE_MAX)
		world_broken(w, "the supervisor and the system answer each other for ever");
	w->queue[(w->queue_first + w->queue_count++) % QUEUE_MAX] = ev;
}

void world_post_plain(struct world *w, uint32_t program, enum event_type type)
{
	world_post(w, (struct event){ .type = type, .program = program });
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
	world_post_plain(w, program, EVENT_FAMILY_EMPTY);
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

static void take_spawn(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	promises_on_spawn(w, program);
	a->spawn = SPAWN_QUEUED;
	a->spawn_at = w->now + within(w, SPAWN_MS);
	a->empty_posted = false;
	w->sum->spawns++;
}

static void take_signal(struct world *w, const struct effect *fx)
{
	struct actor *a = &w->actors[fx->program];
	bool stopping = a->state == LIFE_STOPPING || a->state == LIFE_CLEARING;

	/* that nobody is left may be known already, but not there */
	world_require(w, a->alive || (fx->scope == SCOPE_TREE && (a->family || a->empty_posted)),
	              fx->program, "a signal to processes that are not there");
	if (fx->type == EFFECT_CONTINUE)
		return;
	world_require(w, fx->signal > 0 && fx->signal <= 64, fx->program, "no signal");
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

	world_require(w, !a->alive, program,
	              "its family is watched before its main process has ended");
	if (!one_in(w, 10)) /* a search that ends too late is answered all the same */
		a->sought = false;
	a->watched = true;
	if (a->family)
		world_post_plain(w, program, EVENT_FAMILY_LEFT);
	else
		post_empty(w, program);
}

static void take_search(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	world_require(w, !a->alive, program, "a daemon is looked for beside a main process");
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

	world_require(w, a->alive, program, "a stop command without a process to stop");
	if (one_in(w, 4))
		world_post_plain(w, program, EVENT_STOP_COMMAND_FAILED);
	else if (!one_in(w, 4))
		die_by(w, a, SIGTERM, 1000);
}

static void take_reload_command(struct world *w, uint32_t program)
{
	world_require(w, w->actors[program].alive, program,
	              "a reload command without a process to reload");
}

static void take_removed(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	world_tell(w, "%s removed", world_name(w, program));
	world_require(w, is_settled(a) && *a->name, program, "removed while it is there");
	a->forgettings++;
	a->forgotten_at = w->now + (one_in(w, 2) ? 0 : within(w, FORGET_MS));
}

static void take_state(struct world *w, const struct effect *fx)
{
	world_tell(w, "%s %s→%s", world_name(w, fx->program), life_state_symbol(fx->from),
	           life_state_symbol(fx->to));
	promises_on_state(w, fx);
}

static void take_quit(struct world *w, int status)
{
	world_tell(w, "quit %d", status);
	if (w->over)
		world_broken(w, "the end came twice");
	w->over = true;
	w->sum->quits++;
	promises_on_quit(w, status);
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
		world_require(w, w->actors[fx->program].alive || w->actors[fx->program].family,
		              fx->program, "S4: leftovers are named where none are");
		break;
	case EFFECT_RELOAD_COMMAND: take_reload_command(w, fx->program); break;
	case EFFECT_REMOVED: take_removed(w, fx->program); break;
	case EFFECT_QUIT: take_quit(w, fx->status); break;
	}
}

/* --- what the supervisor is told --- */

void world_take_all(struct world *w)
{
	const char *invariant;

	if (w->out.count > supervisor_effects_max(w->sv))
		world_broken(w, "%zu effects of one event", w->out.count);
	for (size_t i = 0; i < w->out.count; i++)
		take(w, &w->out.items[i]);
	invariant = supervisor_check(w->sv);
	if (invariant)
		world_broken(w, "invariant %s", invariant);
}

static void apply(struct world *w, struct event ev)
{
	int r;

	w->cause = ev.type;
	w->out.count = 0;
	w->sum->events++;
	promises_remember(w);
	r = supervisor_apply(w->sv, &ev, w->now, &w->out);
	if (!promises_allow(w, &ev, r))
		world_broken(w, "event %d of %s: %s", ev.type,
		             ev.program < w->count ? world_name(w, ev.program) : "-", strerror(-r));
	world_take_all(w);
}

static void actor_init(struct actor *a, const char *name)
{
	*a = (struct actor){ .state = LIFE_STOPPED,
		             .dies_at = MSEC_NEVER,
		             .family_gone_at = MSEC_NEVER,
		             .found_at = MSEC_NEVER };
	for (int i = 0; i < LIMBO_COUNT; i++)
		a->limbo[i] = MSEC_NEVER;
	snprintf(a->name, sizeof a->name, "%s", name);
}

static void forget(struct world *w, uint32_t program)
{
	bool is_removed =
		*w->actors[program].name && !troupe_find(&w->troupe, world_name(w, program));

	world_tell(w, "  %s is forgotten", world_name(w, program));
	apply(w, (struct event){ .type = EVENT_FORGOTTEN, .program = program });
	if (is_removed && is_settled(&w->actors[program])) {
		world_require(w, !supervisor_has(w->sv, program), program,
		              "forgotten, and still there");
		actor_init(&w->actors[program], "");
	}
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
		world_require(w, (status.pid == ev.pid) == a->alive, ev.program,
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
	promises_check(w);
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
	world_tell(w, "  %s cannot be started: %s", world_name(w, program),
	           strerror(failures[i].error));
	world_post(w, (struct event){ .type = EVENT_SPAWN_FAILED,
	                              .program = program,
	                              .failure = { .step = failures[i].step,
	                                           .error = failures[i].error } });
}

static void go_on_spawning(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	if (a->spawn == SPAWN_QUEUED && !supervisor_wants_spawn(w->sv, program)) {
		a->spawn = SPAWN_IDLE;
		world_tell(w, "  %s need not be started any more", world_name(w, program));
		world_post(w, (struct event){ .type = EVENT_SPAWN_FAILED,
		                              .program = program,
		                              .failure = { .step = SPAWN_STEP_CANCELLED } });
		return;
	}
	if (a->spawn == SPAWN_QUEUED) {
		a->spawn = SPAWN_UNDER_WAY;
		snprintf(a->command, sizeof a->command, "%s",
		         w->settings->programs[program].command[0]);
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
	world_tell(w, "  %s is there", world_name(w, program));
	world_post(w, (struct event){
			      .type = EVENT_SPAWNED, .program = program, .pid = w->next_pid++ });
}

static void die(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	world_tell(w, "  %s ends: code %d signal %d, %u left", world_name(w, program), a->code,
	           a->signal, a->family);
	/* the group can be seen empty before the main process is reaped */
	if (a->swept && !a->family && one_in(w, 2))
		apply(w, (struct event){ .type = EVENT_FAMILY_EMPTY, .program = program });
	a->zombie = true;
	a->dies_at = MSEC_NEVER;
	a->last_code = a->code;
	a->last_signal = a->signal;
	world_post(w, (struct event){ .type = EVENT_EXITED,
	                              .program = program,
	                              .exit = { .code = a->code, .signal = a->signal } });
}

static void lose_family(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	world_tell(w, "  %s: the others are gone", world_name(w, program));
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
	world_tell(w, "  %s: the daemon is found", world_name(w, program));
	world_post(w, (struct event){
			      .type = EVENT_MAIN_FOUND, .program = program, .pid = w->next_pid++ });
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
		if (a->forgettings && a->forgotten_at < at)
			at = a->forgotten_at;
	}
	return at > w->now ? at : w->now;
}

/* everything that is due, in an order that chance decides */
static void pass_time(struct world *w)
{
	uint32_t first = w->count ? below(w, w->count) : 0;

	w->now = earliest(w) + (one_in(w, 20) ? within(w, 300) : 0); /* a busy loop wakes up late */
	if (one_in(w, 2) && supervisor_deadline(w->sv) <= w->now)
		world_post_plain(w, NO_PROGRAM, EVENT_TICK);
	deliver_all(w);
	for (uint32_t k = 0; k < w->count && !w->over; k++) {
		uint32_t i = (first + k) % w->count;
		struct actor *a = &w->actors[i];

		if (a->spawn != SPAWN_IDLE && a->spawn_at <= w->now)
			go_on_spawning(w, i);
		if (a->found_at <= w->now)
			find_main(w, i);
		if (a->forgettings && a->forgotten_at <= w->now) {
			a->forgettings--;
			forget(w, i);
		}
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
		people_ask(w);
	deliver_all(w);
	if (supervisor_deadline(w->sv) <= w->now) {
		world_post_plain(w, NO_PROGRAM, EVENT_TICK);
		deliver_all(w);
	}
}

/* --- the whole of it --- */

static void open_world(struct world *w, uint64_t seed, unsigned verbs, int verbose,
                       struct world_result *sum)
{
	*w = (struct world){ .seed = seed,
		             .chance = { (seed + 1) * 0x9e3779b97f4a7c15u },
		             .verbose = verbose,
		             .verbs = verbs,
		             .next_pid = 100,
		             .over_since = MSEC_NEVER,
		             .expected = -1,
		             .sum = sum };
	text_init(&w->trace, TRACE_MAX);
	for (int i = 0; i < 8; i++)
		chance_draw(&w->chance);
	troupe_draw(&w->troupe, &w->chance);
	w->settings = troupe_settings(&w->troupe, &w->chance);
	w->count = (uint32_t)w->settings->program_count;
	for (uint32_t i = 0; i < ACTORS_MAX; i++)
		actor_init(&w->actors[i], i < w->count ? world_name(w, i) : "");
	promises_set_bound(w);
	w->sv = supervisor_new(w->settings, seed);
	ck_assert_ptr_nonnull(w->sv);
	ck_assert_int_eq(effects_init(&w->out, supervisor_effects_max(w->sv)), 0);
}

void world_play(uint64_t seed, unsigned verbs, int verbose, struct world_result *sum)
{
	struct world world, *w = &world;

	open_world(w, seed, verbs, verbose, sum);
	world_post_plain(w, NO_PROGRAM, EVENT_BOOT);
	deliver_all(w);
	while (!w->over)
		pass_time(w);
	if (supervisor_deadline(w->sv) != MSEC_NEVER)
		world_broken(w, "I1: a deadline after the end");
	apply(w, (struct event){ .type = EVENT_SHUTDOWN, .program = NO_PROGRAM });
	supervisor_free(w->sv);
	effects_release(&w->out);
	text_release(&w->trace);
	settings_free(w->settings);
}
