/* SPDX-License-Identifier: MIT */
#include "config/expand.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strv.h"
#include "config/words.h"
#include "unit/suite.h"

static const char *const variables[] = {
	"A=alpha", "E=",          "SPACED=a b  c", "TRICKY=it's \"x\\",
	"OPEN='",  "NESTED=${A}", "LINES=a\nb",    NULL,
};

static const char *find(const void *context, const char *name)
{
	return strv_find_env((char *const *)context, name);
}

static const struct expand_names names = { .find = find, .context = variables };

struct expand_case {
	const char *text, *result;
};

static const struct expand_case plain[] = {
	{ "", "" },
	{ "none", "none" },
	{ "x${A}y${A}", "xalphayalpha" },
	{ "[${E}]", "[]" },
	{ "${B:-d} ${E:-d} ${A:-d}", "d d alpha" },
	{ "${B:-}", "" },
	{ "${A:?not seen}", "alpha" },
	{ "${B:-x${C:-y${A}}z}", "xyalphaz" },
	{ "${B:-{\"a\": {}}}", "{\"a\": {}}" },
	{ "${A:-${UNSET}}", "alpha" }, /* a default that is not used is not looked into */
	{ "$$ $${A} $$$${A} $$$", "$ ${A} $${A} $$" },
	{ "$ $x a$ $(a) $", "$ $x a$ $(a) $" },
	{ "${NESTED}", "${A}" }, /* what comes out is not expanded again */
	{ "${TRICKY}", "it's \"x\\" },
	{ "}", "}" },
};

START_TEST(names_are_replaced)
{
	struct fault fault;
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(expand(plain[_i].text, EXPAND_PLAIN, &names, &out, &fault), 0);
	ck_assert_str_eq(text_get(&out), plain[_i].result);
	text_release(&out);
}
END_TEST

static const struct expand_case bad[] = {
	{ "${B}", "${B} is not set (${B:-default} gives it a default)" },
	{ "${B:?please set B}", "B: please set B" },
	{ "${E:?}", "E is not set or empty" },
	{ "${B:-${C}}", "${C} is not set (${C:-default} gives it a default)" },
	{ "x${A", "'${A' has no closing brace" },
	{ "${B:-{}", "'${B:-{}' has no closing brace" },
	{ "${}", "'${}' is none of ${NAME}, ${NAME:-default}, ${NAME:?message}" },
	{ "${A-b}", "'${A-b}' is none of ${NAME}, ${NAME:-default}, ${NAME:?message}" },
	{ "${1A}", "'${1A}' is none of ${NAME}, ${NAME:-default}, ${NAME:?message}" },
	{ "${A:b}", "'${A:b}' is none of ${NAME}, ${NAME:-default}, ${NAME:?message}" },
};

START_TEST(what_has_no_value_is_refused)
{
	struct fault fault;
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(expand(bad[_i].text, EXPAND_PLAIN, &names, &out, &fault), FAULTY);
	ck_assert_str_eq(fault.text, bad[_i].result);
	text_release(&out);
}
END_TEST

START_TEST(b2_a_result_past_the_maximum_is_refused)
{
	struct fault fault;
	struct text out;

	text_init(&out, 9);
	ck_assert_int_eq(expand("${A}${A}", EXPAND_PLAIN, &names, &out, &fault), FAULTY);
	ck_assert_str_eq(fault.text,
	                 "the value is longer than 9 bytes once its variables are in place");
	text_release(&out);
}
END_TEST

START_TEST(b2_defaults_nested_too_deep_are_refused)
{
	char text[400] = "", *p = text;
	struct fault fault;
	struct text out;

	for (int i = 0; i < EXPAND_DEPTH_MAX + 1; i++)
		p = stpcpy(p, "${B:-");
	memset(p, '}', EXPAND_DEPTH_MAX + 1);
	text_init(&out, 1000);
	ck_assert_int_eq(expand(text, EXPAND_PLAIN, &names, &out, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "defaults are nested more than 32 deep");
	text_release(&out);
}
END_TEST

/* a text, and its words in < > */
static const struct expand_case words[] = {
	{ "x ${SPACED} y", "<x><a><b><c><y>" },
	{ "\"${SPACED}\"", "<a b  c>" },
	{ "'${SPACED}'", "<a b  c>" },
	{ "x${SPACED}y", "<xa><b><cy>" },
	{ "${TRICKY}", "<it's><\"x\\>" },
	{ "\"${TRICKY}\"", "<it's \"x\\>" },
	{ "'${TRICKY}'", "<it's \"x\\>" },
	{ "${OPEN} \"${OPEN}\" '${OPEN}'", "<'><'><'>" },
	{ "\\${OPEN} \\${A}", "<'><alpha>" },
	{ "\"\\${OPEN}\"", "<\\'>" },
	{ "${E} \"${E}\"", "<>" },
	{ "${B:-'a b' c}", "<a b><c>" },
	{ "\"${B:-a b}\"", "<a b>" },
	{ "\"${LINES}\"", "<a\nb>" },
	{ "sh -c 'echo $x $$x'", "<sh><-c><echo $x $x>" },
};

START_TEST(no_content_of_a_variable_is_syntax)
{
	struct strv split = STRV_INIT;
	struct fault fault;
	struct text out;

	text_init(&out, 1000);
	ck_assert_int_eq(expand(words[_i].text, EXPAND_WORDS, &names, &out, &fault), 0);
	ck_assert_int_eq(words_split(text_get(&out), &split, &fault), 0);
	text_reset(&out);
	for (size_t i = 0; i < split.count; i++)
		text_add_format(&out, "<%s>", split.items[i]);
	ck_assert_str_eq(text_get(&out), words[_i].result);
	strv_release(&split);
	text_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("expand");
	TCase *values = tcase_create("expand_values");
	TCase *faults = tcase_create("expand_faults");
	TCase *splitting = tcase_create("expand_words");

	tcase_add_loop_test(values, names_are_replaced, 0, ARRAY_SIZE(plain));
	tcase_add_loop_test(faults, what_has_no_value_is_refused, 0, ARRAY_SIZE(bad));
	tcase_add_test(faults, b2_a_result_past_the_maximum_is_refused);
	tcase_add_test(faults, b2_defaults_nested_too_deep_are_refused);
	tcase_add_loop_test(splitting, no_content_of_a_variable_is_syntax, 0, ARRAY_SIZE(words));
	suite_add_tcase(suite, values);
	suite_add_tcase(suite, faults);
	suite_add_tcase(suite, splitting);
	return suite_run(suite);
}
