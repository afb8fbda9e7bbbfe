/* SPDX-License-Identifier: MIT */
#include "base/repeat.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

static struct repeat repeat;
static unsigned hushed;

static bool says(const char *subject, const char *message, msec_t now)
{
	return repeat_judge(&repeat, subject, message, now, &hushed) == REPEAT_SAY;
}

/* `count` equal lines at one moment; how many of them are said */
static int said_of(int count, const char *message, msec_t now)
{
	int said = 0;

	for (int i = 0; i < count; i++) {
		said += says("web", message, now);
		ck_assert_uint_eq(hushed, 0);
	}
	return said;
}

START_TEST(the_first_lines_are_said)
{
	ck_assert_int_eq(said_of(REPEAT_MAX, "no space", 1000), REPEAT_MAX);
	ck_assert_int_eq(said_of(5, "no space", 1000 + REPEAT_WINDOW_MS - 1), 0);
}
END_TEST

START_TEST(what_was_kept_back_is_told_with_the_next_line_once)
{
	said_of(REPEAT_MAX + 7, "no space", 1000);
	ck_assert(says("web", "no space", 1000 + REPEAT_WINDOW_MS));
	ck_assert_uint_eq(hushed, 7);
	ck_assert(says("web", "no space", 1000 + REPEAT_WINDOW_MS));
	ck_assert_uint_eq(hushed, 0);
	ck_assert_uint_eq(repeat_settle(&repeat, 1000 + 2 * REPEAT_WINDOW_MS), 0);
}
END_TEST

START_TEST(a_window_has_its_own_lines)
{
	said_of(REPEAT_MAX, "no space", 0);
	/* 1 is said, which begins the next window, and 9 after it */
	ck_assert_int_eq(said_of(REPEAT_MAX + 1, "no space", REPEAT_WINDOW_MS), REPEAT_MAX);
}
END_TEST

START_TEST(lines_are_equal_in_subject_and_message)
{
	said_of(REPEAT_MAX + 1, "no space", 0);
	ck_assert(says("db", "no space", 0));
	ck_assert(says("we", "bno space", 0));
	ck_assert(says(NULL, "no space", 0));
	ck_assert(says("web", "no space left", 0));
	ck_assert(!says("web", "no space", 0));
}
END_TEST

/* lines that all differ, of which there are more than are remembered */
static void say_others(unsigned count, msec_t now)
{
	char other[] = "other 00";

	for (unsigned i = 0; i < count; i++) {
		other[6] = (char)('0' + i / 10);
		other[7] = (char)('0' + i % 10);
		ck_assert(says("web", other, now));
	}
}

START_TEST(the_line_that_was_said_longest_ago_is_forgotten_first)
{
	said_of(REPEAT_MAX + 3, "old", 0);
	said_of(REPEAT_MAX + 1, "fresh", 0);
	say_others(REPEAT_PLACES - 1, 0);
	ck_assert(!says("web", "fresh", 0));
	ck_assert(says("web", "old", 0)); /* it is not known any more ... */
	ck_assert_uint_eq(hushed, 0);
	ck_assert_uint_eq(repeat_settle(&repeat, 0), 3); /* ... and its lines are not lost */
	ck_assert_uint_eq(repeat_settle(&repeat, 0), 0);
}
END_TEST

START_TEST(what_has_no_next_line_is_told_when_its_window_is_over)
{
	ck_assert_int_eq(repeat_deadline(&repeat), MSEC_NEVER);
	said_of(REPEAT_MAX, "no space", 500);
	ck_assert_int_eq(repeat_deadline(&repeat), MSEC_NEVER);
	said_of(4, "no space", 600);
	said_of(REPEAT_MAX + 2, "no inode", 700);
	ck_assert_int_eq(repeat_deadline(&repeat), 500 + REPEAT_WINDOW_MS);
	ck_assert_uint_eq(repeat_settle(&repeat, 499 + REPEAT_WINDOW_MS), 0);
	ck_assert_uint_eq(repeat_settle(&repeat, 500 + REPEAT_WINDOW_MS), 4);
	ck_assert_int_eq(repeat_deadline(&repeat), 700 + REPEAT_WINDOW_MS);
	ck_assert_uint_eq(repeat_settle(&repeat, 9000 + REPEAT_WINDOW_MS), 2);
	ck_assert_int_eq(repeat_deadline(&repeat), MSEC_NEVER);
}
END_TEST

START_TEST(forgotten_lines_are_to_be_told_at_once)
{
	said_of(REPEAT_MAX + 3, "old", 100);
	say_others(REPEAT_PLACES, 200);
	ck_assert_int_le(repeat_deadline(&repeat), 200);
}
END_TEST

/* whatever comes, every line is said, told with another, or settled */
START_TEST(no_line_is_lost_in_the_count)
{
	static const char *const messages[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	unsigned said = 0, told = 0, lines = 0;
	msec_t now = 0;

	for (unsigned i = 0; i < 20000; i++) {
		char message[3] = { 0 };

		message[0] = *messages[i * 7 % 8];
		message[1] = (char)('0' + i / 500 % 40);
		now += i % 13 == 0 ? 91 : 0;
		lines++;
		said += says("web", message, now);
		told += hushed;
		if (i % 997 == 0)
			told += repeat_settle(&repeat, now);
	}
	told += repeat_settle(&repeat, now + REPEAT_WINDOW_MS);
	ck_assert_uint_eq(said + told, lines);
	ck_assert_uint_gt(told, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repeat");
	TCase *tc = tcase_create("repeat");

	tcase_add_test(tc, the_first_lines_are_said);
	tcase_add_test(tc, what_was_kept_back_is_told_with_the_next_line_once);
	tcase_add_test(tc, a_window_has_its_own_lines);
	tcase_add_test(tc, lines_are_equal_in_subject_and_message);
	tcase_add_test(tc, the_line_that_was_said_longest_ago_is_forgotten_first);
	tcase_add_test(tc, what_has_no_next_line_is_told_when_its_window_is_over);
	tcase_add_test(tc, forgotten_lines_are_to_be_told_at_once);
	tcase_add_test(tc, no_line_is_lost_in_the_count);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
