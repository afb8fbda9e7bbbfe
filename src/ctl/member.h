/* SPDX-License-Identifier: MIT */
/* Members of the objects in replies.  What is missing or of another type is empty, so that a
 * vergerd of another version can be spoken with. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* A string, borrowed; "" when there is none. */
static inline const char *member_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline json_int_t member_integer(const json_t *object, const char *key, json_int_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static inline bool member_is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* An array, borrowed; NULL, which json_array_get and json_array_size take for an empty one, when
 * there is none. */
static inline json_t *member_array(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_array(value) ? value : NULL;
}
