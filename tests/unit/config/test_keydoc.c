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

/* The text of one key, or "" */
static void write_one(const char *name, char *out, size_t size)
{
	char *text = write_all(), item[100];
	const char *start, *end;

	snprintf(item, sizeof item, "\n.It Ic %s No = ", name);
	start = strstr(text, item);
	end = start ? strstr(start + 1, "\n.It ") : NULL;
	snprintf(out, size, "%.*s", end ? (int)(end + 1 - start) : 0, start ? start : "");
	free(text);
}

START_TEST(what_a_change_takes_is_in_the_manual)
{
	char text[2000];

	write_one("run_dir", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\nFixed while vergerd runs.\n"));
	write_one("log_level", text, sizeof text);
	ck_assert_ptr_null(strstr(text, "A change"));
	/* the first of that name is that of [verger] */
	write_one("environment", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\nA change restarts all programs.\n"));
	write_one("directory", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\nA change restarts the program.\n"));
	write_one("log_max_size", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\nA change restarts the program only if"));
	write_one("log_keep", text, sizeof text);
	ck_assert_ptr_null(strstr(text, "A change"));
	write_one("on_state_change", text, sizeof text);
	ck_assert_ptr_null(strstr(text, "A change"));
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
	tcase_add_test(keydoc, what_a_change_takes_is_in_the_manual);
	tcase_add_test(keydoc, no_line_is_too_long_and_every_list_ends);
	suite_add_tcase(suite, keydoc);
	return suite_run(suite);
}
