/* SPDX-License-Identifier: MIT */
/* One client: its bytes, its calls one after the other, and the bytes for it. */
#include "control/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/logs.h"
#include "control/method.h"
#include "control/monitor.h"
#include "control/vigil.h"

struct session *session_open(struct control *c, enum control_role role, const char *who,
                             void (*wake)(void *arg), void *arg)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->control = c;
	s->role = role;
	s->wake = wake;
	s->wake_arg = arg;
	snprintf(s->who, sizeof s->who, "%s", who);
	text_init(&s->output, SESSION_REPLY_MAX);
	s->next = c->sessions;
	s->link = &c->sessions;
	if (s->next)
		s->next->link = &s->next;
	c->sessions = s;
	return s;
}

/* --- room for all: what waits to be written is counted --- */

static void release_held(struct control *c)
{
	for (struct session *s = c->sessions; s; s = s->next) {
		if (!s->held)
			continue;
		s->held = false;
		session_wake(s);
	}
}

void session_count_output(struct session *s)
{
	struct control *c = s->control;
	bool was_full = c->output_size >= CONTROL_OUTPUT_MAX;

	c->output_size += s->output.size - s->counted;
	s->counted = s->output.size;
	if (was_full && c->output_size < CONTROL_OUTPUT_MAX)
		release_held(c);
}

static void end_call(struct session *s)
{
	vigil_free(s->vigil);
	monitor_free(s->monitor);
	logs_free(s->logs);
}

void session_close(struct session *s)
{
	if (!s)
		return;
	end_call(s);
	wire_input_release(&s->input);
	text_release(&s->output);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	session_count_output(s);
	free(s);
}

void session_wake(struct session *s)
{
	if (!s->inside)
		s->wake(s->wake_arg);
}

/* --- what it sends --- */

static bool has_message(const struct session *s)
{
	size_t size;

	return wire_input_message(&s->input, &size) != NULL;
}

bool session_is_waiting(const struct session *s)
{
	return s->vigil || s->monitor || s->logs;
}

int session_receive(struct session *s, const char *bytes, size_t size)
{
	if (s->over || s->ended)
		return 0;
	return wire_input_add(&s->input, bytes, size, CONTROL_MESSAGE_MAX);
}

void session_end_of_input(struct session *s)
{
	s->ended = true;
	if (s->vigil)
		vigil_give_up(s->vigil, "you ended your input");
	/* a stream is for somebody who stays */
	monitor_free(s->monitor);
	logs_free(s->logs);
}

bool session_wants_input(const struct session *s)
{
	return !s->over && !s->ended && !has_message(s);
}

bool session_is_partial(const struct session *s)
{
	return wire_input_is_partial(&s->input);
}

/* --- what is done about it --- */

bool session_is_ready(const struct session *s)
{
	if (s->over)
		return false;
	if (s->monitor && monitor_is_late(s->monitor))
		return true;
	if (s->output.size)
		return false;
	if (s->vigil)
		return vigil_is_ready(s->vigil);
	if (s->monitor)
		return monitor_is_ready(s->monitor);
	if (s->logs)
		return logs_is_ready(s->logs);
	return has_message(s) && !s->held;
}

/* the next part of the call under way */
static int go_on(struct session *s)
{
	if (s->vigil) {
		if (vigil_step(s->vigil))
			vigil_free(s->vigil);
	} else if (s->monitor) {
		return monitor_step(s->monitor);
	} else if (s->logs && logs_step(s->logs)) {
		logs_free(s->logs);
	}
	return 0;
}

/* nobody hears what follows: it is not waited for */
static void drop_reply(struct session *s)
{
	text_release(&s->output);
	end_call(s);
}

static int begin(struct session *s)
{
	struct wire_call call;
	const char *message;
	size_t size;
	int r;

	message = wire_input_message(&s->input, &size);
	r = wire_call_parse(&call, message, size);
	if (r < 0)
		return r;
	s->held = !method_dispatch(s, &call);
	if (call.oneway && !s->held)
		drop_reply(s);
	else if (s->ended && !s->held)
		session_end_of_input(s); /* what has begun ends as well */
	wire_call_release(&call);
	if (s->held)
		return 0;
	r = wire_input_next(&s->input, CONTROL_MESSAGE_MAX);
	return r < 0 || !session_is_waiting(s) ? r : go_on(s);
}

int session_step(struct session *s)
{
	int r;

	if (!session_is_ready(s))
		return 0;
	s->inside = true;
	r = session_is_waiting(s) ? go_on(s) : begin(s);
	s->inside = false;
	session_count_output(s);
	return r;
}

/* --- what it is told --- */

const char *session_output(const struct session *s, size_t *size)
{
	*size = s->output.size - s->sent;
	return *size ? s->output.data + s->sent : "";
}

void session_sent(struct session *s, size_t size)
{
	s->sent += size;
	if (s->sent < s->output.size)
		return;
	/* who asks nothing costs nothing */
	text_release(&s->output);
	s->sent = 0;
	session_count_output(s);
}

bool session_is_busy(const struct session *s)
{
	return session_is_waiting(s) || has_message(s) || s->output.size > 0;
}

bool session_is_over(const struct session *s)
{
	return s->over || (s->ended && !has_message(s) && !session_is_waiting(s));
}
