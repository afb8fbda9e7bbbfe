/* SPDX-License-Identifier: MIT */
/* One client, seen from inside the protocol: what it sent, what is to be written to it, and the
 * call that is under way.  Knows no method. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "control/control.h"
#include "control/journal.h"
#include "control/wire.h"

enum {
	SESSION_REPLY_MAX = 16 * 1024 * 1024, /* bytes of one reply */
	SESSION_STREAM_CHUNK = 32 * 1024,     /* of a stream, before it is written */
	CONTROL_OUTPUT_MAX = 8 * 1024 * 1024, /* of all clients: no large reply is begun beyond */
	SESSION_WHO_MAX = 128,
};

struct logs;
struct monitor;
struct vigil;

struct control {
	const struct control_host *host; /* borrowed */
	struct session *sessions;
	size_t output_size;     /* of all sessions */
	size_t vigils, streams; /* calls under way that want to hear of changes */
	struct journal journal;
};

struct session {
	struct session *next, **link; /* control.sessions */
	struct control *control;
	enum control_role role;
	char who[SESSION_WHO_MAX];
	void (*wake)(void *arg);
	void *wake_arg;

	struct wire_input input;
	struct text output;
	size_t sent;    /* of output */
	size_t counted; /* of output, in control.output_size */

	/* the call under way: at most one of them */
	struct vigil *vigil;
	struct monitor *monitor;
	struct logs *logs;

	bool inside;      /* in session_step: needs no wake */
	bool held;        /* its next call waits for room */
	bool ended;       /* will send no more */
	bool over;        /* is to be closed when its output is written */
	bool told_denied; /* that it asked for more than it may is in the log */
};

/* Has the shell come back to this session. */
void session_wake(struct session *s);

/* Something was added to its output, or taken: counts it, and lets others go on if that made room.
 */
void session_count_output(struct session *s);

/* Whether a call is under way. */
bool session_is_waiting(const struct session *s);
