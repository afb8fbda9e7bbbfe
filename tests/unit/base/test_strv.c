/* SPDX-License-Identifier: MIT */
#include "base/strv.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/suite.h"

START_TEST(a_vector_always_ends_in_null)
{
	struct strv v = STRV_INIT;
	char text[16];

	for (size_t i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "%zu", i);
		ck_assert_int_eq(strv_add(&v, text), 0);
		ck_assert_uint_eq(v.count, i + 1);
		ck_assert_str_eq(v.items[i], text);
		ck_assert_ptr_null(v.items[i + 1]);
	}
	strv_release(&v);
	ck_assert_ptr_null(v.items);
	ck_assert_uint_eq(v.count, 0);
	strv_release(&v);
}
END_TEST

START_TEST(a_string_that_could_not_be_made_is_reported)
{
	struct strv v = STRV_INIT;

	ck_assert_int_eq(strv_add_taken(&v, NULL), -ENOMEM);
	ck_assert_int_eq(strv_add_taken(&v, strdup("mine")), 0);
	ck_assert_str_eq(v.items[0], "mine");
	strv_release(&v);
}
END_TEST

START_TEST(a_later_pair_replaces_an_earlier_one_in_place)
{
	struct strv v = STRV_INIT;

	strv_set_env(&v, "HOME", "/root");
	strv_set_env(&v, "HOMEPAGE", "no");
	strv_set_env(&v, "HOME", "/srv");
	ck_assert_uint_eq(v.count, 2);
	ck_assert_str_eq(v.items[0], "HOME=/srv");
	ck_assert_str_eq(v.items[1], "HOMEPAGE=no");
	strv_release(&v);
}
END_TEST

START_TEST(a_name_is_found_whole_or_not_at_all)
{
	struct strv v = STRV_INIT;
	char *const *env;

	strv_add(&v, "PATHS=1");
	strv_add(&v, "PATH=/bin");
	strv_add(&v, "EMPTY=");
	strv_add(&v, "bare");
	env = v.items;
	ck_assert_str_eq(strv_find_env(env, "PATH"), "/bin");
	ck_assert_str_eq(strv_find_env(env, "EMPTY"), "");
	ck_assert_ptr_null(strv_find_env(env, "PAT"));
	ck_assert_ptr_null(strv_find_env(env, "bare"));
	ck_assert_ptr_null(strv_find_env(NULL, "PATH"));
	strv_release(&v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("strv");
	TCase *vector = tcase_create("vector");
	TCase *environment = tcase_create("environment");

	tcase_add_test(vector, a_vector_always_ends_in_null);
	tcase_add_test(vector, a_string_that_could_not_be_made_is_reported);
	suite_add_tcase(s, vector);
	tcase_add_test(environment, a_later_pair_replaces_an_earlier_one_in_place);
	tcase_add_test(environment, a_name_is_found_whole_or_not_at_all);
	suite_add_tcase(s, environment);
	return suite_run(s);
}
