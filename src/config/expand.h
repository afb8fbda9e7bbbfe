/* SPDX-License-Identifier: MIT */
/* ${NAME} and its kin in a value.
 *
 *   ${NAME}            its text; a fault when it is not set
 *   ${NAME:-default}   its text, or `default` when it is not set or empty
 *   ${NAME:?message}   its text, or a fault with `message` when it is not set or empty
 *   $$                 a dollar; any other dollar stays as it is
 *
 * Defaults may hold further expansions, and braces in pairs.  A default that is not used is not
 * looked into.
 *
 * Values that are words (EXPAND_WORDS) behave as in a shell: what comes out of a variable is split
 * at blanks unless it stands in quotes, and quotes or backslashes in it are plain characters:
 * `"${PASSWORD}"` is one word whatever the password holds, and no variable can close a quote that
 * the file has opened.  Unlike in a shell, '…' does not keep ${…} from being expanded.  A default
 * is text of the file, so its quotes are quotes. */
#pragma once

#include "base/text.h"
#include "config/fault.h"

enum { EXPAND_DEPTH_MAX = 32 }; /* defaults within defaults */

enum expand_mode {
	EXPAND_PLAIN, /* the text goes in as it is */
	EXPAND_WORDS, /* the text goes in so that words_split() takes it literally */
};

/* What names mean. */
struct expand_names {
	const char *(*find)(const void *context,
	                    const char *name); /* borrowed text, or NULL when not set */
	const void *context;
};

/* Appends the expansion of `text` to `out`, whose maximum is the maximum of the result.  0, FAULTY
 * or -ENOMEM; `out` may hold a part of it then. */
int expand(const char *text, enum expand_mode mode, const struct expand_names *names,
           struct text *out, struct fault *fault);
