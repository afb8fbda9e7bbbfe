/* SPDX-License-Identifier: MIT */
/* A wait for programs to come to what was asked for: who it concerns, what has become of each, and
 * the reply when all of it is decided or the time is over.  How it is decided is core/goal.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/host.h"
#include "control/session.h"
#include "core/goal.h"

/* It belongs to its session, which frees it.  With `more` each change on the way is told.  NULL
 * when memory is out. */
struct vigil *vigil_new(struct session *s, bool more);
void vigil_free(struct vigil *v);

/* One more program, as it is now: before what was asked for is done.  `state_name` is for
 * GOAL_STATE alone and static.  0 or -ENOMEM. */
int vigil_add(struct vigil *v, uint32_t program, enum goal goal, const char *state_name);

/* One for which nothing is done, and why (static); NULL: it is done.  0 or -ENOMEM. */
int vigil_add_decided(struct vigil *v, uint32_t program, const char *failure);

/* Members that stand before `programs` in the first reply and in the last, and in those between;
 * JSON, copied.  0 or -ENOMEM. */
int vigil_set_head(struct vigil *v, const struct text *head, const struct text *progress_head);

/* Everything was asked for: from now on it is judged.  `wait` = false: the reply tells what is so
 * at once. */
void vigil_begin(struct vigil *v, bool wait, msec_t timeout_ms);

/* A program has changed (control_on_state). */
void vigil_on_state(struct vigil *v, uint32_t program, enum life_state to);

msec_t vigil_deadline(const struct vigil *v);
void vigil_tick(struct vigil *v, msec_t now);

/* Nobody waits any longer: `reason` (static) is told for what is undecided. */
void vigil_give_up(struct vigil *v, const char *reason);

/* Whether there is something to tell; tells it.  True when that was the reply. */
bool vigil_is_ready(const struct vigil *v);
bool vigil_step(struct vigil *v);
