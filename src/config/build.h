/* SPDX-License-Identifier: MIT */
/* From sections and entries to settings: expansion, values, defaults, instances, and all that
 * several keys or programs must agree on. */
#pragma once

#include <stdbool.h>

#include "config/accounts.h"
#include "config/claims.h"
#include "config/load.h"
#include "config/names.h"
#include "config/roster.h"
#include "config/source.h"
#include "core/settings.h"

/* A program for `vergerd -- CMD` is made from one section and words that no file holds. */
struct build_command {
	struct section *section;
	char *const *words;
};

struct record;

struct build_input {
	const char *file; /* the main file; NULL for a command */
	const struct conf_context *context;
	bool ask_system;                     /* look at accounts and paths */
	const struct build_command *command; /* NULL for files */
	struct record *record;               /* notes where values came from; NULL = nobody asks */
};

/* Makes settings of what `source` holds; faults go to its diags.  Returns the settings, which are
 * good only if no fault was told and the source is complete still, or NULL when memory is out. */
struct settings *build_settings(struct source *source, const struct build_input *input);

/* The work under way; for relations.c and logfiles.c. */

/* A program that is built, with what is resolved when all are. */
struct built {
	struct section *section;
	const char *requires, *after; /* in the scratch arena, or NULL */
	struct source_entry *requires_entry, *after_entry;
};

struct build {
	struct source *source;
	const struct build_input *input;
	struct settings *settings;
	struct arena *scratch; /* the source's */
	struct accounts *accounts;
	struct claims claims;
	struct names names;
	struct program_settings *programs; /* the settings take them when their number is known */
	struct built *built;
	size_t count, capacity;
	struct roster roster;
};

/* Notes that `r` (0, FAULTY or -ENOMEM) was for lack of memory: the settings will be of no use. */
void build_note_memory(struct build *b, int r);

/* Tells of a fault of a program at the entry it comes from; at the section, under `key`, when the
 * entry stands elsewhere or nowhere. */
void build_refuse(struct build *b, const struct section *section, struct source_entry *entry,
                  const char *key, const struct fault *fault);
