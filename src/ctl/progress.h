/* SPDX-License-Identifier: MIT */
/* What became of a request for many programs (Start, Stop, Restart, Wait, Signal, Reload): shown
 * live on a terminal, and told at the end. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "ctl/ctl.h"

/* Whether there is more to be learned about a program that did not make it. */
enum progress_advice { PROGRESS_WITH_ADVICE, PROGRESS_WITHOUT_ADVICE };

struct progress {
	struct ctl *ctl;
	const char *verb; /* "start" */
	enum progress_advice advice;
	/* private */
	json_t *outcomes; /* by name, in the order in which they were heard of first */
	unsigned painted; /* lines that stand on the terminal */
	msec_t started;
};

/* `verb` is borrowed. */
void progress_init(struct progress *p, struct ctl *ctl, const char *verb,
                   enum progress_advice advice);
void progress_release(struct progress *p);

/* Takes in the outcomes of a reply ("programs", may be NULL). */
void progress_add(struct progress *p, const json_t *outcomes);

/* Paints it anew, if this is a terminal. */
void progress_paint(struct progress *p);

/* Takes away what was painted. */
void progress_clear(struct progress *p);

/* Tells the end of it: who did not make it and why, and on a terminal or with -v who did.  The exit
 * status that follows from it. */
int progress_finish(struct progress *p);

/* Takes the replies to a call until the last one, painting meanwhile; on_reply (may be NULL) sees
 * each.  An exit status. */
typedef void progress_on_reply(void *context, const json_t *reply, bool is_last);
int progress_follow(struct progress *p, progress_on_reply *on_reply, void *context);
