/* SPDX-License-Identifier: MIT */
/* The one table of keys.  The loader, "did you mean", --print-config, the command line and
 * verger.ini(5) come from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/fault.h"
#include "core/settings.h"

/* Where a key may stand. */
enum key_place {
	KEY_IN_VERGER = 1 << 0,
	KEY_IN_PROGRAM = 1 << 1, /* [program:NAME] and the command line */
	KEY_IN_DEFAULTS = 1 << 2,
	KEY_IN_GROUP = 1 << 3,
};

enum key_flag {
	KEY_WORDS = 1 << 0, /* its value is words: see expand.h */
	KEY_EMPTY = 1 << 1, /* an empty value means: as if the key were not there */
	KEY_ADDS =
		1 << 2, /* [defaults] and the program add up instead of one replacing the other */
	KEY_RESTARTS = 1 << 3,  /* a change takes a restart of the program; in [verger], of all */
	KEY_FILE_ONLY = 1 << 4, /* makes no sense for `vergerd -- CMD` */
	KEY_LATER = 1 << 5,     /* known by name, not acted on by this version */
	KEY_FIXED = 1 << 6,     /* a running vergerd cannot change it */
	KEY_MOVES = 1 << 7,     /* a change takes a restart if it is one between output that passes
	                           through vergerd and output that does not */
};

struct accounts;

/* Where the value of a key goes and what it may need. */
struct key_target {
	struct arena *arena;      /* of the settings */
	struct settings *verger;  /* for keys of [verger] */
	struct strv *environment; /* [verger] and draft alike */
	struct strv *env_files;
	struct draft *draft;       /* for keys of programs; else NULL */
	const char *here;          /* folder of the file */
	struct arena *scratch;     /* for what is looked at again when all keys are read */
	struct accounts *accounts; /* for keys of [verger] */
	bool quoted;               /* the value starts with a quote in the file */
};

struct key;

/* Reads the value of `key`.  0, FAULTY or -ENOMEM. */
typedef int key_parse(const struct key *key, const char *text, struct key_target *target,
                      struct fault *fault);

/* Appends the value as it would stand in a file.  1; 0 when there is none and the line is to be
 * left out; -ENOMEM. */
typedef int key_format(const struct key *key, const struct settings *s,
                       const struct program_settings *p, struct text *out);

struct key {
	const char *name;
	unsigned places; /* enum key_place */
	unsigned flags;  /* enum key_flag */
	key_parse *parse;
	key_format *format;
	size_t offset;            /* of the field in struct settings or struct program_settings; 0 =
	                             none of its own */
	size_t size;              /* of a program's fields that the value is made of, and of nothing
	                             else: equal bytes are equal values */
	const char *const *names; /* of a choice */
	int min, max;             /* of a number; min is the RLIMIT_… of a limit */
	const char *form;         /* what is to be written, for people: "DURATION" */
	const char *default_text; /* as it would stand in a file, or in words in parentheses; NULL =
	                             none */
	const char *help;         /* one sentence, no full stop */
};

/* All keys in the order of the manual: those of [verger], of programs, of groups, then those of
 * later versions. */
extern const struct key config_keys[];
extern const size_t config_key_count;

/* The key of this name that may stand in `place`, or any of that name, or NULL. */
const struct key *key_find(const char *name, enum key_place place);

/* The key a command-line option means: '-' and '_' alike, `forward` for forward_signals; NULL if
 * there is none. */
const struct key *key_find_option(const char *name);

/* "; did you mean 'command'?" for a name that is not a key of `place`, or ""; written into `out`.
 */
const char *key_suggest(const char *name, enum key_place place, char *out, size_t size);
