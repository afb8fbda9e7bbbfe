/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/rundir.h"
#include "unit/suite.h"

static char directory[64];
static char path[128];

static void set_up(void)
{
	snprintf(directory, sizeof directory, "/tmp/verger-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	if (getuid() == 0) /* some tests change their user */
		ck_assert_int_eq(chown(directory, 65534, 65534), 0);
	snprintf(path, sizeof path, "%s/a/b", directory);
}

static void tear_down(void)
{
	rmdir(path);
	snprintf(path, sizeof path, "%s/a", directory);
	rmdir(path);
	rmdir(directory);
}

static void become_ordinary(void)
{
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

START_TEST(makes_missing_directories)
{
	struct stat st;

	umask(077);
	ck_assert_int_eq(rundir_ensure(path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(rundir_ensure(path), 0);
}
END_TEST

START_TEST(says_why_not)
{
	ck_assert_int_eq(rundir_ensure("/proc/verger"), -ENOENT);
	ck_assert_int_eq(rundir_ensure("/dev/null"), -ENOTDIR);
	ck_assert_int_eq(rundir_ensure("/dev/null/x"), -ENOTDIR);
	become_ordinary();
	ck_assert_int_eq(rundir_ensure("/etc"), -EACCES);
	ck_assert_int_eq(rundir_ensure("/etc/verger-test"), -EACCES);
}
END_TEST

START_TEST(follows_the_users_own_place)
{
	char variable[160], reason[200] = "", *found;
	char *environment[] = { variable, NULL };

	become_ordinary();
	snprintf(variable, sizeof variable, "XDG_RUNTIME_DIR=%s", directory);
	found = rundir_default(environment, reason, sizeof reason);
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(strncmp(found, directory, strlen(directory)), 0);
	rmdir(found);
	free(found);
}
END_TEST

START_TEST(has_none_without_one)
{
	char reason[200] = "", *nothing[] = { NULL };
	char *elsewhere[] = { (char *)"XDG_RUNTIME_DIR=/nonexistent/x", NULL };

	become_ordinary();
	ck_assert_ptr_null(rundir_default(nothing, reason, sizeof reason));
	ck_assert_ptr_nonnull(strstr(reason, "XDG_RUNTIME_DIR"));
	ck_assert_ptr_null(rundir_default(elsewhere, reason, sizeof reason));
	ck_assert_ptr_nonnull(strstr(reason, "/nonexistent/x/verger"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rundir");
	TCase *finding = tcase_create("finding");

	tcase_add_checked_fixture(finding, set_up, tear_down);
	tcase_add_test(finding, makes_missing_directories);
	tcase_add_test(finding, says_why_not);
	tcase_add_test(finding, follows_the_users_own_place);
	tcase_add_test(finding, has_none_without_one);
	suite_add_tcase(suite, finding);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
