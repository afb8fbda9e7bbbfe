/* SPDX-License-Identifier: MIT */
/* A reader of Varlink's interface language that knows just what the description uses. */
#include "unit/control/contract.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/description.h"

struct reader {
	const char *at;
	char *fault; /* "" while there is none */
};

static void complain(struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void complain(struct reader *r, const char *format, ...)
{
	va_list args;

	if (*r->fault)
		return;
	va_start(args, format);
	vsnprintf(r->fault, CONTRACT_FAULT_SIZE, format, args);
	va_end(args);
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static bool take(struct reader *r, const char *token)
{
	skip_blanks(r);
	if (strncmp(r->at, token, strlen(token)) != 0)
		return false;
	r->at += strlen(token);
	return true;
}

static void take_word(struct reader *r, char word[64])
{
	size_t size;

	skip_blanks(r);
	for (size = 0; isalnum((unsigned char)r->at[size]) || r->at[size] == '_';)
		size++;
	snprintf(word, 64, "%.*s", (int)size, r->at);
	if (size == 0) {
		complain(r, "the description cannot be read at: %.20s", r->at);
		r->at = "";
	}
	r->at += size;
}

/* Reads a type and compares `value`, which is called `name`, with it; NULL: only reads. */
static void check(struct reader *r, const json_t *value, const char *name);

static void check_known(const json_t *object, const char *const *members, size_t count,
                        struct reader *r, const char *name)
{
	const char *key;
	json_t *unused;

	json_object_foreach((json_t *)object, key, unused)
	{
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known |= !strcmp(members[i], key);
		if (!known)
			complain(r, "%s has a member %s", name, key);
	}
}

/* after "(" and the first word: the members of an object */
static void check_object(struct reader *r, const json_t *value, const char *name, char *word)
{
	const char *members[64];
	size_t count = 0;

	if (value && !json_is_object(value))
		complain(r, "%s is no object", name);
	while (*word && take(r, ":")) {
		json_t *member = json_object_get(value, word);
		bool optional = take(r, "?");

		members[count++] = strdup(word);
		if (value && !member && !optional)
			complain(r, "%s has no %s", name, word);
		check(r, optional && json_is_null(member) ? NULL : member, word);
		*word = '\0';
		if (take(r, ","))
			take_word(r, word);
	}
	take(r, ")");
	if (value)
		check_known(value, members, count, r, name);
	for (size_t i = 0; i < count; i++)
		free((char *)members[i]);
}

/* after "(" and the first word: the words of an enumeration */
static void check_enum(struct reader *r, const json_t *value, const char *name, char *word)
{
	bool found = false;

	for (;;) {
		found |= json_is_string(value) && !strcmp(json_string_value(value), word);
		if (!take(r, ","))
			break;
		take_word(r, word);
	}
	take(r, ")");
	if (value && !found)
		complain(r, "%s is none of its words", name);
}

static void check_parenthesis(struct reader *r, const json_t *value, const char *name)
{
	char word[64] = "";

	if (take(r, ")")) {
		if (json_object_size(value))
			complain(r, "%s has members", name);
		return;
	}
	take_word(r, word);
	skip_blanks(r);
	if (*r->at == ':')
		check_object(r, value, name, word);
	else
		check_enum(r, value, name, word);
}

static void check_named(struct reader *r, const json_t *value, const char *name)
{
	char word[64], declaration[80];
	struct reader type = *r;

	take_word(r, word);
	if (!value)
		return;
	if (!strcmp(word, "bool") || !strcmp(word, "int") || !strcmp(word, "string")) {
		bool right = *word == 'b'   ? json_is_boolean(value)
		             : *word == 'i' ? json_is_integer(value)
		                            : json_is_string(value);
		if (!right)
			complain(r, "%s is no %s", name, word);
		return;
	}
	snprintf(declaration, sizeof declaration, "\ntype %s ", word);
	type.at = strstr(description_text, declaration);
	if (!type.at) {
		complain(r, "there is no type %s", word);
		return;
	}
	type.at += strlen(declaration);
	check(&type, value, name);
}

static void check(struct reader *r, const json_t *value, const char *name)
{
	take(r, "?");
	if (take(r, "[]")) {
		const char *element = r->at;

		check(r, NULL, name);
		if (value && !json_is_array(value))
			complain(r, "%s is no array", name);
		for (size_t i = 0; i < json_array_size(value); i++) {
			struct reader again = { .at = element, .fault = r->fault };

			check(&again, json_array_get(value, i), name);
		}
	} else if (take(r, "(")) {
		check_parenthesis(r, value, name);
	} else {
		check_named(r, value, name);
	}
}

static bool check_declared(const char *kind, const char *name, bool is_method,
                           const json_t *parameters, char fault[CONTRACT_FAULT_SIZE])
{
	struct reader r = { .fault = fault };
	char declaration[128];

	fault[0] = '\0';
	snprintf(declaration, sizeof declaration, "\n%s %s%s", kind, name, is_method ? "(" : " (");
	r.at = strstr(description_text, declaration);
	if (!r.at) {
		complain(&r, "%s %s is not described", kind, name);
		return false;
	}
	r.at += strlen(declaration) - 1;
	if (is_method) {
		check(&r, NULL, "in");
		if (!take(&r, "->"))
			complain(&r, "%s has no reply", name);
	}
	check(&r, parameters, name);
	return !fault[0];
}

bool contract_reply(const char *method, const json_t *parameters, char fault[CONTRACT_FAULT_SIZE])
{
	return check_declared("method", method, true, parameters, fault);
}

bool contract_error(const char *error, const json_t *parameters, char fault[CONTRACT_FAULT_SIZE])
{
	return check_declared("error", error, false, parameters, fault);
}

bool contract_method(size_t i, char name[64])
{
	const char *at = description_text;

	do {
		at = strstr(at, "\nmethod ");
		if (!at)
			return false;
		at += strlen("\nmethod ");
	} while (i--);
	snprintf(name, 64, "%.*s", (int)strcspn(at, "("), at);
	return true;
}
