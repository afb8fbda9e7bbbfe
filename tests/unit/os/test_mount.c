/* SPDX-License-Identifier: MIT */
#include "os/mount.h"

#include <sched.h>
#include <sys/mount.h>

#include "unit/os/scratch.h"
#include "unit/suite.h"

START_TEST(what_lies_on_one_device_has_one_number)
{
	ck_assert_uint_eq(mount_device("/"), mount_device("/"));
	ck_assert_uint_eq(mount_device("/proc/self/status"), mount_device("/proc"));
	ck_assert_uint_ne(mount_device("/proc/self"), mount_device("/"));
}
END_TEST

START_TEST(a_name_that_begins_alike_lies_elsewhere)
{
	ck_assert_uint_eq(mount_device("/process/list"), mount_device("/"));
}
END_TEST

START_TEST(there_is_always_a_number)
{
	ck_assert_uint_ne(mount_device("/nonexistent/file"), 0);
	ck_assert_uint_ne(mount_device(""), 0);
	ck_assert_uint_ne(mount_device("relative"), 0);
}
END_TEST

/* In a world of our own, if we may have one. */
static bool mount_here(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("test", path, "tmpfs", 0, "size=64k") == 0;
}

START_TEST(a_mount_is_found_by_its_name_with_blanks)
{
	const char *path = scratch_path("a \\ mount");
	char inside[SCRATCH_PATH_SIZE], beside[SCRATCH_PATH_SIZE];
	uint64_t outer = mount_device(path);

	if (!mount_here(path))
		return;
	snprintf(inside, sizeof inside, "%s/log", path);
	snprintf(beside, sizeof beside, "%s.log", path);
	ck_assert_uint_ne(mount_device(path), outer);
	ck_assert_uint_eq(mount_device(inside), mount_device(path));
	ck_assert_uint_eq(mount_device(beside), outer);
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	ck_assert_uint_eq(mount_device(inside), outer);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("mount");
	TCase *tc = tcase_create("mount");

	tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
	tcase_add_test(tc, what_lies_on_one_device_has_one_number);
	tcase_add_test(tc, a_name_that_begins_alike_lies_elsewhere);
	tcase_add_test(tc, there_is_always_a_number);
	tcase_add_test(tc, a_mount_is_found_by_its_name_with_blanks);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
