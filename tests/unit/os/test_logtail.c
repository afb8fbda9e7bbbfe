/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/logtail.h"
#include "os/loop.h"
#include "unit/suite.h"

enum { PATIENCE_S = 60 };

/* A file that is followed. */
struct stage {
	struct ev_loop *loop;
	struct logtail *tail;
	int grown;
};

static void on_grown(void *context, struct logtail *t)
{
	struct stage *s = context;

	ck_assert_ptr_eq(t, s->tail);
	s->grown++;
}

static void seek(struct logtail *t)
{
	while (!logtail_seek(t))
		;
}

/* The last lines, not followed. */
static struct logtail *open_last(const char *path, unsigned lines)
{
	const struct logtail_wish wish = { .lines = lines, .since_us = INT64_MIN };
	struct logtail *t;

	ck_assert_int_eq(logtail_open(&t, path, &wish, NULL, NULL, NULL), 0);
	seek(t);
	return t;
}

static int try_to_open(const char *path)
{
	const struct logtail_wish wish = { .lines = 1, .since_us = INT64_MIN };
	struct logtail *t;

	return logtail_open(&t, path, &wish, NULL, NULL, NULL);
}

static void append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* The next line, or "(nothing)". */
static const char *next(struct logtail *t)
{
	static char line[LOGTAIL_LINE_MAX + 64];
	struct logtail_piece piece;
	int news = logtail_next(t, &piece);

	ck_assert_int_ge(news, 0);
	if (news == LOGTAIL_NOTHING)
		return "(nothing)";
	if (news == LOGTAIL_UNREAD) {
		ck_assert_int_eq(piece.bytes[piece.size], '\0');
		snprintf(line, sizeof line, "%s?%d", strrchr(piece.bytes, '/') + 1,
		         (int)piece.lines);
		return line;
	}
	memcpy(line, piece.bytes, piece.size);
	line[piece.size] = '\0';
	return line;
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	*(bool *)timer->data = true;
}

/* Runs the loop until it was told of something; false when that takes too long. */
static bool hear(struct stage *s)
{
	int before = s->grown;
	bool late = false;
	ev_timer timer;

	ev_now_update(s->loop);
	ev_timer_init(&timer, on_late, PATIENCE_S, 0.);
	timer.data = &late;
	ev_timer_start(s->loop, &timer);
	while (s->grown == before && !late)
		ev_run(s->loop, EVRUN_ONCE);
	ev_timer_stop(s->loop, &timer);
	return !late;
}

static void stage_open(struct stage *s, const char *path, unsigned lines)
{
	const struct logtail_wish wish = { .lines = lines, .since_us = INT64_MIN };

	*s = (struct stage){ .loop = loop_new() };
	ck_assert_int_eq(logtail_open(&s->tail, path, &wish, s->loop, on_grown, s), 0);
	seek(s->tail);
}

static void stage_close(struct stage *s)
{
	logtail_close(s->tail);
	loop_free(s->loop);
}

/* --- the last lines --- */

static const struct {
	const char *text;
	unsigned lines;
	const char *expected[4]; /* up to NULL */
} ends[] = {
	{ "", 0, { NULL } },
	{ "", 3, { NULL } },
	{ "a\n", 0, { NULL } },
	{ "a\n", 1, { "a", NULL } },
	{ "a\nb\nc\n", 1, { "c", NULL } },
	{ "a\nb\nc\n", 2, { "b", "c", NULL } },
	{ "a\nb\nc\n", 3, { "a", "b", "c", NULL } },
	{ "a\nb\nc\n", 100, { "a", "b", "c", NULL } },
	{ "a\nb\nc", 1, { "c", NULL } },
	{ "a\nb\nc", 2, { "b", "c", NULL } },
	{ "\n\n\n", 2, { "", "", NULL } },
	{ "a\n\n", 1, { "", NULL } },
	{ "a", 1, { "a", NULL } },
};

