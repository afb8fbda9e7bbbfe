/* SPDX-License-Identifier: MIT */
/* Walks through the text of JSON without building its values: for the envelope of a reply, and for
 * replies of which only a few members are wanted and soon.  Checks what it needs to find its way,
 * not that every value is well formed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Some text of a message, borrowed from it; not NUL-terminated. */
struct slice {
	const char *text;
	size_t size;
};

bool slice_is(const struct slice *s, const char *text);

/* The number that is the slice; `otherwise` when it is none, or too large for 18 digits. */
json_int_t slice_integer(const struct slice *s, json_int_t otherwise);

/* A place in an object or an array. */
struct scan {
	/* private */
	const char *at, *end;
	char closing;     /* what ends it */
	bool is_at_start; /* no comma is due */
};

/* Enters `value`, which must be an object ('{') or an array ('[') as `opening` says.  0 or
 * -EBADMSG. The byte after the value must be readable and no part of it. */
int scan_enter(struct scan *s, const struct slice *value, char opening);

/* Takes the next member of an object, or element of an array: a string's slice has its quotes.
 * `key` is without them, its escapes as they are.  1; 0 at the end; -EBADMSG. */
int scan_member(struct scan *s, struct slice *key, struct slice *value);
int scan_element(struct scan *s, struct slice *value);

/* Whether nothing but blanks follows the object or array, after its end. */
bool scan_is_over(struct scan *s);
