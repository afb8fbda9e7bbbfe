/* SPDX-License-Identifier: MIT */
#include "os/lineformat.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "os/linecut.h"
#include "unit/suite.h"

#define WHEN INT64_C(1796026500123456) /* 2026-11-30T08:15:00.123456Z */

static struct outbuf out;
static struct linestamp stamp;
static struct line_facts facts = { "web:1", 1, "stdout", 123, WHEN };

static void teardown(void)
{
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

START_TEST(json_has_the_facts)
{
	add(LOG_FORMAT_JSON, line_of("a line"));
	expect("{\"time\":\"2026-11-30T08:15:00.123456Z\",\"program\":\"web:1\",\"instance\":1,"
	       "\"stream\":\"stdout\",\"pid\":123,\"message\":\"a line\"}\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lineformat");
	TCase *text = tcase_create("text");
	TCase *json = tcase_create("json");

	tcase_add_checked_fixture(text, NULL, teardown);
	tcase_add_test(text, text_has_its_head);
	suite_add_tcase(s, text);
	tcase_add_checked_fixture(json, NULL, teardown);
	tcase_add_test(json, json_has_the_facts);
	suite_add_tcase(s, json);
	return suite_run(s);
}
