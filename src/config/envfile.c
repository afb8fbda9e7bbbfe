/* SPDX-License-Identifier: MIT */
/* Reads NAME=value lines.  Knows nothing of programs. */
#include "config/envfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/fault.h"
#include "config/slurp.h"
#include "config/words.h"

static char *skip_blanks(char *p)
{
	while (words_is_blank(*p))
		p++;
	return p;
}

static void trim_end(char *start, char *end)
{
	while (end > start && words_is_blank(end[-1]))
		end--;
	*end = '\0';
}

/* sets NAME to a value that may be one quoted word */
static int set_value(struct strv *env, const char *name, const char *value, struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r;

	if (*value != '"' && *value != '\'')
		return strv_set_env(env, name, value);
	r = words_split(value, &words, fault);
	if (r == 0 && words.count != 1)
		r = fault_set(fault, "'%.60s' stands behind the quoted value of %.60s",
		              words.items[1], name);
	if (r == 0)
		r = strv_set_env(env, name, words.items[0]);
	strv_release(&words);
	return r;
}

static int take_line(char *line, struct strv *env, struct fault *fault)
{
	char *name = skip_blanks(line), *equals;

	if (!*name || *name == '#' || *name == ';')
		return 0;
	if (!strncmp(name, "export", 6) && words_is_blank(name[6]))
		name = skip_blanks(name + 6);
	equals = strchr(name, '=');
	if (!equals)
		return fault_set(fault, "expected NAME=value, got '%.60s'", name);
	trim_end(equals + 1, equals + 1 + strlen(equals + 1));
	trim_end(name, equals);
	if (!*name || strpbrk(name, " \t\"'$"))
		return fault_set(fault, "'%.60s' is not the name of a variable", name);
	return set_value(env, name, skip_blanks(equals + 1), fault);
}

int envfile_parse(const char *bytes, size_t size, struct strv *env, char *error, size_t error_size)
{
	const char *end = bytes + size;

	for (unsigned line = 1; bytes < end; line++) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t line_size = (size_t)((newline ? newline : end) - bytes);
		_cleanup_free_ char *copy = strndup(bytes, line_size);
		struct fault fault;
		int r;

		if (!copy)
			return -ENOMEM;
		r = strlen(copy) < line_size ? fault_set(&fault, "there is a NUL byte in this line")
		                             : take_line(copy, env, &fault);
		if (r == FAULTY) {
			snprintf(error, error_size, "line %u: %s", line, fault.text);
			return -EINVAL;
		}
		if (r < 0)
			return r;
		bytes = newline ? newline + 1 : end;
	}
	return 0;
}

int envfile_load(const char *path, struct strv *env, char *error, size_t error_size)
{
	_cleanup_free_ char *bytes = NULL;
	char why[FAULT_SIZE];
	size_t size = 0;
	int r = slurp(path, SLURP_REGULAR, ENVFILE_SIZE_MAX, &bytes, &size, NULL);

	snprintf(why, sizeof why, "%s", r == -EINVAL ? "not a regular file" : strerror(-r));
	if (r == 0)
		r = envfile_parse(bytes, size, env, why, sizeof why);
	if (r == -ENOMEM)
		snprintf(why, sizeof why, "%s", strerror(ENOMEM));
	if (r < 0)
		snprintf(error, error_size, "%s: %s", path, why);
	return r;
}
