/* SPDX-License-Identifier: MIT */
#include "client/scan.h"

#include <errno.h>
#include <string.h>

/* digits that no json_int_t overflows with */
enum { DIGITS_MAX = 18 };

bool slice_is(const struct slice *s, const char *text)
{
	return s->size == strlen(text) && memcmp(s->text, text, s->size) == 0;
}

json_int_t slice_integer(const struct slice *s, json_int_t otherwise)
{
	size_t i = s->size > 0 && s->text[0] == '-';
	json_int_t value = 0;

	if (i == s->size || s->size - i > DIGITS_MAX)
		return otherwise;
	for (; i < s->size; i++) {
		if (s->text[i] < '0' || s->text[i] > '9')
			return otherwise;
		value = value * 10 + (s->text[i] - '0');
	}
	return s->text[0] == '-' ? -value : value;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take(struct scan *s, char wanted)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	if (s->at >= s->end || *s->at != wanted)
		return false;
	s->at++;
	return true;
}

/* The rest of a string whose first quote is taken.  Strings are most of what is jumped over, and
 * memchr jumps furthest. */
static bool take_string_rest(struct scan *s)
{
	const char *start = s->at, *quote = start;

	while (quote < s->end && (quote = memchr(quote, '"', (size_t)(s->end - quote)))) {
		const char *before = quote++;

		/* an odd number of backslashes escapes it */
		while (before > start && before[-1] == '\\')
			before--;
		if ((quote - 1 - before) % 2 == 0) {
			s->at = quote;
			return true;
		}
	}
	return false;
}

/* The rest of an object or array whose first bracket is taken: brackets are counted, strings jumped
 * over. */
static bool take_nested_rest(struct scan *s)
{
	size_t depth = 1;

	while (s->at < s->end) {
		switch (*s->at++) {
		case '"':
			if (!take_string_rest(s))
				return false;
			break;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']':
			if (--depth == 0)
				return true;
			break;
		}
	}
	return false;
}

/* true, false, null, a number: up to what ends it */
static bool take_word(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && !is_blank(*s->at) && !strchr(",:]}[{\"", *s->at))
		s->at++;
	return s->at > start;
}

static bool take_value(struct scan *s, struct slice *out)
{
	bool taken;

	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	out->text = s->at;
	if (take(s, '"'))
		taken = take_string_rest(s);
	else if (take(s, '{') || take(s, '['))
		taken = take_nested_rest(s);
	else
		taken = take_word(s);
	out->size = taken ? (size_t)(s->at - out->text) : 0;
	return taken;
}

int scan_enter(struct scan *s, const struct slice *value, char opening)
{
	*s = (struct scan){
		.at = value->text,
		.end = value->text + value->size,
		.closing = opening == '{' ? '}' : ']',
		.is_at_start = true,
	};
	return take(s, opening) ? 0 : -EBADMSG;
}

/* 1 when another member or element is due. */
static int go_on(struct scan *s)
{
	if (take(s, s->closing))
		return 0;
	if (!s->is_at_start && !take(s, ','))
		return -EBADMSG;
	s->is_at_start = false;
	return 1;
}

int scan_member(struct scan *s, struct slice *key, struct slice *value)
{
	int r = go_on(s);

	if (r <= 0)
		return r;
	if (!take(s, '"'))
		return -EBADMSG;
	key->text = s->at;
	if (!take_string_rest(s))
		return -EBADMSG;
	key->size = (size_t)(s->at - key->text) - 1;
	return take(s, ':') && take_value(s, value) ? 1 : -EBADMSG;
}

int scan_element(struct scan *s, struct slice *value)
{
	int r = go_on(s);

	if (r <= 0)
		return r;
	return take_value(s, value) ? 1 : -EBADMSG;
}

bool scan_is_over(struct scan *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	return s->at == s->end;
}
