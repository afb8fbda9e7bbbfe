/* SPDX-License-Identifier: MIT */
#include "ctl/moment.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "unit/suite.h"

static const struct {
	msec_t age;
	const char *text;
} ages[] = {
	{ -5, "0ms" },          { 0, "0ms" },           { 999, "999ms" },
	{ 1000, "1s" },         { 59999, "59s" },       { 60000, "1m 0s" },
	{ 3599999, "59m 59s" }, { 3600000, "1h 0m" },   { 86399999, "23h 59m" },
	{ 86400000, "1d 0h" },  { 273600000, "3d 4h" },
};

START_TEST(ages_are_told_in_their_two_largest_units)
{
	char out[MOMENT_SIZE];

	ck_assert_str_eq(moment_format_age(ages[_i].age, out), ages[_i].text);
}
END_TEST

START_TEST(every_day_is_parsed_as_the_library_counts_it)
{
	/* each 9th hour from 1970 to 2100 */
	for (time_t t = 0; t < 4102444800; t += 9 * 3600 + 61) {
		char text[MOMENT_SIZE];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
		ck_assert_int_eq(moment_parse(text), t * INT64_C(1000000));
	}
}
END_TEST

START_TEST(fractions_are_microseconds)
{
	ck_assert_int_eq(moment_parse("1970-01-01T00:00:01.5Z"), 1500000);
	ck_assert_int_eq(moment_parse("1970-01-01T00:00:00.000001Z"), 1);
	ck_assert_int_eq(moment_parse("1970-01-01T00:00:00.0000019Z"), 1);
}
END_TEST

static const char *const no_moments[] = {
	"",
	"x",
	"1970-01-01",
	"1970-01-01T00:00:00",
	"1970-01-01T00:00:00+01:00",
	"1970-13-01T00:00:00Z",
	"1970-1-01T00:00:00Z",
	"70-01-01T00:00:00Z",
};

START_TEST(what_is_no_moment_is_refused_and_shown_as_it_is)
{
	char out[MOMENT_SIZE];

	ck_assert_int_eq(moment_parse(no_moments[_i]), -EINVAL);
	ck_assert_str_eq(moment_format(no_moments[_i], 0, out), no_moments[_i]);
}
END_TEST

START_TEST(moments_of_today_have_no_date)
{
	const char *moment = "2026-01-31T12:00:00Z";
	int64_t then = moment_parse(moment);
	char out[MOMENT_SIZE];

	setenv("TZ", "UTC-2", 1);
	tzset();
	ck_assert_str_eq(moment_format(moment, then + 1, out), "14:00:00");
	ck_assert_str_eq(moment_format(moment, then + INT64_C(86400000000), out),
	                 "2026-01-31 14:00:00");
}
END_TEST

#define NOW   INT64_C(1796026500123456) /* 2026-11-30T08:15:00.123456Z, in the east 10:15 */
#define DAY   INT64_C(86400000000)
#define TODAY INT64_C(1795989600000000)

static const struct {
	const char *text;
	int64_t us;
} tellings[] = {
	{ "10m", NOW - 600 * INT64_C(1000000) },
	{ "2h", NOW - 7200 * INT64_C(1000000) },
	{ "1d", NOW - DAY },
	{ "1500ms", NOW - 1500000 },
	{ "today", TODAY },
	{ "yesterday", TODAY - DAY },
	{ "00:00", TODAY },
	{ "10:15", TODAY + 615 * INT64_C(60000000) },
	{ "10:15:30", TODAY + 615 * INT64_C(60000000) + 30000000 },
	{ "2026-11-29", TODAY - DAY },
	{ "2026-11-29 00:01", TODAY - DAY + 60000000 },
	{ "2026-11-30T08:15:00.123456Z", NOW },
	{ "2026-11-30T08:15:00.123456+00:00", NOW },
	{ "2026-11-30 10:15:00.123456", NOW },
};

START_TEST(people_tell_times_in_many_ways)
{
	int64_t us;

	setenv("TZ", "EAST-2", 1);
	tzset();
	ck_assert_int_eq(moment_parse_since(tellings[_i].text, NOW, &us), 0);
	ck_assert_int_eq(us, tellings[_i].us);
}
END_TEST

static const char *const no_tellings[] = {
	"",
	"soon",
	"10 minutes ago",
	"25:00",
	"10:15:",
	"10:15:99",
	"2026-11",
	"10:15Z ",
	"-10m",
	"tomorrow",
	"2026-11-30T08:15:00Zx",
	"9999d",
};

START_TEST(what_tells_no_time_is_refused)
{
	int64_t us;

	ck_assert_int_eq(moment_parse_since(no_tellings[_i], NOW, &us), -EINVAL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("moment");
	TCase *tcase = tcase_create("moment");

	tcase_add_loop_test(tcase, ages_are_told_in_their_two_largest_units, 0,
	                    (int)ARRAY_SIZE(ages));
	tcase_add_test(tcase, every_day_is_parsed_as_the_library_counts_it);
	tcase_add_test(tcase, fractions_are_microseconds);
	tcase_add_loop_test(tcase, what_is_no_moment_is_refused_and_shown_as_it_is, 0,
	                    (int)ARRAY_SIZE(no_moments));
	tcase_add_test(tcase, moments_of_today_have_no_date);
	tcase_add_loop_test(tcase, people_tell_times_in_many_ways, 0, (int)ARRAY_SIZE(tellings));
	tcase_add_loop_test(tcase, what_tells_no_time_is_refused, 0, (int)ARRAY_SIZE(no_tellings));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
