/* SPDX-License-Identifier: MIT */
/* What a scribe knows of its own lines, in a file that outlives it: shared memory, so that what it
 * noted before a SIGKILL stands there after it.  proof.py reads and writes it, too: eight-byte
 * numbers in the order of the fields. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LEDGER_LIVES_MAX = 1023 };

/* The lines of one life are first..intent: those up to `done` are written for certain, of the
 * others a beginning may be. */
struct ledger_life {
	uint64_t first, done, intent;
	uint64_t bytes; /* written for certain */
};

struct ledger {
	uint64_t allowed; /* set by proof.py: lines that may be written by now */
	uint64_t total;   /* set by the scribe: its last line */
	uint64_t lives;   /* so many there have been; the last one is under way */
	uint64_t spare;
	struct ledger_life life[LEDGER_LIVES_MAX];
};

/* Maps the file, which is made when there is none.  NULL with errno set. */
struct ledger *ledger_open(const char *path, bool writable);

/* Begins a life after the ones before; NULL when there are too many. */
struct ledger_life *ledger_begin(struct ledger *l);
