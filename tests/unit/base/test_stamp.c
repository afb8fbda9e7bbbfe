/* SPDX-License-Identifier: MIT */
#include "base/stamp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "unit/suite.h"

#define MOMENT INT64_C(1796026500000000) /* 2026-11-30T08:15:00Z */

static const struct {
	const char *text;
	size_t size; /* that is read */
	int64_t us;
} stamps[] = {
	{ "2026-11-30T08:15:00Z", 20, MOMENT },
	{ "2026-11-30T08:15:00.123456Z web", 27, MOMENT + 123456 },
	{ "2026-11-30T08:15:00.1234567Z", 28, MOMENT + 123456 },
	{ "2026-11-30 08:15:00,5Z", 22, MOMENT + 500000 },
	{ "2026-11-30T09:15:00+01:00 x", 25, MOMENT },
	{ "2026-11-30 03:45:00 -0430] x", 25, MOMENT },
	/* two hours east of Greenwich */
	{ "2026-11-30T10:15:00", 19, MOMENT },
	{ "2026-11-30 10:15:00,250 INFO", 23, MOMENT + 250000 },
	{ "2026-11-30 10:15:00. And then", 19, MOMENT },
	{ "2026-11-30 10:15:00 + 1", 19, MOMENT },
	{ "2026-11-30 10:15:00 -5 degrees", 19, MOMENT },
	{ "1970-01-01T00:00:00Z", 20, 0 },
	{ "2024-02-29T00:00:00Z", 20, INT64_C(1709164800000000) },
};

static void live_in_the_east(void)
{
	setenv("TZ", "EAST-2", 1);
	tzset();
}

START_TEST(stamps_of_many_kinds_are_read)
{
	int64_t us;

	live_in_the_east();
	ck_assert_uint_eq(stamp_parse(stamps[_i].text, strlen(stamps[_i].text), &us),
	                  stamps[_i].size);
	ck_assert_int_eq(us, stamps[_i].us);
	ck_assert_int_eq(stamp_of_line(stamps[_i].text, strlen(stamps[_i].text)), stamps[_i].us);
}
END_TEST

static const char *const others[] = {
	"",
	"hello",
	"2026",
	"2026-11-30",
	"2026-11-30T08:15",
	"2026-11-30X08:15:00Z",
	"2026-13-30T08:15:00Z",
	"2026-00-30T08:15:00Z",
	"2026-11-32T08:15:00Z",
	"2026-11-30T24:15:00Z",
	"2026-11-30T08:60:00Z",
	" 2026-11-30T08:15:00Z",
	"{\"message\":\"2026-11-30T08:15:00Z\"}",
	"{\"time\":12}",
	"{\"time\"",
	"{",
	"[",
	"1234-11-30T08:15:00Z",
};

START_TEST(other_lines_have_none)
{
	ck_assert_int_eq(stamp_of_line(others[_i], strlen(others[_i])), STAMP_NONE);
}
END_TEST

START_TEST(nothing_is_read_beyond_the_end)
{
	const char *text = "2026-11-30T08:15:00.123456Z";
	int64_t us;

	live_in_the_east();
	for (size_t size = 0; size < 19; size++)
		ck_assert_uint_eq(stamp_parse(text, size, &us), 0);
	ck_assert_uint_eq(stamp_parse(text, 20, &us), 19);
	ck_assert_uint_eq(stamp_parse(text, 21, &us), 21);
}
END_TEST

static const char *const lines[] = {
	"2026-11-30T08:15:00Z hello",
	"[2026-11-30 08:15:00 +0000] [7] [INFO] hello",
	"{\"time\":\"2026-11-30T08:15:00Z\",\"program\":\"web\"}",
	"{ \"time\" : \"2026-11-30T08:15:00Z\" }",
};

START_TEST(lines_begin_with_their_time)
{
	ck_assert_int_eq(stamp_of_line(lines[_i], strlen(lines[_i])), MOMENT);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stamp");
	TCase *tcase = tcase_create("stamps");

	tcase_add_loop_test(tcase, stamps_of_many_kinds_are_read, 0, (int)ARRAY_SIZE(stamps));
	tcase_add_loop_test(tcase, other_lines_have_none, 0, (int)ARRAY_SIZE(others));
	tcase_add_test(tcase, nothing_is_read_beyond_the_end);
	tcase_add_loop_test(tcase, lines_begin_with_their_time, 0, (int)ARRAY_SIZE(lines));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
