/* SPDX-License-Identifier: MIT */
/* What is written is JSON, whatever it is made of (B3). */
#include "control/jsonout.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/utf8.h"
#include "unit/suite.h"

static struct text text;
static struct jsonout j;

static void begin(void)
{
	text_init(&text, 100000);
	jsonout_init(&j, &text);
}

static void end(void)
{
	text_release(&text);
}

START_TEST(objects_and_arrays_get_their_commas)
{
	jsonout_object(&j, NULL);
	jsonout_int(&j, "a", -5);
	jsonout_array(&j, "b");
	jsonout_bool(&j, NULL, true);
	jsonout_object(&j, NULL);
	jsonout_object_end(&j);
	jsonout_null(&j, NULL);
	jsonout_array_end(&j);
	jsonout_raw(&j, "\"r\":1", 5);
	jsonout_raw(&j, "", 0);
	jsonout_string(&j, "s", NULL);
	jsonout_object_end(&j);
	ck_assert_str_eq(text_get(&text), "{\"a\":-5,\"b\":[true,{},null],\"r\":1,\"s\":null}");
}
END_TEST

START_TEST(numbers_reach_their_ends)
{
	jsonout_array(&j, NULL);
	jsonout_int(&j, NULL, INT64_MIN);
	jsonout_int(&j, NULL, INT64_MAX);
	jsonout_int(&j, NULL, 0);
	jsonout_array_end(&j);
	ck_assert_str_eq(text_get(&text), "[-9223372036854775808,9223372036854775807,0]");
}
END_TEST

START_TEST(times_are_those_of_the_clock)
{
	static const int64_t times[] = { 0,
		                         1,
		                         999999,
		                         86399999999,
		                         86400000000,
		                         1790000000123456,
		                         951782400000000,
		                         4102444799999999 };
	char expected[CLOCK_RFC3339_SIZE + 2], stamp[CLOCK_RFC3339_SIZE];

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		clock_format_rfc3339(times[i], stamp);
		snprintf(expected, sizeof expected, "\"%s\"", stamp);
		text_reset(&text);
		j.comma = false;
		jsonout_time(&j, NULL, times[i]);
		ck_assert_str_eq(text_get(&text), expected);
	}
}
END_TEST

START_TEST(every_byte_makes_a_string)
{
	json_t *value;

	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			const char bytes[] = { 'x', (char)a, (char)b, 'y' };

			text_reset(&text);
			jsonout_init(&j, &text);
			jsonout_bytes(&j, NULL, bytes, sizeof bytes);
			value = json_loads(text_get(&text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			ck_assert_msg(json_is_string(value), "%02x %02x", a, b);
			ck_assert_int_eq(json_string_value(value)[0], 'x');
			json_decref(value);
		}
	}
}
END_TEST

/* what is no UTF-8, and what decoders make of it: Unicode's own examples */
static const struct {
	const char *bytes, *told;
	bool lossy;
} strings[] = {
	{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9",
	  false },
	{ "caf\xe9", "caf" UTF8_REPLACEMENT, true },
	{ "\xc0\xaf", UTF8_REPLACEMENT UTF8_REPLACEMENT, true },
	{ "\xed\xa0\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT, true },
	{ "\xf4\x90\x80\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT,
	  true },
	{ "\xe2\x82", UTF8_REPLACEMENT, true },
	{ "\xf0\x9f\x92"
	  "A",
	  UTF8_REPLACEMENT "A", true },
	{ "\xef\xbf\xbd", "\xef\xbf\xbd", false },
	{ "\x7f", "\x7f", false },
};

START_TEST(what_is_not_utf8_is_replaced_and_remembered)
{
	json_t *value;

	jsonout_string(&j, NULL, strings[_i].bytes);
	value = json_loads(text_get(&text), JSON_DECODE_ANY, NULL);
	ck_assert_str_eq(json_string_value(value), strings[_i].told);
	ck_assert_int_eq(j.lossy, strings[_i].lossy);
	json_decref(value);
	text_reset(&text);
	jsonout_init(&j, &text);
	j.lossy = strings[_i].lossy;
	jsonout_object(&j, NULL);
	jsonout_lossy(&j);
	jsonout_lossy(&j);
	jsonout_object_end(&j);
	ck_assert_str_eq(text_get(&text), strings[_i].lossy ? "{\"lossy\":true}" : "{}");
}
END_TEST

START_TEST(control_characters_are_escaped)
{
	jsonout_bytes(&j, NULL, "a\0\x01\n\t\r\"\\\x1f", 9);
	ck_assert_str_eq(text_get(&text), "\"a\xef\xbf\xbd\\u0001\\n\\t\\r\\\"\\\\\\u001f\"");
}
END_TEST

START_TEST(a_text_that_is_full_is_told)
{
	text_release(&text);
	text_init(&text, 10);
	jsonout_string(&j, NULL, "far too long for ten");
	ck_assert_int_eq(j.failed, -E2BIG);
	jsonout_int(&j, NULL, 1);
	ck_assert_uint_le(text.size, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jsonout");
	TCase *structure = tcase_create("structure"), *bytes = tcase_create("bytes");

	tcase_add_checked_fixture(structure, begin, end);
	tcase_add_test(structure, objects_and_arrays_get_their_commas);
	tcase_add_test(structure, numbers_reach_their_ends);
	tcase_add_test(structure, times_are_those_of_the_clock);
	tcase_add_test(structure, a_text_that_is_full_is_told);
	suite_add_tcase(suite, structure);
	tcase_add_checked_fixture(bytes, begin, end);
	tcase_add_test(bytes, every_byte_makes_a_string);
	tcase_add_test(bytes, control_characters_are_escaped);
	tcase_add_loop_test(bytes, what_is_not_utf8_is_replaced_and_remembered, 0,
	                    sizeof strings / sizeof *strings);
	suite_add_tcase(suite, bytes);
	return suite_run(suite);
}
