/* SPDX-License-Identifier: MIT */
/* How a program ended, in words: what happened, and what that usually means. */
#pragma once

#include "base/clock.h"
#include "base/text.h"
#include "core/history.h"
#include "core/settings.h"

/* Appends a span of time as people say it: 20ms 1.5s 12s 5m 3h 2d. */
void meaning_put_span(struct text *out, msec_t ms);

/* Appends "exited with status 3 after 20ms", "was killed by SIGSEGV (core dumped) after 2h", or
 * for a start that failed its step and why.  An uptime below 0 is not known. */
void meaning_put_end(struct text *out, const struct past_end *end);

/* Appends the failed step of a start and why: "directory: No such file or directory". */
void meaning_put_failure(struct text *out, enum spawn_step step, int error);

/* Appends what an end means beyond that; nothing when there is nothing to add. */
void meaning_put_meaning(struct text *out, const struct past_end *end,
                         const struct program_settings *settings);
