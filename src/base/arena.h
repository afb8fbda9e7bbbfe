/* SPDX-License-Identifier: MIT */
/* Memory that is freed all at once.  A loaded configuration lives in one arena: thousands of small
 * strings without the allocator's overhead, equal strings stored once, and a release that cannot
 * forget one of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Returns an empty arena, or NULL when memory is out.  arena_free(NULL) is allowed. */
struct arena *arena_new(void);
void arena_free(struct arena *a);

/* Returns zeroed memory of `size` bytes, aligned for pointers and 64-bit numbers, owned by the
 * arena; NULL when memory is out. */
void *arena_alloc(struct arena *a, size_t size);

/* Returns the arena's one copy of `text`, or NULL; equal texts give the same pointer. */
const char *arena_intern(struct arena *a, const char *text);

/* Returns the arena's one copy of `size` bytes, or NULL; equal contents give the same pointer. */
const void *arena_intern_bytes(struct arena *a, const void *bytes, size_t size);

/* Whether any of the above ever gave NULL: what was put together of it is not complete.  Who builds
 * may leave a NULL where it is and ask once, before anybody uses what was built. */
bool arena_failed(const struct arena *a);

/* Bytes handed out so far, for tests and for the memory figures in the bench. */
size_t arena_used(const struct arena *a);
