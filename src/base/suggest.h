/* SPDX-License-Identifier: MIT */
/* "Did you mean …?": the nearest of many candidates to a word that is not known. */
#pragma once

enum { SUGGEST_WORD_MAX = 64 }; /* longer words get no suggestion */

struct suggestion {
	const char *word; /* borrowed */
	const char *best; /* borrowed; NULL while no candidate is near enough */
	/* private */
	unsigned distance;
};

void suggestion_init(struct suggestion *s, const char *word);

/* Considers `candidate`, which is borrowed as long as `s` is used. */
void suggestion_offer(struct suggestion *s, const char *candidate);

/* Room for the text of suggestion_format, with its NUL. */
enum { SUGGESTION_SIZE = SUGGEST_WORD_MAX * 2 + 32 };

/* "; did you mean 'command'?" or "", written into `out`, which is returned. */
const char *suggestion_format(const struct suggestion *s, char out[SUGGESTION_SIZE]);
