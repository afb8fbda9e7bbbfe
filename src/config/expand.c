/* SPDX-License-Identifier: MIT */
/* Expands names.  Knows nothing of where they come from, and of words only what a quote is. */
#include "config/expand.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { NAME_SIZE_MAX = 255 };

struct expansion {
	enum expand_mode mode;
	const struct expand_names *names;
	struct text *out;
	struct fault *fault;
	unsigned depth;
	char quote;   /* the quote that `out` has open, or 0 */
	bool escaped; /* `out` ends in a backslash that takes the next character */
};

static int too_long(struct expansion *e, int r)
{
	if (r != -E2BIG)
		return r;
	return fault_set(e->fault,
	                 "the value is longer than %zu bytes once its variables are in place",
	                 e->out->max_size);
}

/* Appends a character of the file, minding what it means for quotes. */
static int add_own(struct expansion *e, char c)
{
	if (e->escaped)
		e->escaped = false;
	else if (c == '\\')
		e->escaped = e->quote != '\'';
	else if (c == e->quote)
		e->quote = 0;
	else if (!e->quote && (c == '"' || c == '\''))
		e->quote = c;
	return too_long(e, text_add_char(e->out, c));
}

/* Appends a character of a variable so that it stays the character it is. */
static int add_literal(struct expansion *e, char c)
{
	bool special = c == '\\' || c == '"' || (c == '\'' && !e->quote);
	int r;

	if (e->mode == EXPAND_WORDS && !e->escaped) {
		if (e->quote == '\'' && c == '\'')
			return too_long(e, text_add_string(e->out, "'\\''"));
		if (e->quote != '\'' && special) {
			r = text_add_char(e->out, '\\');
			if (r < 0)
				return too_long(e, r);
		}
	}
	e->escaped = false;
	return too_long(e, text_add_char(e->out, c));
}

static int add_variable(struct expansion *e, const char *value)
{
	int r = 0;

	for (; *value && r == 0; value++)
		r = add_literal(e, *value);
	return r;
}

static bool is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

/* The '}' that belongs to the "${" before `text`, or NULL. */
static const char *find_close(const char *text, const char *end)
{
	unsigned open = 1;

	for (; text < end; text++) {
		if (*text == '{')
			open++;
		else if (*text == '}' && --open == 0)
			return text;
	}
	return NULL;
}

static int expand_range(struct expansion *e, const char *text, const char *end);

static int expand_default(struct expansion *e, const char *text, const char *end)
{
	int r;

	if (e->depth == EXPAND_DEPTH_MAX)
		return fault_set(e->fault, "defaults are nested more than %d deep",
		                 EXPAND_DEPTH_MAX);
	e->depth++;
	r = expand_range(e, text, end);
	e->depth--;
	return r;
}

static int refuse_unset(struct expansion *e, const char *name, const char *message, const char *end)
{
	if (message < end)
		return fault_set(e->fault, "%s: %.*s", name,
		                 (int)(end - message < 300 ? end - message : 300), message);
	return fault_set(e->fault, "%s is not set or empty", name);
}

/* Expands what stands between "${" and `close`. */
static int expand_reference(struct expansion *e, const char *text, const char *close)
{
	const char *rest = text;
	char name[NAME_SIZE_MAX + 1];
	const char *value;
	size_t size;

	while (rest < close && is_name_char(*rest, rest == text))
		rest++;
	size = (size_t)(rest - text);
	if (size == 0 || (rest < close && (rest[0] != ':' || (rest[1] != '-' && rest[1] != '?'))))
		return fault_set(e->fault,
		                 "'${%.*s}' is none of ${NAME}, ${NAME:-default}, ${NAME:?message}",
		                 (int)(close - text < 80 ? close - text : 80), text);
	if (size > NAME_SIZE_MAX)
		return fault_set(e->fault, "a variable name of %zu bytes is longer than %d", size,
		                 NAME_SIZE_MAX);
	memcpy(name, text, size);
	name[size] = '\0';
	value = e->names->find(e->names->context, name);
	if (value && (*value || rest == close))
		return add_variable(e, value);
	if (rest == close)
		return fault_set(e->fault, "${%s} is not set (${%s:-default} gives it a default)",
		                 name, name);
	if (rest[1] == '-')
		return expand_default(e, rest + 2, close);
	return refuse_unset(e, name, rest + 2, close);
}

static int expand_range(struct expansion *e, const char *text, const char *end)
{
	int r = 0;

	while (text < end && r == 0) {
		const char *close;

		if (*text != '$' || text + 1 == end || (text[1] != '$' && text[1] != '{')) {
			r = add_own(e, *text++);
			continue;
		}
		if (text[1] == '$') {
			r = add_own(e, '$');
			text += 2;
			continue;
		}
		close = find_close(text + 2, end);
		if (!close)
			return fault_set(e->fault, "'%.*s' has no closing brace",
			                 (int)(end - text < 40 ? end - text : 40), text);
		r = expand_reference(e, text + 2, close);
		text = close + 1;
	}
	return r;
}

int expand(const char *text, enum expand_mode mode, const struct expand_names *names,
           struct text *out, struct fault *fault)
{
	struct expansion e = { .mode = mode, .names = names, .out = out, .fault = fault };

	return expand_range(&e, text, text + strlen(text));
}
