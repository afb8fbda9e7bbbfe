/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/repeat.h"
#include "os/capture.h"
#include "os/logtarget.h"
#include "os/signals.h"
#include "unit/suite.h"

enum { BUFFER_SIZE = 1 << 17, BLOCKED_S = 60, DATAGRAM_SIZE = 8192, NOBODY = 65534 };

static char directory[64];
static char path[128];
static struct logtarget_world world;
static msec_t now_ms;

static msec_t now(void)
{
	return now_ms;
}

static void set_up(void)
{
	signals_reset();
	snprintf(directory, sizeof directory, "/tmp/verger-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/log", directory);
	now_ms = 1000000;
	world = (struct logtarget_world){
		.capture = capture_new(),
		.syslog = path,
		.journal = path,
		.now = now,
	};
	ck_assert_ptr_nonnull(world.capture);
}

static void tear_down(void)
{
	char old[160];

	capture_free(world.capture);
	unlink(path);
	snprintf(old, sizeof old, "%s.1", path);
	unlink(old);
	rmdir(directory);
}

static struct logtarget *open_json(enum log_target target, bool json)
{
	struct logtarget_wish wish = { .target = target, .path = path, .json = json };
	struct logtarget *t;

	ck_assert_int_eq(logtarget_open(&t, &wish, &world), 0);
	return t;
}

static struct logtarget *open_target(enum log_target target)
{
	return open_json(target, false);
}

/* Waits for the thread that writes. */
static void settle(void)
{
	capture_drain_own(world.capture);
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
	struct logtarget *t = open_target(LOG_TARGET_FILE);

	log_info("web", "started, PID %d", 123);
	logtarget_close(t);
	ck_assert_str_eq(after_stamp(content_of(path)), "info web: started, PID 123\n");
}
END_TEST

START_TEST(escapes_what_could_forge_lines)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);

	log_warning(NULL, "a\nb\x1b[2J\x7f\tä");
	logtarget_close(t);
	ck_assert_str_eq(after_stamp(content_of(path)), "warning a\\nb\\x1b[2J\\x7f\\x09ä\n");
}
END_TEST

START_TEST(marks_lines_that_are_too_long)
{
	static char longest[4000];
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	const char *text;

	memset(longest, 1, sizeof longest - 1); /* four times as long when escaped */
	log_info(NULL, "%s", longest);
	logtarget_close(t);
	text = content_of(path);
	ck_assert_uint_le(strlen(text), 4096);
	ck_assert_str_eq(text + strlen(text) - 4, "...\n");
}
END_TEST

START_TEST(reopens_under_its_name)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	char old[160];

	log_info(NULL, "one");
	settle();
	snprintf(old, sizeof old, "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	log_info(NULL, "two");
	settle();
	capture_reopen(world.capture);
	log_info(NULL, "three");
	logtarget_close(t);
	ck_assert_ptr_nonnull(strstr(content_of(old), "info two\n"));
	ck_assert_str_eq(after_stamp(content_of(path)), "info three\n");
}
END_TEST

START_TEST(stays_where_it_was_when_it_cannot_be_opened)
{
	const struct logtarget_wish wish = { .target = LOG_TARGET_FILE,
		                             .path = "/nonexistent/log" };
	struct logtarget *t = NULL;

	ck_assert_int_eq(logtarget_open(&t, &wish, &world), -ENOENT);
	ck_assert_ptr_null(t);
	t = open_target(LOG_TARGET_FILE);
	ck_assert_int_eq(logtarget_change(t, &wish), -ENOENT);
	log_info(NULL, "still here");
	logtarget_close(t);
	ck_assert_str_eq(after_stamp(content_of(path)), "info still here\n");
}
END_TEST

START_TEST(moves_with_everything_that_was_logged)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	char second[160];

	snprintf(second, sizeof second, "%s.1", path);
	log_info(NULL, "first");
	ck_assert_int_eq(logtarget_change(t, &(struct logtarget_wish){ .target = LOG_TARGET_FILE,
	                                                               .path = second }),
	                 0);
	log_info(NULL, "second");
	logtarget_close(t);
	ck_assert_str_eq(after_stamp(content_of(second)), "info second\n");
	capture_drain(world.capture, CAPTURE_DRAIN_MS);
	ck_assert_str_eq(after_stamp(content_of(path)), "info first\n");
}
END_TEST

