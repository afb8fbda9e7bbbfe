/* SPDX-License-Identifier: MIT */
/* A text that grows, with a named maximum.  What would go past the maximum is refused as a whole,
 * never cut. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data;      /* NUL-terminated; owned; NULL while empty */
	size_t size;     /* bytes before the NUL */
	size_t max_size; /* given at init */
	/* private */
	size_t capacity;
};

/* Starts an empty text that may grow to max_size bytes. */
void text_init(struct text *t, size_t max_size);
void text_release(struct text *t);

/* Makes it empty and keeps the memory. */
void text_reset(struct text *t);

/* Append; 0, or -E2BIG when max_size would be passed, -ENOMEM; the text is unchanged then. */
int text_add(struct text *t, const char *bytes, size_t size);
int text_add_char(struct text *t, char c);
int text_add_string(struct text *t, const char *s);
int text_add_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a string; "" while empty.  Borrowed until the next change. */
const char *text_get(const struct text *t);

/* Hands the content over as a malloc'ed string (never NULL unless memory is out) and empties the
 * text. */
char *text_take(struct text *t);
