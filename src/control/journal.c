/* SPDX-License-Identifier: MIT */
/* A list of entries, each with the mask of those who have still to read it, and for each reader its
 * place in the list: one who is far behind does not slow down the others. */
#include "control/journal.h"

#include <stdlib.h>
#include <string.h>

struct journal_entry {
	struct journal_entry *next;
	uint64_t readers; /* that have not read it */
	size_t size;
	char bytes[];
};

static uint64_t bit(int reader)
{
	return (uint64_t)1 << reader;
}

/* the first of these and those after it that is for this reader */
static struct journal_entry *seek(struct journal_entry *entry, int reader)
{
	while (entry && !(entry->readers & bit(reader)))
		entry = entry->next;
	return entry;
}

static void drop_first(struct journal *j)
{
	struct journal_entry *entry = j->first;

	for (int i = 0; entry->readers && i < JOURNAL_READERS_MAX; i++)
		if (j->next[i] == entry)
			j->next[i] = seek(entry->next, i);
	j->late |= entry->readers;
	j->size -= sizeof *entry + entry->size;
	j->first = entry->next;
	if (!j->first)
		j->last = NULL;
	free(entry);
}

/* what everybody has read */
static void drop_read(struct journal *j)
{
	while (j->first && !j->first->readers)
		drop_first(j);
}

int journal_join(struct journal *j)
{
	for (int i = 0; i < JOURNAL_READERS_MAX; i++) {
		if (j->readers & bit(i))
			continue;
		j->readers |= bit(i);
		j->late &= ~bit(i);
		j->next[i] = NULL;
		return i;
	}
	return -1;
}

void journal_leave(struct journal *j, int reader)
{
	j->readers &= ~bit(reader);
	j->late &= ~bit(reader);
	j->next[reader] = NULL;
	for (struct journal_entry *e = j->first; e; e = e->next)
		e->readers &= ~bit(reader);
	drop_read(j);
}

bool journal_has_readers(const struct journal *j)
{
	return j->readers != 0;
}

static void append(struct journal *j, struct journal_entry *entry)
{
	if (j->last)
		j->last->next = entry;
	else
		j->first = entry;
	j->last = entry;
	j->size += sizeof *entry + entry->size;
	for (int i = 0; i < JOURNAL_READERS_MAX; i++)
		if (entry->readers & bit(i) && !j->next[i])
			j->next[i] = entry;
}

void journal_add(struct journal *j, uint64_t mask, const char *bytes, size_t size, size_t max)
{
	struct journal_entry *entry;

	mask &= j->readers & ~j->late;
	if (!mask)
		return;
	entry = malloc(sizeof *entry + size);
	if (!entry) {
		j->late |= mask;
		return;
	}
	*entry = (struct journal_entry){ .readers = mask, .size = size };
	memcpy(entry->bytes, bytes, size);
	append(j, entry);
	while (j->size > max && j->first != entry)
		drop_first(j);
}

const char *journal_take(struct journal *j, int reader, size_t *size)
{
	struct journal_entry *entry;

	/* what was taken the last time was borrowed until now */
	drop_read(j);
	entry = j->next[reader];
	if (!entry)
		return NULL;
	entry->readers &= ~bit(reader);
	j->next[reader] = seek(entry->next, reader);
	*size = entry->size;
	return entry->bytes;
}

bool journal_has(const struct journal *j, int reader)
{
	return j->next[reader] != NULL;
}

bool journal_is_late(const struct journal *j, int reader)
{
	return j->late & bit(reader);
}

void journal_release(struct journal *j)
{
	while (j->first)
		drop_first(j);
	*j = (struct journal){ 0 };
}