/* Many lines at once are no reason to lose any. */
START_TEST(takes_a_burst)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	const char *text;
	int lines = 0;

	for (int i = 0; i < 2000; i++)
		log_info("web", "line %d", i);
	logtarget_close(t);
	text = content_of(path);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_int_eq(lines, 2000);
	ck_assert_ptr_nonnull(strstr(text, "line 1999\n"));
}
END_TEST

/* C3, L2: whoever reads a FIFO may sleep.  What does not fit is counted, and told later. */
START_TEST(counts_what_a_fifo_does_not_take)
{
	static char buffer[BUFFER_SIZE];
	struct pollfd readable = { .events = POLLIN };
	struct logtarget *t;
	bool told = false;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	readable.fd = open(path, O_RDONLY | O_NONBLOCK);
	t = open_target(LOG_TARGET_FILE);
	alarm(BLOCKED_S * 4);
	for (int i = 0; i < 40000; i++)
		log_info("web", "line %d", i);
	while (!told) {
		ssize_t got = 0;

		log_info("web", "awake");
		if (poll(&readable, 1, 10) == 1)
			got = read(readable.fd, buffer, sizeof buffer - 1);
		ck_assert_int_ge(got, 0);
		buffer[got] = '\0';
		ck_assert_ptr_null(strstr(buffer, "line 39999\n"));
		told = strstr(buffer, " lines lost: the log could not take them\n");
	}
	alarm(0);
	logtarget_close(t);
	close(readable.fd);
}
END_TEST

/* How many threads and processes may be made; root may always. */
static void limit_threads(rlim_t count)
{
	struct rlimit limit;

	if (geteuid() == 0) {
		ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
		prctl(PR_SET_DUMPABLE, 1); /* for the sanitizer of leaks */
	}
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
}

/* R4: that nothing can be started is to be read somewhere. */
START_TEST(needs_no_thread)
{
	struct logtarget *t;

	limit_threads(0);
	t = open_target(LOG_TARGET_FILE);
	log_error("web", "new process: Resource temporarily unavailable");
	ck_assert_str_eq(after_stamp(content_of(path)),
	                 "error web: new process: Resource temporarily unavailable\n");
	log_info(NULL, "ended");
	logtarget_close(t);
	ck_assert_ptr_nonnull(strstr(content_of(path), "info ended\n"));
	limit_threads(RLIM_INFINITY);
}
END_TEST

START_TEST(writes_objects)
{
	struct logtarget *t = open_json(LOG_TARGET_FILE, true);
	const char *text;

	log_info("web", "a \"b\"\\\n\t\x1b \xff ä");
	log_error(NULL, "plain");
	logtarget_set_json(t, false);
	log_error(NULL, "text");
	logtarget_close(t);
	text = content_of(path);
	ck_assert_ptr_eq(strstr(text, "{\"time\":\"2"), text);
	ck_assert_ptr_eq(strstr(text, "Z\",\"level\":\"info\",\"program\":\"web\",\"message\":"
	                              "\"a \\\"b\\\"\\\\\\n\\t\\u001b \xEF\xBF\xBD ä\"}\n{"),
	                 text + strlen("{\"time\":\"2026-11-30T08:15:00.123456"));
	ck_assert_ptr_nonnull(strstr(text, "Z\",\"level\":\"error\",\"message\":\"plain\"}\n"));
	ck_assert_ptr_nonnull(strstr(text, "Z error text\n"));
}
END_TEST

START_TEST(closes_objects_that_are_too_long)
{
	static char longest[4000];
	struct logtarget *t = open_json(LOG_TARGET_FILE, true);
	const char *text;

	memset(longest, 1, sizeof longest - 1);
	log_info(longest, "%s", longest);
	logtarget_close(t);
	text = content_of(path);
	ck_assert_uint_le(strlen(text), 4096);
	ck_assert_str_eq(text + strlen(text) - 6, "...\"}\n");
}
END_TEST

/* --- repeats --- */