START_TEST(begins_with_the_last_lines)
{
	const char *path = scratch_put("log", ends[_i].text, 0644);
	struct logtail *t;

	t = open_last(path, ends[_i].lines);
	for (const char *const *line = ends[_i].expected; *line; line++)
		ck_assert_str_eq(next(t), *line);
	ck_assert_str_eq(next(t), "(nothing)");
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

static void put_lines(const char *path, int from, int to)
{
	FILE *f = fopen(path, "a");

	for (int i = from; i < to; i++)
		fprintf(f, "line %d\n", i);
	fclose(f);
}

START_TEST(counts_back_over_many_chunks)
{
	const char *path = scratch_path("log");
	char expected[32];
	struct logtail *t;

	put_lines(path, 0, 20000);
	t = open_last(path, 5000);
	put_lines(path, 20000, 20010); /* what comes later does not count */
	for (int i = 15000; i < 20000; i++) {
		snprintf(expected, sizeof expected, "line %d", i);
		ck_assert_str_eq(next(t), expected);
	}
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

/* B3: not for as long as a file is long. */
START_TEST(looks_back_no_further_than_it_says)
{
	const char *path = scratch_put("log", "", 0644);
	struct logtail_piece piece;
	size_t sum = 0;
	struct logtail *t;

	ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0); /* a line of NULs */
	append(path, "\nend\n");
	t = open_last(path, 3);
	while (logtail_next(t, &piece) > 0)
		sum += piece.size;
	ck_assert_uint_ge(sum, LOGTAIL_BACK_MAX);
	ck_assert_uint_le(sum, LOGTAIL_BACK_MAX + 1024 * 1024);
	logtail_close(t);
}
END_TEST

START_TEST(gives_long_lines_in_pieces)
{
	const char *path = scratch_path("log");
	FILE *f = fopen(path, "w");
	struct logtail *t;

	for (int i = 0; i < 2 * LOGTAIL_LINE_MAX; i++)
		fputc('x', f);
	fputs("\nshort\n", f);
	fclose(f);
	t = open_last(path, 9);
	ck_assert_uint_eq(strlen(next(t)), LOGTAIL_LINE_MAX);
	ck_assert_uint_eq(strlen(next(t)), LOGTAIL_LINE_MAX);
	ck_assert_str_eq(next(t), "short"); /* and no empty line before */
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(keeps_bytes_of_any_kind)
{
	const char *path = scratch_path("log");
	FILE *f = fopen(path, "w");
	struct logtail_piece piece;
	struct logtail *t;

	fwrite("a\0b\xff\n", 1, 5, f);
	fclose(f);
	t = open_last(path, 1);
	ck_assert_int_eq(logtail_next(t, &piece), LOGTAIL_LINE);
	ck_assert_uint_eq(piece.size, 4);
	ck_assert_int_eq(memcmp(piece.bytes, "a\0b\xff", 4), 0);
	logtail_close(t);
}
END_TEST

/* C3: nothing that could wait for somebody. */
START_TEST(reads_regular_files_only)
{
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0644), 0);
	ck_assert_int_eq(mkdir(scratch_path("dir"), 0755), 0);
	ck_assert_int_eq(try_to_open(scratch_path("fifo")), -EINVAL);
	ck_assert_int_eq(try_to_open(scratch_path("dir")), -EINVAL);
	ck_assert_int_eq(try_to_open("/dev/null"), -EINVAL);
	ck_assert_int_eq(try_to_open(scratch_path("none")), -ENOENT);
	ck_assert_int_eq(logtail_read_end(scratch_path("fifo"), 0, (char[8]){ 0 }, 8), -EINVAL);
}
END_TEST

/* --- following --- */

START_TEST(follows_growth)
{
	const char *path = scratch_put("log", "old\n", 0644);
	struct stage s;

	stage_open(&s, path, 0);
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(path, "one\ntw");
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "one");
	ck_assert_str_eq(next(s.tail), "(nothing)"); /* half a line is none */
	append(path, "o\n");
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "two");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	stage_close(&s);
}
END_TEST

