/* SPDX-License-Identifier: MIT */
/* Past ends as a ring, and one text.  Knows no clock and no program. */
#include "core/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *h)
{
	if (!h)
		return;
	free(h->output);
	free(h);
}

void history_add(struct history *h, const struct past_end *end)
{
	h->ends[h->next] = *end;
	h->next = (uint8_t)((h->next + 1) % HISTORY_ENDS);
	if (h->count < HISTORY_ENDS)
		h->count++;
}

size_t history_count(const struct history *h)
{
	return h->count;
}

/* where the i-th end from the last stands in the ring */
static size_t place_of(const struct history *h, size_t i)
{
	return ((size_t)h->next + HISTORY_ENDS - 1 - i) % HISTORY_ENDS;
}

const struct past_end *history_end(const struct history *h, size_t i)
{
	return i < h->count ? &h->ends[place_of(h, i)] : NULL;
}

struct past_end *history_last(struct history *h)
{
	return h->count ? &h->ends[place_of(h, 0)] : NULL;
}

int history_set_output(struct history *h, const char *text, size_t size, int64_t at_us)
{
	size_t kept = size < HISTORY_OUTPUT_MAX ? size : HISTORY_OUTPUT_MAX;
	char *output = malloc(kept + 1);

	if (!output)
		return -ENOMEM;
	if (kept)
		memcpy(output, text + (size - kept), kept);
	output[kept] = '\0';
	free(h->output);
	h->output = output;
	h->output_at_us = at_us;
	return 0;
}

const char *history_output(const struct history *h, int64_t *at_us)
{
	if (h->output)
		*at_us = h->output_at_us;
	return h->output;
}
