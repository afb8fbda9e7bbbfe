/* SPDX-License-Identifier: MIT */
/* PID files: what is published, what is refused, what is removed (P1, P3, P4, P5, P9). */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/pidfile.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

static struct pidfile_dirs *dirs;

static void set_up(void)
{
	scratch_make();
	dirs = pidfile_dirs_new();
	ck_assert_ptr_nonnull(dirs);
}

static void tear_down(void)
{
	pidfile_dirs_free(dirs);
	scratch_remove();
}

static void put_number(const char *name, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof text, "%d\n", (int)pid);
	scratch_put(name, text, 0644);
}

static int prepare(const char *path, struct pidfile_target *target)
{
	pid_t owner;

	*target = (struct pidfile_target){ .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	return pidfile_prepare(dirs, path, NULL, target, &owner);
}

/* prepares and writes; the result of the first that fails */
static int publish(const char *path, pid_t pid, struct pidfile *pf)
{
	struct pidfile_identity identity;
	struct pidfile_target target;
	int r = prepare(path, &target);

	if (r == 0)
		r = pidfile_write(&target, pid, &identity);
	if (r == 0)
		pidfile_published(pf, path, &identity);
	return r;
}

/* a process that is nobody's any more */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

START_TEST(p1_file_holds_one_number_and_a_newline)
{
	static const pid_t pids[] = { 1, 9, 10, 4194304, INT_MAX };
	static const char *const texts[] = { "1\n", "9\n", "10\n", "4194304\n", "2147483647\n" };
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(path, pids[_i], &pf), 0);
	ck_assert_str_eq(scratch_read(path), texts[_i]);
	ck_assert_int_eq(count_entries(scratch), 1);
}
END_TEST

START_TEST(p3_name_of_any_length_has_a_temporary_beside_it)
{
	static const size_t lengths[] = { 1, 57, 58, 59, 200, 255 };
	char name[256];
	struct pidfile_target target;
	struct pidfile pf = { 0 };

	memset(name, 'x', lengths[_i]);
	name[lengths[_i]] = '\0';
	ck_assert_int_eq(prepare(scratch_path(name), &target), 0);
	ck_assert_uint_lt(strlen(target.temp_name), sizeof target.temp_name);
	ck_assert_str_ne(target.temp_name, name);
	ck_assert_int_eq(publish(scratch_path(name), 77, &pf), 0);
	ck_assert_str_eq(scratch_read(scratch_path(name)), "77\n");
}
END_TEST

START_TEST(p3_long_names_that_differ_have_different_temporaries)
{
	char a[201], b[201];
	struct pidfile_target ta, tb;

	memset(a, 'x', sizeof a - 1);
	a[200] = '\0';
	memcpy(b, a, sizeof b);
	b[199] = 'y';
	ck_assert_int_eq(prepare(scratch_path(a), &ta), 0);
	ck_assert_int_eq(prepare(scratch_path(b), &tb), 0);
	ck_assert_str_ne(ta.temp_name, tb.temp_name);
}
END_TEST

START_TEST(p3_leftover_of_a_crash_is_replaced)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	scratch_put(".web.pid.new", "12", 0644);
	ck_assert_int_eq(publish(path, 77, &pf), 0);
	ck_assert_str_eq(scratch_read(path), "77\n");
	ck_assert_int_eq(count_entries(scratch), 1);
}
END_TEST

START_TEST(p4_missing_directory_is_told)
{
	struct pidfile_target target;

	ck_assert_int_eq(prepare(scratch_path("none/web.pid"), &target), -ENOENT);
	ck_assert_int_eq(prepare("relative", &target), -EINVAL);
	ck_assert_int_eq(prepare(scratch_path(""), &target), -EISDIR);
	scratch_put("file", "", 0644);
	ck_assert_int_eq(prepare(scratch_path("file/web.pid"), &target), -ENOTDIR);
}
END_TEST

START_TEST(p4_directory_without_permission_is_told)
{
	struct pidfile_target target;
	struct pidfile_identity identity;

	ck_assert_int_eq(chmod(scratch, 0555), 0);
	scratch_become(65534); /* root may write anywhere */
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
	ck_assert_int_eq(pidfile_write(&target, 77, &identity), -EACCES);
	ck_assert(!scratch_has(scratch_path("web.pid")));
}
END_TEST

