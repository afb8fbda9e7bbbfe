/* SPDX-License-Identifier: MIT */
/* Offers the names that there are to base/suggest.h. */
#include "control/similar.h"

#include "base/suggest.h"

/* whoever asks for nonsense must not keep vergerd busy */
enum { CANDIDATES_MAX = 2000 };

const char *similar_name(const struct settings *s, const char *word)
{
	struct suggestion suggestion;

	suggestion_init(&suggestion, word);
	for (size_t i = 0; i < s->program_count && i < CANDIDATES_MAX; i++) {
		suggestion_offer(&suggestion, s->programs[i].name);
		suggestion_offer(&suggestion, s->programs[i].section);
	}
	for (size_t i = 0; i < s->group_count && i < CANDIDATES_MAX; i++)
		suggestion_offer(&suggestion, s->groups[i].name);
	return suggestion.best;
}
