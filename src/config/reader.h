/* SPDX-License-Identifier: MIT */
/* The text of an INI file as sections and entries, each with its line.
 *
 * inih does the parsing, but the library that distributions ship cuts lines at 200 bytes, names at
 * 49, and tells no line numbers.  So it is fed short stand-ins ("k12=\1" for the entry of line 12)
 * by a reader of ours that keeps the real text: inih says what is an entry and what continues one,
 * the reader says where and what.
 *
 * Syntax: `[section]` and `key = value` start in the first column; an indented line continues the
 * value above and is joined with one space; `;` or `#` start a comment at the start of a line, and
 * after white space outside quotes.  A byte order mark and CRLF are fine. */
#pragma once

#include <stddef.h>

#include "base/diag.h"

enum {
	READER_SECTION_MAX = 512,       /* bytes between [ and ] */
	READER_KEY_MAX = 255,           /* bytes of a key */
	READER_VALUE_MAX = 1024 * 1024, /* bytes of a value, continuations included */
};

struct reader_handler {
	/* Strings are borrowed for the time of the call. */
	void (*on_section)(void *context, const char *title, unsigned line);
	void (*on_entry)(void *context, const char *key, const char *value, unsigned line);
	/* A line that continues the value of `key`, before the entry is complete; may be NULL. */
	void (*on_continuation)(void *context, const char *key, const char *text, unsigned line);
	void *context;
};

/* Calls the handler for every section and entry in the order of the text.  Faults go to `diags`
 * under the name `file`; what is faulty is not handed on.  0 or -ENOMEM. */
int reader_parse(const char *bytes, size_t size, const char *file,
                 const struct reader_handler *handler, struct diags *diags);
