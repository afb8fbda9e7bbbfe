/* SPDX-License-Identifier: MIT */
/* requires and after: from names to indices, and whether anybody waits for himself. */
#pragma once

#include "base/arena.h"
#include "config/fault.h"
#include "config/roster.h"
#include "core/settings.h"

/* Dependencies that grow; the memory is the caller's. */
struct depends {
	struct dependency *items; /* owned */
	size_t count, capacity;
};

void depends_release(struct depends *d);

/* Adds what a value of requires (required) or after says: "db web:1:started migrate:done".  0,
 * FAULTY or -ENOMEM. */
int depends_parse(struct depends *d, struct roster *roster, const char *text, bool required,
                  struct fault *fault);

/* The arena's one copy; *out is NULL for none.  0 or -ENOMEM. */
int depends_intern(const struct depends *d, struct arena *arena, const struct dependencies **out);

/* Looks for cycles among programs and calls `told` with the index of a program in it and a
 * sentence, for each that is found from another start.  0 or -ENOMEM. */
int depends_find_cycles(const struct program_settings *programs, size_t count,
                        void (*told)(void *context, size_t program, const struct fault *fault),
                        void *context);
