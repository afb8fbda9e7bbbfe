/* SPDX-License-Identifier: MIT */
#include "base/suggest.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/suite.h"

static const char *const candidates[] = { "command",  "restart", "restart_delay", "user", "umask",
	                                  "env_file", "log" };

struct suggest_case {
	const char *word, *hint;
};

static const struct suggest_case cases[] = {
	{ "comand", "; did you mean 'command'?" },
	{ "commnad", "; did you mean 'command'?" },
	{ "restrat", "; did you mean 'restart'?" },
	{ "restart-delay", "; did you mean 'restart_delay'?" },
	{ "usr", "; did you mean 'user'?" },
	{ "envfile", "; did you mean 'env_file'?" },
	{ "lgo", "; did you mean 'log'?" },
	{ "stderr_logfile", "" },
	{ "x", "" },
	{ "", "" },
};

START_TEST(the_nearest_word_is_suggested_if_it_is_near)
{
	struct suggestion s;
	char out[SUGGESTION_SIZE];

	suggestion_init(&s, cases[_i].word);
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		suggestion_offer(&s, candidates[i]);
	ck_assert_str_eq(suggestion_format(&s, out), cases[_i].hint);
}
END_TEST

START_TEST(words_past_the_maximum_get_no_suggestion)
{
	char word[SUGGEST_WORD_MAX + 2];
	struct suggestion s;

	memset(word, 'a', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	suggestion_init(&s, word);
	suggestion_offer(&s, word);
	ck_assert_ptr_null(s.best);
	suggestion_init(&s, "a");
	suggestion_offer(&s, word);
	ck_assert_ptr_null(s.best);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suggest");
	TCase *suggest = tcase_create("suggest");

	tcase_add_loop_test(suggest, the_nearest_word_is_suggested_if_it_is_near, 0,
	                    ARRAY_SIZE(cases));
	tcase_add_test(suggest, words_past_the_maximum_get_no_suggestion);
	suite_add_tcase(suite, suggest);
	return suite_run(suite);
}
