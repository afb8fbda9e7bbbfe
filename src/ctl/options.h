/* SPDX-License-Identifier: MIT */
/* The options of vergerctl as a table, for its parser, its help, its manual and the completions.
 * Which verb takes which is said by the table of verbs (control/verbs.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/verbs.h"

enum option_id {
	OPTION_SOCKET = 's',
	OPTION_VERBOSE = 'v',
	OPTION_HELP = 'h',
	OPTION_VERSION = 'V',
	OPTION_FOLLOW = 'f',
	OPTION_LINES = 'n',
	OPTION_JSON = 256, /* these have no letter */
	OPTION_NO_COLOR,
	OPTION_ALL,
	OPTION_WAIT,
	OPTION_NO_WAIT,
	OPTION_TIMEOUT,
	OPTION_FOR,
	OPTION_WATCH,
	OPTION_DRY_RUN,
	OPTION_TO,
	OPTION_SINCE,
	OPTION_REOPEN,
	OPTION_NOW,
};

/* What may stand after an option, for completion. */
enum option_values { OPTION_NO_VALUE, OPTION_ANY_VALUE, OPTION_FILE_VALUE, OPTION_LISTED_VALUES };

struct ctl_option {
	enum option_id id;
	enum option_values values;
	const char *name;     /* without dashes */
	const char *argument; /* "D"; NULL = takes none */
	const char *listed;   /* "main group tree"; NULL unless OPTION_LISTED_VALUES */
	const char *help;     /* no full stop */
};

extern const struct ctl_option ctl_options[];
extern const size_t ctl_option_count;

/* The letter of an option; '\0' when it has none. */
char option_letter(const struct ctl_option *o);

/* Whether the option may stand with every verb. */
bool option_is_global(const struct ctl_option *o);

/* Whether the option means something to this verb alone. */
bool option_is_of(const struct ctl_option *o, const struct verb *verb);

/* Writes "-n N, --lines N" into `out`, which is returned. */
enum { OPTION_TEXT_SIZE = 64 };
const char *option_format(const struct ctl_option *o, char out[OPTION_TEXT_SIZE]);
