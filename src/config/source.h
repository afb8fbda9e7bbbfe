/* SPDX-License-Identifier: MIT */
/* A configuration as it stands in its files: sections and entries with their places, before any
 * value is looked at (except `include`).  Judges what needs no value: unknown and repeated sections
 * and keys, names, loops of files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/diag.h"
#include "config/fault.h"
#include "config/keys.h"

enum {
	SOURCE_FILE_MAX = 64 * 1024 * 1024, /* bytes of a file */
	SOURCE_FILES_MAX = 10000,           /* files of a configuration */
	SOURCE_DEPTH_MAX = 32,              /* files that include each other */
};

struct source_file {
	struct source_file *next;
	const char *path; /* as people know it */
	const char *here; /* its folder, absolute */
	size_t index;     /* in the order of reading */
	const struct source_file
		*parent; /* that includes it, in line parent_line; NULL for the main file */
	unsigned parent_line, depth;
	dev_t dev;
	ino_t ino;
	unsigned foreign_line; /* where [supervisord] stands, 0 = nowhere */
};

enum section_kind { SECTION_VERGER, SECTION_DEFAULTS, SECTION_PROGRAM, SECTION_GROUP };

struct section {
	struct section *next; /* source.sections */
	enum section_kind kind;
	const char *title; /* "program:web"; NULL for the command line */
	const char *name;  /* "web"; "" where there is none */
	const char *base;  /* "web" of [program:web:0] too */
	int instance;      /* 0 of [program:web:0]; -1 = not an instance written out */
	const struct source_file *file;
	unsigned line;
	struct source_entry *entries, **tail;
	bool cycle_told;
};

struct source_entry {
	struct source_entry *next; /* section.entries */
	const struct key *key;
	const char *text; /* comments and line ends gone, nothing expanded */
	struct section *section;
	unsigned line;
	bool judged, faulty; /* its value was looked at; a fault of it was told */
};

struct source {
	struct arena *arena; /* owned: holds all below */
	struct source_file *files, **file_tail;
	size_t file_count;
	struct section *sections, **section_tail;
	void *by_title;      /* tsearch: sections of programs and groups */
	struct diags *diags; /* borrowed */
	char *const *environ;
	bool alone;      /* nothing is included */
	bool incomplete; /* memory was out; see source_is_complete */
	/* private */
	struct section *current;
	struct source_file *file;
};

/* Faults will go to `diags`.  0 or -ENOMEM. */
int source_init(struct source *s, char *const *environment, bool alone, struct diags *diags);
void source_release(struct source *s);

/* Reads the main file and what it includes.  All faults are in the diags. */
void source_read(struct source *s, const char *path);

/* The same from memory. */
void source_read_bytes(struct source *s, const char *name, const char *bytes, size_t size);

/* A section and an entry that stand in no file, for the command line.  NULL when memory is out. */
struct section *source_add_section(struct source *s, enum section_kind kind, const char *name);
struct source_entry *source_add_entry(struct source *s, struct section *section,
                                      const struct key *key, const char *text);

/* The two halves of reading a file, for each other: source_files.c finds files, source.c takes what
 * is in them.  source_add_file gives NULL when memory is out. */
struct source_file *source_add_file(struct source *s, const char *path,
                                    const struct source_file *parent, unsigned parent_line);
void source_parse(struct source *s, struct source_file *file, const char *bytes, size_t size);

/* The first entry of that key in the sections of that kind, or NULL. */
struct source_entry *source_find(const struct source *s, enum section_kind kind,
                                 const char *key_name);

/* The program or group of that title ("program:web"), or NULL. */
const struct section *source_find_section(const struct source *s, const char *title);

/* Tells of a fault of an entry, the first time. */
void source_refuse_entry(struct source *s, struct source_entry *entry, const struct fault *fault);

/* Tells of a fault of a section as a whole, or of a key that is not there. */
void source_refuse_section(struct source *s, const struct section *section, const char *key,
                           const struct fault *fault);

/* Whether memory sufficed for all that was read, and for all that was made of it: if not, what is
 * missing leads to faults that nobody has made. */
bool source_is_complete(const struct source *s);

/* Whether a file is in supervisord's dialect. */
bool source_is_foreign(const struct source *s);