/* a private mount of a tiny tmpfs on the scratch directory; false (and a note) where that is not
 * allowed */
static bool mount_tiny(const char *options)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", scratch, "tmpfs", 0, options) == 0)
		return true;
	printf("skipped: no private mount: %s\n", strerror(errno));
	return false;
}

static void fill_up(const char *path)
{
	static const char zeroes[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	while (write(fd, zeroes, sizeof zeroes) > 0)
		;
	close(fd);
}

START_TEST(p4_full_file_system_leaves_nothing)
{
	struct pidfile_target target;
	struct pidfile_identity identity;

	if (!mount_tiny("size=64k"))
		return;
	fill_up(scratch_path("ballast"));
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
	ck_assert_int_eq(pidfile_write(&target, 77, &identity), -ENOSPC);
	ck_assert_int_eq(count_entries(scratch), 1);
	umount2(scratch, MNT_DETACH);
}
END_TEST

START_TEST(p4_read_only_file_system_is_told)
{
	struct pidfile_target target;
	struct pidfile_identity identity;

	if (!mount_tiny("size=64k"))
		return;
	ck_assert_int_eq(mount(NULL, scratch, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
	ck_assert_int_eq(pidfile_write(&target, 77, &identity), -EROFS);
	umount2(scratch, MNT_DETACH);
}
END_TEST

START_TEST(p5_symlink_is_refused_and_untouched)
{
	const char *path = scratch_path("web.pid");
	struct pidfile_target target;

	scratch_put("victim", "precious", 0644);
	ck_assert_int_eq(symlink("victim", path), 0);
	ck_assert_int_eq(prepare(path, &target), -ELOOP);
	ck_assert_str_eq(scratch_read(scratch_path("victim")), "precious");
	ck_assert(scratch_has(path));
}
END_TEST

START_TEST(p5_directory_and_fifo_are_refused)
{
	struct pidfile_target target;

	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	ck_assert_int_eq(prepare(scratch_path("d"), &target), -EISDIR);
	ck_assert_int_eq(mkfifo(scratch_path("f"), 0644), 0);
	ck_assert_int_eq(prepare(scratch_path("f"), &target), -EINVAL);
	ck_assert_int_eq(count_entries(scratch), 2);
}
END_TEST

START_TEST(p5_file_of_a_foreign_living_process_is_refused)
{
	const char *path = scratch_path("web.pid");
	struct pidfile_target target;
	pid_t owner = 0;

	put_number("web.pid", getppid());
	target = (struct pidfile_target){ .mode = 0644 };
	ck_assert_int_eq(pidfile_prepare(dirs, path, NULL, &target, &owner), -EEXIST);
	ck_assert_int_eq(owner, getppid());
	ck_assert(scratch_has(path));
}
END_TEST

static void assert_stale(const char *text)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	scratch_put("web.pid", text, 0644);
	ck_assert_int_eq(publish(path, 77, &pf), 0);
	ck_assert_str_eq(scratch_read(path), "77\n");
}

START_TEST(p5_stale_file_is_replaced)
{
	static const char *const texts[] = { "", "\n \n", "99999999999\n", "0\n", "-1\n" };

	assert_stale(texts[_i]);
}
END_TEST

START_TEST(p5_file_of_a_dead_process_is_replaced)
{
	char text[32];

	snprintf(text, sizeof text, "%d\n", (int)dead_pid());
	assert_stale(text);
}
END_TEST

/* no program of ours has such a number: whoever wrote it was another process */
START_TEST(p5_own_number_in_a_file_is_stale)
{
	char text[32];

	snprintf(text, sizeof text, "%d\n", (int)getpid());
	assert_stale(text);
}
END_TEST

START_TEST(p5_number_of_our_own_child_is_stale)
{
	pid_t pid = fork();
	char text[32];

	if (pid == 0)
		for (;;)
			pause();
	snprintf(text, sizeof text, "%d\n", (int)pid);
	assert_stale(text);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

/* a child that leaves a zombie of its own, and tells us its number */
START_TEST(p5_foreign_zombie_is_dead)
{
	int ends[2];
	pid_t keeper, zombie = 0;
	char text[32];

	ck_assert_int_eq(pipe(ends), 0);
	keeper = fork();
	if (keeper == 0) {
		siginfo_t info;

		zombie = fork();
		if (zombie == 0)
			_exit(0);
		waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
		if (write(ends[1], &zombie, sizeof zombie) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ends[0], &zombie, sizeof zombie), sizeof zombie);
	snprintf(text, sizeof text, "%d\n", (int)zombie);
	assert_stale(text);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
}
END_TEST

START_TEST(p5_file_with_other_content_is_refused_and_untouched)
{
	static const char *const texts[] = { "127.0.0.1 localhost\n", "pid\n", "12x\n", "\1\2\3" };
	const char *path = scratch_path("web.pid");
	struct pidfile_target target;

	scratch_put("web.pid", texts[_i], 0644);
	ck_assert_int_eq(prepare(path, &target), -EINVAL);
	ck_assert_str_eq(scratch_read(path), texts[_i]);
}
END_TEST

START_TEST(p5_file_that_appears_in_the_last_moment_survives)
{
	const char *path = scratch_path("web.pid");
	struct pidfile_target target;
	struct pidfile_identity identity;

	ck_assert_int_eq(prepare(path, &target), 0);
	scratch_put("web.pid", "5\n", 0644);
	ck_assert_int_eq(pidfile_write(&target, 77, &identity), -EEXIST);
	ck_assert_str_eq(scratch_read(path), "5\n");
	ck_assert_int_eq(count_entries(scratch), 1);
}
END_TEST

START_TEST(p5_drop_removes_what_was_published_once)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(path, 77, &pf), 0);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), 0);
	ck_assert(!scratch_has(path));
	scratch_put("web.pid", "5\n", 0644);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), 0);
	ck_assert_str_eq(scratch_read(path), "5\n");
}
END_TEST