static unsigned count_lines(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

START_TEST(tells_how_many_equal_lines_it_left_out)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	const char *text;

	for (int i = 0; i < REPEAT_MAX + 37; i++)
		log_error("web", "no");
	now_ms += REPEAT_WINDOW_MS;
	log_error("web", "no");
	logtarget_close(t);
	text = content_of(path);
	ck_assert_uint_eq(count_lines(text, "error web: no\n"), REPEAT_MAX);
	ck_assert_uint_eq(
		count_lines(text, "error web: no (37 equal lines before this left out)\n"), 1);
	ck_assert_uint_eq(count_lines(text, "\n"), REPEAT_MAX + 1);
}
END_TEST

START_TEST(tells_what_it_left_out_with_other_lines)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);
	const char *text;

	for (int i = 0; i < REPEAT_MAX + 1; i++)
		log_info(NULL, "yes");
	log_info(NULL, "other");
	now_ms += REPEAT_WINDOW_MS;
	log_info(NULL, "another");
	logtarget_close(t);
	text = strstr(content_of(path), " info other\n");
	ck_assert_ptr_nonnull(text);
	text = strstr(text, "warning 1 line equal to earlier ones left out\n");
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "info another\n"));
}
END_TEST

START_TEST(tells_what_it_left_out_at_the_end)
{
	struct logtarget *t = open_json(LOG_TARGET_FILE, true);

	for (int i = 0; i < REPEAT_MAX + 5; i++)
		log_info(NULL, "yes");
	logtarget_close(t);
	ck_assert_ptr_nonnull(strstr(content_of(path),
	                             "\"message\":\"5 lines equal to earlier ones left out\"}\n"));
}
END_TEST

/* Each is an event of its own, and the delay between starts is what limits them. */
START_TEST(tells_what_programs_do_each_time)
{
	struct logtarget *t = open_target(LOG_TARGET_FILE);

	for (int i = 0; i < REPEAT_MAX * 3; i++)
		log_info("web", "stopped");
	logtarget_close(t);
	ck_assert_uint_eq(count_lines(content_of(path), "info web: stopped\n"), REPEAT_MAX * 3);
}
END_TEST

/* --- standard error --- */

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
	struct logtarget *t = open_target(LOG_TARGET_STDERR);

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
	struct logtarget *t = open_target(LOG_TARGET_STDERR);

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
	t = open_target(LOG_TARGET_STDERR);
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
	t = open_target(LOG_TARGET_STDERR);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	logtarget_close(t);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
}
END_TEST

/* --- daemons --- */

/* A daemon that takes records at `path`. */
static int listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The next record; "" = none. */
static const char *receive(int fd)
{
	static char record[DATAGRAM_SIZE];
	ssize_t got = recv(fd, record, sizeof record - 1, 0);

	record[got > 0 ? got : 0] = '\0';
	return record;
}

START_TEST(sends_to_the_system_log)
{
	int fd = listen_there();
	struct logtarget *t = open_json(LOG_TARGET_SYSLOG, true);
	const char *record;
	char tag[64];

	log_warning("web", "a\nb");
	record = receive(fd);
	ck_assert_ptr_eq(strstr(record, "<28>"), record);
	snprintf(tag, sizeof tag, " vergerd[%d]: web: a\\nb", (int)getpid());
	ck_assert_str_eq(record + strlen("<28>Nov 30 08:15:00"), tag);
	logtarget_close(t);
	close(fd);
}
END_TEST

START_TEST(tells_the_journal_in_fields)
{
	int fd = listen_there();
	struct logtarget *t = open_target(LOG_TARGET_JOURNAL);
	char text[256];

	log_error("web", "bad");
	snprintf(text, sizeof text,
	         "PRIORITY=3\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=vergerd\nSYSLOG_PID=%d\n"
	         "VERGER_PROGRAM=web\nMESSAGE=web: bad\n",
	         (int)getpid());
	ck_assert_str_eq(receive(fd), text);
	log_info(NULL, "good");
	ck_assert_ptr_null(strstr(receive(fd), "VERGER_PROGRAM"));
	logtarget_close(t);
	close(fd);
}
END_TEST

