/* SPDX-License-Identifier: MIT */
/* Goals as a table of goal × state.  A cell names a case; what the record of the program adds to
 * it is asked in one place per case.  Changes nothing. */
#include "core/goal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/lifecycle.h"
#include "core/program.h"
#include "core/supervisor_private.h"

enum goal_case {
	CASE_UNDECIDED, /* nobody thought of this cell: a test fails */
	CASE_YES,       /* reached */
	CASE_HALTED,    /* it rests, because somebody wanted it to */
	CASE_BROKEN,    /* it rests, because it failed */
	CASE_DONE,      /* it rests, having ended well: what a oneshot is for */
	CASE_QUEUED,    /* it waits for others */
	CASE_COMING,    /* its start is under way */
	CASE_THERE,     /* it runs */
	CASE_LEAVING,   /* what is there of it goes */
	CASE_RETRIED,   /* it waits for its next try */
	CASE_RISING,    /* it was to go, and is about to start, or has */
	CASE_FALLING,   /* it was to go, and may be on its way */
	CASE_VANISHING, /* it was to be removed */
	CASE_NAMED,     /* the name of the state decides */
};

/* a renewal differs from a start in what counts as being there */
#define TO_BE_UP                                                                                   \
	{                                                                                          \
		[LIFE_STOPPED] = CASE_HALTED, [LIFE_WAITING] = CASE_QUEUED,                        \
		[LIFE_SPAWNING] = CASE_COMING, [LIFE_STARTING] = CASE_COMING,                      \
		[LIFE_LAUNCHED] = CASE_COMING, [LIFE_RUNNING] = CASE_THERE,                        \
		[LIFE_STOPPING] = CASE_LEAVING, [LIFE_CLEARING] = CASE_LEAVING,                    \
		[LIFE_KILLING] = CASE_LEAVING, [LIFE_BACKOFF] = CASE_RETRIED,                      \
		[LIFE_EXITED] = CASE_DONE, [LIFE_FAILED] = CASE_BROKEN,                            \
	}

/* the same in every state */
#define EVERYWHERE(what)                                                                           \
	{                                                                                          \
		[LIFE_STOPPED] = (what), [LIFE_WAITING] = (what), [LIFE_SPAWNING] = (what),        \
		[LIFE_STARTING] = (what), [LIFE_LAUNCHED] = (what), [LIFE_RUNNING] = (what),       \
		[LIFE_STOPPING] = (what), [LIFE_CLEARING] = (what), [LIFE_KILLING] = (what),       \
		[LIFE_BACKOFF] = (what), [LIFE_EXITED] = (what), [LIFE_FAILED] = (what),           \
	}

static const enum goal_case cases[GOAL_COUNT][LIFE_STATE_COUNT] = {
	[GOAL_UP] = TO_BE_UP,
	[GOAL_RENEWED] = TO_BE_UP,
	[GOAL_DOWN] = {
		[LIFE_STOPPED] = CASE_YES,
		[LIFE_WAITING] = CASE_RISING,
		[LIFE_SPAWNING] = CASE_FALLING,
		[LIFE_STARTING] = CASE_FALLING,
		[LIFE_LAUNCHED] = CASE_FALLING,
		[LIFE_RUNNING] = CASE_FALLING,
		[LIFE_STOPPING] = CASE_FALLING,
		[LIFE_CLEARING] = CASE_FALLING,
		[LIFE_KILLING] = CASE_FALLING,
		[LIFE_BACKOFF] = CASE_RISING,
		[LIFE_EXITED] = CASE_YES,
		[LIFE_FAILED] = CASE_YES,
	},
	[GOAL_GONE] = EVERYWHERE(CASE_VANISHING),
	[GOAL_STATE] = EVERYWHERE(CASE_NAMED),
};

struct judgement {
	enum goal_verdict verdict;
	const char *reason;
};

static const struct judgement pending = { GOAL_PENDING, NULL };
static const struct judgement reached = { GOAL_REACHED, NULL };

static struct judgement missed(const char *reason)
{
	return (struct judgement){ GOAL_MISSED, reason };
}

