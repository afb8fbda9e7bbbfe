/* SPDX-License-Identifier: MIT */
/* The desk where requests are taken: who comes, and what goes to and fro.  What is asked for is
 * src/control's business, what is answered host.c's. */
#include "daemon/desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/control.h"
#include "os/listener.h"

enum {
	WHO_MAX = 128,
	MODE_OWN = 0600,
	MODE_GROUPS = 0666, /* the kernel tells us who it is; the groups decide */
};

struct desk {
	struct daemon *daemon;
	struct control *control;
	struct listener *listener;
	ev_timer deadline; /* the next wait that runs out of time */
};

/* A client of the listener. */
struct visitor {
	struct desk *desk;
	struct session *session;
};

/* --- clients --- */

/* whom the peer is to us (B4) */
static enum control_role role_of(const struct settings *s, const struct peer *peer)
{
	enum control_role role = ROLE_NONE;

	if (peer->uid == 0 || peer->uid == geteuid())
		return ROLE_ADMIN;
	for (size_t i = 0; i <= peer->group_count; i++) {
		gid_t gid = i < peer->group_count ? peer->groups[i] : peer->gid;

		if (s->control_gid != (gid_t)-1 && gid == s->control_gid)
			return ROLE_OPERATE;
		if (s->view_gid != (gid_t)-1 && gid == s->view_gid)
			role = ROLE_VIEW;
	}
	return role;
}

/* Names of users would have to be looked up, which may take as long as a network likes. */
static void describe(const struct peer *peer, char out[WHO_MAX])
{
	if (peer->uid == 0)
		snprintf(out, WHO_MAX, "root (PID %d)", (int)peer->pid);
	else
		snprintf(out, WHO_MAX, "user %u (PID %d)", (unsigned)peer->uid, (int)peer->pid);
}

static void *opened(void *context, const struct peer *peer, void *connection)
{
	struct desk *desk = context;
	struct visitor *v = malloc(sizeof *v);
	char who[WHO_MAX];

	if (!v)
		return NULL;
	describe(peer, who);
	v->desk = desk;
	v->session = session_open(desk->control, role_of(desk->daemon->settings, peer), who,
	                          listener_wake, connection);
	if (!v->session) {
		free(v);
		return NULL;
	}
	return v;
}

static void arm_deadline(struct desk *desk)
{
	struct ev_loop *loop = desk->daemon->loop;
	msec_t deadline = control_deadline(desk->control);
	msec_t left;

	ev_timer_stop(loop, &desk->deadline);
	if (deadline == MSEC_NEVER)
		return;
	left = deadline - clock_monotonic_ms();
	ev_now_update(loop);
	ev_timer_set(&desk->deadline, left > 0 ? (double)left / 1000.0 : 0., 0.);
	ev_timer_start(loop, &desk->deadline);
}

static void closed(void *context, void *client)
{
	struct visitor *v = client;

	session_close(v->session);
	free(v);
	arm_deadline(context);
}

static int receive(void *client, const char *bytes, size_t size)
{
	return session_receive(((struct visitor *)client)->session, bytes, size);
}

static void end_of_input(void *client)
{
	session_end_of_input(((struct visitor *)client)->session);
}

static bool wants_input(const void *client)
{
	return session_wants_input(((const struct visitor *)client)->session);
}

static bool is_ready(const void *client)
{
	return session_is_ready(((const struct visitor *)client)->session);
}

static int step(void *client)
{
	struct visitor *v = client;
	int r = session_step(v->session);

	arm_deadline(v->desk);
	return r;
}

static const char *output(const void *client, size_t *size)
{
	return session_output(((const struct visitor *)client)->session, size);
}

static void sent(void *client, size_t size)
{
	session_sent(((struct visitor *)client)->session, size);
}

static bool is_busy(const void *client)
{
	return session_is_busy(((const struct visitor *)client)->session);
}

static bool is_over(const void *client)
{
	return session_is_over(((const struct visitor *)client)->session);
}

static bool is_partial(const void *client)
{
	return session_is_partial(((const struct visitor *)client)->session);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct desk *desk = w->data;

	(void)loop;
	(void)revents;
	control_tick(desk->control, clock_monotonic_ms());
	arm_deadline(desk);
}

/* --- life --- */

static mode_t mode_of(const struct settings *s)
{
	bool groups = s->control_gid != (gid_t)-1 || s->view_gid != (gid_t)-1;

	return groups ? MODE_GROUPS : MODE_OWN;
}

static int listen_at(struct desk *desk)
{
	const struct settings *s = desk->daemon->settings;
	const struct listener_handlers handlers = {
		.opened = opened,
		.closed = closed,
		.receive = receive,
		.end_of_input = end_of_input,
		.wants_input = wants_input,
		.is_ready = is_ready,
		.step = step,
		.output = output,
		.sent = sent,
		.is_busy = is_busy,
		.is_over = is_over,
		.is_partial = is_partial,
		.context = desk,
	};

	return listener_new(&desk->listener, desk->daemon->loop, s->control_socket, mode_of(s),
	                    &handlers);
}

int desk_open(struct desk **out, struct daemon *d)
{
	struct desk *desk = calloc(1, sizeof *desk);
	int r = -ENOMEM;

	if (!desk)
		return r;
	desk->daemon = d;
	ev_timer_init(&desk->deadline, on_deadline, 0., 0.);
	desk->deadline.data = desk;
	desk->control = control_new(&d->host);
	if (desk->control)
		r = listen_at(desk);
	if (r < 0) {
		control_free(desk->control);
		free(desk);
		return r;
	}
	*out = desk;
	return 0;
}

void desk_withdraw(struct desk *desk)
{
	if (desk)
		listener_withdraw(desk->listener);
}

void desk_close(struct desk *desk)
{
	if (!desk)
		return;
	control_shutdown(desk->control);
	listener_free(desk->listener);
	ev_timer_stop(desk->daemon->loop, &desk->deadline);
	control_free(desk->control);
	free(desk);
}

void desk_on_state(struct desk *desk, uint32_t program, enum life_state from, enum life_state to)
{
	if (!desk)
		return;
	control_on_state(desk->control, program, from, to);
}

void desk_on_log(struct desk *desk, struct host_tail *tail)
{
	if (desk)
		control_on_log(desk->control, tail);
}

void desk_on_reload(struct desk *desk)
{
	if (desk)
		listener_set_mode(desk->listener, mode_of(desk->daemon->settings));
}

bool desk_is_reachable(const struct desk *desk)
{
	return listener_is_reachable(desk->listener);
}
