/* SPDX-License-Identifier: MIT */
/* P8: from a PID file to its process, and never to another. */
#include <verger/pidfile.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/suite.h"

static char folder[] = "/tmp/verger-pidfile-XXXXXX";
static char path[64];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/pid", folder);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(path);
	rmdir(folder);
}

static void write_file(const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
}

static void write_pid(pid_t pid)
{
	char text[32];

	write_file(text, (size_t)snprintf(text, sizeof text, "%d\n", (int)pid));
}

static pid_t start_child(void)
{
	sigset_t term, before;
	pid_t pid;

	/* check's own handler, inherited, would end the test: a signal waits until it is gone */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	pid = fork();
	if (pid == 0)
		sigaction(SIGTERM, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	while (pid == 0)
		pause();
	return pid;
}

static void reap(pid_t pid)
{
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED);
}

START_TEST(p8_opens_signals_and_awaits_the_process)
{
	pid_t child = start_child(), pid = 0;
	int fd;

	write_pid(child);
	fd = verger_pidfile_open(path, &pid);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pid, child);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(verger_pidfd_wait(fd, 0), 0);
	ck_assert_int_eq(verger_pidfile_signal(path, 0), 0);
	ck_assert_int_eq(verger_pidfile_signal(path, SIGTERM), 0);
	ck_assert_int_eq(verger_pidfd_wait(fd, 5000), 1);
	reap(child);
	close(fd);
}
END_TEST

START_TEST(p8_a_process_that_is_gone_is_not_there)
{
	pid_t child = start_child();

	write_pid(child);
	kill(child, SIGKILL);
	reap(child);
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -ESRCH);
	ck_assert_int_eq(verger_pidfile_signal(path, SIGTERM), -ESRCH);
}
END_TEST

static const struct {
	const char *text;
	size_t size;
} no_pids[] = {
	{ "", 0 },
	{ "\n", 1 },
	{ "x\n", 2 },
	{ "-1\n", 3 },
	{ "0\n", 2 },
	{ "1 2\n", 4 },
	{ "12x\n", 4 },
	{ "+1\n", 3 },
	{ "99999999999\n", 12 },
	{ "1\0", 2 },
	{ "1\n2\n", 4 },
	{ "0x10\n", 5 },
	{ "                                               1\n", 49 },
};

START_TEST(p8_what_is_no_pid_is_refused)
{
	write_file(no_pids[_i].text, no_pids[_i].size);
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -EINVAL);
}
END_TEST

START_TEST(numbers_with_blanks_around_them_are_taken)
{
	char text[32];
	int fd;

	write_file(text, (size_t)snprintf(text, sizeof text, " 00%d\r\n", (int)getpid()));
	fd = verger_pidfile_open(path, NULL);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(p8_what_is_no_file_is_refused)
{
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -ENOENT);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -EINVAL);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -EINVAL);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/proc/self/stat", path), 0);
	ck_assert_int_eq(verger_pidfile_open(path, NULL), -ELOOP);
}
END_TEST

/* Two living processes take turns in the file.  Whichever the file named when it was opened is what
 * the descriptor must be: reading and opening apart would mix them up. */
START_TEST(p8_number_and_descriptor_belong_together_while_the_file_changes)
{
	pid_t children[2] = { start_child(), start_child() }, writer = fork();
	int opened = 0;

	if (writer == 0) {
		char new_path[80];

		snprintf(new_path, sizeof new_path, "%s.new", path);
		for (unsigned i = 0;; i++) {
			FILE *f = fopen(new_path, "w");

			fprintf(f, "%d\n", (int)children[i % 2]);
			fclose(f);
			rename(new_path, path);
		}
	}
	for (int i = 0; i < 20000 || !opened; i++) {
		pid_t pid = 0;
		int fd = verger_pidfile_open(path, &pid);
		char info[64], line[128];
		FILE *f;
		int named = 0;

		if (fd < 0) {
			ck_assert_msg(fd == -ESRCH || fd == -ENOENT, "%d", fd);
			continue;
		}
		opened++;
		snprintf(info, sizeof info, "/proc/self/fdinfo/%d", fd);
		f = fopen(info, "r");
		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "Pid: %d", &named) == 1)
				break;
		fclose(f);
		ck_assert_int_eq(named, pid);
		close(fd);
	}
	for (int i = 0; i < 2; i++)
		kill(children[i], SIGKILL);
	kill(writer, SIGKILL);
	reap(writer);
	snprintf(path + strlen(path), 8, ".new");
	unlink(path);
	path[strlen(path) - 4] = '\0';
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("pidfile");
	TCase *open = tcase_create("open");
	TCase *wrong = tcase_create("refused");

	tcase_add_checked_fixture(open, set_up, tear_down);
	tcase_set_timeout(open, 30);
	tcase_add_test(open, p8_opens_signals_and_awaits_the_process);
	tcase_add_test(open, numbers_with_blanks_around_them_are_taken);
	tcase_add_test(open, p8_number_and_descriptor_belong_together_while_the_file_changes);
	suite_add_tcase(suite, open);

	tcase_add_checked_fixture(wrong, set_up, tear_down);
	tcase_add_test(wrong, p8_a_process_that_is_gone_is_not_there);
	tcase_add_loop_test(wrong, p8_what_is_no_pid_is_refused, 0,
	                    (int)(sizeof no_pids / sizeof no_pids[0]));
	tcase_add_test(wrong, p8_what_is_no_file_is_refused);
	suite_add_tcase(suite, wrong);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
