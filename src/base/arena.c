/* SPDX-License-Identifier: MIT */
/* Bump allocation in chunks, with a hash of what was interned.  Knows nothing of what it holds. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 4096, CHUNK_MAX = 256 * 1024, ALIGNMENT = 8, SLOTS_FIRST = 64 };

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(ALIGNMENT) unsigned char data[];
};

struct slot {
	const void *bytes;
	uint32_t size, hash; /* records and texts of the same bytes hash apart */
};

struct arena {
	struct chunk *chunks; /* newest first; only the newest has room */
	struct slot *slots;   /* open addressing, slot_count is a power of two */
	size_t slot_count, slot_used;
	size_t used;
	bool failed;
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a->slots);
	free(a);
}

static struct chunk *grow(struct arena *a, size_t need)
{
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
	struct chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	c = need <= PTRDIFF_MAX / 2 ? malloc(sizeof *c + size) : NULL;
	if (!c) {
		a->failed = true;
		return NULL;
	}
	*c = (struct chunk){ .next = a->chunks, .size = size };
	a->chunks = c;
	return c;
}

static void *take(struct arena *a, size_t size, size_t alignment)
{
	struct chunk *c = a->chunks;
	size_t at = c ? (c->used + alignment - 1) & ~(alignment - 1) : 0;

	if (!c || at > c->size || c->size - at < size) {
		c = grow(a, size);
		if (!c)
			return NULL;
		at = 0;
	}
	c->used = at + size;
	a->used += size;
	return c->data + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = take(a, size, ALIGNMENT);

	return p ? memset(p, 0, size) : NULL;
}

/* FNV-1a, 32 bits (draft-eastlake-fnv) */
static uint32_t hash_bytes(const unsigned char *p, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static struct slot *find_slot(struct slot *slots, size_t count, const void *bytes, size_t size,
                              uint32_t hash)
{
	for (size_t i = hash & (count - 1);; i = (i + 1) & (count - 1)) {
		struct slot *s = &slots[i];

		if (!s->bytes ||
		    (s->hash == hash && s->size == size && !memcmp(s->bytes, bytes, size)))
			return s;
	}
}

static bool rehash(struct arena *a)
{
	size_t count = a->slot_count ? a->slot_count * 2 : SLOTS_FIRST;
	struct slot *slots = calloc(count, sizeof *slots);

	if (!slots) {
		a->failed = true;
		return false;
	}
	for (size_t i = 0; i < a->slot_count; i++) {
		const struct slot *s = &a->slots[i];

		if (s->bytes)
			*find_slot(slots, count, s->bytes, s->size, s->hash) = *s;
	}
	free(a->slots);
	a->slots = slots;
	a->slot_count = count;
	return true;
}

static const void *intern(struct arena *a, const void *bytes, size_t size, size_t alignment)
{
	/* a text may stand anywhere, so that a record of the same bytes needs a place of its own */
	uint32_t hash = hash_bytes(bytes, size) * 8 + (uint32_t)(alignment - 1);
	struct slot *s;
	void *copy;

	if (a->slot_used * 4 >= a->slot_count * 3 && !rehash(a))
		return NULL;
	s = find_slot(a->slots, a->slot_count, bytes, size, hash);
	if (s->bytes)
		return s->bytes;
	copy = take(a, size, alignment);
	if (!copy)
		return NULL;
	memcpy(copy, bytes, size);
	*s = (struct slot){ .bytes = copy, .size = (uint32_t)size, .hash = hash };
	a->slot_used++;
	return copy;
}

const char *arena_intern(struct arena *a, const char *text)
{
	return intern(a, text, strlen(text) + 1, 1);
}

const void *arena_intern_bytes(struct arena *a, const void *bytes, size_t size)
{
	return intern(a, bytes, size, ALIGNMENT);
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
