/* SPDX-License-Identifier: MIT */
#include "config/words.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/suite.h"

/* a text and its words, each in < > */
struct split_case {
	const char *text, *words;
};

static const struct split_case good[] = {
	{ "", "" },
	{ " \t\r\n ", "" },
	{ "a b\tc\nd", "<a><b><c><d>" },
	{ "'a b' \"c d\"", "<a b><c d>" },
	{ "a'b'\"c\"d", "<abcd>" },
	{ "'' \"\" ''\"\"", "<><><>" },
	{ "a\\ b \\\\ \\' \\\"", "<a b><\\><'><\">" },
	{ "'a\\b' '\\'", "<a\\b><\\>" },
	{ "\"a\\\"b\\\\c\\d\\$\"", "<a\"b\\c\\d\\$>" },
	{ "$HOME * ~ | > # ; &", "<$HOME><*><~><|><>><#><;><&>" },
	{ "caf\xc3\xa9 \xff", "<caf\xc3\xa9><\xff>" },
};

START_TEST(words_are_split_as_a_shell_quotes)
{
	struct strv words = STRV_INIT;
	struct fault fault;
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(words_split(good[_i].text, &words, &fault), 0);
	for (size_t i = 0; i < words.count; i++)
		text_add_format(&out, "<%s>", words.items[i]);
	ck_assert_str_eq(text_get(&out), good[_i].words);
	text_release(&out);
	strv_release(&words);
}
END_TEST

static const struct split_case bad[] = {
	{ "a 'b c", "the quote ' at character 3 of the value is never closed ('b c)" },
	{ "\"b\\\"", "the quote \" at character 1 of the value is never closed (\"b\\\")" },
	{ "a \\", "the backslash at the end of the value has nothing to quote" },
};

START_TEST(what_is_left_open_is_refused_with_its_place)
{
	struct strv words = STRV_INIT;
	struct fault fault;

	ck_assert_int_eq(words_split(bad[_i].text, &words, &fault), FAULTY);
	ck_assert_str_eq(fault.text, bad[_i].words);
	strv_release(&words);
}
END_TEST

static const struct split_case quoted[] = {
	{ "plain-1.0/x:y=z,%@+", "plain-1.0/x:y=z,%@+" },
	{ "", "\"\"" },
	{ "a b", "\"a b\"" },
	{ "a;b", "\"a;b\"" },
	{ "it's", "\"it's\"" },
	{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "$x ${y}", "\"$$x $${y}\"" },
	{ "a\nb", "\"a${newline}b\"" },
	{ "caf\xc3\xa9", "caf\xc3\xa9" },
};

START_TEST(words_are_quoted_only_where_needed)
{
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(words_quote(quoted[_i].text, &out), 0);
	ck_assert_str_eq(text_get(&out), quoted[_i].words);
	text_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");
	TCase *split = tcase_create("words_split");
	TCase *quote = tcase_create("words_quote");

	tcase_add_loop_test(split, words_are_split_as_a_shell_quotes, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(split, what_is_left_open_is_refused_with_its_place, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(quote, words_are_quoted_only_where_needed, 0, ARRAY_SIZE(quoted));
	suite_add_tcase(suite, split);
	suite_add_tcase(suite, quote);
	return suite_run(suite);
}
