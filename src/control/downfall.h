/* SPDX-License-Identifier: MIT */
/* Whom a stop takes along, and how long it may all take. */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "control/host.h"
#include "control/selection.h"

/* Adds to `sel` what requires its programs, and what requires those, as far as it is wanted or
 * still there.  0 or -ENOMEM. */
int downfall_add(struct selection *sel, const struct control_host *host);

/* The longest time that stopping any of them may take; `in_turn`: one after the other, as far as
 * they require each other. */
msec_t downfall_time(const struct selection *sel, const struct control_host *host, bool in_turn);
