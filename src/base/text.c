/* SPDX-License-Identifier: MIT */
/* A growing text.  Knows nothing of encodings. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_init(struct text *t, size_t max_size)
{
	*t = (struct text){ .max_size = max_size };
}

void text_release(struct text *t)
{
	free(t->data);
	text_init(t, t->max_size);
}

void text_reset(struct text *t)
{
	t->size = 0;
	if (t->data)
		t->data[0] = '\0';
}

static int reserve(struct text *t, size_t extra)
{
	size_t need, capacity;
	char *data;

	if (extra > t->max_size - t->size)
		return -E2BIG;
	need = t->size + extra + 1;
	if (need <= t->capacity)
		return 0;
	capacity = t->capacity ? t->capacity * 2 : 64;
	if (capacity < need)
		capacity = need;
	data = realloc(t->data, capacity);
	if (!data)
		return -ENOMEM;
	t->data = data;
	t->capacity = capacity;
	return 0;
}

int text_add(struct text *t, const char *bytes, size_t size)
{
	int r = reserve(t, size);

	if (r < 0)
		return r;
	if (size)
		memcpy(t->data + t->size, bytes, size);
	t->size += size;
	t->data[t->size] = '\0';
	return 0;
}

int text_add_char(struct text *t, char c)
{
	return text_add(t, &c, 1);
}

int text_add_string(struct text *t, const char *s)
{
	return text_add(t, s, strlen(s));
}

int text_add_format(struct text *t, const char *format, ...)
{
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	r = reserve(t, (size_t)n);
	if (r < 0)
		return r;
	va_start(args, format);
	vsnprintf(t->data + t->size, (size_t)n + 1, format, args);
	va_end(args);
	t->size += (size_t)n;
	return 0;
}

const char *text_get(const struct text *t)
{
	return t->data ? t->data : "";
}

char *text_take(struct text *t)
{
	char *data = t->data ? t->data : strdup("");

	text_init(t, t->max_size);
	return data;
}
