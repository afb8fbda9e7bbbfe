/* SPDX-License-Identifier: MIT */
/* How lines of logs are shown: with the name of the program before them and in its colour, or as
 * JSON Lines.  There an object holds a line that bears a time, and those behind it that bear none.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl.h"

/* A place that lines come from. */
struct line_source {
	char *program, *stream; /* owned; `stream` is "" when there is but one */
	int64_t us; /* the time that its last line bears, or one before it; STAMP_NONE */
};

struct lineout {
	struct ctl *ctl;
	json_t *inks;  /* by name of program; empty when there is but one, and no prefix; owned */
	size_t widest; /* name */
	/* private: the object that is made */
	json_t *lines;                    /* owned; NULL = none */
	const struct line_source *source; /* of these */
	bool lossy;
};

/* For these programs, an array of objects with names. */
void lineout_init(struct lineout *o, struct ctl *ctl, const json_t *programs);
void lineout_release(struct lineout *o);

/* Shows a line, which may be of any bytes, and notes the time it bears. */
void lineout_put(struct lineout *o, struct line_source *source, const char *bytes, size_t size);

/* Has everything shown that was put. */
void lineout_finish(struct lineout *o);

/* Says why there are no lines, or not all. */
void lineout_note(struct lineout *o, const char *program, const char *note);
