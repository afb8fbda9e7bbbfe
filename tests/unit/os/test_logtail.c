/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/logtail.h"
#include "os/loop.h"
#include "unit/suite.h"

enum { PATIENCE_S = 5 };

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
	static char line[LOGTAIL_LINE_MAX + 1];
	const char *bytes;
	size_t size;
	int r = logtail_next(t, &bytes, &size);

	ck_assert_int_ge(r, 0);
	if (r == 0)
		return "(nothing)";
	memcpy(line, bytes, size);
	line[size] = '\0';
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
	*s = (struct stage){ .loop = loop_new() };
	ck_assert_int_eq(logtail_open(&s->tail, path, lines, s->loop, on_grown, s), 0);
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

	ck_assert_int_eq(logtail_open(&t, path, ends[_i].lines, NULL, NULL, NULL), 0);
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
	ck_assert_int_eq(logtail_open(&t, path, 5000, NULL, NULL, NULL), 0);
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
	const char *path = scratch_path("log");
	FILE *f = fopen(path, "w");
	const char *bytes;
	size_t size, sum = 0;
	struct logtail *t;

	for (int i = 0; i < LOGTAIL_BACK_MAX / 100 * 2; i++)
		fprintf(f, "%099d\n", i);
	fclose(f);
	ck_assert_int_eq(logtail_open(&t, path, 4000000, NULL, NULL, NULL), 0);
	while (logtail_next(t, &bytes, &size) > 0) {
		ck_assert_uint_eq(size, 99); /* the first is whole as well */
		sum += size + 1;
	}
	ck_assert_uint_le(sum, LOGTAIL_BACK_MAX);
	ck_assert_uint_ge(sum, LOGTAIL_BACK_MAX - 200);
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
	ck_assert_int_eq(logtail_open(&t, path, 9, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(strlen(next(t)), LOGTAIL_LINE_MAX);
	ck_assert_uint_eq(strlen(next(t)), LOGTAIL_LINE_MAX);
	ck_assert_str_eq(next(t), "short"); /* and no empty line before */
	ck_assert_str_eq(next(t), "(nothing)");
	logtail_close(t);
}
END_TEST

START_TEST(keeps_bytes_of_any_kind)
{
	const char *path = scratch_path("log"), *bytes;
	FILE *f = fopen(path, "w");
	struct logtail *t;
	size_t size;

	fwrite("a\0b\xff\n", 1, 5, f);
	fclose(f);
	ck_assert_int_eq(logtail_open(&t, path, 1, NULL, NULL, NULL), 0);
	ck_assert_int_eq(logtail_next(t, &bytes, &size), 1);
	ck_assert_uint_eq(size, 4);
	ck_assert_int_eq(memcmp(bytes, "a\0b\xff", 4), 0);
	logtail_close(t);
}
END_TEST

/* C3: nothing that could wait for somebody. */
START_TEST(reads_regular_files_only)
{
	struct logtail *t;

	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0644), 0);
	ck_assert_int_eq(mkdir(scratch_path("dir"), 0755), 0);
	ck_assert_int_eq(logtail_open(&t, scratch_path("fifo"), 1, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(logtail_open(&t, scratch_path("dir"), 1, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(logtail_open(&t, "/dev/null", 1, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(logtail_open(&t, scratch_path("none"), 1, NULL, NULL, NULL), -ENOENT);
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
	struct stage s = { .loop = loop_new() };

	ck_assert_int_eq(logtail_open(&s.tail, path, 0, s.loop, close_when_grown, &s), 0);
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
	tcase_add_loop_test(last_words, reads_the_last_words, 0, sizeof words / sizeof words[0]);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
