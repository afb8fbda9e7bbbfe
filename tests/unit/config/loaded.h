/* SPDX-License-Identifier: MIT */
/* A configuration read from a text, with what came of it. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "config/load.h"

struct loaded {
	struct settings *settings; /* NULL when it was refused */
	struct diags diags;
};

static const char *const loaded_environment[] = { "HOME=/home/x", "EMPTY=", "TRICKY=a 'b \"c\\",
	                                          "N=3", NULL };
static const struct conf_context loaded_context = { .environ = (char *const *)loaded_environment,
	                                            .default_run_dir = "/run/t" };

/* Reads `text` as t.ini without asking the machine anything. */
static inline struct loaded load_text(const char *text)
{
	struct loaded l = { .diags = DIAGS_INIT };
	int r = conf_load_bytes("t.ini", text, strlen(text), &loaded_context, &l.settings,
	                        &l.diags);

	ck_assert_int_eq(r == CONF_OK, l.settings != NULL);
	return l;
}

static inline void loaded_release(struct loaded *l)
{
	settings_free(l->settings);
	diags_release(&l->diags);
}

/* The text of a good configuration's settings; fails the test with the first fault otherwise. */
static inline struct loaded load_good(const char *text)
{
	struct loaded l = load_text(text);

	ck_assert_msg(l.settings, "%s:%u: %s", l.diags.items[0].file, l.diags.items[0].line,
	              l.diags.items[0].text);
	return l;
}

/* That `text` has exactly the faults of `expected`, one a line as diags_print() writes them. */
static inline void check_faults(const char *text, const char *expected)
{
	struct loaded l = load_text(text);
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	diags_print(&l.diags, out);
	fclose(out);
	ck_assert_str_eq(printed, expected);
	free(printed);
	loaded_release(&l);
}

/* That a program with this line in its section is refused with a text that holds `part`. */
static inline void check_refused(const char *line, const char *part)
{
	char text[4096];
	struct loaded l;

	snprintf(text, sizeof text, "[program:p]\ncommand = x\n%s\n", line);
	l = load_text(text);
	ck_assert_msg(l.diags.error_count == 1, "'%s': %zu faults", line, l.diags.error_count);
	ck_assert_msg(strstr(l.diags.items[0].text, part), "'%s': %s", line, l.diags.items[0].text);
	ck_assert_uint_eq(l.diags.items[0].line, 3);
	loaded_release(&l);
}
