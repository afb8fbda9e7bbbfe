/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

struct span {
	const char *bytes;
	size_t size;
	bool valid;
};

static const struct span spans[] = {
	{ "ab", 1, true },
	{ "\xC3\xA9x", 2, true },
	{ "\xE2\x82\xACx", 3, true },
	{ "\xF0\x9F\x98\x80x", 4, true },
	{ "\x7F", 1, true },
	{ "\xF4\x8F\xBF\xBF", 4, true },  /* U+10FFFF */
	{ "\x80\x80", 1, false },         /* nothing that it could continue */
	{ "\xC0\xAF", 1, false },         /* '/' in two bytes */
	{ "\xE0\x9F\x80", 1, false },     /* what two bytes can say, in three */
	{ "\xED\xA0\x80", 1, false },     /* a surrogate */
	{ "\xF4\x90\x80\x80", 1, false }, /* beyond U+10FFFF */
	{ "\xFF", 1, false },
	{ "\xE2\x82", 2, false }, /* the end is missing: one replacement for both */
	{ "\xE2\x82x", 2, false },
	{ "\xF0\x9F\x98x", 3, false },
};

START_TEST(a_span_is_a_character_or_what_is_replaced_together)
{
	const struct span *s = &spans[_i];
	bool valid;

	ck_assert_uint_eq(utf8_span(s->bytes, strlen(s->bytes), &valid), s->size);
	ck_assert_int_eq(valid, s->valid);
}
END_TEST

START_TEST(nul_is_a_character)
{
	bool valid;

	ck_assert_uint_eq(utf8_span("\0x", 2, &valid), 1);
	ck_assert(valid);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("utf8");
	TCase *tc = tcase_create("spans");

	tcase_add_loop_test(tc, a_span_is_a_character_or_what_is_replaced_together, 0,
	                    sizeof spans / sizeof *spans);
	tcase_add_test(tc, nul_is_a_character);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
