/* SPDX-License-Identifier: MIT */
/* The control socket of vergerd: os/listener.h carries the bytes, src/control makes sense of them,
 * and this is what they are told of vergerd (control/host.h). */
#pragma once

#include "core/lifecycle.h"
#include "daemon/daemon.h"

struct desk;

/* Opens the control socket of the settings.  0 or negative errno (listener_new). */
int desk_open(struct desk **out, struct daemon *d);
/* No more clients; who is there stays until desk_close, and so learns when the end is complete. */
void desk_withdraw(struct desk *desk);
/* Tells who waits that vergerd ends, and closes.  NULL is allowed for both. */
void desk_close(struct desk *desk);

/* A program has changed its state; LIFE_STATE_COUNT: it was removed.  NULL is allowed. */
void desk_on_state(struct desk *desk, uint32_t program, enum life_state from, enum life_state to);

/* There is more to be read from a log that somebody follows. */
struct host_tail;
void desk_on_log(struct desk *desk, struct host_tail *tail);

/* Whether the socket file still leads to us. */
bool desk_is_reachable(const struct desk *desk);

/* The settings have changed: permissions. */
void desk_on_reload(struct desk *desk);
