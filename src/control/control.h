/* SPDX-License-Identifier: MIT */
/* The control protocol: bytes in, bytes out (include/verger/io.verger.Supervisor.varlink is the
 * contract).  Knows no socket and no clock; src/os/listener.c carries the bytes, and host.h is what
 * it sees of vergerd.
 *
 * Memory is bounded (docs/adr/0009-varlink.md): a message of a client has at most
 * CONTROL_MESSAGE_MAX bytes; one call of a client is worked on at a time, and the next one is not
 * begun before its reply is written; large replies are not begun while too much waits to be written
 * to all; events are kept once for all who listen, CONTROL_STREAM_MAX bytes and some for each
 * program, and a client that falls behind them is cut. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "control/host.h"
#include "control/verbs.h"
#include "core/lifecycle.h"

enum {
	CONTROL_MESSAGE_MAX = 64 * 1024,
	CONTROL_STREAM_MAX = 256 * 1024,
};

struct control;
struct session;

/* `host` is borrowed.  NULL when memory is out. */
struct control *control_new(const struct control_host *host);
/* All sessions must be closed. */
void control_free(struct control *c);

/* A client has come.  `who` ("root (PID 12)") is copied; `wake` is called, never from inside
 * session_step of the same client, when there is something to write or to do for a client that was
 * waiting.  NULL when memory is out. */
struct session *session_open(struct control *c, enum control_role role, const char *who,
                             void (*wake)(void *arg), void *arg);
void session_close(struct session *s);

/* Takes bytes of the client.  0; or a reason to cut it: -EMSGSIZE (a message longer than
 * CONTROL_MESSAGE_MAX), -EBADMSG (not a Varlink call), -ENOMEM.  Works nothing off. */
int session_receive(struct session *s, const char *bytes, size_t size);

/* The client will send no more; calls that are under way are given up. */
void session_end_of_input(struct session *s);

/* Whether to read from the client: not while a whole call of it waits. */
bool session_wants_input(const struct session *s);

/* Whether session_step has something to do. */
bool session_is_ready(const struct session *s);

/* Works on at most one call; appends to the output.  0, or a reason to cut the client (as
 * session_receive; -EPIPE: too much is waiting for it). */
int session_step(struct session *s);

/* What is to be written to the client, borrowed until the next call; and what was. */
const char *session_output(const struct session *s, size_t *size);
void session_sent(struct session *s, size_t size);

/* Whether a message has begun and its end has not come yet: how long that may take is the
 * listener's business. */
bool session_is_partial(const struct session *s);

/* Whether the client is amid something: a call, a wait or a stream.  Others may be cut for room. */
bool session_is_busy(const struct session *s);
/* A message has begun and has not ended: the client owes us the rest. */
bool session_is_partial(const struct session *s);
/* Everything is said (it was refused, or has ended its input): close it when the output is written.
 */
bool session_is_over(const struct session *s);

/* A program has changed its state, or was removed (to = LIFE_STATE_COUNT). */
void control_on_state(struct control *c, uint32_t program, enum life_state from,
                      enum life_state to);
/* There is more to be read from this tail. */
void control_on_log(struct control *c, struct host_tail *tail);

/* The next moment at which a wait runs out of time; MSEC_NEVER = none; and the call to make then.
 */
msec_t control_deadline(const struct control *c);
void control_tick(struct control *c, msec_t now);

/* vergerd ends: whoever waits is told.  Outputs are left for writing. */
void control_shutdown(struct control *c);
