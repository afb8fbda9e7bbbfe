/* SPDX-License-Identifier: MIT */
#include "config/keydoc.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "unit/suite.h"

static char *write_all(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(conf_keydoc(out), 0);
	fclose(out);
	return text;
}

START_TEST(every_key_that_works_is_in_the_manual)
{
	const struct key *key = &config_keys[_i];
	char *text = write_all(), item[100];

	snprintf(item, sizeof item, "\n.It Ic %s No = ", key->name);
	ck_assert_msg((strstr(text, item) == NULL) == ((key->flags & KEY_LATER) != 0), "%s",
	              key->name);
	free(text);
}
END_TEST

START_TEST(no_line_is_too_long_and_every_list_ends)
{
	char *text = write_all();
	int lists = 0;

	for (const char *line = text; *line;) {
		size_t size = strcspn(line, "\n");

		ck_assert_msg(size <= 80 || *line == '.', "%.*s", (int)size, line);
		lists += !strncmp(line, ".Bl", 3) - !strncmp(line, ".El", 3);
		line += size + (line[size] == '\n');
	}
	ck_assert_int_eq(lists, 0);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keydoc");
	TCase *keydoc = tcase_create("keydoc");

	tcase_add_loop_test(keydoc, every_key_that_works_is_in_the_manual, 0,
	                    (int)config_key_count);
	tcase_add_test(keydoc, no_line_is_too_long_and_every_list_ends);
	suite_add_tcase(suite, keydoc);
	return suite_run(suite);
}
