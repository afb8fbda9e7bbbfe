/* SPDX-License-Identifier: MIT */
/* The parameters of calls, read by name and type.  Knows no method: which ones it takes is said by
 * bits. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum param {
	PARAM_NAMES = 1 << 0,
	PARAM_FIELDS = 1 << 1,
	PARAM_NAME = 1 << 2,
	PARAM_ALL = 1 << 3,
	PARAM_WAIT = 1 << 4,
	PARAM_TIMEOUT_MS = 1 << 5,
	PARAM_STATE = 1 << 6,
	PARAM_SIGNAL = 1 << 7,
	PARAM_TO = 1 << 8,
	PARAM_LINES = 1 << 9,
	PARAM_FOLLOW = 1 << 10,
	PARAM_DRY_RUN = 1 << 11,
	PARAM_NOW = 1 << 12,
	PARAM_INTERFACE = 1 << 13,
	PARAM_ONLY_ASK = 1 << 14,
	PARAM_SINCE = 1 << 15,
};

/* Numbers beyond this are taken as this: 100 years in milliseconds. */
#define PARAM_NUMBER_MAX INT64_C(3155760000000)

/* What was given; strings and arrays are borrowed from the call. */
struct params {
	json_t *names, *fields; /* of strings; NULL = not given */
	const char *name, *state, *signal, *to, *interface, *since;
	int64_t timeout_ms, lines; /* -1 = not given */
	bool all, wait, follow, dry_run, now, only_ask;
};

/* Reads `object` (NULL = empty).  NULL when all of it is in `taken`, of its type, and nothing of
 * `required` is missing; else the name of the first that is not, borrowed from the call or static.
 */
const char *params_read(struct params *out, json_t *object, unsigned taken, unsigned required);
