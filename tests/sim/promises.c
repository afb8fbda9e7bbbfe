/* SPDX-License-Identifier: MIT */
/* What the supervisor has promised, held against what the played system has seen.  Knows nothing of
 * how the supervisor decides. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/exitrule.h"
#include "sim/world_private.h"

static struct program_status status_of(const struct world *w, uint32_t program)
{
	struct program_status status;

	supervisor_status(w->sv, program, &status);
	return status;
}

static const struct role *role_of(const struct world *w, uint32_t program)
{
	return troupe_find(&w->troupe, w->actors[program].name);
}

/* --- time --- */

static msec_t longest_stop(const struct program_settings *p)
{
	msec_t sum = 2 * SPAWN_MS + STUCK_MS + FORGET_MS + 5000;

	for (size_t i = 0; i < p->stop->count; i++)
		sum += p->stop->steps[i].wait_ms + 300;
	return sum;
}

void promises_set_bound(struct world *w)
{
	msec_t bound = w->settings->stop_delay_ms + 1000;

	for (uint32_t i = 0; i < w->settings->program_count; i++)
		bound += longest_stop(&w->settings->programs[i]);
	for (unsigned i = 0; i < TROUPE_MAX; i++)
		for (size_t k = 0; k < w->troupe.roles[i].step_count; k++)
			bound += w->troupe.roles[i].steps[k].wait_ms;
	if (bound > w->bound)
		w->bound = bound;
}

void promises_remember(struct world *w)
{
	for (uint32_t i = 0; i < w->settings->program_count; i++) {
		w->actors[i].on_exit = w->settings->programs[i].on_exit;
		w->actors[i].on_failure = w->settings->programs[i].on_failure;
	}
}

/* --- requests --- */

static int answer_to_reload(const struct world *w, uint32_t program)
{
	const struct program_settings *s = &w->settings->programs[program];

	if (w->actors[program].state != LIFE_RUNNING)
		return -ESRCH;
	return s->reload_command || s->reload_signal ? 0 : -ENOTSUP;
}

bool promises_allow(const struct world *w, const struct event *ev, int r)
{
	bool is_there;

	switch (ev->type) {
	case EVENT_BOOT:
	case EVENT_TICK:
	case EVENT_SHUTDOWN:
	case EVENT_SIGNAL: return r == 0;
	default: break;
	}
	is_there = *w->actors[ev->program].name;
	switch (ev->type) {
	case EVENT_STOP:
	case EVENT_FORGOTTEN: return r == (is_there ? 0 : -ENOENT);
	case EVENT_START:
	case EVENT_RESTART:
	case EVENT_RELOAD: break;
	default: return is_there && r == 0;
	}
	if (!is_there || !role_of(w, ev->program))
		return r == -ENOENT;
	if (ev->type == EVENT_RELOAD)
		return r == answer_to_reload(w, ev->program);
	return r == 0 || (r == -ESHUTDOWN && supervisor_is_shutting_down(w->sv));
}

void promises_on_stop(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];

	if (!status_of(w, program).wanted && is_settled(a))
		return;
	if (!a->down)
		a->down_since = w->now;
	a->down = true;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct role *role = role_of(w, i);

		if (role && !w->actors[i].down && troupe_requires(&w->troupe, role, a->name))
			promises_on_stop(w, i);
	}
}

/* --- effects --- */

void promises_on_spawn(struct world *w, uint32_t program)
{
	const struct actor *a = &w->actors[program];
	const struct role *role = role_of(w, program);

	world_require(w, a->spawn == SPAWN_IDLE && !a->alive, program, "started twice at once");
	world_require(w, a->family == 0, program, "S3: started while others of it are left");
	world_require(w, !a->down, program, "R1: started after a stop that was asked for");
	world_require(w, !w->over, program, "X3: started after the end");
	world_require(w, role, program, "started although nobody names it any more");
	world_require(w, !strcmp(w->settings->programs[program].command[0], role->command), program,
	              "started with settings that hold no more");
}

/* who is still there by an edge that holds: it stands in what it was started by and, unless it is
 * on its way by itself, in what it will be started by */