START_TEST(finds_a_daemon_that_was_started_anew)
{
	int fd = listen_there();
	struct logtarget *t = open_target(LOG_TARGET_SYSLOG);

	log_info(NULL, "one");
	close(fd);
	fd = listen_there();
	now_ms += 1000;
	log_info(NULL, "two");
	ck_assert_ptr_nonnull(strstr(receive(fd), ": two"));
	ck_assert_str_eq(receive(fd), "");
	logtarget_close(t);
	close(fd);
}
END_TEST

START_TEST(waits_for_a_daemon_that_is_not_there)
{
	struct logtarget *t = open_target(LOG_TARGET_SYSLOG);
	int fd;

	log_info(NULL, "one");
	log_info(NULL, "two");
	fd = listen_there();
	log_info(NULL, "three"); /* it is not tried for each line */
	ck_assert_str_eq(receive(fd), "");
	now_ms += 1000;
	log_info(NULL, "four");
	ck_assert_ptr_nonnull(strstr(receive(fd), ": 3 lines lost"));
	ck_assert_ptr_nonnull(strstr(receive(fd), ": four"));
	logtarget_close(t);
	close(fd);
}
END_TEST

/* C3: one that is stopped takes no time. */
START_TEST(never_waits_for_a_daemon)
{
	int fd = listen_there();
	struct logtarget *t = open_target(LOG_TARGET_JOURNAL);
	const char *record;

	alarm(BLOCKED_S);
	for (int i = 0; i < 20000; i++)
		log_info("web", "line %d", i);
	alarm(0);
	do
		record = receive(fd);
	while (*record);
	log_info("web", "back");
	ck_assert_ptr_nonnull(strstr(receive(fd), " lines lost"));
	ck_assert_ptr_nonnull(strstr(receive(fd), "MESSAGE=web: back\n"));
	logtarget_close(t);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logtarget");
	TCase *file = tcase_create("file");
	TCase *standard_error = tcase_create("stderr");
	TCase *repeats = tcase_create("repeats");
	TCase *daemons = tcase_create("daemons");

	tcase_add_checked_fixture(file, set_up, tear_down);
	tcase_add_test(file, writes_a_stamped_line);
	tcase_add_test(file, escapes_what_could_forge_lines);
	tcase_add_test(file, marks_lines_that_are_too_long);
	tcase_add_test(file, reopens_under_its_name);
	tcase_add_test(file, stays_where_it_was_when_it_cannot_be_opened);
	tcase_add_test(file, moves_with_everything_that_was_logged);
	tcase_add_test(file, takes_a_burst);
	tcase_add_test(file, counts_what_a_fifo_does_not_take);
	tcase_add_test(file, needs_no_thread);
	tcase_add_test(file, writes_objects);
	tcase_add_test(file, closes_objects_that_are_too_long);
	suite_add_tcase(suite, file);
	tcase_add_checked_fixture(standard_error, set_up, tear_down);
	tcase_add_loop_test(standard_error, never_waits_for_its_reader, 0, 2);
	tcase_add_loop_test(standard_error, survives_a_reader_that_has_gone, 0, 2);
	tcase_add_test(standard_error, leaves_stamps_to_the_journal);
	tcase_add_loop_test(standard_error, leaves_the_shared_descriptor_as_it_was, 0, 2);
	suite_add_tcase(suite, standard_error);
	tcase_add_checked_fixture(repeats, set_up, tear_down);
	tcase_add_test(repeats, tells_how_many_equal_lines_it_left_out);
	tcase_add_test(repeats, tells_what_it_left_out_with_other_lines);
	tcase_add_test(repeats, tells_what_it_left_out_at_the_end);
	tcase_add_test(repeats, tells_what_programs_do_each_time);
	suite_add_tcase(suite, repeats);
	tcase_add_checked_fixture(daemons, set_up, tear_down);
	tcase_add_test(daemons, sends_to_the_system_log);
	tcase_add_test(daemons, tells_the_journal_in_fields);
	tcase_add_test(daemons, finds_a_daemon_that_was_started_anew);
	tcase_add_test(daemons, waits_for_a_daemon_that_is_not_there);
	tcase_add_test(daemons, never_waits_for_a_daemon);
	suite_add_tcase(suite, daemons);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