/* A reload frees the text that was given at the start (ASan would tell). */
START_TEST(p5_drop_goes_by_the_path_where_it_stands_now)
{
	char *before = strdup(scratch_path("web.pid")), *after = strdup(before);
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(before, getpid(), &pf), 0);
	free(before);
	pidfile_rename_path(&pf, after);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), 0);
	ck_assert(!scratch_has(after));
	free(after);
	pidfile_rename_path(&pf, NULL);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), 0);
}
END_TEST

START_TEST(p5_drop_leaves_a_file_of_somebody_else)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(path, 77, &pf), 0);
	scratch_put("other", "5\n", 0644);
	ck_assert_int_eq(rename(scratch_path("other"), path), 0);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), -ESTALE);
	ck_assert_str_eq(scratch_read(path), "5\n");
}
END_TEST

/* file systems give the inode number out again as soon as the file is gone */
START_TEST(p5_drop_tells_a_reused_inode_number_by_birth)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(path, 77, &pf), 0);
	if (pf.identity.born_ns == 0) {
		printf("skipped: the file system keeps no time of birth\n");
		return;
	}
	pf.identity.born_ns--;
	ck_assert_int_eq(pidfile_drop(dirs, &pf), -ESTALE);
	ck_assert_str_eq(scratch_read(path), "77\n");
}
END_TEST

START_TEST(p5_drop_tells_that_the_file_is_gone)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };

	ck_assert_int_eq(publish(path, 77, &pf), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(pidfile_drop(dirs, &pf), -ENOENT);
}
END_TEST

START_TEST(p7_publish_replaces_what_we_have_published)
{
	const char *path = scratch_path("web.pid");
	struct pidfile pf = { 0 };
	struct pidfile_target target;

	ck_assert_int_eq(prepare(path, &target), 0);
	ck_assert_int_eq(pidfile_publish(dirs, &pf, &target, path, 77), 0);
	ck_assert_int_eq(pidfile_publish(dirs, &pf, &target, path, 78), 0);
	ck_assert_str_eq(scratch_read(path), "78\n");
	ck_assert_int_eq(pidfile_drop(dirs, &pf), 0);
	ck_assert_int_eq(count_entries(scratch), 0);
}
END_TEST

