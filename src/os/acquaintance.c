/* SPDX-License-Identifier: MIT */
/* A sorted array: looked into often, written to seldom. */
#include "os/acquaintance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACQUAINTANCES_MAX = 1 << 16 };

static size_t find_place(const struct acquaintances *a, pid_t pid)
{
	size_t low = 0, high = a->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (a->items[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow(struct acquaintances *a)
{
	size_t capacity = a->capacity ? a->capacity * 2 : 16;
	struct acquaintance *items;

	if (a->count < a->capacity)
		return 0;
	if (capacity > ACQUAINTANCES_MAX)
		return -ENOMEM;
	items = reallocarray(a->items, capacity, sizeof *items);
	if (!items)
		return -ENOMEM;
	a->items = items;
	a->capacity = capacity;
	return 0;
}

void acquaintances_note(struct acquaintances *a, pid_t pid, uint64_t start_ticks, uint32_t program)
{
	struct acquaintance entry = { pid, program, start_ticks };
	size_t place = find_place(a, pid);

	if (place == a->count || a->items[place].pid != pid) {
		if (grow(a))
			return;
		memmove(a->items + place + 1, a->items + place, (a->count - place) * sizeof entry);
		a->count++;
	}
	a->items[place] = entry;
}

const struct acquaintance *acquaintances_find(const struct acquaintances *a, pid_t pid,
                                              uint64_t start_ticks)
{
	size_t place = find_place(a, pid);

	if (place == a->count || a->items[place].pid != pid ||
	    a->items[place].start_ticks != start_ticks)
		return NULL;
	return &a->items[place];
}

void acquaintances_forget(struct acquaintances *a, uint32_t program)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].program != program)
			a->items[kept++] = a->items[i];
	a->count = kept;
}

void acquaintances_forget_ended(struct acquaintances *a, uint32_t program)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].program != program || getsid(a->items[i].pid) >= 0)
			a->items[kept++] = a->items[i];
	a->count = kept;
}

void acquaintances_release(struct acquaintances *a)
{
	free(a->items);
	*a = (struct acquaintances){ 0 };
}
