/* SPDX-License-Identifier: MIT */
/* The loop's side of logs, with a loop of libev and the threads of the crew; programs are the test
 * itself, which writes to the ends that they would get. */
#include "os/capture.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "patience.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum {
	PROGRAMS = 200,
	TOLD_MAX = 16384,
	TEXT_MAX = 1 << 20,
	IDLE_S = 1,
	LONG_LINE = 12000,
	DRAIN_MS = 500
};

static struct ev_loop *loop;
static struct capture *capture;
static struct program_settings programs[PROGRAMS];
static int ends[PROGRAMS];
static char names[PROGRAMS][16], paths[PROGRAMS][SCRATCH_PATH_SIZE];
static char told[TOLD_MAX];  /* vergerd's log */
static char words[TOLD_MAX]; /* last words, as "program:text" */
static unsigned rounds;
static ev_prepare counter;
static ev_timer tick;

static void on_log(void *context, enum log_level level, const char *subject, const char *message)
{
	size_t size = strlen(told);

	(void)context, (void)level, (void)subject;
	snprintf(told + size, sizeof told - size, "%s\n", message);
}

static void on_last_words(void *context, uint32_t program, const char *text, size_t size)
{
	size_t used = strlen(words);

	(void)context;
	snprintf(words + used, sizeof words - used, "%u:%.*s;", program, (int)size, text);
}

static void on_round(struct ev_loop *l, ev_prepare *w, int events)
{
	(void)l, (void)w, (void)events;
	rounds++;
}

static void on_tick(struct ev_loop *l, ev_timer *w, int events)
{
	(void)w, (void)events;
	ev_break(l, EVBREAK_ALL);
}

static void *do_nothing(void *arg)
{
	return arg;
}

static void set_up(void)
{
	pthread_t first;

	/* a sanitizer's own thread comes with the first, and stays */
	ck_assert_int_eq(pthread_create(&first, NULL, do_nothing, NULL), 0);
	pthread_join(first, NULL);
	scratch_make();
	log_set_sink(on_log, NULL);
	loop = ev_loop_new(EVFLAG_AUTO);
	capture = capture_new();
	ck_assert_ptr_nonnull(capture);
	ck_assert_int_eq(capture_attach(capture, loop, on_last_words, NULL), 0);
	ck_assert_int_eq(capture_reserve(capture, PROGRAMS), 0);
	ev_prepare_init(&counter, on_round);
	ev_timer_init(&tick, on_tick, 0., 0.005);
	for (size_t i = 0; i < PROGRAMS; i++)
		ends[i] = -1;
}

static void tear_down(void)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		fd_close(ends[i]);
	capture_detach(capture);
	capture_drain(capture, DRAIN_MS);
	capture_free(capture);
	ev_loop_destroy(loop);
	scratch_remove();
}

