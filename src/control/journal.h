/* SPDX-License-Identifier: MIT */
/* What has happened and was not read by everybody yet: one copy for all who listen, so that neither
 * their number nor their slowness costs memory.  Who falls behind what is kept has lost.  Knows
 * nothing of what the entries say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JOURNAL_READERS_MAX = 64, /* bits of a mask */
};

struct journal_entry;

struct journal {
	/* private */
	struct journal_entry *first, *last; /* owned */
	size_t size;                        /* bytes of all entries */
	uint64_t readers;                   /* mask of those who read */
	uint64_t late;                      /* of those whom something was taken from */
	struct journal_entry *next[JOURNAL_READERS_MAX]; /* to be read by each; NULL: none */
};

/* A new reader, from now on; -1 when there are JOURNAL_READERS_MAX. */
int journal_join(struct journal *j);
/* Forgets a reader and what only it had to read. */
void journal_leave(struct journal *j, int reader);

/* Whether anybody reads. */
bool journal_has_readers(const struct journal *j);

/* Adds an entry for the readers in `mask`; the oldest are dropped when all would be more than `max`
 * bytes, and whoever had not read them is late, as is everybody when memory is out. */
void journal_add(struct journal *j, uint64_t mask, const char *bytes, size_t size, size_t max);

/* The next entry for a reader, borrowed until the next call; NULL: there is none. */
const char *journal_take(struct journal *j, int reader, size_t *size);
bool journal_has(const struct journal *j, int reader);
bool journal_is_late(const struct journal *j, int reader);

void journal_release(struct journal *j);
