/* SPDX-License-Identifier: MIT */
#include "base/parse.h"

#include <check.h>
#include <errno.h>

#include "base/cleanup.h"
#include "unit/suite.h"

/* a text, what the parser answers, and the value when it answers 0 */
struct parse_case {
	const char *text;
	int result;
	int64_t value;
};

static const struct parse_case int_cases[] = {
	{ "0", 0, 0 },
	{ "42", 0, 42 },
	{ "-7", 0, -7 },
	{ "-0", 0, 0 },
	{ "007", 0, 7 },
	{ "-100", 0, -100 },
	{ "100", 0, 100 },
	{ "101", -ERANGE, 0 },
	{ "-101", -ERANGE, 0 },
	{ "9223372036854775807", -ERANGE, 0 },
	{ "9223372036854775808", -ERANGE, 0 },
	{ "99999999999999999999999", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "--1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1\n", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "1e3", -EINVAL, 0 },
	{ "1.0", -EINVAL, 0 },
};

START_TEST(integers_are_digits_and_nothing_else)
{
	const struct parse_case *c = &int_cases[_i];
	int64_t out = 12345;

	ck_assert_msg(parse_int(c->text, -100, 100, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq(out, c->result == 0 ? c->value : 12345);
}
END_TEST

START_TEST(integers_reach_the_ends_of_their_type)
{
	int64_t out;

	ck_assert_int_eq(parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &out), 0);
	ck_assert_int_eq(out, INT64_MAX);
	ck_assert_int_eq(parse_int("-9223372036854775807", INT64_MIN, INT64_MAX, &out), 0);
	ck_assert_int_eq(out, -INT64_MAX);
}
END_TEST

static const struct parse_case octal_cases[] = {
	{ "0", 0, 0 },           { "644", 0, 0644 },      { "0022", 0, 0022 },
	{ "7777", 0, 07777 },    { "10000", -ERANGE, 0 }, { "8", -EINVAL, 0 },
	{ "68", -EINVAL, 0 },    { "", -EINVAL, 0 },      { "-1", -EINVAL, 0 },
	{ "0o644", -EINVAL, 0 }, { "u=rw", -EINVAL, 0 },
};

START_TEST(modes_are_octal)
{
	const struct parse_case *c = &octal_cases[_i];
	unsigned out = 12345;

	ck_assert_msg(parse_octal(c->text, 07777, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq(out, c->result == 0 ? c->value : 12345);
}
END_TEST

static const struct parse_case duration_cases[] = {
	{ "0", 0, 0 },           { "250ms", 0, 250 },
	{ "10", 0, 10000 },      { "10s", 0, 10000 },
	{ "5m", 0, 300000 },     { "1h", 0, 3600000 },
	{ "2d", 0, 172800000 },  { "1.5s", 0, 1500 },
	{ "1.5", 0, 1500 },      { "0.25h", 0, 900000 },
	{ "1.001s", 0, 1001 },   { "3660d", 0, 316224000000 },
	{ "3661d", -ERANGE, 0 }, { "99999999999999999999", -ERANGE, 0 },
	{ "", -EINVAL, 0 },      { "s", -EINVAL, 0 },
	{ ".5s", -EINVAL, 0 },   { "1.s", -EINVAL, 0 },
	{ "-1s", -EINVAL, 0 },   { "1 s", -EINVAL, 0 },
	{ "1S", -EINVAL, 0 },    { "1sec", -EINVAL, 0 },
	{ "1h30m", -EINVAL, 0 }, { "1,5s", -EINVAL, 0 },
};

START_TEST(durations_have_units)
{
	const struct parse_case *c = &duration_cases[_i];
	msec_t out = 12345;

	ck_assert_msg(parse_duration(c->text, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq(out, c->result == 0 ? c->value : 12345);
}
END_TEST

START_TEST(a_fraction_does_not_pass_the_ten_years)
{
	msec_t out;

	ck_assert_int_eq(parse_duration("3660.9d", &out), -ERANGE);
}
END_TEST

static const struct parse_case size_cases[] = {
	{ "0", 0, 0 },
	{ "512", 0, 512 },
	{ "64k", 0, 65536 },
	{ "64K", 0, 65536 },
	{ "10M", 0, 10485760 },
	{ "1G", 0, 1073741824 },
	{ "2T", 0, 2199023255552 },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "99999999999G", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "k", -EINVAL, 0 },
	{ "1kB", -EINVAL, 0 },
	{ "1.5G", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
};

START_TEST(sizes_are_powers_of_1024)
{
	const struct parse_case *c = &size_cases[_i];
	uint64_t out = 12345;

	ck_assert_msg(parse_size(c->text, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq((int64_t)out, c->result == 0 ? c->value : 12345);
}
END_TEST

static const struct parse_case bool_cases[] = {
	{ "yes", 0, true }, { "true", 0, true },   { "ON", 0, true },      { "1", 0, true },
	{ "no", 0, false }, { "False", 0, false }, { "off", 0, false },    { "0", 0, false },
	{ "", -EINVAL, 0 }, { "y", -EINVAL, 0 },   { "yes ", -EINVAL, 0 }, { "2", -EINVAL, 0 },
};

START_TEST(truth_has_four_words)
{
	const struct parse_case *c = &bool_cases[_i];
	bool out = true;

	ck_assert_msg(parse_bool(c->text, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq(out, c->result == 0 ? c->value : true);
}
END_TEST

static const struct parse_case percent_cases[] = {
	{ "0%", 0, 0 },       { "10%", 0, 10 },    { "100%", 0, 100 },    { "101%", -ERANGE, 0 },
	{ "10", -EINVAL, 0 }, { "%", -EINVAL, 0 }, { "-1%", -EINVAL, 0 }, { "10 %", -EINVAL, 0 },
};

START_TEST(shares_are_percent)
{
	const struct parse_case *c = &percent_cases[_i];
	unsigned out = 12345;

	ck_assert_msg(parse_percent(c->text, &out) == c->result, "'%s'", c->text);
	ck_assert_int_eq(out, c->result == 0 ? c->value : 12345);
}
END_TEST

struct format_case {
	msec_t ms;
	const char *text;
};

static const struct format_case format_cases[] = {
	{ 0, "0s" },       { 1, "1ms" },        { 1500, "1500ms" },
	{ 2000, "2s" },    { 90000, "90s" },    { 300000, "5m" },
	{ 3600000, "1h" }, { 172800000, "2d" }, { 86400001, "86400001ms" },
};

START_TEST(durations_are_written_the_shortest_exact_way_and_read_back)
{
	char out[DURATION_SIZE];
	msec_t back;

	ck_assert_str_eq(parse_format_duration(format_cases[_i].ms, out), format_cases[_i].text);
	ck_assert_int_eq(parse_duration(out, &back), 0);
	ck_assert_int_eq(back, format_cases[_i].ms);
}
END_TEST

struct size_format_case {
	uint64_t bytes;
	const char *text;
};

static const struct size_format_case size_format_cases[] = {
	{ 0, "0" },
	{ 1, "1" },
	{ 1000, "1000" },
	{ 4096, "4k" },
	{ 52428800, "50M" },
	{ 1ull << 30, "1G" },
	{ 3ull << 40, "3T" },
	{ (1 << 20) + 1, "1048577" },
	{ 1536, "1536" },
	{ 1 << 19, "512k" },
	{ 1ull << 62, "4194304T" },
	{ UINT64_MAX, "18446744073709551615" },
};

START_TEST(sizes_are_written_the_shortest_exact_way_and_read_back)
{
	char out[BYTES_SIZE];
	uint64_t back;

	ck_assert_str_eq(parse_format_size(size_format_cases[_i].bytes, out),
	                 size_format_cases[_i].text);
	ck_assert_int_eq(parse_size(out, &back), 0);
	ck_assert_uint_eq(back, size_format_cases[_i].bytes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parse");
	TCase *numbers = tcase_create("numbers");
	TCase *units = tcase_create("units");
	TCase *words = tcase_create("words");

	tcase_add_loop_test(numbers, integers_are_digits_and_nothing_else, 0,
	                    ARRAY_SIZE(int_cases));
	tcase_add_test(numbers, integers_reach_the_ends_of_their_type);
	tcase_add_loop_test(numbers, modes_are_octal, 0, ARRAY_SIZE(octal_cases));
	suite_add_tcase(s, numbers);
	tcase_add_loop_test(units, durations_have_units, 0, ARRAY_SIZE(duration_cases));
	tcase_add_test(units, a_fraction_does_not_pass_the_ten_years);
	tcase_add_loop_test(units, sizes_are_powers_of_1024, 0, ARRAY_SIZE(size_cases));
	tcase_add_loop_test(units, durations_are_written_the_shortest_exact_way_and_read_back, 0,
	                    ARRAY_SIZE(format_cases));
	tcase_add_loop_test(units, sizes_are_written_the_shortest_exact_way_and_read_back, 0,
	                    ARRAY_SIZE(size_format_cases));
	suite_add_tcase(s, units);
	tcase_add_loop_test(words, truth_has_four_words, 0, ARRAY_SIZE(bool_cases));
	tcase_add_loop_test(words, shares_are_percent, 0, ARRAY_SIZE(percent_cases));
	suite_add_tcase(s, words);
	return suite_run(s);
}
