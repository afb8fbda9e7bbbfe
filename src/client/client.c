/* SPDX-License-Identifier: MIT */
/* A connection to vergerd: calls out, replies in.  The bytes are moved by socket.c, cut by frame.c
 * and understood by reply.c. */
#include <verger/client.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/deadline.h"
#include "client/frame.h"
#include "client/reply.h"
#include "client/socket.h"

struct verger_client {
	int fd;
	int timeout_ms;
	bool is_broken;   /* whatever comes now cannot be told apart any more */
	bool is_answered; /* no reply is awaited */
	struct frame frame;
	char *error;              /* owned */
	json_t *error_parameters; /* owned */
};

int verger_client_open(struct verger_client **out, const char *path)
{
	char *own_path = path ? NULL : verger_socket_path();
	struct verger_client *c;
	int fd;

	if (!path && !own_path)
		return -ENOMEM;
	fd = socket_connect(path ? path : own_path);
	free(own_path);
	if (fd < 0)
		return fd;
	c = calloc(1, sizeof *c);
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	c->timeout_ms = -1;
	c->is_answered = true;
	frame_init(&c->frame, VERGER_REPLY_MAX);
	*out = c;
	return 0;
}

static void forget_error(struct verger_client *c)
{
	free(c->error);
	c->error = NULL;
	json_decref(c->error_parameters);
	c->error_parameters = NULL;
}

void verger_client_close(struct verger_client *c)
{
	if (!c)
		return;
	close(c->fd);
	frame_release(&c->frame);
	forget_error(c);
	free(c);
}

int verger_client_fd(const struct verger_client *c)
{
	return c->fd;
}

void verger_client_set_timeout(struct verger_client *c, int timeout_ms)
{
	c->timeout_ms = timeout_ms;
}

/* No reply is believed after this. */
static int give_up(struct verger_client *c, int r)
{
	c->is_broken = true;
	return r;
}

/* The text of a call, malloc'ed; NULL when memory is out. */
static char *encode_call(const char *method, json_t *parameters, bool more)
{
	const char *interface = strchr(method, '.') ? "" : VERGER_INTERFACE ".";
	json_t *call =
		json_pack("{s:s+, s:O*}", "method", interface, method, "parameters", parameters);
	char *text = NULL;

	if (call && (!more || json_object_set_new(call, "more", json_true()) == 0))
		text = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	return text;
}

static int send_call(struct verger_client *c, const char *method, json_t *parameters, bool more)
{
	char *text;
	int r;

	forget_error(c);
	if (c->is_broken || !c->is_answered) {
		json_decref(parameters);
		return c->is_broken ? -ECONNRESET : -EBUSY;
	}
	text = encode_call(method, parameters, more);
	json_decref(parameters);
	if (!text)
		return -ENOMEM;
	/* the NUL that ends it is sent, too */
	r = socket_send(c->fd, text, strlen(text) + 1, deadline_in(c->timeout_ms));
	free(text);
	if (r < 0)
		return give_up(c, r);
	c->is_answered = false;
	return 0;
}

/* The next message, whole.  A timeout leaves what has come for the next attempt. */
static int receive_message(struct verger_client *c, const char **message, size_t *size)
{
	deadline_t deadline = deadline_in(c->timeout_ms);

	for (;;) {
		size_t room;
		ssize_t n;
		char *at;
		int r = frame_next(&c->frame, message, size);

		if (r > 0)
			return 0;
		if (r == 0)
			r = frame_room(&c->frame, &at, &room);
		if (r < 0)
			return give_up(c, r);
		n = socket_receive(c->fd, at, room, deadline);
		if (n == -ETIMEDOUT)
			return -ETIMEDOUT;
		if (n < 0)
			return give_up(c, (int)n);
		frame_filled(&c->frame, (size_t)n);
	}
}

static int keep_error(struct verger_client *c, const struct reply *reply)
{
	c->error = strndup(reply->error.text + 1, reply->error.size - 2);
	if (!c->error)
		return -ENOMEM;
	c->error_parameters = reply_parameters(reply);
	return c->error_parameters ? -EREMOTE : give_up(c, -EBADMSG);
}

/* The next reply: 1, 0 or negative errno as verger_next has it. */
static int next_reply(struct verger_client *c, struct reply *reply, const char **message,
                      size_t *size)
{
	int r;

	forget_error(c);
	if (c->is_broken)
		return -ECONNRESET;
	r = receive_message(c, message, size);
	if (r < 0)
		return r;
	if (c->is_answered || reply_scan(*message, *size, reply) < 0)
		return give_up(c, -EBADMSG);
	c->is_answered = !reply->continues || reply->error.size > 0;
	if (reply->error.size > 0)
		return keep_error(c, reply);
	return reply->continues;
}

int verger_next(struct verger_client *c, json_t **reply)
{
	const char *message;
	struct reply found;
	json_t *parameters;
	size_t size;
	int r = next_reply(c, &found, &message, &size);

	if (r < 0)
		return r;
	parameters = reply_parameters(&found);
	if (!parameters)
		return give_up(c, -EBADMSG);
	if (reply)
		*reply = parameters;
	else
		json_decref(parameters);
	return r;
}

int verger_next_raw(struct verger_client *c, const char **message, size_t *size)
{
	struct reply found;

	return next_reply(c, &found, message, size);
}

int verger_call_more(struct verger_client *c, const char *method, json_t *parameters)
{
	return send_call(c, method, parameters, true);
}

int verger_call(struct verger_client *c, const char *method, json_t *parameters, json_t **reply)
{
	json_t *parameters_of_reply;
	int r = send_call(c, method, parameters, false);

	if (r < 0)
		return r;
	r = verger_next(c, &parameters_of_reply);
	if (r == -ETIMEDOUT)
		return give_up(c,
		               r); /* the reply may still come, and would be taken for another's */
	if (r < 0)
		return r;
	if (r == 1 || !reply)
		json_decref(parameters_of_reply);
	if (r == 1)
		return give_up(c, -EBADMSG); /* nobody asked for more */
	if (reply)
		*reply = parameters_of_reply;
	return 0;
}

const char *verger_client_error(const struct verger_client *c, const json_t **parameters)
{
	if (parameters)
		*parameters = c->error_parameters;
	return c->error;
}
