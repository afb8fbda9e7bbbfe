/* SPDX-License-Identifier: MIT */
/* A buffer that grows.  Knows no record. */
#include "os/outbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 512 };

char *outbuf_reserve(struct outbuf *b, size_t extra)
{
	size_t capacity = b->capacity ? b->capacity : CAPACITY_MIN;
	char *data;

	if (b->data && extra <= b->capacity - b->size)
		return b->data + b->size;
	if (extra > SIZE_MAX / 4 - b->size)
		return NULL;
	while (capacity < b->size + extra)
		capacity *= 2;
	data = realloc(b->data, capacity);
	if (!data)
		return NULL;
	b->data = data;
	b->capacity = capacity;
	return data + b->size;
}

int outbuf_add(struct outbuf *b, const char *bytes, size_t size)
{
	char *at = outbuf_reserve(b, size);

	if (!at)
		return -ENOMEM;
	if (size)
		memcpy(at, bytes, size);
	b->size += size;
	return 0;
}

void outbuf_release(struct outbuf *b)
{
	free(b->data);
	*b = (struct outbuf){ 0 };
}

char *outbuf_put_number(char *at, uint64_t number)
{
	char digits[OUTBUF_DIGITS];
	size_t first = sizeof digits;

	do
		digits[--first] = (char)('0' + number % 10);
	while (number /= 10);
	memcpy(at, digits + first, sizeof digits - first);
	return at + sizeof digits - first;
}
