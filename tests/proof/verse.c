/* SPDX-License-Identifier: MIT */
#include "proof/verse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_SIZE = 8, PAGE_LINE = 4200, LONG_LINE = 17000 };

/* quotes, backslashes and tabs are there for JSON's sake */
static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\"\\\t{}|[].:";

static uint32_t checksum(const char *bytes, size_t size)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 16777619U;
	return hash;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static size_t choose_size(uint64_t number, uint64_t random, const struct verse_range *range)
{
	if (range->rare && number % range->rare == 0)
		return LONG_LINE + random % (2 * LONG_LINE);
	if (range->seldom && number % range->seldom == 0)
		return PAGE_LINE + random % PAGE_LINE;
	return range->min + random % (range->max - range->min + 1);
}

size_t verse_write(char *out, const char *name, uint64_t life, uint64_t number, uint64_t seed,
                   const struct verse_range *range)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dU + number;
	size_t size = choose_size(number, next_random(&state), range), end;
	size_t at = (size_t)snprintf(out, VERSE_MIN, "@@%s %llu %llu %zu ", name,
	                             (unsigned long long)life, (unsigned long long)number, size);
	uint64_t letters = next_random(&state);

	end = size - CHECKSUM_SIZE - 1;
	for (size_t i = 0; at < end; i++) {
		/* ten letters come from one number */
		if (i % 10 == 0)
			letters = next_random(&state);
		out[at++] = alphabet[letters >> i % 10 * 6 & 63];
	}
	out[at++] = ' ';
	snprintf(out + at, CHECKSUM_SIZE + 1, "%08x", checksum(out, at));
	out[size] = '\n';
	return size + 1;
}

/* Reads a number and the blank after it. */
static bool read_number(const char **at, uint64_t *out)
{
	char *end;

	*out = strtoull(*at, &end, 10);
	if (end == *at || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

static bool read_head(const char *head, struct verse *out, uint64_t *size)
{
	const char *at = head + 2, *blank = strchr(at, ' ');

	if (strncmp(head, "@@", 2) != 0 || !blank || blank - at > VERSE_NAME_MAX)
		return false;
	memcpy(out->name, at, (size_t)(blank - at));
	out->name[blank - at] = '\0';
	at = blank + 1;
	return read_number(&at, &out->life) && read_number(&at, &out->number) &&
	       read_number(&at, size);
}

enum verse_state verse_read(const char *bytes, size_t size, struct verse *out)
{
	char head[VERSE_MIN] = "", sum[CHECKSUM_SIZE + 1] = "";
	uint64_t told = 0;

	memcpy(head, bytes, size < sizeof head - 1 ? size : sizeof head - 1);
	if (!read_head(head, out, &told))
		return VERSE_NAMELESS;
	if (told != size || size <= CHECKSUM_SIZE)
		return VERSE_TORN;
	snprintf(sum, sizeof sum, "%08x", checksum(bytes, size - CHECKSUM_SIZE));
	return memcmp(bytes + size - CHECKSUM_SIZE, sum, CHECKSUM_SIZE) == 0 ? VERSE_WHOLE
	                                                                     : VERSE_TORN;
}
