/* SPDX-License-Identifier: MIT */
/* Remembers entries by program.  Programs are built one after the other, so what belongs to one
 * stands together and in order. */
#include "config/record.h"

#include <errno.h>
#include <stdlib.h>

int record_init(struct record *r)
{
	*r = (struct record){ .arena = arena_new() };
	return r->arena ? 0 : -ENOMEM;
}

void record_release(struct record *r)
{
	free(r->verger.items);
	free(r->programs.items);
	arena_free(r->arena);
}

static bool append(struct record_list *list, struct record_item item)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct record_item *items = reallocarray(list->items, capacity, sizeof *items);

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = item;
	return true;
}

void record_add(struct record *r, uint32_t program, const struct source_entry *entry)
{
	struct record_item item = { .program = program, .line = entry->line, .key = entry->key };

	if (!r)
		return;
	item.file = arena_intern(r->arena, entry->section->file->path);
	if (!item.file || !append(program == NO_PROGRAM ? &r->verger : &r->programs, item))
		r->failed = true;
}

void record_drop(struct record *r, uint32_t program)
{
	struct record_list *list = r ? &r->programs : NULL;

	while (list && list->count > 0 && list->items[list->count - 1].program == program)
		list->count--;
}

/* The first item of the program, or where it would stand. */
static size_t lower_bound(const struct record_list *list, uint32_t program)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->items[middle].program < program)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct record_item *record_find(const struct record *r, uint32_t program,
                                      const struct key *key)
{
	const struct record_list *list = program == NO_PROGRAM ? &r->verger : &r->programs;
	const struct record_item *found = NULL;

	for (size_t i = lower_bound(list, program);
	     i < list->count && list->items[i].program == program; i++)
		if (list->items[i].key == key)
			found = &list->items[i];
	return found;
}
