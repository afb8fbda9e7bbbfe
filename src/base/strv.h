/* SPDX-License-Identifier: MIT */
/* A NULL-terminated vector of owned strings: argument lists, environments, word lists. */
#pragma once

#include <stddef.h>

struct strv {
	char **items; /* NULL-terminated once something was added; owned */
	size_t count;
	/* private */
	size_t capacity;
};

#define STRV_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

void strv_release(struct strv *v);

/* Appends a copy.  0 or -ENOMEM. */
int strv_add(struct strv *v, const char *s);

/* Appends a malloc'ed string, which is taken even when the call fails.  NULL gives -ENOMEM. */
int strv_add_taken(struct strv *v, char *s);

/* Sets NAME=value in a vector of such pairs, replacing an earlier one.  0 or -ENOMEM. */
int strv_set_env(struct strv *v, const char *name, const char *value);

/* The value of `name` in a NULL-terminated array of NAME=value, borrowed, or NULL. */
const char *strv_find_env(char *const *env, const char *name);
