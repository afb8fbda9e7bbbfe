/* SPDX-License-Identifier: MIT */
/* The end of vergerd: asked for, or because programs ended (X1), and with which status. */
#include "core/supervisor_private.h"

/* --- shutdown --- */

void ending_stop_all(struct supervisor *sv, const struct program_context *ctx)
{
	sv->phase = PHASE_STOPPING;
	timers_disarm(&sv->timers, &sv->drain_timer);
	for (size_t i = 0; i < sv->settings->program_count; i++) {
		sv->programs[i].wanted = false;
		sv->programs[i].again = false;
	}
	for (size_t i = 0; i < sv->settings->program_count; i++)
		wanting_let_down(sv, &sv->programs[i], ctx);
}

void ending_kill_all(struct supervisor *sv, const struct program_context *ctx)
{
	sv->phase = PHASE_KILLING;
	for (size_t i = 0; i < sv->settings->program_count; i++)
		supervisor_advance(sv, &sv->programs[i], LIFE_ON_KILL_NOW, ctx);
}

static void begin(struct supervisor *sv, msec_t delay_ms, const struct program_context *ctx)
{
	if (sv->settings->stop_deadline_ms != MSEC_NEVER)
		timers_arm(&sv->timers, &sv->deadline_timer,
		           ctx->now + sv->settings->stop_deadline_ms);
	if (delay_ms == 0) {
		ending_stop_all(sv, ctx);
		return;
	}
	sv->phase = PHASE_DRAINING;
	timers_arm(&sv->timers, &sv->drain_timer, ctx->now + delay_ms);
}

/* each further request drops what the one before still waited for: the delay, then the grace */
void ending_shutdown(struct supervisor *sv, const struct program_context *ctx)
{
	switch (sv->phase) {
	case PHASE_UP: begin(sv, sv->settings->stop_delay_ms, ctx); break;
	case PHASE_DRAINING: ending_stop_all(sv, ctx); break;
	case PHASE_STOPPING: ending_kill_all(sv, ctx); break;
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
		begin(sv, 0, ctx);
	else if (sv->phase == PHASE_DRAINING)
		ending_stop_all(sv, ctx);
}

/* --- a program's end --- */

static void stop_group(struct supervisor *sv, const struct program *p,
                       const struct program_context *ctx)
{
	const struct group_settings *group;

	if (p->settings->group == NO_GROUP)
		return;
	group = &sv->settings->groups[p->settings->group];
	for (size_t i = 0; i < group->count; i++)
		wanting_down(sv, &sv->programs[group->programs[i]], ctx);
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

void ending_on_end(struct supervisor *sv, struct program *p, const struct program_context *ctx)
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

/* --- the end itself --- */

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

/* whoever is not at rest waits for somebody who is */
static bool is_all_over(const struct supervisor *sv)
{
	return sv->settings->exit_when == EXIT_WHEN_ALL && sv->phase <= PHASE_DRAINING &&
	       sv->ended && !sv->busy;
}

bool ending_begin_if_all_over(struct supervisor *sv, const struct program_context *ctx)
{
	if (!is_all_over(sv))
		return false;
	end_with(sv, combined_status(sv), ctx);
	return true;
}

void ending_quit_if_settled(struct supervisor *sv, const struct program_context *ctx)
{
	bool at_once = sv->phase == PHASE_KILLING;

	if (sv->phase < PHASE_STOPPING || sv->phase == PHASE_OVER || sv->unsettled)
		return;
	sv->phase = PHASE_OVER;
	timers_disarm(&sv->timers, &sv->deadline_timer);
	if (!sv->status_taken)
		sv->exit_status = requested_status(sv);
	effects_add(ctx->out, (struct effect){ .type = EFFECT_QUIT,
	                                       .program = NO_PROGRAM,
	                                       .status = sv->exit_status,
	                                       .at_once = at_once });
}
