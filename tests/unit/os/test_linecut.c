/* SPDX-License-Identifier: MIT */
#include "os/linecut.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "sim/chance.h"
#include "unit/suite.h"

enum { MAX = 16 };

static struct linecut cutter;
static struct line line;

static void setup(void)
{
	linecut_init(&cutter, MAX);
}

static void teardown(void)
{
	scarce_set(false);
	linecut_release(&cutter);
}

/* input that comes in one read, and what is left of it */
struct input {
	const char *bytes;
	size_t size;
};

static struct input input(const char *text)
{
	return (struct input){ text, strlen(text) };
}

static bool next(struct input *in)
{
	return linecut_next(&cutter, &in->bytes, &in->size, &line);
}

static void expect_line(const char *text, bool begun, bool partial)
{
	ck_assert_uint_eq(line.size, strlen(text));
	ck_assert_mem_eq(line.bytes, text, line.size);
	ck_assert_int_eq(line.begun, begun);
	ck_assert_int_eq(line.partial, partial);
}

START_TEST(lines_end_at_newlines)
{
	struct input in = input("one\n\ntwo\r\n");
	const char *bytes = in.bytes;

	ck_assert(next(&in));
	expect_line("one", false, false);
	ck_assert_ptr_eq(line.bytes, bytes); /* not a copy */
	ck_assert(next(&in));
	expect_line("", false, false);
	ck_assert(next(&in));
	expect_line("two\r", false, false);
	ck_assert(!next(&in));
	ck_assert(linecut_is_empty(&cutter));
	ck_assert(!linecut_flush(&cutter, &line));
}
END_TEST

START_TEST(a_line_that_is_not_ended_is_held)
{
	struct input in = input("half"), more = input(" a line\nrest");

	ck_assert(!next(&in));
	ck_assert_uint_eq(in.size, 0);
	ck_assert(!linecut_is_empty(&cutter));
	ck_assert(next(&more));
	expect_line("half a line", false, false);
	ck_assert(linecut_is_empty(&cutter));
	ck_assert(!next(&more));
	ck_assert(linecut_flush(&cutter, &line));
	expect_line("rest", false, false);
	ck_assert(linecut_is_empty(&cutter));
	ck_assert(!linecut_flush(&cutter, &line));
	ck_assert_ptr_null(cutter.held);
}
END_TEST

START_TEST(nothing_is_held_while_no_line_is_unfinished)
{
	struct input in = input("half"), more = input("\n"), none = input("");

	ck_assert(!next(&in));
	ck_assert(next(&more));
	ck_assert(!next(&none));
	ck_assert_ptr_null(cutter.held);
}
END_TEST

START_TEST(a_line_may_be_as_long_as_the_maximum)
{
	struct input in = input("0123456789abcdef\n0123456789abcdefg\n"), half = input("01234567"),
		     rest = input("89abcdef\n");

	ck_assert(next(&in));
	expect_line("0123456789abcdef", false, false);
	ck_assert(next(&in));
	expect_line("0123456789abcdef", false, true);
	ck_assert(!linecut_is_empty(&cutter));
	ck_assert(next(&in));
	expect_line("g", true, false);
	ck_assert(!next(&in));
	ck_assert(!next(&half));
	ck_assert(next(&rest));
	expect_line("0123456789abcdef", false, false);
	ck_assert(!next(&rest));
	ck_assert(linecut_is_empty(&cutter));
}
END_TEST

START_TEST(a_full_line_waits_for_its_newline)
{
	struct input in = input("0123456789abcdef"), newline = input("\n"),
		     again = input("0123456789abcdef"), more = input("g");

	ck_assert(!next(&in));
	ck_assert(next(&newline));
	expect_line("0123456789abcdef", false, false);
	ck_assert(!next(&newline));
	ck_assert(!next(&again));
	ck_assert(next(&more));
	expect_line("0123456789abcdef", false, true);
	ck_assert(!next(&more));
	ck_assert(linecut_flush(&cutter, &line));
	expect_line("g", true, false);
}
END_TEST

START_TEST(no_character_is_cut)
{
	/* the sixteenth byte and the two after it are one character */
	struct input in = input("0123456789abcde\xE2\x82\xACx\n"),
		     half = input("0123456789abcde\xE2"), rest = input("\x82\xACx\n"),
		     none = input("0123456789abcd\x80\x80\x80\x80\n");

	ck_assert(next(&in));
	expect_line("0123456789abcde", false, true);
	ck_assert(next(&in));
	expect_line("\xE2\x82\xACx", true, false);
	ck_assert(!next(&half));
	ck_assert(next(&rest));
	expect_line("0123456789abcde", false, true);
	ck_assert(next(&rest));
	expect_line("\xE2\x82\xACx", true, false);
	ck_assert(next(&none)); /* what is no character is cut anywhere */
	expect_line("0123456789abcd\x80\x80", false, true);
	ck_assert(next(&none));
	expect_line("\x80\x80", true, false);
}
END_TEST

