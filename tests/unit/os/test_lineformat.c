/* SPDX-License-Identifier: MIT */
#include "os/lineformat.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "os/linecut.h"
#include "scarce.h"
#include "unit/suite.h"

#define WHEN INT64_C(1796026500123456) /* 2026-11-30T08:15:00.123456Z */

static struct outbuf out;
static struct linestamp stamp;
static struct line_facts facts = { "web:1", 1, "stdout", 123, WHEN };

static void teardown(void)
{
	scarce_set(false);
	outbuf_release(&out);
}

static struct line line_of(const char *text)
{
	return (struct line){ text, strlen(text), false, false };
}

static void add(enum log_format format, struct line line)
{
	ck_assert_int_eq(lineformat_add(&out, format, &stamp, &facts, &line), 0);
}

/* takes what was put together */
static void expect(const char *text)
{
	ck_assert_uint_eq(out.size, strlen(text));
	ck_assert_mem_eq(out.data, text, out.size);
	out.size = 0;
}

/* --- text --- */

START_TEST(text_has_its_head)
{
	add(LOG_FORMAT_RAW, line_of("a line"));
	expect("a line\n");
	add(LOG_FORMAT_TIMESTAMP, line_of("a line"));
	expect("2026-11-30T08:15:00.123456Z a line\n");
	add(LOG_FORMAT_PREFIX, line_of("a line"));
	expect("web:1 | a line\n");
	add(LOG_FORMAT_PREFIX, line_of(""));
	expect("web:1 | \n");
}
END_TEST

START_TEST(records_are_appended)
{
	add(LOG_FORMAT_RAW, line_of("one"));
	add(LOG_FORMAT_PREFIX, line_of("two"));
	expect("one\nweb:1 | two\n");
}
END_TEST

START_TEST(text_keeps_every_byte)
{
	struct line line = { "\0\xFF\r\x1b[0m", 7, false, false };

	add(LOG_FORMAT_PREFIX, line);
	ck_assert_uint_eq(out.size, 8 + 7 + 1);
	ck_assert_mem_eq(out.data + 8, line.bytes, line.size);
}
END_TEST

START_TEST(text_shows_where_a_line_was_cut)
{
	struct line first = { "one", 3, .partial = true },
		    middle = { "two", 3, .begun = true, .partial = true },
		    last = { "three", 5, .begun = true }, none = { "", 0, .begun = true };

	add(LOG_FORMAT_RAW, first);
	add(LOG_FORMAT_RAW, middle);
	add(LOG_FORMAT_PREFIX, last);
	add(LOG_FORMAT_TIMESTAMP, first);
	add(LOG_FORMAT_RAW, none);
	expect("one [...]\n[...] two [...]\nweb:1 | [...] three\n"
	       "2026-11-30T08:15:00.123456Z one [...]\n[...] \n");
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} times[] = {
	{ WHEN, "2026-11-30T08:15:00.123456Z \n" },
	{ WHEN, "2026-11-30T08:15:00.123456Z \n" },
	{ WHEN + 1, "2026-11-30T08:15:00.123457Z \n" },
	{ WHEN + 876543, "2026-11-30T08:15:00.999999Z \n" },
	{ WHEN + 876544, "2026-11-30T08:15:01.000000Z \n" },
	{ WHEN, "2026-11-30T08:15:00.123456Z \n" }, /* clocks are set back */
	{ 0, "1970-01-01T00:00:00.000000Z \n" },
	{ 1, "1970-01-01T00:00:00.000001Z \n" },
	{ INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z \n" },
};

START_TEST(every_time_is_told)
{
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		facts.time_us = times[i].us;
		add(LOG_FORMAT_TIMESTAMP, line_of(""));
		expect(times[i].text);
	}
}
END_TEST

START_TEST(the_first_time_may_be_any)
{
	facts.time_us = times[_i].us;
	add(LOG_FORMAT_TIMESTAMP, line_of(""));
	expect(times[_i].text);
}
END_TEST

/* --- JSON --- */

START_TEST(json_has_the_facts)
{
	add(LOG_FORMAT_JSON, line_of("a line"));
	expect("{\"time\":\"2026-11-30T08:15:00.123456Z\",\"program\":\"web:1\",\"instance\":1,"
	       "\"stream\":\"stdout\",\"pid\":123,\"message\":\"a line\"}\n");
}
END_TEST

START_TEST(json_leaves_out_what_is_not_known)
{
	facts = (struct line_facts){ .program = "web", .time_us = WHEN };
	add(LOG_FORMAT_JSON, line_of(""));
	expect("{\"time\":\"2026-11-30T08:15:00.123456Z\",\"program\":\"web\",\"instance\":0,"
	       "\"message\":\"\"}\n");
}
END_TEST

START_TEST(json_tells_that_a_line_goes_on)
{
	struct line middle = { "x", 1, .begun = true, .partial = true };

	facts = (struct line_facts){ .program = "web", .time_us = WHEN };
	add(LOG_FORMAT_JSON, middle);
	expect("{\"time\":\"2026-11-30T08:15:00.123456Z\",\"program\":\"web\",\"instance\":0,"
	       "\"message\":\"x\",\"partial\":true}\n");
}
END_TEST

/* the record that was put together, of one line */
static json_t *take_json(void)
{
	json_t *record;
	size_t plain = 0;

	while (plain < out.size && (unsigned char)out.data[plain] >= ' ')
		plain++;
	ck_assert_uint_eq(plain, out.size - 1);
	ck_assert_int_eq(out.data[plain], '\n');
	record = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(record);
	out.size = 0;
	return record;
}

