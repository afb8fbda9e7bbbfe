/* SPDX-License-Identifier: MIT */
/* What every fuzz target is: the entry that libFuzzer and replay.c call. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops with a sentence when something that must hold does not. */
static inline void fuzz_expect(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* The input as a string of its own; the caller frees it.  Ends at the first NUL byte, as every text
 * in verger does. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
