/* SPDX-License-Identifier: MIT */
/* Build tool: copies the template of verger.ini(5) to a page and fills in what comes from the one
 * key table.  Knows no key.  usage: keydoc TEMPLATE PAGE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/keydoc.h"
#include "config/keys.h"

static void print_tables(void)
{
	conf_keydoc(stdout);
}

/* The keys that this version knows by name only. */
static void print_later(void)
{
	const char *separator = "";

	for (size_t i = 0; i < config_key_count; i++) {
		if (!(config_keys[i].flags & KEY_LATER))
			continue;
		printf("%s.Ic %s", separator, config_keys[i].name);
		separator = " ,\n";
	}
	puts(" .");
}

static const struct {
	const char *mark; /* a line of the template */
	void (*print)(void);
} places[] = {
	{ ".\\\" @KEYS@\n", print_tables },
	{ ".\\\" @LATER@\n", print_later },
};

/* Which place a line of the template marks; ARRAY_SIZE(places) = none. */
static size_t find_place(const char *line)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(places) && strcmp(line, places[i].mark) != 0)
		i++;
	return i;
}

int main(int argc, char **argv)
{
	unsigned met[ARRAY_SIZE(places)] = { 0 };
	char *line = NULL;
	size_t size = 0;

	if (argc != 3 || !freopen(argv[1], "r", stdin) || !freopen(argv[2], "w", stdout)) {
		perror("keydoc");
		return 1;
	}
	while (getline(&line, &size, stdin) > 0) {
		size_t place = find_place(line);

		if (place == ARRAY_SIZE(places)) {
			fputs(line, stdout);
			continue;
		}
		met[place]++;
		places[place].print();
	}
	free(line);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (met[i] == 1)
			continue;
		fprintf(stderr, "keydoc: %u times instead of once in the template: %s", met[i],
		        places[i].mark);
		return 1;
	}
	if (ferror(stdin) || fflush(stdout) == EOF || ferror(stdout)) {
		perror("keydoc");
		return 1;
	}
	return 0;
}