static bool still_needs(struct world *w, uint32_t program, uint32_t on)
{
	const struct dependencies *deps = w->settings->programs[program].depends;
	struct program_status status = status_of(w, program);
	const struct role *role = role_of(w, program);
	bool requires = false;

	if (!life_state_is_active(w->actors[program].state) || (status.wanted && !status.again))
		return false;
	for (size_t k = 0; deps && k < deps->count; k++)
	requires |= deps->items[k].program == on && deps->items[k].required;
	if (!requires || !status.pending || w->actors[program].state != LIFE_RUNNING)
	return requires;
	return role && troupe_requires(&w->troupe, role, w->actors[on].name);
}

/* S5: who requires it has to be gone before it is told to stop, unless there is no more time */
static void check_order(struct world *w, const struct effect *fx)
{
	bool told = (fx->to == LIFE_STOPPING &&
	             (fx->from == LIFE_RUNNING || fx->from == LIFE_STARTING)) ||
	            (fx->to == LIFE_CLEARING && fx->from == LIFE_LAUNCHED);
	bool hurried = w->hurried || (supervisor_is_shutting_down(w->sv) &&
	                              w->settings->stop_deadline_ms != MSEC_NEVER);

	if (!told || status_of(w, fx->program).wanted || hurried || w->cause == EVENT_TICK)
		return;
	for (uint32_t i = 0; i < w->count; i++)
		if (i != fx->program)
			world_require(w, !still_needs(w, i, fx->program), i,
			              "S5: outlives what it requires");
}

static int exit_status_of(const struct actor *a, bool failed)
{
	int status = a->failed_step != SPAWN_STEP_NONE
	                     ? exitrule_spawn_status(a->failed_step, a->failed_error)
	                     : exitrule_status(a->last_code, a->last_signal);

	return failed && status == 0 ? 1 : status;
}

/* X1: an end that counts, and the status it should give */
static void note_end(struct world *w, uint32_t program)
{
	const struct actor *a = &w->actors[program];
	bool failed = a->state == LIFE_FAILED;
	int status = exit_status_of(a, failed);

	world_require(w, role_of(w, program), program, "ended by itself after it was removed");
	w->ended = true;
	if (failed && !w->first_bad)
		w->first_bad = status;
	if (w->expected >= 0)
		return;
	if (a->on_exit == END_EXIT || (failed && a->on_failure == END_EXIT))
		w->expected = status;
	else if (w->settings->exit_when == EXIT_WHEN_ANY)
		w->expected = w->settings->exit_code_from == NO_PROGRAM ? w->first_bad : 1000;
	if (w->expected >= 0 && w->over_since == MSEC_NEVER)
		w->over_since = w->now;
}

void promises_on_state(struct world *w, const struct effect *fx)
{
	struct actor *a = &w->actors[fx->program];

	world_require(w, fx->from == a->state, fx->program, "a state was left that it was not in");
	check_order(w, fx);
	a->state = fx->to;
	if (!life_state_is_active(fx->to))
		world_require(w, !a->alive && !a->family, fx->program, "S3: at rest, but not gone");
	if (fx->to == LIFE_EXITED || fx->to == LIFE_FAILED)
		note_end(w, fx->program);
}

void promises_on_quit(struct world *w, int status)
{
	for (uint32_t i = 0; i < w->count; i++)
		world_require(w, is_settled(&w->actors[i]), i, "X3: left behind");
	if (w->expected >= 0 && w->expected < 256 && status != w->expected)
		world_broken(w, "X1: status %d instead of %d", status, w->expected);
	if (w->expected < 0 && !w->asked && w->settings->exit_when == EXIT_WHEN_NEVER)
		world_broken(w, "an end that nobody asked for");
	if (w->expected < 0 && w->settings->exit_when == EXIT_WHEN_NEVER &&
	    w->settings->exit_code_from == NO_PROGRAM && status != 0)
		world_broken(w, "X2: status %d after a shutdown that was asked for", status);
}

/* --- reload --- */

void promises_before_reload(const struct world *w, struct world_before *before)
{
	before->troupe = w->troupe;
	*before = (struct world_before){ .troupe = w->troupe };
	for (uint32_t i = 0; i < w->count; i++) {
		before->was_there[i] = *w->actors[i].name;
		before->status[i] = status_of(w, i);
	}
}