START_TEST(tells_once_until_all_is_read)
{
	const char *path = scratch_put("log", "", 0644);
	struct stage s;

	stage_open(&s, path, 0);
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(path, "one\n");
	ck_assert(hear(&s));
	append(path, "two\n");
	for (int i = 0; i < 10; i++)
		ev_run(s.loop, EVRUN_NOWAIT);
	ck_assert_int_eq(s.grown, 1);
	ck_assert_str_eq(next(s.tail), "one");
	ck_assert_str_eq(next(s.tail), "two");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(path, "three\n");
	ck_assert(hear(&s));
	ck_assert_int_eq(s.grown, 2);
	stage_close(&s);
}
END_TEST

START_TEST(starts_over_when_it_is_truncated)
{
	const char *path = scratch_put("log", "a long line\nanother", 0644);
	struct stage s;

	stage_open(&s, path, 2);
	ck_assert_str_eq(next(s.tail), "a long line");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	ck_assert_int_eq(truncate(path, 0), 0);
	append(path, "new\n");
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "another"); /* that was its end */
	ck_assert_str_eq(next(s.tail), "new");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	stage_close(&s);
}
END_TEST

START_TEST(goes_on_after_a_rotation)
{
	const char *path = scratch_put("log", "one\n", 0644);
	struct stage s;

	stage_open(&s, path, 9);
	ck_assert_str_eq(next(s.tail), "one");
	for (int i = 0; i < 3; i++) {
		append(path, "last words");
		ck_assert_int_eq(rename(path, scratch_path("log.1")), 0);
		scratch_put("log", "first\n", 0644);
		ck_assert_str_eq(next(s.tail), "last words");
		ck_assert_str_eq(next(s.tail), "first");
		ck_assert_str_eq(next(s.tail), "(nothing)");
		append(path, "second\n");
		ck_assert(hear(&s));
		ck_assert_str_eq(next(s.tail), "second");
		ck_assert_str_eq(next(s.tail), "(nothing)");
	}
	stage_close(&s);
}
END_TEST

START_TEST(waits_for_a_file_that_has_vanished)
{
	const char *path = scratch_put("log", "one\n", 0644);
	struct stage s;

	stage_open(&s, path, 9);
	ck_assert_str_eq(next(s.tail), "one");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	ck_assert_int_eq(rename(path, scratch_path("log.1")), 0);
	append(scratch_path("log.1"), "still written\n");
	for (int i = 0; i < 10; i++)
		ev_run(s.loop, EVRUN_NOWAIT);
	ck_assert_str_eq(next(s.tail), "still written");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	scratch_put("log", "two\n", 0644);
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "two");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	stage_close(&s);
}
END_TEST

START_TEST(follows_what_a_link_leads_to)
{
	struct stage s;

	scratch_put("log.today", "one\n", 0644);
	ck_assert_int_eq(symlink("log.today", scratch_path("log")), 0);
	stage_open(&s, scratch_path("log"), 9);
	ck_assert_str_eq(next(s.tail), "one");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(scratch_path("log.today"), "two\n");
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "two");
	stage_close(&s);
}
END_TEST

/* --- the chain --- */

#define OLDEST "log-20261130T060000.000000Z"
#define OLDER  "log-20261130T070000.000000Z"
#define OLD    "log-20261130T080000.000000Z"
#define NEWEST "log-20261130T080000.000001Z"

