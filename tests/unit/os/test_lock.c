/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/lock.h"
#include "unit/suite.h"

static char directory[64];
static char path[128];

static void set_up(void)
{
	snprintf(directory, sizeof directory, "/tmp/verger-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/vergerd.pid", directory);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(path);
	rmdir(directory);
}

/* Takes the lock in a child, which holds it until it is killed. */
static pid_t take_in_child(void)
{
	int ends[2];
	char ready;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct lock lock;
		pid_t owner;

		if (lock_take(&lock, path, &owner) == 0 && write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(writes_our_pid_for_all_to_read)
{
	char text[32] = { 0 }, expected[32];
	struct lock lock;
	struct stat st;
	pid_t owner;
	int fd;

	umask(077);
	ck_assert_int_eq(lock_take(&lock, path, &owner), 0);
	fd = open(path, O_RDONLY);
	ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
	snprintf(expected, sizeof expected, "%d\n", (int)getpid());
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	close(fd); /* with POSIX locks this would lose it */
	lock_release(&lock);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* A second vergerd on the same path is refused by name. */
START_TEST(names_who_holds_it)
{
	pid_t holder = take_in_child(), owner;
	struct lock lock;

	ck_assert_int_eq(lock_take(&lock, path, &owner), -EWOULDBLOCK);
	ck_assert_int_eq(owner, holder);
	ck_assert_int_eq(access(path, F_OK), 0);
	end_child(holder);
}
END_TEST

START_TEST(takes_over_from_the_dead)
{
	struct lock lock;
	pid_t owner;

	end_child(take_in_child());
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(lock_take(&lock, path, &owner), 0);
	lock_release(&lock);
}
END_TEST

/* P3: whoever looks while vergerds come and go finds a whole number or no file. */
START_TEST(is_never_seen_empty)
{
	pid_t taker = fork();
	size_t seen = 0;

	if (taker == 0) {
		for (;;) {
			struct lock lock;
			pid_t owner;

			lock_take(&lock, path, &owner);
			lock_release(&lock);
		}
	}
	while (seen < 2000) {
		char text[32] = { 0 };
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			continue;
		ck_assert_int_gt(read(fd, text, sizeof text - 1), 1);
		ck_assert_ptr_nonnull(strchr(text, '\n'));
		close(fd);
		seen++;
	}
	end_child(taker);
}
END_TEST

START_TEST(removes_only_its_own_file)
{
	struct lock lock;
	pid_t owner;

	ck_assert_int_eq(lock_take(&lock, path, &owner), 0);
	unlink(path);
	close(open(path, O_WRONLY | O_CREAT, 0644));
	lock_release(&lock);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(refuses_what_is_no_file_of_its_own)
{
	struct lock lock;
	pid_t owner;
	int fd;

	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(lock_take(&lock, path, &owner), -ELOOP);
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(lock_take(&lock, path, &owner), -EISDIR);
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(lock_take(&lock, path, &owner), -EINVAL);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, "127.0.0.1 localhost\n", 20), 20);
	close(fd);
	ck_assert_int_eq(lock_take(&lock, path, &owner), -EINVAL);
	unlink(path);
	ck_assert_int_eq(lock_take(&lock, "/nonexistent/x.pid", &owner), -ENOENT);
	ck_assert_int_eq(lock.fd, -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("lock");
	TCase *taking = tcase_create("taking");

	tcase_add_checked_fixture(taking, set_up, tear_down);
	tcase_add_test(taking, writes_our_pid_for_all_to_read);
	tcase_add_test(taking, names_who_holds_it);
	tcase_add_test(taking, takes_over_from_the_dead);
	tcase_add_test(taking, is_never_seen_empty);
	tcase_add_test(taking, removes_only_its_own_file);
	tcase_add_test(taking, refuses_what_is_no_file_of_its_own);
	suite_add_tcase(suite, taking);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
