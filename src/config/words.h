/* SPDX-License-Identifier: MIT */
/* A value as words, quoted as a POSIX shell reads quotes: '…' takes everything as it is, "…"
 * everything but \" and \\, and a backslash elsewhere takes the next character as it is.  Nothing
 * else is special: no variables, no globbing, no operators.  The same words come out as from
 * Python's shlex.split(). */
#pragma once

#include <stddef.h>

#include "base/strv.h"
#include "base/text.h"
#include "config/fault.h"

/* Appends the words of `text` to `out`.  0, FAULTY (a quote or backslash that is left open; `out`
 * may hold the words before it), or -ENOMEM. */
int words_split(const char *text, struct strv *out, struct fault *fault);

/* Appends `word` so that, after expansion, words_split() gives it back: quoted only where needed,
 * `$` doubled, a line break as ${newline}.  0, -E2BIG or -ENOMEM. */
int words_quote(const char *word, struct text *out);

/* Whether `c` separates words. */
int words_is_blank(char c);
