/* SPDX-License-Identifier: MIT */
/* What ${NAME} means at one place of a configuration: verger's own names first, then the
 * environment. */
#pragma once

#include <stdbool.h>

#include "config/expand.h"

enum { NAMES_INSTANCE_SIZE = 16 };

struct names {
	char *const *environ; /* borrowed, like all below; NULL = empty */
	const char *run_dir;  /* NULL = not known here */
	const char *here;
	const char *program; /* NULL = not within a program */
	char instance[NAMES_INSTANCE_SIZE];
};

/* For expand(): knows run_dir, program, instance, here and newline (a line break, which no line of
 * a file can hold). */
struct expand_names names_for_expand(const struct names *n);

/* Expands the text of a value as its key asks for.  `*quoted` tells whether the file has it in
 * quotes. */
int names_expand_value(const struct names *n, const char *text, bool words, struct text *out,
                       bool *quoted, struct fault *fault);