static struct judgement missed_by_a_stop(const struct program *p)
{
	return missed(p->removed ? "was removed" : "was stopped by somebody else");
}

static bool has_failed_since(const struct program *p, const struct goal_watch *watch)
{
	return p->failed != watch->failed;
}

/* started after the request, where that matters */
static bool is_new(const struct program *p, const struct goal_watch *watch)
{
	return watch->goal != GOAL_RENEWED || p->starts > watch->starts;
}

static struct judgement judge_queued(const struct supervisor *sv, const struct program *p,
                                     const struct goal_watch *watch)
{
	uint32_t on = conditions_missing(p, sv->programs);
	const struct program *other = on == NO_PROGRAM ? NULL : &sv->programs[on];

	if (has_failed_since(p, watch))
		return missed("could not be started");
	if (other && life_state_is_settled(other->state) && !other->wanted)
		return missed("waits for a program that is not going to run");
	return pending;
}

/* what is under way leads up again */
static struct judgement judge_coming(const struct program *p, const struct goal_watch *watch)
{
	if (!p->wanted)
		return missed_by_a_stop(p);
	if (!p->again && has_failed_since(p, watch))
		return missed("could not be started");
	return pending;
}

static struct judgement judge_there(const struct program *p, const struct goal_watch *watch)
{
	if (!p->wanted || p->again || p->settings->type == PROGRAM_ONESHOT)
		return judge_coming(p, watch);
	return is_new(p, watch) ? reached : pending;
}

static struct judgement judge_done(const struct program *p, const struct goal_watch *watch)
{
	if (p->settings->type == PROGRAM_ONESHOT && p->last_success && is_new(p, watch))
		return reached;
	return missed("has ended");
}

static struct judgement judge_named(const struct program *p, const struct goal_watch *watch)
{
	const char *name = life_state_name(p->state);

	return watch->state_name && !strcmp(name, watch->state_name) ? reached : pending;
}

static struct judgement judge_case(const struct supervisor *sv, const struct program *p,
                                   const struct goal_watch *watch)
{
	switch (cases[watch->goal][p->state]) {
	case CASE_UNDECIDED: break;
	case CASE_YES: return reached;
	case CASE_HALTED: return missed_by_a_stop(p);
	case CASE_BROKEN: return missed("has failed");
	case CASE_DONE: return judge_done(p, watch);
	case CASE_QUEUED: return judge_queued(sv, p, watch);
	case CASE_THERE: return judge_there(p, watch);
	case CASE_COMING:
	case CASE_LEAVING:
	case CASE_RETRIED: return judge_coming(p, watch);
	case CASE_RISING: return missed("was started again by somebody else");
	case CASE_FALLING:
		return p->wanted ? missed("was started again by somebody else") : pending;
	case CASE_VANISHING: return p->removed ? pending : missed("is named again");
	case CASE_NAMED: return judge_named(p, watch);
	}
	return missed("is in a state that nobody thought of");
}

static struct judgement judge(const struct supervisor *sv, const struct goal_watch *watch)
{
	bool is_there = supervisor_has(sv, watch->program) &&
	                sv->programs[watch->program].born == watch->born;

	if (is_there)
		return judge_case(sv, &sv->programs[watch->program], watch);
	return watch->goal == GOAL_DOWN || watch->goal == GOAL_GONE ? reached
	                                                            : missed("was removed");
}

struct goal_watch goal_watch_begin(const struct supervisor *sv, enum goal goal, uint32_t program)
{
	struct goal_watch watch = { .goal = goal, .program = program };

	if (supervisor_has(sv, program)) {
		const struct program *p = &sv->programs[program];

		watch.starts = p->starts;
		watch.born = p->born;
		watch.failed = p->failed;
	}
	return watch;
}

enum goal_verdict goal_judge(const struct supervisor *sv, const struct goal_watch *watch)
{
	return judge(sv, watch).verdict;
}

const char *goal_explain(const struct supervisor *sv, const struct goal_watch *watch)
{
	return judge(sv, watch).reason;
}
