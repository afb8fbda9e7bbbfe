/* SPDX-License-Identifier: MIT */
/* Remembers paths.  Paths are compared as texts: what links lead to is seen when they are used. */
#include "config/claims.h"

#include <errno.h>
#include <search.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct claim *)a)->path, ((const struct claim *)b)->path);
}

static void keep(void *node)
{
	(void)node; /* claims live in the arena */
}

void claims_release(struct claims *c)
{
	tdestroy(c->by_path, keep);
}

int claims_add(struct claims *c, const struct claim *claim, struct fault *fault)
{
	struct claim *own = arena_alloc(c->arena, sizeof *own);
	struct claim **node;

	*own = *claim;
	node = tsearch(own, &c->by_path, compare);
	if (!node)
		return -ENOMEM;
	if (*node == own)
		return 0;
	return fault_set(fault, "%.200s is the PID file of %.80s already (%.100s, line %u)",
	                 claim->path, (*node)->who, (*node)->file, (*node)->line);
}
