/* SPDX-License-Identifier: MIT */
/* Random settings, and random changes of them: what somebody who edits a file at random would have
 * written into it.  Knows nothing of what is running. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/settings.h"
#include "sim/chance.h"

enum { TROUPE_MAX = 10, ROLE_STEPS_MAX = 6 };

/* a dependency on another role, in effect while that is cast */
struct tie {
	unsigned on;
	enum condition condition;
	bool required;
};

struct role {
	const char *name;
	bool cast;     /* the settings name it */
	unsigned rank; /* it depends on lower ones only */
	const char *command;
	struct program_settings policy; /* values; what is pointed to is made of what is below */
	size_t step_count, tie_count;
	struct stop_step steps[ROLE_STEPS_MAX];
	struct tie ties[TROUPE_MAX];
	bool has_stop_command, has_reload_command, is_kind, is_in_herd;
	int forward; /* what USR1 becomes; -1 = it is not claimed */
};

struct troupe {
	struct role roles[TROUPE_MAX];
	enum exit_when exit_when;
	unsigned exit_code_from; /* a role, or TROUPE_MAX; in effect while it is cast */
	msec_t stop_delay_ms, stop_deadline_ms;
};

void troupe_draw(struct troupe *t, struct chance *c);

/* A few changes, or none, or many. */
void troupe_edit(struct troupe *t, struct chance *c);

/* What the file would say, in an order that means nothing. */
struct settings *troupe_settings(const struct troupe *t, struct chance *c);

/* The role of that name if it is cast, else NULL. */
const struct role *troupe_find(const struct troupe *t, const char *name);

/* Whether it requires the program of that name. */
bool troupe_requires(const struct troupe *t, const struct role *role, const char *name);
