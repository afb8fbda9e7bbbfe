/* SPDX-License-Identifier: MIT */
#include "os/outbuf.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "unit/suite.h"

static struct outbuf out;

static void teardown(void)
{
	scarce_set(false);
	outbuf_release(&out);
}

START_TEST(bytes_are_added_and_written_in_place)
{
	char *at;

	ck_assert_int_eq(outbuf_add(&out, "", 0), 0);
	ck_assert_int_eq(outbuf_add(&out, "a\0b", 3), 0);
	at = outbuf_reserve(&out, 100000);
	ck_assert_ptr_eq(at, out.data + 3);
	memset(at, 'x', 100000);
	ck_assert_uint_eq(out.size, 3);
	out.size += 100000;
	ck_assert_int_eq(outbuf_add(&out, "end", 3), 0);
	ck_assert_uint_eq(out.size, 100006);
	ck_assert_mem_eq(out.data, "a\0bxxx", 6);
	ck_assert_mem_eq(out.data + 100000, "xxxend", 6);
	outbuf_release(&out);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_ptr_null(out.data);
}
END_TEST

START_TEST(without_memory_all_stays_as_it_is)
{
	struct outbuf before;

	scarce_set(true);
	ck_assert_ptr_null(outbuf_reserve(&out, 1));
	scarce_set(false);
	outbuf_add(&out, "here", 4);
	before = out;
	ck_assert_ptr_null(outbuf_reserve(&out, SIZE_MAX));
	ck_assert_ptr_null(outbuf_reserve(&out, SIZE_MAX - 4));
	scarce_set(true);
	ck_assert_int_eq(outbuf_add(&out, before.data, before.capacity), -ENOMEM);
	ck_assert_mem_eq(&out, &before, sizeof out);
	ck_assert_mem_eq(out.data, "here", 4);
}
END_TEST

START_TEST(numbers_are_decimal)
{
	static const struct {
		uint64_t number;
		const char *text;
	} numbers[] = {
		{ 0, "0" }, { 7, "7" }, { 10, "10" }, { UINT64_MAX, "18446744073709551615" }
	};
	char text[OUTBUF_DIGITS + 1];

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		*outbuf_put_number(text, numbers[i].number) = '\0';
		ck_assert_str_eq(text, numbers[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbuf");
	TCase *tc = tcase_create("buffer");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, bytes_are_added_and_written_in_place);
	tcase_add_test(tc, without_memory_all_stays_as_it_is);
	tcase_add_test(tc, numbers_are_decimal);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
