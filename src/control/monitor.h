/* SPDX-License-Identifier: MIT */
/* The stream of changes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/lifecycle.h"

struct control;
struct monitor;
struct session;

void monitor_free(struct monitor *m);

/* A program has changed (control_on_state): noted for whoever listens, once. */
void monitor_on_state(struct control *c, uint32_t program, enum life_state from,
                      enum life_state to);

/* Whether there is something to tell, or a reason to end; tells it.  0, or -EPIPE: it has fallen
 * too far behind. */
bool monitor_is_ready(const struct monitor *m);
int monitor_step(struct monitor *m);

/* Whether it is to be cut. */
bool monitor_is_late(const struct monitor *m);

/* Tells what is left and ends the stream. */
void monitor_finish(struct monitor *m);
