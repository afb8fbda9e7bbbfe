/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "os/logtarget.h"
#include "os/signals.h"
#include "unit/suite.h"

enum { BUFFER_SIZE = 1 << 17, BLOCKED_S = 5 };

static char directory[64];
static char path[128];

static void set_up(void)
{
	signals_reset();
	snprintf(directory, sizeof directory, "/tmp/verger-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/log", directory);
}

static void tear_down(void)
{
	char old[160];

	unlink(path);
	snprintf(old, sizeof old, "%s.1", path);
	unlink(old);
	rmdir(directory);
}

static const char *content_of(const char *name)
{
	static char buffer[BUFFER_SIZE];
	int fd = open(name, O_RDONLY);
	ssize_t got = read(fd, buffer, sizeof buffer - 1);

	ck_assert_int_ge(got, 0);
	close(fd);
	buffer[got] = '\0';
	return buffer;
}

/* A line without its stamp. */
static const char *after_stamp(const char *line)
{
	ck_assert_uint_gt(strlen(line), 28);
	ck_assert_int_eq(line[10], 'T');
	ck_assert_int_eq(line[26], 'Z');
	return line + 28;
}

START_TEST(writes_a_stamped_line)
{
	struct logtarget *t;

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_FILE, path), 0);
	log_info("web", "started, PID %d", 123);
	ck_assert_str_eq(after_stamp(content_of(path)), "info web: started, PID 123\n");
	logtarget_close(t);
}
END_TEST

START_TEST(escapes_what_could_forge_lines)
{
	struct logtarget *t;

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_FILE, path), 0);
	log_warning(NULL, "a\nb\x1b[2J\x7f\tä");
	ck_assert_str_eq(after_stamp(content_of(path)), "warning a\\nb\\x1b[2J\\x7f\\x09ä\n");
	logtarget_close(t);
}
END_TEST

START_TEST(marks_lines_that_are_too_long)
{
	static char longest[4000];
	struct logtarget *t;
	const char *text;

	memset(longest, 1, sizeof longest - 1); /* four times as long when escaped */
	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_FILE, path), 0);
	log_info(NULL, "%s", longest);
	text = content_of(path);
	ck_assert_uint_le(strlen(text), 4096);
	ck_assert_str_eq(text + strlen(text) - 4, "...\n");
	logtarget_close(t);
}
END_TEST

START_TEST(reopens_under_its_name)
{
	struct logtarget *t;
	char old[160];

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_FILE, path), 0);
	log_info(NULL, "one");
	snprintf(old, sizeof old, "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	log_info(NULL, "two");
	ck_assert_int_eq(logtarget_reopen(t), 0);
	log_info(NULL, "three");
	ck_assert_ptr_nonnull(strstr(content_of(old), "info two\n"));
	ck_assert_str_eq(after_stamp(content_of(path)), "info three\n");
	logtarget_close(t);
}
END_TEST

START_TEST(stays_where_it_was_when_it_cannot_be_opened)
{
	struct logtarget *t = NULL;

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_FILE, "/nonexistent/log"), -ENOENT);
	ck_assert_ptr_null(t);
}
END_TEST

static void read_all(int fd, char *buffer, size_t size)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	size_t used = 0;

	while (used < size - 1 && poll(&readable, 1, 100) == 1) {
		ssize_t got = read(fd, buffer + used, size - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	buffer[used] = '\0';
}

/* Makes a pipe or a socket pair our standard error; its other end. */
static int redirect_stderr(int kind)
{
	int ends[2];

	if (kind == 0)
		ck_assert_int_eq(pipe(ends), 0);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

/* C3: a reader that does not read must not hold up the supervision of programs. */
START_TEST(never_waits_for_its_reader)
{
	static char buffer[BUFFER_SIZE * 4];
	int fd = redirect_stderr(_i);
	struct logtarget *t;

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_STDERR, NULL), 0);
	alarm(BLOCKED_S);
	for (int i = 0; i < 10000; i++)
		log_info("web", "line %d", i);
	alarm(0);
	read_all(fd, buffer, sizeof buffer);
	ck_assert_ptr_nonnull(strstr(buffer, "line 0\n"));
	ck_assert_ptr_null(strstr(buffer, "line 9999\n"));
	ck_assert_int_eq(buffer[strlen(buffer) - 1], '\n'); /* whole lines or none */
	log_info("web", "back");
	read_all(fd, buffer, sizeof buffer);
	ck_assert_ptr_nonnull(strstr(buffer, " lines lost"));
	ck_assert_ptr_nonnull(strstr(buffer, "info web: back\n"));
	logtarget_close(t);
}
END_TEST

START_TEST(survives_a_reader_that_has_gone)
{
	int fd = redirect_stderr(_i);
	struct logtarget *t;

	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_STDERR, NULL), 0);
	close(fd);
	log_info("web", "into nothing");
	log_info("web", "again");
	logtarget_close(t);
}
END_TEST

START_TEST(leaves_stamps_to_the_journal)
{
	char buffer[256], stream[64];
	int fd = redirect_stderr(1);
	struct logtarget *t;
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
	         (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_STDERR, NULL), 0);
	log_error("web", "bad");
	read_all(fd, buffer, sizeof buffer);
	ck_assert_str_eq(buffer, "<3>web: bad\n");
	logtarget_close(t);
}
END_TEST

/* Programs share our standard error: it must stay as it was. */
START_TEST(leaves_the_shared_descriptor_as_it_was)
{
	struct logtarget *t;

	redirect_stderr(_i);
	ck_assert_int_eq(logtarget_open(&t, LOG_TARGET_STDERR, NULL), 0);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	logtarget_close(t);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logtarget");
	TCase *file = tcase_create("file");
	TCase *standard_error = tcase_create("stderr");

	tcase_add_checked_fixture(file, set_up, tear_down);
	tcase_add_test(file, writes_a_stamped_line);
	tcase_add_test(file, escapes_what_could_forge_lines);
	tcase_add_test(file, marks_lines_that_are_too_long);
	tcase_add_test(file, reopens_under_its_name);
	tcase_add_test(file, stays_where_it_was_when_it_cannot_be_opened);
	suite_add_tcase(suite, file);
	tcase_add_checked_fixture(standard_error, set_up, tear_down);
	tcase_add_loop_test(standard_error, never_waits_for_its_reader, 0, 2);
	tcase_add_loop_test(standard_error, survives_a_reader_that_has_gone, 0, 2);
	tcase_add_test(standard_error, leaves_stamps_to_the_journal);
	tcase_add_loop_test(standard_error, leaves_the_shared_descriptor_as_it_was, 0, 2);
	suite_add_tcase(suite, standard_error);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
