/* SPDX-License-Identifier: MIT */
/* Parameters, by table. */
#include "control/params.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

enum param_type { TYPE_STRINGS, TYPE_STRING, TYPE_NUMBER, TYPE_BOOL };

struct known_param {
	const char *name;
	enum param param;
	enum param_type type;
	size_t offset;
};

static const struct known_param known[] = {
	{ "names", PARAM_NAMES, TYPE_STRINGS, offsetof(struct params, names) },
	{ "fields", PARAM_FIELDS, TYPE_STRINGS, offsetof(struct params, fields) },
	{ "name", PARAM_NAME, TYPE_STRING, offsetof(struct params, name) },
	{ "all", PARAM_ALL, TYPE_BOOL, offsetof(struct params, all) },
	{ "wait", PARAM_WAIT, TYPE_BOOL, offsetof(struct params, wait) },
	{ "timeout_ms", PARAM_TIMEOUT_MS, TYPE_NUMBER, offsetof(struct params, timeout_ms) },
	{ "state", PARAM_STATE, TYPE_STRING, offsetof(struct params, state) },
	{ "signal", PARAM_SIGNAL, TYPE_STRING, offsetof(struct params, signal) },
	{ "to", PARAM_TO, TYPE_STRING, offsetof(struct params, to) },
	{ "lines", PARAM_LINES, TYPE_NUMBER, offsetof(struct params, lines) },
	{ "since", PARAM_SINCE, TYPE_STRING, offsetof(struct params, since) },
	{ "follow", PARAM_FOLLOW, TYPE_BOOL, offsetof(struct params, follow) },
	{ "dry_run", PARAM_DRY_RUN, TYPE_BOOL, offsetof(struct params, dry_run) },
	{ "now", PARAM_NOW, TYPE_BOOL, offsetof(struct params, now) },
	{ "only_ask", PARAM_ONLY_ASK, TYPE_BOOL, offsetof(struct params, only_ask) },
	{ "interface", PARAM_INTERFACE, TYPE_STRING, offsetof(struct params, interface) },
};

static bool is_strings(const json_t *value)
{
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_string(json_array_get(value, i)))
			return false;
	return true;
}

/* false when it is not of its type */
static bool store(struct params *out, const struct known_param *param, json_t *value)
{
	char *at = (char *)out + param->offset;
	json_int_t number = json_integer_value(value);

	switch (param->type) {
	case TYPE_STRINGS: *(json_t **)at = value; return is_strings(value);
	case TYPE_STRING:
		*(const char **)at = json_string_value(value);
		return json_is_string(value);
	case TYPE_NUMBER:
		*(int64_t *)at = number > PARAM_NUMBER_MAX ? PARAM_NUMBER_MAX : number;
		return json_is_integer(value) && number >= 0;
	case TYPE_BOOL: *(bool *)at = json_is_true(value); return json_is_boolean(value);
	}
	return false;
}

static const struct known_param *find(const char *name, unsigned taken)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].param & taken && !strcmp(known[i].name, name))
			return &known[i];
	return NULL;
}

static const char *first_missing(unsigned missing)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].param & missing)
			return known[i].name;
	return NULL;
}

const char *params_read(struct params *out, json_t *object, unsigned taken, unsigned required)
{
	unsigned given = 0;
	const char *name;
	json_t *value;

	*out = (struct params){ .timeout_ms = -1, .lines = -1, .wait = true };
	json_object_foreach(object, name, value)
	{
		const struct known_param *param = find(name, taken);

		if (!param)
			return name;
		if (json_is_null(value)) /* the same as not given */
			continue;
		if (!store(out, param, value))
			return name;
		given |= param->param;
	}
	return first_missing(required & ~given);
}
