/* SPDX-License-Identifier: MIT */
#include "base/signame.h"

#include <check.h>
#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "unit/suite.h"

struct name_case {
	const char *text;
	int signo;
};

static const struct name_case name_cases[] = {
	{ "TERM", SIGTERM },
	{ "SIGTERM", SIGTERM },
	{ "term", SIGTERM },
	{ "SigTerm", SIGTERM },
	{ "15", SIGTERM },
	{ "0", 0 },
	{ "64", 64 },
	{ "HUP", SIGHUP },
	{ "USR1", SIGUSR1 },
	{ "WINCH", SIGWINCH },
	{ "KILL", SIGKILL },
	{ "65", -EINVAL },
	{ "-1", -EINVAL },
	{ "", -EINVAL },
	{ "SIG", -EINVAL },
	{ "SIG15", -EINVAL },
	{ "TERM ", -EINVAL },
	{ "NOSUCH", -EINVAL },
	{ "RTMIN+", -EINVAL },
	{ "RTMIN-1", -EINVAL },
	{ "RTMAX+1", -EINVAL },
	{ "RTMIN+-1", -EINVAL },
	{ "RTMIN+99", -EINVAL },
	{ "RTMAX-99", -EINVAL },
	{ "RTMIN+1x", -EINVAL },
};

START_TEST(names_are_taken_as_kill_writes_them)
{
	ck_assert_msg(signame_parse(name_cases[_i].text) == name_cases[_i].signo, "'%s' is %d",
	              name_cases[_i].text, signame_parse(name_cases[_i].text));
}
END_TEST

START_TEST(real_time_signals_count_from_both_ends)
{
	ck_assert_int_eq(signame_parse("RTMIN"), SIGRTMIN);
	ck_assert_int_eq(signame_parse("SIGRTMIN+3"), SIGRTMIN + 3);
	ck_assert_int_eq(signame_parse("rtmax"), SIGRTMAX);
	ck_assert_int_eq(signame_parse("RTMAX-1"), SIGRTMAX - 1);
}
END_TEST

START_TEST(every_name_written_is_read_back)
{
	char out[SIGNAME_SIZE];

	for (int signo = 1; signo < NSIG; signo++)
		if (sigabbrev_np(signo) || (signo >= SIGRTMIN && signo <= SIGRTMAX))
			ck_assert_int_eq(signame_parse(signame_format(signo, out)), signo);
}
END_TEST

START_TEST(a_number_without_name_is_said_so)
{
	char out[SIGNAME_SIZE];

	ck_assert_str_eq(signame_format(SIGTERM, out), "SIGTERM");
	ck_assert_str_eq(signame_format(SIGRTMIN + 3, out), "SIGRTMIN+3");
	ck_assert_str_eq(signame_format(99, out), "signal 99");
	ck_assert_str_eq(signame_format(0, out), "signal 0");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("signame");
	TCase *names = tcase_create("names");

	tcase_add_loop_test(names, names_are_taken_as_kill_writes_them, 0, ARRAY_SIZE(name_cases));
	tcase_add_test(names, real_time_signals_count_from_both_ends);
	tcase_add_test(names, every_name_written_is_read_back);
	tcase_add_test(names, a_number_without_name_is_said_so);
	suite_add_tcase(s, names);
	return suite_run(s);
}
