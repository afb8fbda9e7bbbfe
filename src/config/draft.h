/* SPDX-License-Identifier: MIT */
/* A program while its keys are read one by one: what stands in several keys is put together when
 * all of them are there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/strv.h"
#include "config/values.h"
#include "core/settings.h"

enum { DRAFT_LIMITS_MAX = 16 }; /* one for each RLIMIT_… */

struct draft {
	struct program_settings p; /* what is complete already */

	bool enabled;
	unsigned instances;
	bool pidfile_given;                       /* `pidfile` is there, perhaps empty */
	const char *user, *group, *pidfile_owner; /* borrowed; NULL = not given */
	size_t stop_count;                        /* 0 = the default */
	struct stop_step stop_steps[VALUE_STOP_STEPS_MAX];
	msec_t stop_timeout_ms;
	size_t limit_count;
	struct limit limits[DRAFT_LIMITS_MAX];
	struct strv environment, env_files; /* owned */
	const char *requires, *after;       /* borrowed */
};

/* Starts with the defaults of the dialect. */
void draft_init(struct draft *d);
void draft_release(struct draft *d);

/* Puts together what stands in several keys, with its memory in `arena`.  0 or -ENOMEM. */
int draft_finish(struct draft *d, struct arena *arena);

/* The arena's one copy of a vector; *out is NULL for an empty one.  0 or -ENOMEM. */
int draft_intern_strv(struct arena *arena, const struct strv *v, char *const **out);