/* --- no memory --- */

START_TEST(what_cannot_be_held_is_given_out)
{
	struct input in = input("half"), more = input(" a line\nrest"), end = input("\n");

	scarce_set(true);
	ck_assert(next(&in));
	expect_line("half", false, true);
	ck_assert(!next(&in));
	ck_assert(!linecut_is_empty(&cutter));
	ck_assert(next(&more));
	expect_line(" a line", true, false);
	ck_assert(next(&more));
	expect_line("rest", false, true);
	ck_assert(!next(&more));
	ck_assert(next(&end)); /* a line that was open is closed, with nothing */
	expect_line("", true, false);
	ck_assert(linecut_is_empty(&cutter));
}
END_TEST

START_TEST(what_was_given_out_for_want_of_memory_is_closed_at_the_end)
{
	struct input in = input("half");

	scarce_set(true);
	ck_assert(next(&in));
	ck_assert(linecut_flush(&cutter, &line));
	expect_line("", true, false);
	ck_assert(!linecut_flush(&cutter, &line));
}
END_TEST

START_TEST(what_is_held_is_not_lost_when_memory_runs_out)
{
	char long_text[300];
	struct input in = input("half"), more = { long_text, sizeof long_text };

	linecut_init(&cutter, 1000);
	memset(long_text, 'x', sizeof long_text);
	ck_assert(!next(&in));
	scarce_set(true);
	ck_assert(next(&more));
	expect_line("half", false, true);
	ck_assert_uint_eq(more.size, sizeof long_text);
	ck_assert(next(&more));
	ck_assert_uint_eq(line.size, sizeof long_text);
	ck_assert(line.begun && line.partial);
	ck_assert(!next(&more));
}
END_TEST

/* --- whatever comes --- */

/* what comes out, put together again */
struct record {
	char bytes[4096];
	size_t size;
	bool open; /* the last piece goes on */
};

static void record_line(struct record *r)
{
	ck_assert_uint_le(line.size, MAX);
	ck_assert_int_eq(line.begun, r->open);
	ck_assert(!line.partial || line.size > 0);
	memcpy(r->bytes + r->size, line.bytes, line.size);
	r->size += line.size;
	r->open = line.partial;
	if (!r->open)
		r->bytes[r->size++] = '\n';
}

static size_t draw_text(struct chance *c, char *text, size_t size)
{
	static const char *const words[] = {
		"\n",   "a",    "\r\n", "line ", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
		"\xE2", "\x80", "\xFF"
	};
	size_t n = 0;

	while (n + 8 < size) {
		const char *word = words[chance_below(c, sizeof words / sizeof *words)];

		memcpy(text + n, word, strlen(word));
		n += strlen(word);
	}
	return n;
}

START_TEST(lines_come_back_whole_however_they_are_read)
{
	struct chance c = { (uint64_t)_i + 1 };
	struct record r = { .size = 0 };
	char text[2000];
	size_t size = draw_text(&c, text, sizeof text);

	for (size_t at = 0; at < size;) {
		size_t n = 1 + chance_below(&c, 40);
		struct input in = { text + at, size - at < n ? size - at : n };

		at += in.size;
		scarce_set(_i % 2 && chance_one_in(&c, 8));
		while (next(&in))
			record_line(&r);
		ck_assert_uint_eq(in.size, 0);
	}
	if (linecut_flush(&cutter, &line))
		record_line(&r);
	if (text[size - 1] != '\n')
		text[size++] = '\n';
	ck_assert(!r.open);
	ck_assert_uint_eq(r.size, size);
	ck_assert_mem_eq(r.bytes, text, size);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("linecut");
	TCase *tc = tcase_create("lines");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_end_at_newlines);
	tcase_add_test(tc, a_line_that_is_not_ended_is_held);
	tcase_add_test(tc, nothing_is_held_while_no_line_is_unfinished);
	tcase_add_test(tc, a_line_may_be_as_long_as_the_maximum);
	tcase_add_test(tc, a_full_line_waits_for_its_newline);
	tcase_add_test(tc, no_character_is_cut);
	suite_add_tcase(s, tc);

	tc = tcase_create("memory");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_cannot_be_held_is_given_out);
	tcase_add_test(tc, what_was_given_out_for_want_of_memory_is_closed_at_the_end);
	tcase_add_test(tc, what_is_held_is_not_lost_when_memory_runs_out);
	suite_add_tcase(s, tc);

	tc = tcase_create("chance");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lines_come_back_whole_however_they_are_read, 0, 100);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
