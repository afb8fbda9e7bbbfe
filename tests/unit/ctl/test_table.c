/* SPDX-License-Identifier: MIT */
#include "ctl/table.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/safe.h"
#include "unit/suite.h"

static const struct table_column columns[] = { { "A", false }, { "NUM", true }, { "WHY", false } };
static const struct screen plain, colored = { .is_terminal = true, .has_color = true };
static struct table *table;
static struct text out;

static void set_up(void)
{
	table = table_new(columns, ARRAY_SIZE(columns));
	text_init(&out, 100000);
}

static void tear_down(void)
{
	table_free(table);
	text_release(&out);
}

static void add_row(const char *a, const char *number, const char *why)
{
	table_add_string(table, INK_GOOD, a);
	table_add_string(table, INK_PLAIN, number);
	table_add_string(table, INK_PLAIN, why);
}

START_TEST(columns_are_as_wide_as_what_is_in_them)
{
	add_row("web", "7", "");
	add_row("x", "12345", "because");
	table_print(table, &plain, 0, SIZE_MAX, &out);
	ck_assert_str_eq(text_get(&out), "A      NUM  WHY\nweb      7\nx    12345  because\n");
}
END_TEST

START_TEST(the_last_column_is_cut_where_the_line_ends)
{
	add_row("web", "7", "0123456789012345678901234567890123456789");
	table_print(table, &plain, 35, SIZE_MAX, &out);
	ck_assert_str_eq(text_get(&out), "A    NUM  WHY\nweb    7  0123456789012345678901...\n");
}
END_TEST

START_TEST(a_cut_falls_between_characters)
{
	add_row("w", "7", "日日日日日日日日日日日日日日日日日日日日");
	table_print(table, &plain, 31, SIZE_MAX, &out);
	ck_assert_str_eq(text_get(&out), "A  NUM  WHY\nw    7  日日日日日日日日日日...\n");
}
END_TEST

START_TEST(more_rows_than_wanted_are_left_out)
{
	for (int i = 0; i < 300; i++)
		add_row("w", "7", "");
	ck_assert_uint_eq(table_rows(table), 300);
	table_print(table, &plain, 0, 1, &out);
	ck_assert_str_eq(text_get(&out), "A  NUM  WHY\nw    7\n");
}
END_TEST

START_TEST(colours_do_not_move_columns)
{
	add_row("w", "7", "x");
	table_print(table, &colored, 80, SIZE_MAX, &out);
	ck_assert_str_eq(text_get(&out), "\033[1mA\033[0m  \033[1mNUM\033[0m  \033[1mWHY\033[0m\n"
	                                 "\033[32mw\033[0m    7  x\n");
}
END_TEST

static const struct {
	const char *bytes, *shown;
	size_t columns;
} texts[] = {
	{ "plain ~", "plain ~", 7 },
	{ "\033[31m", "\\x1b[31m", 8 },
	{ "a\nb\tc\r", "a\\x0ab\\x09c\\x0d", 15 },
	{ "\x7f", "\\x7f", 4 },
	{ "\xc2\x9b", "\\xc2\\x9b", 8 },           /* CSI in one character */
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae", 12 }, /* what follows would be read backwards */
	{ "\xff\xc3(", "\\xff\\xc3(", 9 },
	{ "\xe6\x97", "\\xe6\\x97", 8 },           /* cut short */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", 12 }, /* half a surrogate */
	{ "\xc3\xbc", "\xc3\xbc", 1 },
	{ "\xe6\x97\xa5", "\xe6\x97\xa5", 2 },
};

START_TEST(b3_nothing_that_steers_a_terminal_gets_through)
{
	ck_assert_uint_eq(safe_add(&out, texts[_i].bytes, strlen(texts[_i].bytes)),
	                  texts[_i].columns);
	ck_assert_str_eq(text_get(&out), texts[_i].shown);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");
	TCase *safe = tcase_create("safe");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, columns_are_as_wide_as_what_is_in_them);
	tcase_add_test(tcase, the_last_column_is_cut_where_the_line_ends);
	tcase_add_test(tcase, a_cut_falls_between_characters);
	tcase_add_test(tcase, more_rows_than_wanted_are_left_out);
	tcase_add_test(tcase, colours_do_not_move_columns);
	suite_add_tcase(suite, tcase);

	tcase_add_checked_fixture(safe, set_up, tear_down);
	tcase_add_loop_test(safe, b3_nothing_that_steers_a_terminal_gets_through, 0,
	                    (int)ARRAY_SIZE(texts));
	suite_add_tcase(suite, safe);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
