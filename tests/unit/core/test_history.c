/* SPDX-License-Identifier: MIT */
#include "core/history.h"

#include <check.h>
#include <string.h>

#include "unit/suite.h"

static struct history *history; /* each test runs in a process of its own */

static void open_history(void)
{
	history = history_new();
	ck_assert_ptr_nonnull(history);
}

static void close_history(void)
{
	history_free(history);
}

static void add(int16_t code)
{
	const struct past_end end = { .code = code, .pid = 100 + code };

	history_add(history, &end);
}

START_TEST(nothing_is_known_of_a_program_that_never_ended)
{
	int64_t at_us = 7;

	ck_assert_uint_eq(history_count(history), 0);
	ck_assert_ptr_null(history_end(history, 0));
	ck_assert_ptr_null(history_last(history));
	ck_assert_ptr_null(history_output(history, &at_us));
	ck_assert_int_eq(at_us, 7);
	history_free(NULL);
}
END_TEST

START_TEST(the_last_end_comes_first)
{
	add(1);
	add(2);
	ck_assert_uint_eq(history_count(history), 2);
	ck_assert_int_eq(history_end(history, 0)->code, 2);
	ck_assert_int_eq(history_end(history, 1)->code, 1);
	ck_assert_ptr_null(history_end(history, 2));
}
END_TEST

START_TEST(the_oldest_is_forgotten) /* R3: at least ten are kept */
{
	ck_assert_int_ge(HISTORY_ENDS, 10);
	for (int i = 0; i < HISTORY_ENDS + 5; i++)
		add((int16_t)i);
	ck_assert_uint_eq(history_count(history), HISTORY_ENDS);
	ck_assert_int_eq(history_end(history, 0)->code, HISTORY_ENDS + 4);
	ck_assert_int_eq(history_end(history, HISTORY_ENDS - 1)->code, 5);
	ck_assert_ptr_null(history_end(history, HISTORY_ENDS));
}
END_TEST

START_TEST(what_was_found_out_later_is_added_to_the_last)
{
	add(1);
	add(2);
	history_last(history)->out_of_memory = true;
	ck_assert(history_end(history, 0)->out_of_memory);
	ck_assert(!history_end(history, 1)->out_of_memory);
}
END_TEST

START_TEST(the_last_words_are_kept) /* R3 */
{
	static char much[HISTORY_OUTPUT_MAX + 100];
	int64_t at_us;

	ck_assert_int_eq(history_set_output(history, "first", 5, 1), 0);
	ck_assert_int_eq(history_set_output(history, "second and more", 6, 2), 0);
	ck_assert_str_eq(history_output(history, &at_us), "second");
	ck_assert_int_eq(at_us, 2);
	memset(much, 'x', sizeof much);
	much[100] = '!'; /* the first that fits */
	ck_assert_int_eq(history_set_output(history, much, sizeof much, 3), 0);
	ck_assert_uint_eq(strlen(history_output(history, &at_us)), HISTORY_OUTPUT_MAX);
	ck_assert_int_eq(history_output(history, &at_us)[0], '!');
	ck_assert_int_eq(history_set_output(history, NULL, 0, 4), 0);
	ck_assert_str_eq(history_output(history, &at_us), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history");
	TCase *ends = tcase_create("ends");

	tcase_add_checked_fixture(ends, open_history, close_history);
	tcase_add_test(ends, nothing_is_known_of_a_program_that_never_ended);
	tcase_add_test(ends, the_last_end_comes_first);
	tcase_add_test(ends, the_oldest_is_forgotten);
	tcase_add_test(ends, what_was_found_out_later_is_added_to_the_last);
	tcase_add_test(ends, the_last_words_are_kept);
	suite_add_tcase(s, ends);
	return suite_run(s);
}
