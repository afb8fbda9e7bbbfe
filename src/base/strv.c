/* SPDX-License-Identifier: MIT */
/* String vectors.  Knows nothing of where they come from. */
#include "base/strv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strv_release(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv)STRV_INIT;
}

int strv_add_taken(struct strv *v, char *s)
{
	if (!s)
		return -ENOMEM;
	if (v->count + 2 > v->capacity) {
		size_t capacity = v->capacity ? v->capacity * 2 : 8;
		char **items = realloc(v->items, capacity * sizeof *items);

		if (!items) {
			free(s);
			return -ENOMEM;
		}
		v->items = items;
		v->capacity = capacity;
	}
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
	return 0;
}

int strv_add(struct strv *v, const char *s)
{
	return strv_add_taken(v, strdup(s));
}

/* the index of NAME= in env, or -1 */
static ptrdiff_t find_name(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (ptrdiff_t i = 0; env && env[i]; i++)
		if (!strncmp(env[i], name, n) && env[i][n] == '=')
			return i;
	return -1;
}

int strv_set_env(struct strv *v, const char *name, const char *value)
{
	ptrdiff_t at = find_name(v->items, name);
	char *pair;

	if (asprintf(&pair, "%s=%s", name, value) < 0)
		return -ENOMEM;
	if (at < 0)
		return strv_add_taken(v, pair);
	free(v->items[at]);
	v->items[at] = pair;
	return 0;
}

const char *strv_find_env(char *const *env, const char *name)
{
	ptrdiff_t at = find_name(env, name);

	return at < 0 ? NULL : env[at] + strlen(name) + 1;
}
