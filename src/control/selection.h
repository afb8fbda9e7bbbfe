/* SPDX-License-Identifier: MIT */
/* From what somebody calls programs to the programs: a name, a section's name for all its
 * instances, a group's name for its members, or a pattern.  Knows nothing of what is to be done
 * with them. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"
#include "core/supervisor.h"

enum { SELECTION_PATTERNS_MAX = 16 }; /* in one call: each is held against every program */

enum selection_result {
	SELECTION_OK,
	SELECTION_UNKNOWN,  /* `unknown` names nothing; `similar` may have been meant; what the
	                       others name is there all the same */
	SELECTION_TOO_MANY, /* more than SELECTION_PATTERNS_MAX patterns */
	SELECTION_NO_MEMORY,
};

/* Programs in the order of their ids, each once. */
struct selection {
	uint32_t *ids; /* owned */
	size_t count;
	const char *unknown; /* borrowed from the names */
	const char *similar; /* borrowed from the settings; NULL = nothing is near */
};

/* Whether there is a program of this id. */
bool selection_is_there(const struct supervisor *sv, const struct settings *s, uint32_t id);

/* The programs of `names`, an array of strings; NULL or an empty one names all.  The caller
 * releases *out whatever is returned. */
enum selection_result selection_make(struct selection *out, const struct supervisor *sv,
                                     const struct settings *s, const json_t *names);
void selection_release(struct selection *sel);
bool selection_has(const struct selection *sel, uint32_t id);
