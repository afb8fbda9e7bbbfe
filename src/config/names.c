/* SPDX-License-Identifier: MIT */
/* Looks names up.  Knows nothing of the syntax around them. */
#include "config/names.h"

#include <string.h>

#include "base/strv.h"

static const char *find(const void *context, const char *name)
{
	const struct names *n = context;

	if (!strcmp(name, "newline"))
		return "\n";
	if (!strcmp(name, "here"))
		return n->here;
	if (!strcmp(name, "run_dir"))
		return n->run_dir;
	if (n->program && !strcmp(name, "program"))
		return n->program;
	if (n->program && !strcmp(name, "instance"))
		return n->instance;
	return strv_find_env(n->environ, name);
}

struct expand_names names_for_expand(const struct names *n)
{
	return (struct expand_names){ .find = find, .context = n };
}

int names_expand_value(const struct names *n, const char *text, bool words, struct text *out,
                       bool *quoted, struct fault *fault)
{
	struct expand_names all = names_for_expand(n);

	*quoted = *text == '"' || *text == '\'';
	return expand(text, words || *quoted ? EXPAND_WORDS : EXPAND_PLAIN, &all, out, fault);
}