/* Runs the loop until the condition holds; it is looked at every few milliseconds. */
#define RUN_UNTIL(condition)                                                                       \
	for (msec_t end_ = clock_monotonic_ms() + PATIENCE_MS; !(condition); run_a_little())       \
	ck_assert_msg(clock_monotonic_ms() < end_, "never: %s", #condition)

static void run_a_little(void)
{
	ev_timer_again(loop, &tick);
	ev_run(loop, 0);
	ev_timer_stop(loop, &tick);
}

/* Fills in settings of a program whose output goes to a file, in a format. */
static struct program_settings *settle(size_t i, const char *path, enum log_format format)
{
	struct program_settings *p = &programs[i];

	snprintf(names[i], sizeof names[i], "p%zu", i);
	snprintf(paths[i], sizeof paths[i], "%s", path ? path : "");
	*p = (struct program_settings){
		.name = names[i],
		.stdout_stream = { .kind = STREAM_FILE, .path = paths[i] },
		.stderr_stream = { .kind = STREAM_STDOUT },
		.log = { .format = format,
		         .memory = 4096,
		         .max_size = LOG_SIZE_NONE,
		         .max_age_ms = MSEC_NEVER },
	};
	return p;
}

/* A life of it begins. */
static void start(size_t i)
{
	char detail[128] = "";
	int other;

	fd_close(ends[i]);
	ends[i] = capture_open(capture, &programs[i], (uint32_t)i, 1, detail, sizeof detail);
	ck_assert_msg(ends[i] >= 0, "%s", detail);
	other = capture_open(capture, &programs[i], (uint32_t)i, 2, detail, sizeof detail);
	ck_assert_msg(other >= 0, "%s", detail);
	close(other);
	capture_on_start(capture, &programs[i], (uint32_t)i);
	capture_on_started(capture, (uint32_t)i, (pid_t)(1000 + i));
}

static void put(size_t i, const char *text)
{
	ck_assert_int_eq(write(ends[i], text, strlen(text)), (ssize_t)strlen(text));
}

static const char *read_log(const char *path)
{
	static char text[TEXT_MAX];
	FILE *f = fopen(path, "r");

	text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static size_t count_lines(const char *path)
{
	size_t n = 0;

	for (const char *at = read_log(path); (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static const char *recent(size_t i)
{
	static char text[4096];

	text[capture_recent(capture, (uint32_t)i, text, sizeof text - 1)] = '\0';
	return text;
}

/* --- programs --- */

START_TEST(many_programs_write_at_once)
{
	const char *path = paths[0];

	for (size_t i = 0; i < PROGRAMS; i++) {
		settle(i, scratch_path("log"), LOG_FORMAT_PREFIX);
		start(i);
	}
	for (size_t n = 0; n < 5; n++)
		for (size_t i = 0; i < PROGRAMS; i++)
			put(i, "a line\nanother line\n");
	RUN_UNTIL(count_lines(path) == (size_t)PROGRAMS * 10);
	for (const char *line = read_log(path); *line; line = strchr(line, '\n') + 1) {
		ck_assert_int_eq(*line, 'p');
		line = strstr(line, " | a");
		ck_assert_ptr_nonnull(line);
	}
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(many_programs_have_a_file_each)
{
	for (size_t i = 0; i < PROGRAMS; i++) {
		char name[16];

		snprintf(name, sizeof name, "log%zu", i);
		settle(i, scratch_path(name), LOG_FORMAT_PREFIX);
		start(i);
	}
	for (size_t i = 0; i < PROGRAMS; i++)
		put(i, "hello\n");
	for (size_t i = 0; i < PROGRAMS; i++) {
		char line[32];

		snprintf(line, sizeof line, "p%zu | hello\n", i);
		RUN_UNTIL(!strcmp(read_log(paths[i]), line));
	}
	for (size_t i = 0; i < PROGRAMS; i++)
		capture_forget(capture, (uint32_t)i);
	RUN_UNTIL(capture_held(capture) == 0);
}
END_TEST

static int count_threads(void)
{
	return count_entries("/proc/self/task");
}

/* Everything that was to be done is: no thread, no timer, nothing. */
static void await_idleness(int threads)
{
	unsigned before;

	RUN_UNTIL(count_threads() <= threads);
	do {
		/* a second of the loop alone; whatever comes late begins it anew */
		before = rounds;
		ev_timer_set(&tick, IDLE_S, 0.005);
		ev_timer_start(loop, &tick);
		ev_run(loop, 0);
		ev_timer_stop(loop, &tick);
	} while (rounds > before + 1);
}

START_TEST(while_nothing_is_written_nothing_wakes_up)
{
	const char *path = paths[0];
	int threads = count_threads();

	ev_prepare_start(loop, &counter);
	for (size_t i = 0; i < 20; i++) {
		settle(i, scratch_path("log"), LOG_FORMAT_PREFIX);
		start(i);
		put(i, "hello\n");
	}
	RUN_UNTIL(count_lines(path) == 20);
	await_idleness(threads);
	put(3, "again\n");
	RUN_UNTIL(count_lines(path) == 21);
	await_idleness(threads);
	ev_prepare_stop(loop, &counter);
}
END_TEST

START_TEST(what_was_said_last_is_kept_in_memory)
{
	settle(0, scratch_path("log"), LOG_FORMAT_JSON);
	start(0);
	put(0, "one\ntwo\n");
	RUN_UNTIL(!strcmp(recent(0), "one\ntwo\n"));
	put(0, "unfinished");
	RUN_UNTIL(!strcmp(recent(0), "one\ntwo\nunfinished"));
	ck_assert_str_eq(recent(1), "");
}
END_TEST

START_TEST(each_life_has_its_last_words)
{
	settle(0, scratch_path("log"), LOG_FORMAT_PREFIX);
	start(0);
	put(0, "first\n");
	capture_on_empty(capture, 0);
	RUN_UNTIL(!strcmp(words, "0:first\n;"));
	start(0);
	capture_on_empty(capture, 0); /* it said nothing */
	start(0);
	put(0, "third, unfinished");
	capture_on_empty(capture, 0);
	RUN_UNTIL(!strcmp(words, "0:first\n;0:third, unfinished;"));
	RUN_UNTIL(!strcmp(read_log(scratch_path("log")), "p0 | first\np0 | third, unfinished\n"));
}
END_TEST

START_TEST(a_start_that_failed_leaves_nothing_behind)
{
	char detail[128];

	settle(0, scratch_path("no/log"), LOG_FORMAT_PREFIX);
	ck_assert_int_eq(capture_open(capture, &programs[0], 0, 1, detail, sizeof detail), -ENOENT);
	ck_assert_str_eq(detail, "No such file or directory");
	ck_assert_uint_eq(capture_held(capture), 0);
}
END_TEST

START_TEST(streams_that_part_have_their_own_names)
{
	struct program_settings *p = settle(0, scratch_path("log"), LOG_FORMAT_JSON);
	char detail[128];
	int fd;

	start(0);
	put(0, "one\n");
	RUN_UNTIL(strstr(read_log(scratch_path("log")), "\"stdout\""));
	p->stderr_stream = p->stdout_stream;
	p->stdout_stream.path =
		settle(1, scratch_path("other"), LOG_FORMAT_RAW)->stdout_stream.path;
	fd_close(ends[0]);
	ends[0] = capture_open(capture, p, 0, 1, detail, sizeof detail);
	fd = capture_open(capture, p, 0, 2, detail, sizeof detail);
	ck_assert_int_eq(write(fd, "two\n", 4), 4);
	RUN_UNTIL(strstr(read_log(scratch_path("log")), "\"stderr\""));
	close(fd);
}
END_TEST

/* --- targets --- */

START_TEST(a_target_that_takes_nothing_is_told_of)
{
	struct capture_trouble trouble;
	const char *path = paths[0];

	ck_assert_int_eq(symlink("/dev/full", scratch_path("log")), 0);
	settle(0, scratch_path("log"), LOG_FORMAT_PREFIX)->log.stalled = LOG_STALLED_DROP;
	start(0);
	ck_assert(!capture_trouble(capture, 0, &trouble));
	put(0, "one\n");
	RUN_UNTIL(capture_trouble(capture, 0, &trouble));
	ck_assert_int_eq(trouble.error, ENOSPC);
	ck_assert(trouble.drops);
	ck_assert_str_eq(trouble.target, path);
	RUN_UNTIL(strstr(told, "No space left on device"));
	put(0, "two\n");
	RUN_UNTIL((capture_trouble(capture, 0, &trouble), trouble.lost_lines == 1));
	ck_assert_int_eq(unlink(path), 0);
	capture_reopen(capture);
	RUN_UNTIL(strstr(told, "takes output again; 4 bytes were lost"));
	RUN_UNTIL(
		!strcmp(read_log(path),
	                "p0 | one\np0 | verger: 1 line, 4 bytes lost: No space left on device\n"));
	capture_trouble(capture, 0, &trouble);
	ck_assert_int_eq(trouble.error, 0);
	ck_assert_uint_eq(trouble.lost_bytes, 4);
}
END_TEST

static void set_blocking_stdout(int fd)
{
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
}

/* Fills a pipe but for one page, so that a long line waits in its midst. */
static void fill(int fd)
{
	char page[4096];
	int pages = fcntl(fd, F_GETPIPE_SZ) / (int)sizeof page;

	memset(page, 'x', sizeof page);
	for (int i = 0; i < pages - 1; i++)
		ck_assert_int_eq(write(fd, page, sizeof page), sizeof page);
}

START_TEST(a_target_that_hangs_keeps_no_other_from_its_end)
{
	char line[LONG_LINE];
	struct capture_trouble trouble;
	int pipe_ends[2];

	ck_assert_int_eq(pipe(pipe_ends), 0);
	fill(pipe_ends[1]);
	set_blocking_stdout(pipe_ends[1]);
	memset(line, 'y', sizeof line);
	line[sizeof line - 2] = '\n';
	line[sizeof line - 1] = '\0';
	/* it is the first to be looked at: made last */
	settle(1, scratch_path("log"), LOG_FORMAT_PREFIX);
	start(1);
	settle(0, NULL, LOG_FORMAT_PREFIX)->stdout_stream.kind = STREAM_INHERIT;
	start(0);
	put(0, line);
	RUN_UNTIL(capture_trouble(capture, 0, &trouble));
	ck_assert_int_eq(trouble.error, ETIMEDOUT);
	RUN_UNTIL(strstr(told, "log standard output: does not answer"));
	put(1, "of another program\n");
	capture_detach(capture);
	capture_drain(capture, DRAIN_MS);
	ck_assert_str_eq(read_log(scratch_path("log")), "p1 | of another program\n");
	ck_assert_ptr_nonnull(strstr(told, "log standard output: 0 bytes could not be written"));
	fd_close(pipe_ends[0]); /* it comes back: with an error */
	AWAIT(!capture_trouble(capture, 0, &trouble) || trouble.error != ETIMEDOUT);
}
END_TEST

START_TEST(own_lines_come_in_their_order)
{
	const char *path = paths[0];

	settle(0, scratch_path("own"), LOG_FORMAT_RAW);
	ck_assert(!capture_wants_own(capture));
	ck_assert_int_eq(capture_own_file(capture, path), 0);
	ck_assert(capture_wants_own(capture));
	for (int i = 0; i < 1000; i++) {
		char line[32];
		int size = snprintf(line, sizeof line, "line %d\n", i);

		RUN_UNTIL(capture_say(capture, line, (size_t)size));
	}
	RUN_UNTIL(count_lines(path) == 1000);
	ck_assert_ptr_nonnull(strstr(read_log(path), "line 998\nline 999\n"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("capture");
	TCase *lives = tcase_create("programs"), *targets = tcase_create("targets");
	TCase *all[] = { lives, targets };

	for (size_t i = 0; i < 2; i++) {
		tcase_add_checked_fixture(all[i], set_up, tear_down);
		tcase_set_timeout(all[i], PATIENCE_MS / 1000);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(lives, many_programs_write_at_once);
	tcase_add_test(lives, many_programs_have_a_file_each);
	tcase_add_test(lives, while_nothing_is_written_nothing_wakes_up);
	tcase_add_test(lives, what_was_said_last_is_kept_in_memory);
	tcase_add_test(lives, each_life_has_its_last_words);
	tcase_add_test(lives, a_start_that_failed_leaves_nothing_behind);
	tcase_add_test(lives, streams_that_part_have_their_own_names);
	tcase_add_test(targets, a_target_that_takes_nothing_is_told_of);
	tcase_add_test(targets, a_target_that_hangs_keeps_no_other_from_its_end);
	tcase_add_test(targets, own_lines_come_in_their_order);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