/* names keep their ids, and each has one */
static void check_names(struct world *w)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct actor *a = &w->actors[i];

		if (!supervisor_has(w->sv, i)) {
			world_require(w, !*a->name, i, "its id was taken from it");
			continue;
		}
		world_require(w, !*a->name || !strcmp(a->name, w->settings->programs[i].name), i,
		              "its id was given to another");
		for (uint32_t k = 0; k < i; k++)
			world_require(w,
			              strcmp(w->settings->programs[k].name,
			                     w->settings->programs[i].name) != 0,
			              i, "has two ids");
	}
	for (unsigned i = 0; i < TROUPE_MAX; i++) {
		bool found = !w->troupe.roles[i].cast;

		for (uint32_t k = 0; k < w->count; k++)
			found |= !strcmp(w->settings->programs[k].name, w->troupe.roles[i].name);
		if (!found)
			world_broken(w, "%s has no id", w->troupe.roles[i].name);
	}
}

void promises_on_reload(struct world *w, const struct world_before *before)
{
	check_names(w);
	for (uint32_t i = 0; i < w->count; i++) {
		struct actor *a = &w->actors[i];
		const struct role *is = troupe_find(&w->troupe, w->settings->programs[i].name);

		if (!supervisor_has(w->sv, i))
			continue;
		if (!before->was_there[i])
			snprintf(a->name, sizeof a->name, "%s", w->settings->programs[i].name);
		if (!is && !a->down)
			a->down_since = w->now;
		if (!is)
			a->down = true;
		else if (!troupe_find(&before->troupe, a->name) && is->policy.autostart)
			a->down = false;
	}
	promises_set_bound(w);
}

/* a program that was not there */
static void check_new(struct world *w, uint32_t program, const struct role *role)
{
	struct program_status now = status_of(w, program);

	world_require(w, role, program, "a new program that nobody names");
	world_require(w, now.wanted == role->policy.autostart, program,
	              "new, and not wanted as it should be");
	world_require(w, now.wanted || now.state == LIFE_STOPPED, program, "new, and not at rest");
}

/* a program that stays */
static void check_held(struct world *w, uint32_t program, const struct role *was,
                       const struct role *is, const struct program_status *then)
{
	struct program_status now = status_of(w, program);
	bool other = strcmp(was->command, is->command) != 0 || was->policy.type != is->policy.type;
	bool serves = then->wanted && !then->again &&
	              (then->state == LIFE_STARTING || then->state == LIFE_LAUNCHED ||
	               then->state == LIFE_RUNNING);
	bool ended = then->state == LIFE_FAILED || then->state == LIFE_EXITED ||
	             then->state == LIFE_BACKOFF;

	world_require(w, !now.removed, program, "removed although it is named");
	if (serves && !other)
		world_require(w, now.state == then->state && !now.again && now.wanted, program,
		              "touched without need");
	if (serves && other)
		world_require(w, now.again && now.pending && now.state != then->state, program,
		              "goes on as it was started");
	if (ended && other && is->policy.autostart)
		world_require(w, now.wanted && now.state != LIFE_BACKOFF, program,
		              "not tried with what is new");
	if (ended && !(other && is->policy.autostart))
		world_require(w, now.state == then->state, program, "an end undone");
	if (then->state == LIFE_STOPPED)
		world_require(w, now.state == LIFE_STOPPED && !now.wanted, program,
		              "R1: started by a reload after a stop");
	if (life_state_is_active(then->state) && !then->wanted)
		world_require(w, !now.wanted, program, "R1: wanted again by a reload");
}

/* a program that is not named */
static void check_removed(struct world *w, uint32_t program)
{
	struct program_status now = status_of(w, program);

	world_require(w, now.removed && !now.wanted && !now.again, program,
	              "not removed although nobody names it");
}

void promises_after_reload(struct world *w, const struct world_before *before)
{
	bool ended = false;

	if (supervisor_is_shutting_down(w->sv)) /* exit_when finds that all is over */
		return;
	for (uint32_t i = 0; i < w->count; i++) {
		const struct role *is = role_of(w, i);
		const struct role *was = troupe_find(&before->troupe, w->actors[i].name);

		if (!*w->actors[i].name)
			continue;
		if (!is)
			check_removed(w, i);
		else if (!before->was_there[i])
			check_new(w, i, is);
		else if (was)
			check_held(w, i, was, is, &before->status[i]);
		else if (is->policy.autostart)
			world_require(w, status_of(w, i).wanted, i, "named again in vain");
		ended |= is &&
		         (w->actors[i].state == LIFE_EXITED || w->actors[i].state == LIFE_FAILED);
	}
	w->ended = w->ended && ended;
}

