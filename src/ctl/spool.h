/* SPDX-License-Identifier: MIT */
/* Lines that wait to be put in order: in a file without a name, so that there may be more of them
 * than memory. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct spool {
	FILE *file;  /* owned; NULL until something is added */
	size_t size; /* bytes */
	int error;   /* 0, or the first negative errno */
	/* private */
	char *map;
};

void spool_release(struct spool *s);

/* Appends a line, and a newline. */
void spool_add(struct spool *s, const char *bytes, size_t size);

/* Everything that was added, `size` bytes, valid until spool_release; NULL with `error` set when
 * that is not possible, and when there is nothing. */
const char *spool_read(struct spool *s);
