/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

START_TEST(pieces_join)
{
	struct text t;

	text_init(&t, 1000);
	ck_assert_str_eq(text_get(&t), "");
	ck_assert_int_eq(text_add_string(&t, "web"), 0);
	ck_assert_int_eq(text_add_char(&t, ':'), 0);
	ck_assert_int_eq(text_add_format(&t, "%d", 7), 0);
	ck_assert_int_eq(text_add(&t, "\0x", 2), 0);
	ck_assert_uint_eq(t.size, 7);
	ck_assert_mem_eq(t.data, "web:7\0x", 8);
	text_release(&t);
	ck_assert_str_eq(text_get(&t), "");
}
END_TEST

START_TEST(what_passes_the_maximum_is_refused_whole) /* B2 */
{
	struct text t;

	text_init(&t, 8);
	ck_assert_int_eq(text_add_string(&t, "12345678"), 0);
	ck_assert_int_eq(text_add_char(&t, '9'), -E2BIG);
	ck_assert_int_eq(text_add_format(&t, "%d", 9), -E2BIG);
	ck_assert_int_eq(text_add_string(&t, ""), 0);
	ck_assert_str_eq(text_get(&t), "12345678");
	text_reset(&t);
	ck_assert_str_eq(text_get(&t), "");
	ck_assert_int_eq(text_add_string(&t, "123456789"), -E2BIG);
	ck_assert_str_eq(text_get(&t), "");
	ck_assert_int_eq(text_add(&t, "x", SIZE_MAX), -E2BIG);
	text_release(&t);
}
END_TEST

START_TEST(a_text_grows_as_far_as_it_may)
{
	struct text t;

	text_init(&t, 100000);
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(text_add_char(&t, 'x'), 0);
	ck_assert_int_eq(text_add_char(&t, 'x'), -E2BIG);
	ck_assert_uint_eq(strlen(text_get(&t)), 100000);
	text_release(&t);
}
END_TEST

START_TEST(the_content_can_be_handed_over)
{
	struct text t;
	char *taken;

	text_init(&t, 10);
	taken = text_take(&t);
	ck_assert_str_eq(taken, "");
	free(taken);
	text_add_string(&t, "mine");
	taken = text_take(&t);
	ck_assert_str_eq(taken, "mine");
	ck_assert_str_eq(text_get(&t), "");
	ck_assert_uint_eq(t.max_size, 10);
	free(taken);
	text_reset(&t);
	text_release(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *text = tcase_create("text");

	tcase_add_test(text, pieces_join);
	tcase_add_test(text, what_passes_the_maximum_is_refused_whole);
	tcase_add_test(text, a_text_grows_as_far_as_it_may);
	tcase_add_test(text, the_content_can_be_handed_over);
	suite_add_tcase(s, text);
	return suite_run(s);
}
