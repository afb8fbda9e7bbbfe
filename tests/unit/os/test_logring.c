/* SPDX-License-Identifier: MIT */
#include "os/logring.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "sim/chance.h"
#include "unit/suite.h"

enum { CAPACITY = 16 };

static struct logring ring;

static void setup(void)
{
	logring_init(&ring, CAPACITY);
}

static void teardown(void)
{
	scarce_set(false);
	logring_release(&ring);
}

static void add(const char *text)
{
	logring_add(&ring, text, strlen(text));
}

static void expect(size_t size, const char *text)
{
	char copy[100];
	size_t n = logring_copy(&ring, copy, size);

	ck_assert_uint_le(n, size);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_mem_eq(copy, text, n);
}

START_TEST(what_was_written_is_kept)
{
	expect(100, "");
	add("");
	ck_assert_ptr_null(ring.bytes); /* most programs never write anything */
	add("one\ntw");
	add("o\nthree");
	expect(100, "one\ntwo\nthree");
	add("\n");
	expect(100, "one\ntwo\nthree\n");
}
END_TEST

START_TEST(the_oldest_lines_make_room)
{
	add("one\ntwo\nthree\n");
	add("four\n"); /* cuts into "one", which goes as a whole */
	expect(100, "two\nthree\nfour\n");
	add("5\n");
	expect(100, "three\nfour\n5\n");
}
END_TEST

START_TEST(a_line_that_just_fits_is_kept)
{
	add("x\n0123456789abcdef");
	expect(100, "0123456789abcdef");
	add("g\n0123456789abcd\n");
	expect(100, "0123456789abcd\n");
}
END_TEST

START_TEST(a_line_longer_than_all_is_told_by_its_end)
{
	add("0123456789abcdefghij");
	expect(100, "456789abcdefghij");
	add("\n");
	expect(100, "56789abcdefghij\n");
	add("k\n");
	expect(100, "k\n");
}
END_TEST

START_TEST(less_can_be_asked_for)
{
	add("one\ntwo\nthree\n");
	expect(13, "two\nthree\n");
	expect(10, "two\nthree\n");
	expect(9, "three\n");
	expect(6, "three\n");
	expect(3, "ee\n"); /* no line begins there */
	expect(0, "");
}
END_TEST

START_TEST(memory_is_taken_as_output_comes)
{
	char text[1000];

	logring_release(&ring);
	logring_init(&ring, 100000);
	add("little\n");
	ck_assert_uint_lt(ring.room, 1000);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < 200; i++)
		logring_add(&ring, text, sizeof text);
	ck_assert_uint_eq(ring.room, 100000);
	ck_assert_uint_eq(ring.size, 100000);
}
END_TEST

START_TEST(without_memory_less_is_kept)
{
	char text[1000];

	logring_release(&ring);
	logring_init(&ring, 100000);
	scarce_set(true);
	add("lost\n");
	expect(100, "");
	scarce_set(false);
	add("kept\n");
	scarce_set(true);
	memset(text, 'x', sizeof text);
	text[sizeof text - 6] = '\n';
	logring_add(&ring, text, sizeof text);
	expect(100, "xxxxx");
	ck_assert_uint_eq(ring.size, 256);
}
END_TEST

START_TEST(no_capacity_keeps_nothing)
{
	logring_release(&ring);
	logring_init(&ring, 0);
	add("line\n");
	expect(100, "");
	ck_assert_ptr_null(ring.bytes);
}
END_TEST

/* what logring_copy is to give, from all that was ever written */
static size_t tail_of(const char *all, size_t written, size_t size, const char **tail)
{
	size_t kept = written < CAPACITY ? written : CAPACITY, from;

	from = written - (size < kept ? size : kept);
	*tail = all + from;
	for (size_t at = from; at < written; at++) {
		if (at > 0 && all[at - 1] != '\n')
			continue;
		*tail = all + at;
		return written - at;
	}
	return written - from;
}

START_TEST(it_is_the_end_of_all_that_was_written)
{
	struct chance c = { (uint64_t)_i + 1 };
	char all[3000], copy[CAPACITY + 8];
	size_t written = 0;

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (char)(chance_one_in(&c, 6) ? '\n' : 'a' + (int)chance_below(&c, 26));
	while (written + 40 < sizeof all) {
		size_t n = chance_below(&c, chance_one_in(&c, 5) ? 40 : 8);
		size_t size = chance_below(&c, sizeof copy), expected;
		const char *tail;

		logring_add(&ring, all + written, n);
		written += n;
		expected = tail_of(all, written, size, &tail);
		ck_assert_uint_eq(logring_copy(&ring, copy, size), expected);
		ck_assert_mem_eq(copy, tail, expected);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("logring");
	TCase *tc = tcase_create("ring");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_written_is_kept);
	tcase_add_test(tc, the_oldest_lines_make_room);
	tcase_add_test(tc, a_line_that_just_fits_is_kept);
	tcase_add_test(tc, a_line_longer_than_all_is_told_by_its_end);
	tcase_add_test(tc, less_can_be_asked_for);
	tcase_add_test(tc, memory_is_taken_as_output_comes);
	tcase_add_test(tc, without_memory_less_is_kept);
	tcase_add_test(tc, no_capacity_keeps_nothing);
	tcase_add_loop_test(tc, it_is_the_end_of_all_that_was_written, 0, 50);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
