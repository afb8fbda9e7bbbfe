/* SPDX-License-Identifier: MIT */
/* Faults that a person wrote into a file or a command line: many of them, each with its place, in
 * the order found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum diag_level {
	DIAG_ERROR,   /* the configuration is refused */
	DIAG_WARNING, /* it works, but probably not as meant */
};

struct diag {
	enum diag_level level;
	const char *file; /* owned; NULL only when memory is out */
	unsigned line;    /* 0 = the file as a whole */
	char *text;       /* owned; "[program:web] retries: expected …" */
};

struct diags {
	struct diag *items; /* owned */
	size_t count, error_count;
	/* private */
	size_t capacity, dropped;
};

/* More faults than this are counted, not kept. */
#define DIAGS_MAX 1000

#define DIAGS_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

void diags_release(struct diags *d);

/* Notes a fault at file:line.  `section` ("program:web") and `key` may be NULL. */
void diags_add(struct diags *d, enum diag_level level, const char *file, unsigned line,
               const char *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Prints all, one a line: "verger.ini:12: [program:web] retries: expected a count, got 'many'". */
void diags_print(const struct diags *d, FILE *out);
