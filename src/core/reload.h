/* SPDX-License-Identifier: MIT */
/* What new settings mean for the programs that are there: a plan that can be looked at before it is
 * carried out (supervisor_reload).  Programs are the same if they have the same name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"

struct supervisor;

enum reload_action {
	RELOAD_ADD,     /* new, and not to be started by itself (autostart = no) */
	RELOAD_START,   /* new and started; or it had ended or failed, and is tried with what is new
	                 */
	RELOAD_STOP,    /* no longer named: stopped and removed */
	RELOAD_RESTART, /* changed in a way that takes a restart, and it is running */
	RELOAD_CHANGE,  /* changed without a restart: at once, or with its next start if it is not
	                   running or is about to stop anyway */
};

/* The names of the actions, for people and for the wire: add start stop restart change. */
extern const char *const reload_action_names[];

struct reload_step {
	enum reload_action action;
	uint32_t program; /* its id, or the one it will have */
	uint32_t fresh;   /* its index in the new settings; NO_PROGRAM for STOP */
};

struct reload_plan {
	struct reload_step
		*steps; /* owned; removals first, then in the order of the new settings */
	size_t count;
	size_t untouched;   /* programs that stay as they are */
	size_t place_count; /* ids there will be; some may be free */
	/* private */
	struct reload_place *places; /* owned; one for each program of the new settings */
};

#define RELOAD_PLAN_INIT                                                                           \
	{                                                                                          \
		0                                                                                  \
	}

enum reload_difference {
	RELOAD_EQUAL,         /* nothing that could be told apart */
	RELOAD_DIFFERS,       /* only in what can change while it runs */
	RELOAD_NEEDS_RESTART, /* in how it is started */
};

/* How one program differs between the settings that hold and new ones (config/diff.h).  `held` may
 * be what is kept for its next start, and then stands in no array.  What it depends on are ids in
 * `held` and indices of the new settings in `fresh`. */
typedef enum reload_difference reload_compare(void *context, const struct program_settings *held,
                                              const struct program_settings *fresh);

/* Makes the plan.  0 or -ENOMEM; nothing is changed. */
int reload_plan_make(struct reload_plan *plan, const struct supervisor *sv,
                     const struct settings *fresh, reload_compare *compare, void *context);
void reload_plan_release(struct reload_plan *plan);