/* When a file was written last, whenever that was. */
static void set_written(const char *path, time_t seconds)
{
	const struct timespec times[] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put_chain(void)
{
	scratch_put(OLDER, "3\n4\n", 0644);
	scratch_put(OLD, "5\n6", 0644);
	scratch_put("log", "7\n8\n", 0644);
	/* strangers */
	scratch_put("log-20261130T080000.000000Z.tmp", "x\n", 0644);
	scratch_put("log-20261130T08.gz", "x\n", 0644);
	scratch_put("log.1", "x\n", 0644);
	scratch_put("blog-20261130T080000.000000Z", "x\n", 0644);
}

static const struct {
	const char *oldest; /* as which 1 and 2 are there */
	unsigned lines;
	const char *expected[12]; /* up to NULL */
} chains[] = {
	{ OLDEST, 0, { NULL } },
	{ OLDEST, 1, { "8", NULL } },
	{ OLDEST, 2, { "7", "8", NULL } },
	{ OLDEST, 3, { "6", "7", "8", NULL } },
	{ OLDEST, 5, { "4", "5", "6", "7", "8", NULL } },
	{ OLDEST, 6, { "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST, 7, { "2", "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST, 99, { "1", "2", "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST, LOGTAIL_ALL, { "1", "2", "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST ".gz", 6, { "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST ".gz", 9, { OLDEST ".gz?3", "3", "4", "5", "6", "7", "8", NULL } },
	{ OLDEST ".xz", LOGTAIL_ALL, { OLDEST ".xz?-1", "3", "4", "5", "6", "7", "8", NULL } },
	/* what is older than a packed one is left to its reader as well */
	{ OLD ".zst", 3, { "6", "7", "8", NULL } },
	{ NEWEST ".zst", 3, { OLDER "?1", OLD "?1", NEWEST ".zst?1", "7", "8", NULL } },
	{ NEWEST ".zst", LOGTAIL_ALL, { "3", "4", "5", "6", NEWEST ".zst?-1", "7", "8", NULL } },
};

START_TEST(a_log_is_all_it_was_rotated_to)
{
	struct logtail *t;

	put_chain();
	scratch_put(chains[_i].oldest, "1\n2\n", 0644);
	t = open_last(scratch_path("log"), chains[_i].lines);
	for (const char *const *line = chains[_i].expected; *line; line++)
		ck_assert_str_eq(next(t), *line);
	ck_assert_str_eq(next(t), "(nothing)");
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(what_was_rotated_is_read_without_the_file_itself)
{
	struct logtail *t;

	put_chain();
	ck_assert_int_eq(remove(scratch_path("log")), 0);
	t = open_last(scratch_path("log"), 2);
	ck_assert_str_eq(next(t), "5");
	ck_assert_str_eq(next(t), "6");
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(links_among_what_was_rotated_are_not_followed)
{
	struct logtail *t;

	put_chain();
	ck_assert_int_eq(symlink("log.1", scratch_path(NEWEST)), 0);
	t = open_last(scratch_path("log"), 3);
	ck_assert_str_eq(next(t), "6");
	ck_assert_str_eq(next(t), "7");
	ck_assert_str_eq(next(t), "8");
	logtail_close(t);
}
END_TEST

START_TEST(what_is_packed_between_is_told)
{
	struct logtail *t;

	put_chain();
	t = open_last(scratch_path("log"), 6);
	ck_assert_str_eq(next(t), "3");
	ck_assert_int_eq(rename(scratch_path(OLD), scratch_path(OLD ".gz")), 0);
	ck_assert_str_eq(next(t), "4");
	ck_assert_str_eq(next(t), OLD ".gz?-1");
	ck_assert_str_eq(next(t), "7");
	logtail_close(t);
}
END_TEST

/* L1 */
START_TEST(several_rotations_between_two_looks_lose_nothing)
{
	struct stage s;

	put_chain();
	stage_open(&s, scratch_path("log"), 1);
	ck_assert_str_eq(next(s.tail), "8");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(scratch_path("log"), "9\n");
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log-20261130T090000.000000Z")),
	                 0);
	scratch_put("log-20261130T090000.000001Z", "10\n", 0644);
	scratch_put("log-20261130T090000.000002Z.gz", "?", 0644);
	scratch_put("log-20261130T090000.000003Z", "11\n", 0644);
	scratch_put("log", "12\n", 0644);
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "9");
	ck_assert_str_eq(next(s.tail), "10");
	ck_assert_str_eq(next(s.tail), "log-20261130T090000.000002Z.gz?-1");
	ck_assert_str_eq(next(s.tail), "11");
	ck_assert_str_eq(next(s.tail), "12");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(scratch_path("log"), "13\n");
	ck_assert(hear(&s));
	ck_assert_str_eq(next(s.tail), "13");
	/* the one that was open is packed already */
	ck_assert_int_eq(remove(scratch_path("log")), 0);
	scratch_put("log-20261130T100000.000000Z.gz", "?", 0644);
	scratch_put("log-20261130T100000.000001Z", "14\n", 0644);
	scratch_put("log", "15\n", 0644);
	ck_assert_str_eq(next(s.tail), "14");
	ck_assert_str_eq(next(s.tail), "15");
	ck_assert_str_eq(next(s.tail), "(nothing)");
	stage_close(&s);
}
END_TEST

/* --- since --- */

#define MOMENT_US INT64_C(1796026500000000) /* 2026-11-30T08:15:00Z */

/* A log of a stamped line a second and one without a stamp behind each, from MOMENT_US on. */
static void put_stamped(const char *path, int count)
{
	FILE *f = fopen(path, "w");

	for (int i = 0; i < count; i++)
		fprintf(f, "2026-11-30T%02d:%02d:%02d.000000Z %d\n  and more of %d\n",
		        8 + (15 * 60 + i) / 3600, (15 + i / 60) % 60, i % 60, i, i);
	fclose(f);
	set_written(path, MOMENT_US / 1000000 + count);
}

static struct logtail *open_since(const char *path, unsigned lines, int64_t us)
{
	const struct logtail_wish wish = { .lines = lines, .since_us = us };
	struct logtail *t;

	ck_assert_int_eq(logtail_open(&t, path, &wish, NULL, NULL, NULL), 0);
	seek(t);
	return t;
}

START_TEST(begins_with_the_first_line_of_a_time)
{
	static const int counts[] = { 1, 2, 10, 1000, 20000 };
	int count = counts[_i];

	put_stamped(scratch_path("log"), count);
	for (int i = 0; i < count; i += count / 7 + 1) {
		struct logtail *t = open_since(scratch_path("log"), LOGTAIL_ALL,
		                               MOMENT_US + i * INT64_C(1000000) - 1);
		char expected[64];
		int told = 1;

		snprintf(expected, sizeof expected, "Z %d", i);
		ck_assert_ptr_nonnull(strstr(next(t), expected));
		while (strcmp(next(t), "(nothing)") != 0)
			told++;
		ck_assert_int_eq(told, 2 * (count - i));
		logtail_close(t);
	}
	struct logtail *t =
		open_since(scratch_path("log"), LOGTAIL_ALL, MOMENT_US + count * INT64_C(1000000));

	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(of_those_of_a_time_the_last_are_counted)
{
	struct logtail *t;

	put_stamped(scratch_path("log"), 100);
	t = open_since(scratch_path("log"), 3, MOMENT_US + 99 * INT64_C(1000000));
	ck_assert_ptr_nonnull(strstr(next(t), "Z 99"));
	ck_assert_str_eq(next(t), "  and more of 99");
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
	t = open_since(scratch_path("log"), 1, MOMENT_US);
	ck_assert_str_eq(next(t), "  and more of 99");
	logtail_close(t);
}
END_TEST

START_TEST(files_of_an_older_time_are_left_out)
{
	struct logtail *t;

	put_chain();
	set_written(scratch_path("log"), MOMENT_US / 1000000);
	t = open_since(scratch_path("log"), LOGTAIL_ALL, MOMENT_US - 3600 * INT64_C(1000000));
	ck_assert_str_eq(next(t), "5"); /* it has no stamps */
	ck_assert_str_eq(next(t), "6");
	ck_assert_str_eq(next(t), "7");
	ck_assert_str_eq(next(t), "8");
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
	/* by when it was written last */
	t = open_since(scratch_path("log"), LOGTAIL_ALL, MOMENT_US + 1);
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(a_packed_file_that_may_have_the_time_is_told)
{
	struct logtail *t;

	put_chain();
	scratch_put(OLDEST ".gz", "?", 0644);
	scratch_put(NEWEST ".gz", "?", 0644);
	set_written(scratch_path("log"), MOMENT_US / 1000000);
	t = open_since(scratch_path("log"), LOGTAIL_ALL, MOMENT_US - 3600 * INT64_C(1000000));
	ck_assert_str_eq(next(t), "5");
	ck_assert_str_eq(next(t), "6");
	ck_assert_str_eq(next(t), NEWEST ".gz?-1");
	ck_assert_str_eq(next(t), "7");
	logtail_close(t);
}
END_TEST

static void close_when_grown(void *context, struct logtail *t)
{
	struct stage *s = context;

	s->grown++;
	logtail_close(t);
	s->tail = NULL;
}

START_TEST(may_be_closed_when_it_tells)
{
	const char *path = scratch_put("log", "", 0644);
	const struct logtail_wish wish = { .lines = 0, .since_us = INT64_MIN };
	struct stage s = { .loop = loop_new() };

	ck_assert_int_eq(logtail_open(&s.tail, path, &wish, s.loop, close_when_grown, &s), 0);
	seek(s.tail);
	ck_assert_str_eq(next(s.tail), "(nothing)");
	append(path, "one\n");
	ck_assert(hear(&s));
	stage_close(&s);
}
END_TEST

/* --- the last words --- */

static const struct {
	off_t from;
	size_t size;
	const char *expected;
} words[] = {
	{ 0, 100, "one\ntwo\nthree\n" },
	{ 4, 100, "two\nthree\n" },
	{ 0, 14, "one\ntwo\nthree\n" },
	{ 0, 13, "two\nthree\n" },
	{ 0, 10, "three\n" },
	{ 0, 9, "three\n" },
	{ 0, 3, "ee\n" },
	{ 14, 100, "" },
	{ 99, 100, "one\ntwo\nthree\n" },
	{ 0, 0, "" },
};

/* R3 */
START_TEST(reads_the_last_words)
{
	const char *path = scratch_put("log", "one\ntwo\nthree\n", 0644);
	char out[128];
	ssize_t size = logtail_read_end(path, words[_i].from, out, words[_i].size);

	ck_assert_int_ge(size, 0);
	out[size] = '\0';
	ck_assert_str_eq(out, words[_i].expected);
}
END_TEST

static TCase *make_case(Suite *suite, TCase *tcase)
{
	tcase_add_checked_fixture(tcase, scratch_make, scratch_remove);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logtail");
	TCase *lines = make_case(suite, tcase_create("lines"));
	TCase *following = make_case(suite, tcase_create("following"));
	TCase *chain = make_case(suite, tcase_create("chain"));
	TCase *since = make_case(suite, tcase_create("since"));
	TCase *last_words = make_case(suite, tcase_create("words"));

	tcase_add_loop_test(lines, begins_with_the_last_lines, 0, sizeof ends / sizeof ends[0]);
	tcase_add_test(lines, counts_back_over_many_chunks);
	tcase_add_test(lines, looks_back_no_further_than_it_says);
	tcase_add_test(lines, gives_long_lines_in_pieces);
	tcase_add_test(lines, keeps_bytes_of_any_kind);
	tcase_add_test(lines, reads_regular_files_only);
	tcase_add_test(following, follows_growth);
	tcase_add_test(following, tells_once_until_all_is_read);
	tcase_add_test(following, starts_over_when_it_is_truncated);
	tcase_add_test(following, goes_on_after_a_rotation);
	tcase_add_test(following, waits_for_a_file_that_has_vanished);
	tcase_add_test(following, follows_what_a_link_leads_to);
	tcase_add_test(following, may_be_closed_when_it_tells);
	tcase_add_loop_test(chain, a_log_is_all_it_was_rotated_to, 0,
	                    sizeof chains / sizeof chains[0]);
	tcase_add_test(chain, what_was_rotated_is_read_without_the_file_itself);
	tcase_add_test(chain, links_among_what_was_rotated_are_not_followed);
	tcase_add_test(chain, what_is_packed_between_is_told);
	tcase_add_test(chain, several_rotations_between_two_looks_lose_nothing);
	tcase_add_loop_test(since, begins_with_the_first_line_of_a_time, 0, 5);
	tcase_add_test(since, of_those_of_a_time_the_last_are_counted);
	tcase_add_test(since, files_of_an_older_time_are_left_out);
	tcase_add_test(since, a_packed_file_that_may_have_the_time_is_told);
	tcase_add_loop_test(last_words, reads_the_last_words, 0, sizeof words / sizeof words[0]);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
