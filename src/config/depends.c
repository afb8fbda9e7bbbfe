/* SPDX-License-Identifier: MIT */
/* Resolves dependencies.  Knows nothing of files. */
#include "config/depends.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strv.h"
#include "config/words.h"

void depends_release(struct depends *d)
{
	free(d->items);
}

static int add(struct depends *d, struct dependency item)
{
	if (d->count == d->capacity) {
		size_t capacity = d->capacity ? d->capacity * 2 : 8;
		struct dependency *items = realloc(d->items, capacity * sizeof *items);

		if (!items)
			return -ENOMEM;
		d->items = items;
		d->capacity = capacity;
	}
	/* through memset: equal lists must be equal bytes to be stored once */
	memset(&d->items[d->count], 0, sizeof item);
	d->items[d->count].program = item.program;
	d->items[d->count].condition = item.condition;
	d->items[d->count].required = item.required;
	d->count++;
	return 0;
}

/* Cuts ":condition" off the word; -1 when it has none. */
static int cut_condition(char *word)
{
	char *colon = strrchr(word, ':');

	for (int i = 0; colon && condition_names[i]; i++) {
		if (!strcmp(condition_names[i], colon + 1)) {
			*colon = '\0';
			return i;
		}
	}
	return -1;
}

static int parse_word(struct depends *d, struct roster *roster, char *word, bool required,
                      struct fault *fault)
{
	int condition = cut_condition(word);
	struct roster_range range = { .count = 0 };
	int r = roster_find(roster, word, &range, fault);

	if (r == 0 && range.count == 0)
		return fault_set(fault, "program '%.80s' is not enabled", word);
	for (size_t i = 0; i < range.count && r == 0; i++) {
		bool oneshot = roster->programs[range.indices[i]].type == PROGRAM_ONESHOT;
		struct dependency item = { .program = range.indices[i], .required = required };

		item.condition = oneshot ? CONDITION_DONE : CONDITION_READY;
		if (condition >= 0)
			item.condition = (enum condition)condition;
		r = add(d, item);
	}
	return r;
}

int depends_parse(struct depends *d, struct roster *roster, const char *text, bool required,
                  struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r = words_split(text, &words, fault);

	for (size_t i = 0; i < words.count && r == 0; i++)
		r = parse_word(d, roster, words.items[i], required, fault);
	strv_release(&words);
	return r;
}

int depends_intern(const struct depends *d, struct arena *arena, const struct dependencies **out)
{
	size_t size = sizeof(struct dependencies) + d->count * sizeof *d->items;
	_cleanup_free_ struct dependencies *copy = NULL;

	*out = NULL;
	if (d->count == 0)
		return 0;
	copy = calloc(1, size);
	if (!copy)
		return -ENOMEM;
	copy->count = d->count;
	memcpy(copy->items, d->items, d->count * sizeof *d->items);
	*out = arena_intern_bytes(arena, copy, size);
	return *out ? 0 : -ENOMEM;
}

/* A walk in depth over the programs, without recursion: chains may be thousands long. */
struct walk {
	const struct program_settings *programs;
	uint8_t *visited; /* 0 = not yet, 1 = on the path, 2 = done */
	uint32_t *path;   /* programs from the start to here */
	size_t *next;     /* which dependency of each is the next */
	size_t depth;
};

/* "a waits for b, b for c, c for a" */
static void describe_cycle(const struct walk *w, uint32_t again, struct fault *fault)
{
	char text[FAULT_SIZE];
	size_t start = w->depth, used;

	while (w->path[start - 1] != again)
		start--;
	used = (size_t)snprintf(text, sizeof text, "%.80s", w->programs[again].name);
	for (size_t i = start; i < w->depth && used < sizeof text - 200; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, " waits for %.80s, which",
		                         w->programs[w->path[i]].name);
	fault_set(fault, "programs wait for each other in a circle: %s waits for %.80s", text,
	          w->programs[again].name);
}

static void enter(struct walk *w, uint32_t program)
{
	w->visited[program] = 1;
	w->next[w->depth] = 0;
	w->path[w->depth++] = program;
}

static void walk_from(struct walk *w, uint32_t start,
                      void (*told)(void *, size_t, const struct fault *), void *context)
{
	struct fault fault;

	enter(w, start);
	while (w->depth > 0) {
		uint32_t here = w->path[w->depth - 1];
		const struct dependencies *depends = w->programs[here].depends;
		size_t i = w->next[w->depth - 1]++;
		uint32_t target;

		if (!depends || i == depends->count) {
			w->visited[here] = 2;
			w->depth--;
			continue;
		}
		target = depends->items[i].program;
		if (w->visited[target] == 0) {
			enter(w, target);
		} else if (w->visited[target] == 1) {
			describe_cycle(w, target, &fault);
			told(context, target, &fault);
		}
	}
}

int depends_find_cycles(const struct program_settings *programs, size_t count,
                        void (*told)(void *context, size_t program, const struct fault *fault),
                        void *context)
{
	_cleanup_free_ uint8_t *visited = calloc(count + 1, sizeof *visited);
	_cleanup_free_ uint32_t *path = calloc(count + 1, sizeof *path);
	_cleanup_free_ size_t *next = calloc(count + 1, sizeof *next);
	struct walk w = { .programs = programs, .visited = visited, .path = path, .next = next };

	if (!visited || !path || !next)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (!visited[i])
			walk_from(&w, (uint32_t)i, told, context);
	return 0;
}
