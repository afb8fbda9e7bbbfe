/* SPDX-License-Identifier: MIT */
#include "config/path.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/suite.h"

struct path_case {
	const char *path, *result;
};

static const struct path_case cases[] = {
	{ "/a/b", "/a/b" },     { "b", "/here/b" },
	{ "./b", "/here/b" },   { "../b", "/here/../b" },
	{ "/a//b/", "/a/b" },   { "/a/./b/.", "/a/b" },
	{ "/", "/" },           { "//", "/" },
	{ "/.", "/" },          { ".", "/here" },
	{ "/.b", "/.b" },       { "/a/../b", "/a/../b" },
	{ "a b", "/here/a b" },
};

START_TEST(paths_become_absolute_and_clean)
{
	struct fault fault;
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(path_resolve("/here/", cases[_i].path, &out, &fault), 0);
	ck_assert_str_eq(text_get(&out), cases[_i].result);
	text_release(&out);
}
END_TEST

START_TEST(b2_paths_longer_than_the_system_takes_are_refused)
{
	char path[5000];
	struct fault fault;
	struct text out;

	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	text_init(&out, 10000);
	ck_assert_int_eq(path_resolve("/", path, &out, &fault), FAULTY);
	ck_assert_ptr_nonnull(strstr(fault.text, "a path of 5000 bytes is longer"));
	text_release(&out);
}
END_TEST

static const struct path_case folders[] = {
	{ "/a/b", "/a" }, { "/a", "/" }, { "a", "." }, { "a/b", "a" }
};

START_TEST(the_folder_is_what_is_before_the_last_slash)
{
	struct text out;

	text_init(&out, 100);
	ck_assert_int_eq(path_folder(folders[_i].path, &out), 0);
	ck_assert_str_eq(text_get(&out), folders[_i].result);
	ck_assert_str_eq(path_base("/a/b"), "b");
	ck_assert_str_eq(path_base("b"), "b");
	text_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("path");
	TCase *path = tcase_create("path");

	tcase_add_loop_test(path, paths_become_absolute_and_clean, 0, ARRAY_SIZE(cases));
	tcase_add_test(path, b2_paths_longer_than_the_system_takes_are_refused);
	tcase_add_loop_test(path, the_folder_is_what_is_before_the_last_slash, 0,
	                    ARRAY_SIZE(folders));
	suite_add_tcase(suite, path);
	return suite_run(suite);
}
