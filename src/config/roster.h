/* SPDX-License-Identifier: MIT */
/* Programs by name, when all of them are known: a section's name means all its instances, "web:0"
 * one of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/fault.h"
#include "config/source.h"
#include "core/settings.h"

/* A search for what was meant looks at every program: after so many unknown names it is not worth
 * it. */
enum { ROSTER_SUGGESTIONS_MAX = 100 };

/* Whether a place of the settings is free: after a reload, programs that were removed leave theirs.
 */
static inline bool roster_is_free(const struct program_settings *p)
{
	return !p->name || !*p->name;
}

struct roster {
	const struct program_settings *programs; /* borrowed */
	size_t count;
	const struct source *source; /* borrowed */
	uint32_t *by_section;        /* owned: indices sorted by section, then by place */
	uint32_t *by_name;           /* owned: indices sorted by name */
	unsigned refused;            /* names that nobody has */
};

/* What a name means: `count` indices; none for a program that is disabled. */
struct roster_range {
	const uint32_t *indices; /* borrowed from the roster */
	size_t count;
};

/* 0 or -ENOMEM. */
int roster_init(struct roster *r, const struct source *source,
                const struct program_settings *programs, size_t count);
void roster_release(struct roster *r);

/* 0; FAULTY when nobody is called so, with a suggestion. */
int roster_find(struct roster *r, const char *name, struct roster_range *out, struct fault *fault);
