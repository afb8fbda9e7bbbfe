/* SPDX-License-Identifier: MIT */
/* Finds programs.  Knows nothing of what for. */
#include "config/roster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

static int compare_sections(const void *a, const void *b, void *context)
{
	const struct program_settings *programs = context;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int r = strcmp(programs[i].section, programs[j].section);

	return r ? r : (i > j) - (i < j);
}

static int compare_names(const void *a, const void *b, void *context)
{
	const struct program_settings *programs = context;

	return strcmp(programs[*(const uint32_t *)a].name, programs[*(const uint32_t *)b].name);
}

int roster_init(struct roster *r, const struct source *source,
                const struct program_settings *programs, size_t count)
{
	*r = (struct roster){ .programs = programs, .count = count, .source = source };
	r->by_section = calloc(count + 1, sizeof *r->by_section);
	r->by_name = calloc(count + 1, sizeof *r->by_name);
	if (!r->by_section || !r->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		r->by_section[i] = r->by_name[i] = (uint32_t)i;
	qsort_r(r->by_section, count, sizeof *r->by_section, compare_sections, (void *)programs);
	qsort_r(r->by_name, count, sizeof *r->by_name, compare_names, (void *)programs);
	return 0;
}

void roster_release(struct roster *r)
{
	free(r->by_section);
	free(r->by_name);
}

/* The first place in a sorted list whose program is not before `text`. */
static size_t lower_bound(const struct roster *r, const uint32_t *list, bool by_section,
                          const char *text)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct program_settings *p = &r->programs[list[middle]];

		if (strcmp(by_section ? p->section : p->name, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A section that made no program, though it is there: disabled, all of it or this instance of it.
 */
static bool is_disabled(const struct roster *r, const char *name)
{
	for (const struct section *s = r->source->sections; s; s = s->next)
		if (s->kind == SECTION_PROGRAM &&
		    (!strcmp(s->name, name) || !strcmp(s->base, name)))
			return true;
	return false;
}

static int refuse_unknown(struct roster *r, const char *name, struct fault *fault)
{
	struct suggestion suggestion;
	char hint[SUGGESTION_SIZE];

	suggestion_init(&suggestion, name);
	if (r->refused++ < ROSTER_SUGGESTIONS_MAX) {
		for (const struct section *s = r->source->sections; s; s = s->next)
			if (s->kind == SECTION_PROGRAM)
				suggestion_offer(&suggestion, s->name);
		for (size_t i = 0; i < r->count && !suggestion.best; i++)
			suggestion_offer(&suggestion, r->programs[i].name);
	}
	return fault_set(fault, "there is no program '%.80s'%s", name,
	                 suggestion_format(&suggestion, hint));
}

int roster_find(struct roster *r, const char *name, struct roster_range *out, struct fault *fault)
{
	size_t first = lower_bound(r, r->by_section, true, name), end = first;
	size_t single;

	while (end < r->count && !strcmp(r->programs[r->by_section[end]].section, name))
		end++;
	if (end > first) {
		*out = (struct roster_range){ .indices = r->by_section + first,
			                      .count = end - first };
		return 0;
	}
	single = lower_bound(r, r->by_name, false, name);
	if (single < r->count && !strcmp(r->programs[r->by_name[single]].name, name)) {
		*out = (struct roster_range){ .indices = r->by_name + single, .count = 1 };
		return 0;
	}
	if (is_disabled(r, name)) {
		*out = (struct roster_range){ .count = 0 };
		return 0;
	}
	return refuse_unknown(r, name, fault);
}
