/* SPDX-License-Identifier: MIT */
/* The command line of vergerctl.  Knows which words and options go together, not what they do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/verbs.h"

enum { LINES_UNSAID = -1 };

struct arguments {
	const char *socket; /* NULL = the usual place; borrowed from argv, as all of these */
	const struct verb *verb;
	char *const *words; /* what stands after the verb, NULL-terminated */
	size_t word_count;
	bool json, no_color, verbose, help, version;
	bool all, no_wait, watch, dry_run, follow, reopen, now;
	msec_t timeout; /* MSEC_NEVER = not said */
	const char *for_state, *to;
	int lines;
	int64_t since_us; /* INT64_MIN = not said */
};

/* Reads a command line; argv is put into another order.  0, or -EINVAL with a sentence in `fault`.
 */
int arguments_parse(int argc, char **argv, struct arguments *out, struct text *fault);

/* The verb of this name, those of vergerctl alone included; NULL when there is none. */
const struct verb *arguments_find_verb(const char *name);
