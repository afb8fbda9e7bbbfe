/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/near.h"
#include "ctl/options.h"
#include "unit/suite.h"

START_TEST(options_and_names_may_stand_in_any_order)
{
	const char *const argv[] = { "vergerctl",   "logs", "web", "-n5", "db",
		                     "--socket=/s", "-f",   "--",  "-x",  NULL };
	char *permuted[ARRAY_SIZE(argv)];
	struct arguments a;
	struct text fault;

	memcpy(permuted, argv, sizeof argv);
	text_init(&fault, 1000);
	ck_assert_int_eq(arguments_parse(9, permuted, &a, &fault), 0);
	ck_assert_str_eq(a.verb->name, "logs");
	ck_assert_uint_eq(a.word_count, 3);
	ck_assert_str_eq(a.words[2], "-x");
	ck_assert_int_eq(a.lines, 5);
	ck_assert_str_eq(a.socket, "/s");
	ck_assert(a.follow && !a.json && a.timeout == MSEC_NEVER);
}
END_TEST

/* An option that the table of verbs names and that nobody knows could never be given. */
START_TEST(every_option_of_every_verb_is_known)
{
	for (size_t i = 0; i < verb_count; i++) {
		const char *word = verbs[i].options ? verbs[i].options : "";

		for (; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
			bool is_known = *word != '-';

			for (size_t k = 0; k < ctl_option_count; k++) {
				const struct ctl_option *o = &ctl_options[k];
				size_t size = strcspn(word, " ");

				is_known |= size == 2 && option_letter(o) == word[1];
				is_known |= size == strlen(o->name) + 2 &&
				            !strncmp(word + 2, o->name, size - 2);
			}
			ck_assert_msg(is_known, "%s: %s", verbs[i].name, word);
		}
	}
}
END_TEST

static const struct {
	const char *word, *meant;
	bool is_near;
} slips[] = {
	{ "stauts", "status", true },  { "statu", "status", true },
	{ "st", "status", true },      { "statuss", "status", true },
	{ "sttatus", "status", true }, { "stadus", "status", true },
	{ "tsatus", "status", true },  { "s", "status", false },
	{ "stop", "status", false },   { "", "status", false },
	{ "status", "", false },       { "stttus", "restart", false },
};

START_TEST(slips_of_the_finger)
{
	ck_assert_int_eq(near_to(slips[_i].word, slips[_i].meant), slips[_i].is_near);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("arguments");
	TCase *tcase = tcase_create("arguments");

	tcase_add_test(tcase, options_and_names_may_stand_in_any_order);
	tcase_add_test(tcase, every_option_of_every_verb_is_known);
	tcase_add_loop_test(tcase, slips_of_the_finger, 0, (int)ARRAY_SIZE(slips));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
