/* SPDX-License-Identifier: MIT */
/* For the build tools that write pages and completions: a template is copied, and each of its lines
 * that is a mark is replaced by what is printed from a table. */
#pragma once

#include <stddef.h>

struct template_place {
	const char *mark;    /* a line of the template, with its newline */
	void (*print)(void); /* to standard output */
};

/* Writes `page` from `template`.  0, or 1 after it has said what is wrong: a file, or a mark that
 * does not stand in it exactly once.  Standard input and output are those files from here on. */
int template_fill(const char *template, const char *page, const struct template_place *places,
                  size_t count);
