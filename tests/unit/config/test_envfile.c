/* SPDX-License-Identifier: MIT */
#include "config/envfile.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "unit/suite.h"

struct envfile_case {
	const char *text, *env; /* variables joined with | */
};

static const struct envfile_case good[] = {
	{ "", "" },
	{ "A=1\nB=2", "A=1|B=2" },
	{ "A=1\nA=2\n", "A=2" },
	{ "\n# c\n  ; c\n  A = a b  \r\n", "A=a b" },
	{ "export A=1\n", "A=1" },
	{ "exported=1\n", "exported=1" },
	{ "A=\"x y\"\nB='$z'\nC=a\"b\n", "A=x y|B=$z|C=a\"b" },
	{ "A=\n", "A=" },
	{ "A=b=c # no comment\n", "A=b=c # no comment" },
	{ "A=${B}\n", "A=${B}" },
};

START_TEST(assignments_are_read_line_by_line)
{
	struct strv env = STRV_INIT;
	struct text out;
	char error[200];

	text_init(&out, 1000);
	ck_assert_int_eq(
		envfile_parse(good[_i].text, strlen(good[_i].text), &env, error, sizeof error), 0);
	for (size_t i = 0; i < env.count; i++)
		text_add_format(&out, i ? "|%s" : "%s", env.items[i]);
	ck_assert_str_eq(text_get(&out), good[_i].env);
	text_release(&out);
	strv_release(&env);
}
END_TEST

static const struct envfile_case bad[] = {
	{ "A=1\nB\n", "line 2: expected NAME=value, got 'B'" },
	{ "=1\n", "line 1: '' is not the name of a variable" },
	{ "A B=1\n", "line 1: 'A B' is not the name of a variable" },
	{ "A='x\n", "line 1: the quote ' at character 1 of the value is never closed ('x)" },
	{ "A='x' y\n", "line 1: 'y' stands behind the quoted value of A" },
};

START_TEST(other_lines_are_refused_with_their_number)
{
	struct strv env = STRV_INIT;
	char error[200];

	ck_assert_int_eq(
		envfile_parse(bad[_i].text, strlen(bad[_i].text), &env, error, sizeof error),
		-EINVAL);
	ck_assert_str_eq(error, bad[_i].env);
	strv_release(&env);
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	struct strv env = STRV_INIT;
	char error[200];

	ck_assert_int_eq(envfile_parse("A=\0\n", 4, &env, error, sizeof error), -EINVAL);
	ck_assert_str_eq(error, "line 1: there is a NUL byte in this line");
	strv_release(&env);
}
END_TEST

START_TEST(files_that_cannot_be_read_have_a_sentence)
{
	struct strv env = STRV_INIT;
	char error[300];

	ck_assert_int_eq(envfile_load("/nowhere/x", &env, error, sizeof error), -ENOENT);
	ck_assert_str_eq(error, "/nowhere/x: No such file or directory");
	ck_assert_int_eq(envfile_load("/", &env, error, sizeof error), -EISDIR);
	ck_assert_str_eq(error, "/: Is a directory");
	strv_release(&env);
}
END_TEST

/* C3: a start must not wait for somebody to write into a pipe */
START_TEST(pipes_are_refused_without_waiting)
{
	struct strv env = STRV_INIT;
	char folder[] = "/tmp/verger-envfile-XXXXXX", path[64], error[300];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(envfile_load(path, &env, error, sizeof error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "not a regular file"));
	unlink(path);
	rmdir(folder);
	strv_release(&env);
}
END_TEST

START_TEST(a_file_is_read)
{
	struct strv env = STRV_INIT;
	char path[] = "/tmp/verger-envfile-XXXXXX", error[300];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dprintf(fd, "A=1\nB=2\n"), 8);
	ck_assert_int_eq(envfile_load(path, &env, error, sizeof error), 0);
	ck_assert_str_eq(strv_find_env(env.items, "B"), "2");
	close(fd);
	unlink(path);
	strv_release(&env);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envfile");
	TCase *lines = tcase_create("envfile_lines");
	TCase *files = tcase_create("envfile_files");

	tcase_add_loop_test(lines, assignments_are_read_line_by_line, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(lines, other_lines_are_refused_with_their_number, 0, ARRAY_SIZE(bad));
	tcase_add_test(lines, nul_bytes_are_refused);
	tcase_add_test(files, files_that_cannot_be_read_have_a_sentence);
	tcase_add_test(files, pipes_are_refused_without_waiting);
	tcase_add_test(files, a_file_is_read);
	suite_add_tcase(suite, lines);
	suite_add_tcase(suite, files);
	return suite_run(suite);
}