/* --- between any two events --- */

/* what is there was started by what stands in its place; what is not will be by what holds */
static void check_place(struct world *w, uint32_t program, const struct program_status *status)
{
	const struct actor *a = &w->actors[program];
	const struct program_settings *place = &w->settings->programs[program];
	const struct role *role = role_of(w, program);

	world_require(w, status->removed == !role, program, "removed, or named, but not both");
	if (a->alive || a->family || a->spawn == SPAWN_UNDER_WAY)
		world_require(w, !strcmp(place->command[0], a->command), program,
		              "its process lives and its place is lost");
	if (!status->removed && !status->pending)
		world_require(w,
		              place->generation == w->settings->generation &&
		                      !strcmp(place->command[0], role->command),
		              program, "what holds is not in its place");
}

static void check_limbo(struct world *w, uint32_t program, const struct program_status *status)
{
	static const char *const promises[LIMBO_COUNT] = {
		[LIMBO_UNWANTED] = "S6: not wanted, and it does not go",
		[LIMBO_AGAIN] = "S6: a restart that does not come about",
		[LIMBO_PENDING] = "S6: its new settings never hold",
		[LIMBO_REMOVED] = "S6: it is removed and never gone",
	};
	const bool holds[LIMBO_COUNT] = {
		[LIMBO_UNWANTED] = !status->wanted && !life_state_is_settled(status->state),
		[LIMBO_AGAIN] = status->again,
		[LIMBO_PENDING] = status->pending,
		[LIMBO_REMOVED] = status->removed,
	};
	struct actor *a = &w->actors[program];

	for (int i = 0; i < LIMBO_COUNT; i++) {
		if (!holds[i])
			a->limbo[i] = MSEC_NEVER;
		else if (a->limbo[i] == MSEC_NEVER)
			a->limbo[i] = w->now;
		world_require(w, !holds[i] || w->now - a->limbo[i] <= w->bound, program,
		              promises[i]);
	}
}

static void check_state(struct world *w, uint32_t program, const struct program_status *status)
{
	const struct actor *a = &w->actors[program];

	world_require(w, status->state == a->state, program, "a change of state was not told");
	world_require(w, (a->state == LIFE_SPAWNING) == (a->spawn != SPAWN_IDLE), program,
	              "S6: its start and its state do not agree");
	world_require(w, (status->pid != 0) == a->alive, program,
	              "a main process that is not known");
	switch (a->state) {
	case LIFE_WAITING:
		world_require(w, status->waits_for != NO_PROGRAM, program, "S6: waits for nothing");
		break;
	case LIFE_STARTING:
	case LIFE_LAUNCHED:
	case LIFE_STOPPING:
	case LIFE_KILLING:
	case LIFE_BACKOFF:
		world_require(w, status->deadline_ms != MSEC_NEVER, program,
		              "S6: waits without a deadline");
		break;
	case LIFE_CLEARING:
		world_require(w, a->watched && status->deadline_ms != MSEC_NEVER, program,
		              "S6: clears without an end");
		break;
	default:
		world_require(w, status->deadline_ms == MSEC_NEVER, program,
		              "I1: a deadline for nothing");
		break;
	}
	world_require(w, !a->down || is_settled(a) || w->now - a->down_since <= w->bound, program,
	              "S6: a stop that does not end");
}

void promises_check(struct world *w)
{
	bool busy = false;

	for (uint32_t i = 0; i < w->count; i++) {
		struct program_status status = status_of(w, i);

		check_state(w, i, &status);
		if (!*w->actors[i].name)
			continue;
		check_place(w, i, &status);
		check_limbo(w, i, &status);
		busy |= life_state_is_active(status.state) || status.state == LIFE_BACKOFF;
	}
	if (w->over_since != MSEC_NEVER && !w->over && w->now - w->over_since > w->bound)
		world_broken(w, "S6: a shutdown that does not end");
	if (w->settings->exit_when == EXIT_WHEN_ALL && w->ended && !busy && !w->over)
		world_broken(w, "X1: everything has ended but vergerd");
}
