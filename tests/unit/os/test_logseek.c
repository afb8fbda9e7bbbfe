/* SPDX-License-Identifier: MIT */
#include "os/logseek.h"

#include "scratch.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "unit/suite.h"

enum { LINES_MAX = 3000, SECONDS_MAX = 86400 };

#define DAY_US INT64_C(1796083200000000) /* 2026-12-01T00:00:00Z */

/* A file of lines, and what is known of them. */
struct book {
	int fd;
	off_t size;
	size_t count;
	off_t starts[LINES_MAX];
	int seconds[LINES_MAX]; /* of the day; -1 = the line has no time */
	bool is_stamped;
};

static unsigned roll(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (*seed >> 8) % sides;
}

/* Short lines, and now and then one that is longer than whatever is read at once. */
static unsigned roll_size(unsigned *seed)
{
	if (roll(seed, 50) == 0)
		return roll(seed, 100000);
	return roll(seed, 120);
}

/* `bare` of a hundred lines have no time. */
static void write_book(struct book *b, unsigned seed, unsigned count, unsigned bare)
{
	const char *path = scratch_path("log");
	FILE *f = fopen(path, "w");
	int second = 0;

	*b = (struct book){ .count = count };
	for (size_t i = 0; i < count; i++) {
		b->starts[i] = ftell(f);
		second += (int)roll(&seed, 20);
		b->seconds[i] = roll(&seed, 100) < bare ? -1 : second;
		if (b->seconds[i] >= 0)
			fprintf(f, "2026-12-01T%02d:%02d:%02dZ ", second / 3600, second / 60 % 60,
			        second % 60);
		b->is_stamped = b->is_stamped || b->seconds[i] >= 0;
		fprintf(f, "%*s\n", (int)roll_size(&seed), "x");
	}
	b->size = ftell(f);
	fclose(f);
	b->fd = open(path, O_RDONLY);
	ck_assert_int_ge(b->fd, 0);
}

static off_t expect_time(const struct book *b, int second)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->seconds[i] >= second)
			return b->starts[i];
	return b->is_stamped ? b->size : 0;
}

static off_t find_time(const struct book *b, int second)
{
	struct logseek_time s;

	logseek_time_init(&s, b->fd, b->size, DAY_US + second * INT64_C(1000000));
	while (logseek_time(&s, b->fd) == LOGSEEK_ON)
		;
	return s.at;
}

static const struct {
	unsigned count, bare;
} books[] = {
	{ 0, 0 },    { 1, 0 },     { 1, 100 },   { 2, 50 },     { 50, 0 },
	{ 3000, 0 }, { 3000, 50 }, { 3000, 99 }, { 3000, 100 },
};

START_TEST(finds_the_first_line_of_a_time)
{
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct book b;

		write_book(&b, seed, books[_i].count, books[_i].bare);
		for (int second = 0; second < SECONDS_MAX; second += 1777)
			ck_assert_int_eq(find_time(&b, second), expect_time(&b, second));
		for (size_t i = 0; i < b.count; i += 97)
			ck_assert_int_eq(find_time(&b, b.seconds[i] + 1),
			                 expect_time(&b, b.seconds[i] + 1));
		close(b.fd);
	}
}
END_TEST

START_TEST(finds_the_last_lines)
{
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct book b;

		write_book(&b, seed, books[_i].count, books[_i].bare);
		for (unsigned lines = 1; lines < b.count + 3; lines += 1 + lines / 7) {
			size_t floor_line = b.count / 3;
			off_t floor = b.count ? b.starts[floor_line] : 0;
			unsigned there = (unsigned)(b.count - floor_line);
			enum logseek_result result = LOGSEEK_ON;
			struct logseek_back s;

			logseek_back_init(&s, floor, b.size, lines);
			while (result == LOGSEEK_ON)
				result = logseek_back(&s, b.fd);
			if (lines > there) {
				ck_assert_int_eq(result, LOGSEEK_END);
				ck_assert_uint_eq(s.lines, lines - there);
				ck_assert_int_eq(s.at, floor);
			} else {
				ck_assert_int_eq(result, LOGSEEK_FOUND);
				ck_assert_int_eq(s.at, b.starts[b.count - lines]);
			}
		}
		close(b.fd);
	}
}
END_TEST

/* C3 */
START_TEST(a_step_is_short)
{
	struct logseek_back back;
	struct logseek_time time;
	int steps = 0;
	int fd;

	scratch_put("log", "", 0644);
	ck_assert_int_eq(truncate(scratch_path("log"), (off_t)1 << 30), 0);
	fd = open(scratch_path("log"), O_RDONLY);
	logseek_back_init(&back, 0, (off_t)1 << 30, 1);
	ck_assert_int_eq(logseek_back(&back, fd), LOGSEEK_ON);
	ck_assert_int_ge(back.at, ((off_t)1 << 30) - LOGSEEK_STEP - 16384);
	/* and what has no times at its start has none */
	logseek_time_init(&time, fd, (off_t)1 << 30, DAY_US);
	while (logseek_time(&time, fd) == LOGSEEK_ON)
		steps++;
	ck_assert_int_eq(time.at, 0);
	ck_assert_int_le(steps, LOGSEEK_BARE / LOGSEEK_STEP + 1);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logseek");
	TCase *tcase = tcase_create("logseek");
	int count = (int)(sizeof books / sizeof books[0]);

	tcase_add_checked_fixture(tcase, scratch_make, scratch_remove);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, finds_the_first_line_of_a_time, 0, count);
	tcase_add_loop_test(tcase, finds_the_last_lines, 0, count);
	tcase_add_test(tcase, a_step_is_short);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
