/* SPDX-License-Identifier: MIT */
#include "os/rotation.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stamp.h"

static const char *const packings[] = { ".gz", ".zst", ".xz" };

/* what stands for a digit is a 0 */
static const char form[] = "-00000000T000000.000000Z";

enum { FORM_SIZE = sizeof form - 1 };

static bool has_form(const char *text)
{
	for (size_t i = 0; i < FORM_SIZE; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == '0' ? !is_digit : text[i] != form[i])
			return false;
	}
	return true;
}

static const char *packing_of(const char *rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(packings); i++)
		if (strcmp(rest, packings[i]) == 0)
			return packings[i];
	return NULL;
}

bool rotation_parse(const char *path, const char *name, int64_t *when_us)
{
	char stamp[FORM_SIZE + 8];
	size_t size = strlen(path);
	const char *t;

	if (strncmp(name, path, size) != 0 || !has_form(name + size))
		return false;
	t = name + size + 1; /* 20261130T081500.123456Z */
	if (t[FORM_SIZE - 1] && !packing_of(t + FORM_SIZE - 1))
		return false;
	snprintf(stamp, sizeof stamp, "%.4s-%.2s-%.5s:%.2s:%.10s", t, t + 4, t + 6, t + 11, t + 13);
	return stamp_parse(stamp, strlen(stamp), when_us) > 0;
}

bool rotation_is_packed(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && packing_of(dot);
}

/* In the order of their stamps, and a plain one before the same one packed. */
static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of a name and the same one packed the first is kept. */
static void drop_twins(struct strv *v, size_t first, size_t stem_size)
{
	size_t kept = first;

	for (size_t i = first; i < v->count; i++) {
		if (kept > first && strncmp(v->items[kept - 1], v->items[i], stem_size) == 0)
			free(v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->count = kept;
	if (v->items)
		v->items[kept] = NULL;
}

static int add(struct strv *out, const char *path, size_t folder_size, const char *name)
{
	char *whole;

	if (asprintf(&whole, "%.*s%s", (int)folder_size, path, name) < 0)
		return -ENOMEM;
	return strv_add_taken(out, whole);
}

int rotation_list(const char *path, struct strv *out)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	_cleanup_free_ char *folder = strndup(path, (size_t)(base - path));
	size_t first = out->count;
	const struct dirent *entry;
	int64_t when_us;
	DIR *dir;
	int r = 0;

	if (!folder)
		return -ENOMEM;
	dir = opendir(*folder ? folder : ".");
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir)))
		if (rotation_parse(base, entry->d_name, &when_us))
			r = add(out, path, (size_t)(base - path), entry->d_name);
	closedir(dir);
	if (out->count > first)
		qsort(out->items + first, out->count - first, sizeof *out->items, compare);
	drop_twins(out, first, strlen(path) + FORM_SIZE);
	return r;
}

bool rotation_find_packed(char **name)
{
	for (size_t i = 0; i < ARRAY_SIZE(packings); i++) {
		char *packed;

		if (asprintf(&packed, "%s%s", *name, packings[i]) < 0)
			return false;
		if (access(packed, F_OK) == 0) {
			free(*name);
			*name = packed;
			return true;
		}
		free(packed);
	}
	return false;
}
