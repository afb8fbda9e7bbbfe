/* SPDX-License-Identifier: MIT */
/* Where the values of a configuration were taken from, noted while it is built.  Knows entries, not
 * what they say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "config/keys.h"
#include "config/source.h"

/* One entry that was taken for a program, or for [verger] (NO_PROGRAM). */
struct record_item {
	uint32_t program;
	unsigned line;
	const struct key *key;
	const char *file; /* in the arena */
};

struct record_list {
	struct record_item *items; /* owned */
	size_t count, capacity;
};

struct record {
	struct record_list verger, programs; /* in the order of taking: program by program */
	struct arena *arena;                 /* owned */
	bool failed;                         /* memory was out: it is not complete */
};

/* 0 or -ENOMEM. */
int record_init(struct record *r);
void record_release(struct record *r);

/* Notes an entry.  `r` may be NULL: nobody asks. */
void record_add(struct record *r, uint32_t program, const struct source_entry *entry);

/* Forgets what was noted last for a program that came to nothing. */
void record_drop(struct record *r, uint32_t program);

/* The entry of `key` that was taken last for the program, or NULL. */
const struct record_item *record_find(const struct record *r, uint32_t program,
                                      const struct key *key);
