/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/daemonize.h"
#include "unit/suite.h"

/* Runs `daemon` behind daemonize_start in a child; what the starter printed goes to `printed`, its
 * status is returned. */
static int run_starter(void (*daemon_part)(int fd, int out), char printed[256], char told[256])
{
	int err_ends[2], out_ends[2], status;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(err_ends), 0);
	ck_assert_int_eq(pipe(out_ends), 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		dup2(err_ends[1], STDERR_FILENO);
		close(err_ends[1]);
		fd = daemonize_start(0);
		daemon_part(fd, out_ends[1]);
		_exit(0);
	}
	close(err_ends[1]);
	close(out_ends[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	got = read(err_ends[0], printed, 255);
	printed[got > 0 ? got : 0] = '\0';
	got = read(out_ends[0], told, 255);
	told[got > 0 ? got : 0] = '\0';
	close(err_ends[0]);
	close(out_ends[0]);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void report_well(int fd, int out)
{
	char directory[64];

	daemonize_report(fd, 0, "", 0);
	dprintf(out, "%d %s", getsid(0) == getpid(), getcwd(directory, sizeof directory));
}

START_TEST(ends_well_when_the_daemon_is_ready)
{
	char printed[256], told[256];

	ck_assert_int_eq(run_starter(report_well, printed, told), 0);
	ck_assert_str_eq(printed, "");
	ck_assert_str_eq(told, "1 /"); /* in a session of its own */
}
END_TEST

static void report_badly(int fd, int out)
{
	(void)out;
	daemonize_report(fd, 3, "web: command gone: not found", 1);
}

START_TEST(passes_on_status_and_message)
{
	char printed[256], told[256];

	ck_assert_int_eq(run_starter(report_badly, printed, told), 3);
	ck_assert_str_eq(printed, "web: command gone: not found\n");
}
END_TEST

static void die_silently(int fd, int out)
{
	(void)fd;
	(void)out;
	_exit(0);
}

START_TEST(notices_that_the_daemon_died)
{
	char printed[256], told[256];

	ck_assert_int_eq(run_starter(die_silently, printed, told), 1);
	ck_assert_ptr_nonnull(strstr(printed, "before it was ready"));
}
END_TEST

static void keep_stderr(int fd, int out)
{
	struct stat null, other;

	stat("/dev/null", &null);
	daemonize_report(fd, 0, NULL, 1);
	for (int i = 0; i < 3; i++) {
		fstat(i, &other);
		dprintf(out, "%d", other.st_rdev == null.st_rdev);
	}
}

START_TEST(sends_streams_to_nowhere_but_a_kept_stderr)
{
	char printed[256], told[256];

	run_starter(keep_stderr, printed, told);
	ck_assert_str_eq(told, "110");
}
END_TEST

START_TEST(makes_closed_streams_exist)
{
	close(STDIN_FILENO);
	close(STDERR_FILENO);
	ck_assert_int_eq(daemonize_ensure_stdio(), 0);
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
	ck_assert_int_eq(write(STDERR_FILENO, "x", 1), 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("daemonize");
	TCase *background = tcase_create("background");

	tcase_add_test(background, ends_well_when_the_daemon_is_ready);
	tcase_add_test(background, passes_on_status_and_message);
	tcase_add_test(background, notices_that_the_daemon_died);
	tcase_add_test(background, sends_streams_to_nowhere_but_a_kept_stderr);
	tcase_add_test(background, makes_closed_streams_exist);
	suite_add_tcase(suite, background);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
