/* SPDX-License-Identifier: MIT */
/* Where vergerctl writes: lines to standard output and standard error, coloured only where a person
 * sees them, and whatever is written safe for a terminal (safe.h). */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

enum ink {
	INK_PLAIN,
	INK_GOOD,  /* it runs */
	INK_BUSY,  /* on its way, or waiting */
	INK_BAD,   /* it failed */
	INK_FAINT, /* of less interest */
	INK_STRONG,
	INK_NAMES, /* this and the five after it tell the programs of a log apart */
	INK_COUNT = INK_NAMES + 6,
};

struct screen {
	bool is_terminal; /* standard output is one */
	bool has_color;
};

/* Looks at standard output, NO_COLOR and TERM. */
void screen_init(struct screen *s, bool no_color);

/* Its size; 80 × 24 when the terminal does not tell. */
void screen_size(unsigned *columns, unsigned *rows);

/* The escape sequence of an ink, and the one that ends it; "" without colours. */
const char *screen_ink(const struct screen *s, enum ink ink);
const char *screen_ink_end(const struct screen *s, enum ink ink);

/* The ink of a state of a program ("running"). */
enum ink screen_state_ink(const char *state);

/* Appends formatted text, made safe and in an ink.  The columns it takes. */
size_t screen_add(const struct screen *s, struct text *out, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same, written to standard output at once, without and with the end of the line. */
void screen_put(const struct screen *s, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void screen_say(const struct screen *s, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A sentence to standard error: "vergerctl: …". */
void screen_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes out what is buffered.  0, or negative errno: the reader is gone (-EPIPE) or the disk full,
 * and there is no sense in going on. */
int screen_flush(void);
