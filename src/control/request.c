/* SPDX-License-Identifier: MIT */
/* Start, Stop, Restart, Wait, ReloadProgram: something is asked of programs, and the reply comes
 * when it has become of them what was asked for, or cannot. */
#include <errno.h>
#include <string.h>

#include "control/call.h"
#include "control/downfall.h"
#include "control/reply.h"
#include "control/request.h"
#include "control/vigil.h"

enum { PATIENCE_MS = 60 * 1000 }; /* beside the time that stopping may take */

/* What a verb asks for. */
struct demand {
	const char *verb; /* for the log */
	enum event_type event;
	enum goal goal;
	bool is_start; /* not for what is removed, and not while vergerd shuts down */
};

static const struct demand start = { "start", EVENT_START, GOAL_UP, true };
static const struct demand stop = { "stop", EVENT_STOP, GOAL_DOWN, false };
static const struct demand restart = { "restart", EVENT_RESTART, GOAL_RENEWED, true };

msec_t request_timeout(const struct session *s, const struct call *call,
                       const struct selection *sel, bool in_turn)
{
	msec_t time;

	if (call->params->timeout_ms >= 0)
		return call->params->timeout_ms;
	time = downfall_time(sel, s->control->host, in_turn);
	return time < PARAM_NUMBER_MAX ? time + PATIENCE_MS : PARAM_NUMBER_MAX;
}

void request_begin(struct session *s, const struct call *call, msec_t timeout_ms)
{
	/* who wants no reply waits for none */
	vigil_begin(s->vigil, call->params->wait && !call->oneway, timeout_ms);
}

static bool is_removed(const struct session *s, uint32_t program)
{
	struct program_status st;

	supervisor_status(s->control->host->supervisor, program, &st);
	return st.removed;
}

static int watch(struct session *s, const struct demand *demand, const struct selection *sel)
{
	int r = 0;

	for (size_t i = 0; i < sel->count && r == 0; i++) {
		if (demand->is_start && is_removed(s, sel->ids[i]))
			r = vigil_add_decided(s->vigil, sel->ids[i],
			                      "is no longer in the configuration");
		else
			r = vigil_add(s->vigil, sel->ids[i], demand->goal, NULL);
	}
	return r;
}

/* `asked`: those that were named; `concerned`: and those that go along */
static void carry_out(struct session *s, const struct call *call, const struct demand *demand,
                      const struct selection *asked, struct selection *concerned)
{
	const struct control_host *host = s->control->host;
	msec_t timeout_ms;

	if (!demand->is_start && downfall_add(concerned, host) < 0) {
		call_fail_without_memory(s);
		return;
	}
	timeout_ms = request_timeout(s, call, concerned, !demand->is_start);
	if (!vigil_new(s, call->more) || watch(s, demand, concerned) < 0) {
		vigil_free(s->vigil);
		call_fail_without_memory(s);
		return;
	}
	call_note(s, demand->verb, asked);
	host->request(host->context, demand->event, asked->ids, asked->count);
	request_begin(s, call, timeout_ms);
}

static void answer(struct session *s, const struct call *call, const struct demand *demand)
{
	const struct params *p = call->params;
	bool named = json_array_size(p->names) > 0;
	struct selection asked = { 0 }, concerned = { 0 };

	if (named == p->all) /* neither or both */
		call_refuse_parameter(s, named ? "all" : "names");
	else if (demand->is_start && supervisor_is_shutting_down(s->control->host->supervisor))
		reply_error(s, REPLY_INTERFACE ".ShuttingDown", NULL, NULL);
	else if (call_select(s, call, &asked) && call_select(s, call, &concerned))
		carry_out(s, call, demand, &asked, &concerned);
	selection_release(&asked);
	selection_release(&concerned);
}

void start_answer(struct session *s, const struct call *call)
{
	answer(s, call, &start);
}

void stop_answer(struct session *s, const struct call *call)
{
	answer(s, call, &stop);
}

void restart_answer(struct session *s, const struct call *call)
{
	answer(s, call, &restart);
}

/* --- Wait --- */

/* the static name of a state that people know; NULL: there is none */
static const char *find_state(const char *name)
{
	for (int i = 0; i < LIFE_STATE_COUNT; i++)
		if (!strcmp(life_state_name((enum life_state)i), name))
			return life_state_name((enum life_state)i);
	return NULL;
}

void wait_answer(struct session *s, const struct call *call)
{
	const char *state = find_state(call->params->state);
	struct selection sel = { 0 };
	int r = 0;

	if (!state || json_array_size(call->params->names) == 0) {
		call_refuse_parameter(s, state ? "names" : "state");
		return;
	}
	if (call_select(s, call, &sel)) {
		if (!vigil_new(s, call->more))
			r = -ENOMEM;
		for (size_t i = 0; i < sel.count && r == 0; i++)
			r = vigil_add(s->vigil, sel.ids[i], GOAL_STATE, state);
		if (r == 0) {
			request_begin(s, call, request_timeout(s, call, &sel, false));
		} else {
			vigil_free(s->vigil);
			call_fail_without_memory(s);
		}
	}
	selection_release(&sel);
}

/* --- ReloadProgram --- */

/* why it cannot reload; NULL: it can */
static const char *refuse_reload(const struct session *s, uint32_t program)
{
	const struct control_host *host = s->control->host;
	const struct program_settings *settings = &host->settings->programs[program];
	struct program_status st;

	supervisor_status(host->supervisor, program, &st);
	if (!settings->reload_signal && !settings->reload_command)
		return "has neither reload_signal nor reload_command";
	if (st.pid <= 0 || st.state != LIFE_RUNNING)
		return "is not running";
	return NULL;
}

void reload_program_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	struct selection sel = { 0 };
	int r = 0;

	if (json_array_size(call->params->names) == 0) {
		call_refuse_parameter(s, "names");
		return;
	}
	if (call_select(s, call, &sel)) {
		call_note(s, "reload", &sel);
		if (!vigil_new(s, false))
			r = -ENOMEM;
		for (size_t i = 0; i < sel.count && r == 0; i++) {
			const char *failure = refuse_reload(s, sel.ids[i]);
			const struct event event = { .type = EVENT_RELOAD, .program = sel.ids[i] };

			r = vigil_add_decided(s->vigil, sel.ids[i], failure);
			if (r == 0 && !failure)
				host->apply(host->context, &event);
		}
		if (r == 0) {
			vigil_begin(s->vigil, false, 0);
		} else {
			vigil_free(s->vigil);
			call_fail_without_memory(s);
		}
	}
	selection_release(&sel);
}
