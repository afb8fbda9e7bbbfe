/* SPDX-License-Identifier: MIT */
/* The methods, and who may call which. */
#pragma once

#include "control/session.h"
#include "control/wire.h"

/* Answers a call, or leaves it under way in its session.  False: it is large and waits until others
 * have been read (CONTROL_OUTPUT_MAX); nothing has been done. */
bool method_dispatch(struct session *s, const struct wire_call *wire);
