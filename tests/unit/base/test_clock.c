/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <check.h>
#include <string.h>

#include "unit/suite.h"

struct stamp_case {
	int64_t us;
	const char *text;
};

static const struct stamp_case stamp_cases[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ 1, "1970-01-01T00:00:00.000001Z" },
	{ 1769903999123456, "2026-01-31T23:59:59.123456Z" },
	{ 1709164800000000, "2024-02-29T00:00:00.000000Z" },
	{ 253402300799999999, "9999-12-31T23:59:59.999999Z" },
};

START_TEST(stamps_are_rfc3339_in_utc)
{
	char out[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(stamp_cases[_i].us, out);
	ck_assert_str_eq(out, stamp_cases[_i].text);
	ck_assert_uint_eq(strlen(out), CLOCK_RFC3339_SIZE - 1);
}
END_TEST

START_TEST(monotonic_time_never_goes_back)
{
	msec_t before = clock_monotonic_ms();

	for (int i = 0; i < 10000; i++) {
		msec_t now = clock_monotonic_ms();

		ck_assert_int_ge(now, before);
		before = now;
	}
}
END_TEST

START_TEST(real_time_is_in_microseconds)
{
	/* after 2020 and before 2200, which only microseconds give */
	ck_assert_int_gt(clock_realtime_us(), 1577836800000000);
	ck_assert_int_lt(clock_realtime_us(), 7258118400000000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clock");
	TCase *format = tcase_create("format");
	TCase *read = tcase_create("read");

	tcase_add_loop_test(format, stamps_are_rfc3339_in_utc, 0,
	                    sizeof stamp_cases / sizeof *stamp_cases);
	suite_add_tcase(s, format);
	tcase_add_test(read, monotonic_time_never_goes_back);
	tcase_add_test(read, real_time_is_in_microseconds);
	suite_add_tcase(s, read);
	return suite_run(s);
}