START_TEST(p9_mode_is_exact_whatever_the_umask)
{
	static const mode_t modes[] = { 0644, 0600, 0666, 0440 };
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct pidfile_target target;
	struct pidfile_identity identity;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		umask(masks[i]);
		ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
		target.mode = modes[_i];
		ck_assert_int_eq(pidfile_write(&target, 77, &identity), 0);
		ck_assert_int_eq(stat(scratch_path("web.pid"), &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, modes[_i]);
		ck_assert_int_eq(unlink(scratch_path("web.pid")), 0);
	}
}
END_TEST

START_TEST(p9_owner_is_set)
{
	struct pidfile_target target;
	struct pidfile_identity identity;
	struct stat st;

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return;
	}
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
	target.uid = 65534;
	target.gid = 12345;
	ck_assert_int_eq(pidfile_write(&target, 77, &identity), 0);
	ck_assert_int_eq(stat(scratch_path("web.pid"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	ck_assert_uint_eq(st.st_gid, 12345);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(p9_directory_is_made_below_run_dir_only)
{
	struct pidfile_target target = { .mode = 0644 };
	const char *run_dir = scratch_path("run");
	struct stat st;
	pid_t owner;

	ck_assert_int_eq(
		pidfile_prepare(dirs, scratch_path("running/web.pid"), run_dir, &target, &owner),
		-ENOENT);
	ck_assert_int_eq(
		pidfile_prepare(dirs, scratch_path("run/a/b/web.pid"), run_dir, &target, &owner),
		0);
	ck_assert_int_eq(stat(scratch_path("run/a/b"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
}
END_TEST

START_TEST(p9_directory_open_to_everybody_is_refused)
{
	struct pidfile_target target;

	ck_assert_int_eq(chmod(scratch, 0777), 0);
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), -EPERM);
	ck_assert_int_eq(chmod(scratch, 01777), 0);
	ck_assert_int_eq(prepare(scratch_path("web.pid"), &target), 0);
}
END_TEST

START_TEST(directory_that_was_made_again_is_noticed)
{
	struct pidfile_target target;
	struct pidfile_identity identity;
	struct pidfile pf = { 0 };
	int first;

	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	ck_assert_int_eq(publish(scratch_path("d/web.pid"), 77, &pf), 0);
	ck_assert_int_eq(prepare(scratch_path("d/db.pid"), &target), 0);
	first = target.dir_fd;
	ck_assert_int_eq(unlink(scratch_path("d/web.pid")), 0);
	ck_assert_int_eq(rmdir(scratch_path("d")), 0);
	ck_assert_int_eq(prepare(scratch_path("d/db.pid"), &target), -ENOENT);
	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	ck_assert_int_eq(prepare(scratch_path("d/db.pid"), &target), 0);
	ck_assert_int_eq(target.dir_fd, first);
	ck_assert_int_eq(pidfile_write(&target, 78, &identity), 0);
	ck_assert_str_eq(scratch_read(scratch_path("d/db.pid")), "78\n");
}
END_TEST

START_TEST(many_directories_each_keep_their_own)
{
	char name[32], text[16];
	struct pidfile pf[50] = { 0 };
	const char *path;

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "d%d", i * 37 % 50);
		ck_assert_int_eq(mkdir(scratch_path(name), 0755), 0);
		snprintf(name, sizeof name, "d%d/web.pid", i * 37 % 50);
		path = scratch_path(name);
		ck_assert_int_eq(publish(path, i + 1, &pf[i]), 0);
		snprintf(text, sizeof text, "%d\n", i + 1);
		ck_assert_str_eq(scratch_read(path), text);
	}
}
END_TEST

START_TEST(reader_takes_what_the_fhs_allows)
{
	static const struct {
		const char *text;
		pid_t pid;
	} cases[] = {
		{ "123\n", 123 },
		{ "123", 123 },
		{ "  0123\n", 123 },
		{ "\n\n7\n8\n", 7 },
		{ "42 extra\n", 42 },
		{ "5\r\n", 5 },
		{ "", -ENODATA },
		{ " \n", -ENODATA },
		{ "x\n", -EINVAL },
		{ "12a\n", -EINVAL },
		{ "0\n", -ERANGE },
		{ "-5\n", -ERANGE },
		{ "2147483648\n", -ERANGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scratch_put("f", cases[i].text, 0644);
		ck_assert_int_eq(pidfile_read(AT_FDCWD, scratch_path("f")), cases[i].pid);
	}
	ck_assert_int_eq(symlink("f", scratch_path("link")), 0);
	ck_assert_int_eq(pidfile_read(AT_FDCWD, scratch_path("link")), -ELOOP);
	ck_assert_int_eq(pidfile_read(AT_FDCWD, scratch_path("none")), -ENOENT);
	ck_assert_int_eq(pidfile_read(AT_FDCWD, scratch), -EINVAL);
}
END_TEST

static TCase *add_case(Suite *suite, TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return tc;
}

static Suite *pidfile_suite(void)
{
	Suite *suite = suite_create("os/pidfile");
	TCase *tc = add_case(suite, tcase_create("publish"));

	tcase_add_loop_test(tc, p1_file_holds_one_number_and_a_newline, 0, 5);
	tcase_add_loop_test(tc, p3_name_of_any_length_has_a_temporary_beside_it, 0, 6);
	tcase_add_test(tc, p3_long_names_that_differ_have_different_temporaries);
	tcase_add_test(tc, p3_leftover_of_a_crash_is_replaced);
	tcase_add_test(tc, p7_publish_replaces_what_we_have_published);
	tcase_add_test(tc, many_directories_each_keep_their_own);
	tcase_add_test(tc, directory_that_was_made_again_is_noticed);
	tc = add_case(suite, tcase_create("failure"));
	tcase_add_test(tc, p4_missing_directory_is_told);
	tcase_add_test(tc, p4_directory_without_permission_is_told);
	tcase_add_test(tc, p4_full_file_system_leaves_nothing);
	tcase_add_test(tc, p4_read_only_file_system_is_told);
	tc = add_case(suite, tcase_create("refusal"));
	tcase_add_test(tc, p5_symlink_is_refused_and_untouched);
	tcase_add_test(tc, p5_directory_and_fifo_are_refused);
	tcase_add_test(tc, p5_file_of_a_foreign_living_process_is_refused);
	tcase_add_loop_test(tc, p5_file_with_other_content_is_refused_and_untouched, 0, 4);
	tcase_add_test(tc, p5_file_that_appears_in_the_last_moment_survives);
	tc = add_case(suite, tcase_create("stale"));
	tcase_add_loop_test(tc, p5_stale_file_is_replaced, 0, 5);
	tcase_add_test(tc, p5_file_of_a_dead_process_is_replaced);
	tcase_add_test(tc, p5_own_number_in_a_file_is_stale);
	tcase_add_test(tc, p5_number_of_our_own_child_is_stale);
	tcase_add_test(tc, p5_foreign_zombie_is_dead);
	tc = add_case(suite, tcase_create("drop"));
	tcase_add_test(tc, p5_drop_removes_what_was_published_once);
	tcase_add_test(tc, p5_drop_goes_by_the_path_where_it_stands_now);
	tcase_add_test(tc, p5_drop_leaves_a_file_of_somebody_else);
	tcase_add_test(tc, p5_drop_tells_a_reused_inode_number_by_birth);
	tcase_add_test(tc, p5_drop_tells_that_the_file_is_gone);
	tc = add_case(suite, tcase_create("permissions"));
	tcase_add_loop_test(tc, p9_mode_is_exact_whatever_the_umask, 0, 4);
	tcase_add_test(tc, p9_owner_is_set);
	tcase_add_test(tc, p9_directory_is_made_below_run_dir_only);
	tcase_add_test(tc, p9_directory_open_to_everybody_is_refused);
	tc = add_case(suite, tcase_create("reader"));
	tcase_add_test(tc, reader_takes_what_the_fhs_allows);
	return suite;
}

int main(void)
{
	return suite_run(pidfile_suite());
}
