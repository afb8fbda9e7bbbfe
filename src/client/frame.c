/* SPDX-License-Identifier: MIT */
#include "client/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* room for a read; most replies fit, and long ones arrive in pieces of about this size */
enum { ROOM_MIN = 16 * 1024, CAPACITY_FIRST = 32 * 1024 };

void frame_init(struct frame *f, size_t max_size)
{
	*f = (struct frame){ .max_size = max_size };
}

void frame_release(struct frame *f)
{
	free(f->bytes);
	*f = (struct frame){ .max_size = f->max_size };
}

/* Moves what is left to the front.  Nothing is moved while a message grows, only once it is taken.
 */
static void drop_taken(struct frame *f)
{
	if (f->first == 0)
		return;
	memmove(f->bytes, f->bytes + f->first, f->used - f->first);
	f->used -= f->first;
	f->looked_at -= f->first;
	f->first = 0;
}

int frame_room(struct frame *f, char **at, size_t *size)
{
	drop_taken(f);
	if (f->capacity - f->used < ROOM_MIN) {
		size_t capacity = f->capacity ? 2 * f->capacity : CAPACITY_FIRST;
		char *bytes = realloc(f->bytes, capacity);

		if (!bytes)
			return -ENOMEM;
		f->bytes = bytes;
		f->capacity = capacity;
	}
	*at = f->bytes + f->used;
	*size = f->capacity - f->used;
	return 0;
}

void frame_filled(struct frame *f, size_t size)
{
	f->used += size;
}

int frame_next(struct frame *f, const char **message, size_t *size)
{
	const char *end = NULL;

	if (f->used > f->looked_at)
		end = memchr(f->bytes + f->looked_at, '\0', f->used - f->looked_at);
	f->looked_at = end ? (size_t)(end - f->bytes) + 1 : f->used;
	if (f->looked_at - f->first - (end ? 1 : 0) > f->max_size)
		return -EMSGSIZE;
	if (!end)
		return 0;
	*message = f->bytes + f->first;
	*size = (size_t)(end - *message);
	f->first = f->looked_at;
	return 1;
}
