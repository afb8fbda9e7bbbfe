/* SPDX-License-Identifier: MIT */
/* Edit distance: insertions, deletions, replacements, and neighbours that changed places (Damerau's
 * restricted form), one each.  Knows nothing of what the words are. */
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance_of(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][SUGGEST_WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		row[j] = (unsigned)j;
	memset(above, 0, sizeof rows[0]);
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = min_of(min_of(above[j], row[j - 1]) + 1,
			                above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min_of(row[j], before[j - 2] + 1);
		}
	}
	return row[b_size];
}

void suggestion_init(struct suggestion *s, const char *word)
{
	size_t size = strlen(word);

	/* a third of the word may be wrong: more than that is another word */
	*s = (struct suggestion){
		.word = word, .distance = size > SUGGEST_WORD_MAX ? 0 : (unsigned)(size + 2) / 3 + 1
	};
}

void suggestion_offer(struct suggestion *s, const char *candidate)
{
	size_t a = strlen(s->word), b = strlen(candidate);
	unsigned distance;

	if (b > SUGGEST_WORD_MAX || (a > b ? a - b : b - a) >= s->distance)
		return;
	distance = distance_of(s->word, a, candidate, b);
	if (distance < s->distance && distance < b) {
		s->distance = distance;
		s->best = candidate;
	}
}

const char *suggestion_format(const struct suggestion *s, char out[SUGGESTION_SIZE])
{
	if (s->best)
		snprintf(out, SUGGESTION_SIZE, "; did you mean '%s'?", s->best);
	else
		out[0] = '\0';
	return out;
}
