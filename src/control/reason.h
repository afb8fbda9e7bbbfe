/* SPDX-License-Identifier: MIT */
/* Why a program is in its state, as a sentence for people: the one source of such sentences for
 * Status, outcomes, Why and Monitor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "control/host.h"
#include "core/supervisor.h"

enum {
	REASON_MAX = 4096, /* bytes of a sentence */
	REASON_LOOKS = 64, /* looks at processes or dependents for one reply: each costs system
	                      calls, and a shutdown of thousands must not be held up by them */
};

/* Appends why `program`, whose status is `st`, is as it is.  `looks` counts down from REASON_LOOKS
 * over a reply.  False when there is nothing to say. */
bool reason_put(struct text *out, const struct control_host *host, uint32_t program,
                const struct program_status *st, unsigned *looks);

/* Appends how it last ended, whether it exited or could not be started; false when it never did. */
bool reason_put_last_end(struct text *out, const struct control_host *host, uint32_t program,
                         const struct program_status *st);