static void expect_message(struct line line, const char *bytes, size_t size)
{
	json_t *record, *message;

	add(LOG_FORMAT_JSON, line);
	record = take_json();
	message = json_object_get(record, "message");
	ck_assert_uint_eq(json_string_length(message), size);
	ck_assert_mem_eq(json_string_value(message), bytes, size);
	json_decref(record);
}

START_TEST(names_are_escaped_as_well)
{
	json_t *record;

	facts.program = "a\"b\xFF";
	facts.stream = "\\";
	add(LOG_FORMAT_JSON, line_of(""));
	record = take_json();
	ck_assert_str_eq(json_string_value(json_object_get(record, "program")), "a\"b\xEF\xBF\xBD");
	ck_assert_str_eq(json_string_value(json_object_get(record, "stream")), "\\");
	json_decref(record);
}
END_TEST

START_TEST(the_longest_facts_find_room)
{
	char name[256], bytes[600];
	struct line line = { bytes, 0, false, false };

	memset(name, 1, 255);
	memset(bytes, 'x', sizeof bytes);
	name[255] = '\0';
	facts = (struct line_facts){ name, UINT32_MAX, name, INT32_MAX, WHEN };
	/* somewhere the buffer is filled to its end, where a sanitizer looks */
	for (; line.size < sizeof bytes; line.size++) {
		outbuf_release(&out);
		add(LOG_FORMAT_JSON, line);
		ck_assert_uint_le(out.size, out.capacity);
		json_decref(take_json());
	}
}
END_TEST

/* a byte at the places of a text that is looked at eight bytes at a time */
static void expect_byte_back(char byte, size_t size)
{
	char text[20];

	for (size_t at = 0; at < size; at++) {
		memset(text, 'x', size);
		text[at] = byte;
		expect_message((struct line){ text, size, false, false }, text, size);
	}
}

START_TEST(every_ascii_byte_comes_back)
{
	for (int byte = 0; byte < 128; byte++) {
		expect_byte_back((char)byte, 1);
		expect_byte_back((char)byte, 8);
		expect_byte_back((char)byte, 20);
	}
}
END_TEST

START_TEST(the_usual_escapes_are_short)
{
	facts = (struct line_facts){ .program = "web", .time_us = WHEN };
	add(LOG_FORMAT_JSON, line_of("\"\\\t\r\x1b\x7f"));
	expect("{\"time\":\"2026-11-30T08:15:00.123456Z\",\"program\":\"web\",\"instance\":0,"
	       "\"message\":\"\\\"\\\\\\t\\r\\u001b\x7f\"}\n");
}
END_TEST

static const struct {
	const char *bytes, *told;
} strings[] = {
	{ "Gr\xC3\xBC\xC3\x9F"
	  "e",
	  "Gr\xC3\xBC\xC3\x9F"
	  "e" },
	{ "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x98\x80",
	  "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x98\x80" },
	{ "latin \xE9t\xE9", "latin \xEF\xBF\xBDt\xEF\xBF\xBD" },
	{ "\xFF", "\xEF\xBF\xBD" },
	{ "cut \xE2\x82", "cut \xEF\xBF\xBD" },
	{ "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
	{ "\xC3\xA9\"\xC3\xA9\\\xC3\xA9\n", "\xC3\xA9\"\xC3\xA9\\\xC3\xA9\n" },
};

START_TEST(what_is_not_utf8_is_replaced)
{
	expect_message(line_of(strings[_i].bytes), strings[_i].told, strlen(strings[_i].told));
}
END_TEST

START_TEST(a_line_of_nothing_but_escapes_finds_room)
{
	struct line line = { calloc(1, LINECUT_MAX), LINECUT_MAX, false, false };

	expect_message(line, line.bytes, line.size);
	ck_assert_uint_gt(out.capacity, 6 * (size_t)LINECUT_MAX);
	free((char *)line.bytes);
}
END_TEST

/* --- no memory --- */

/* formats, with a buffer that may be any small size before memory runs out */
START_TEST(without_memory_there_is_no_half_record)
{
	char long_text[1000];
	const struct line line = { long_text, sizeof long_text, false, false };

	memset(long_text, '\n', sizeof long_text);
	outbuf_add(&out, "here", 4);
	for (size_t used = 4; used < out.capacity; used++) {
		out.size = used;
		scarce_set(true);
		ck_assert_int_eq(lineformat_add(&out, (enum log_format)_i, &stamp, &facts, &line),
		                 -ENOMEM);
		ck_assert_uint_eq(out.size, used);
		ck_assert_mem_eq(out.data, "here", 4);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lineformat");
	TCase *tc = tcase_create("text");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, text_has_its_head);
	tcase_add_test(tc, records_are_appended);
	tcase_add_test(tc, text_keeps_every_byte);
	tcase_add_test(tc, text_shows_where_a_line_was_cut);
	tcase_add_test(tc, every_time_is_told);
	tcase_add_loop_test(tc, the_first_time_may_be_any, 0, sizeof times / sizeof *times);
	suite_add_tcase(s, tc);

	tc = tcase_create("json");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, json_has_the_facts);
	tcase_add_test(tc, json_leaves_out_what_is_not_known);
	tcase_add_test(tc, json_tells_that_a_line_goes_on);
	tcase_add_test(tc, names_are_escaped_as_well);
	tcase_add_test(tc, the_longest_facts_find_room);
	tcase_add_test(tc, every_ascii_byte_comes_back);
	tcase_add_test(tc, the_usual_escapes_are_short);
	tcase_add_loop_test(tc, what_is_not_utf8_is_replaced, 0, sizeof strings / sizeof *strings);
	tcase_add_test(tc, a_line_of_nothing_but_escapes_finds_room);
	suite_add_tcase(s, tc);

	tc = tcase_create("memory");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, without_memory_there_is_no_half_record, LOG_FORMAT_RAW,
	                    LOG_FORMAT_JSON + 1);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
