/* SPDX-License-Identifier: MIT */
#include "ctl/near.h"

#include <string.h>

enum { BEGINNING_MIN = 2 };

bool near_to(const char *word, const char *meant)
{
	size_t size = strlen(word), same = 0;
	const char *w, *m;

	while (word[same] && word[same] == meant[same])
		same++;
	w = word + same;
	m = meant + same;
	if (!*w)
		return size >= BEGINNING_MIN || !*m;
	if (!*m)
		return !w[1];
	return strcmp(w + 1, m) == 0 || strcmp(w, m + 1) == 0 || strcmp(w + 1, m + 1) == 0 ||
	       (w[0] == m[1] && w[1] == m[0] && strcmp(w + 2, m + 2) == 0);
}
