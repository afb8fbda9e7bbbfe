/* SPDX-License-Identifier: MIT */
/* What all calls that wait have in common: how long, and that they begin to. */
#pragma once

#include "base/clock.h"
#include "control/call.h"

/* timeout_ms as it was given, or the longest time that stopping may take and a minute. */
msec_t request_timeout(const struct session *s, const struct call *call,
                       const struct selection *sel, bool in_turn);

/* What was asked for is done; the session's vigil waits as the call wants it. */
void request_begin(struct session *s, const struct call *call, msec_t timeout_ms);
