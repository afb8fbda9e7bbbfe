/* SPDX-License-Identifier: MIT */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 16 };

/* Which place a line of the template marks; `count` = none. */
static size_t find_place(const struct template_place *places, size_t count, const char *line)
{
	size_t i = 0;

	while (i < count && strcmp(line, places[i].mark) != 0)
		i++;
	return i;
}

static void copy(const struct template_place *places, size_t count, unsigned met[])
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		size_t place = find_place(places, count, line);

		if (place == count) {
			fputs(line, stdout);
			continue;
		}
		met[place]++;
		places[place].print();
	}
	free(line);
}

int template_fill(const char *template, const char *page, const struct template_place *places,
                  size_t count)
{
	unsigned met[PLACES_MAX] = { 0 };

	if (count > PLACES_MAX || !freopen(template, "r", stdin) || !freopen(page, "w", stdout)) {
		perror(template);
		return 1;
	}
	copy(places, count, met);
	for (size_t i = 0; i < count; i++) {
		if (met[i] == 1)
			continue;
		fprintf(stderr, "%s: %u times instead of once: %s", template, met[i],
		        places[i].mark);
		return 1;
	}
	if (ferror(stdin) || fflush(stdout) == EOF || ferror(stdout)) {
		perror(page);
		return 1;
	}
	return 0;
}
