/* SPDX-License-Identifier: MIT */
#include "config/values.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "unit/suite.h"

/* a text, and what it is read as, written in the way of the test; or the fault */
struct value_case {
	const char *text, *result;
};

static struct fault fault;

static const struct value_case steps[] = {
	{ "TERM", "15" },
	{ "TERM/5s INT/250ms KILL", "15/5000 2/250 9" },
	{ "SIGQUIT/0", "3/0" },
	{ "RTMIN+1/1m", "RT/60000" },
	{ "", "expected signals such as TERM or 'TERM/5s INT/5s KILL'" },
	{ "TERMINATE", "'TERMINATE' is not a signal" },
	{ "0", "'0' is not a signal" },
	{ "TERM/", "expected a duration such as 250ms, 10s, 5m or 1h, got ''" },
	{ "TERM/5x", "expected a duration such as 250ms, 10s, 5m or 1h, got '5x'" },
	{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "more than 16 signals" },
};

START_TEST(stop_signals_are_steps)
{
	struct stop_step list[VALUE_STOP_STEPS_MAX];
	struct text out;
	size_t count = 0;

	text_init(&out, 1000);
	if (value_stop_steps(steps[_i].text, list, &count, &fault) != 0)
		text_add_string(&out, fault.text);
	for (size_t i = 0; i < count; i++) {
		text_add_string(&out, i ? " " : "");
		if (list[i].signal > 32)
			text_add_string(&out, "RT");
		else
			text_add_format(&out, "%d", list[i].signal);
		if (list[i].wait_ms != VALUE_NO_WAIT)
			text_add_format(&out, "/%d", (int)list[i].wait_ms);
	}
	ck_assert_str_eq(text_get(&out), steps[_i].result);
	text_release(&out);
}
END_TEST

static const struct value_case exits[] = {
	{ "0 2 TERM", "c0 c2 s15" },
	{ "255 SIGHUP", "c255 s1" },
	{ "", "" },
	{ "256", "'256' is neither an exit code (0 to 255) nor a signal" },
	{ "-1", "'-1' is neither an exit code (0 to 255) nor a signal" },
	{ "ok", "'ok' is neither an exit code (0 to 255) nor a signal" },
};

START_TEST(exits_are_codes_and_signals)
{
	struct exit_set set = { .signals = 0 };
	struct text out;

	text_init(&out, 1000);
	if (value_exit_set(exits[_i].text, &set, &fault) != 0)
		text_add_string(&out, fault.text);
	for (int i = 0; i < 256; i++)
		if (exit_set_has(&set, i, 0))
			text_add_format(&out, "%sc%d", out.size ? " " : "", i);
	for (int i = 1; i < 65; i++)
		if (exit_set_has(&set, 0, i))
			text_add_format(&out, "%ss%d", out.size ? " " : "", i);
	ck_assert_str_eq(text_get(&out), exits[_i].result);
	text_release(&out);
}
END_TEST

static const struct value_case limits[] = {
	{ "1024", "1024 1024" },
	{ "1k:4k", "1024 4096" },
	{ "unlimited", "inf inf" },
	{ "0:unlimited", "0 inf" },
	{ "5:3", "the soft limit is above the hard one in '5:3'" },
	{ "unlimited:3", "the soft limit is above the hard one in 'unlimited:3'" },
	{ "", "expected a number, perhaps with k, M, G or T, or 'unlimited', got ''" },
	{ "1:2:3", "expected a number, perhaps with k, M, G or T, or 'unlimited', got '2:3'" },
	{ "-1", "expected a number, perhaps with k, M, G or T, or 'unlimited', got '-1'" },
};

static void add_bound(struct text *out, uint64_t bound)
{
	if (bound == RLIM_INFINITY)
		text_add_string(out, "inf");
	else
		text_add_format(out, "%llu", (unsigned long long)bound);
}

START_TEST(limits_are_one_number_or_two)
{
	struct limit limit;
	struct text out;

	text_init(&out, 1000);
	if (value_limit(limits[_i].text, &limit, &fault) == 0) {
		add_bound(&out, limit.soft);
		text_add_char(&out, ' ');
		add_bound(&out, limit.hard);
		ck_assert_int_eq(limit.hard_given, strchr(limits[_i].text, ':') != NULL);
	} else {
		text_add_string(&out, fault.text);
	}
	ck_assert_str_eq(text_get(&out), limits[_i].result);
	text_release(&out);
}
END_TEST

static const struct value_case rules[] = {
	{ "HUP USR1:QUIT WINCH:0", "1:1 10:3 28:0" },
	{ "none", "" },
	{ "TERM INT", "15:15 2:2" },
	{ "KILL", "KILL cannot be forwarded" },
	{ "CHLD", "CHLD cannot be forwarded" },
	{ "CHLD:TERM", "CHLD cannot be forwarded" },
	{ "33", "33 cannot be forwarded" },
	{ "HUP SIGHUP:INT", "SIGHUP: this signal is named twice" },
	{ "HUP:", "'' is not a signal" },
	{ "HUP:x", "'x' is not a signal" },
};

START_TEST(forwarded_signals_may_be_translated_or_dropped)
{
	struct forward_rule list[VALUE_FORWARD_MAX];
	struct text out;
	size_t count = 0;

	text_init(&out, 1000);
	if (value_forward(rules[_i].text, list, &count, &fault) != 0)
		text_add_string(&out, fault.text);
	for (size_t i = 0; i < count; i++)
		text_add_format(&out, "%s%d:%d", i ? " " : "", list[i].from, list[i].to);
	ck_assert_str_eq(text_get(&out), rules[_i].result);
	text_release(&out);
}
END_TEST

/* G3 */
START_TEST(g3_all_means_every_signal_that_can_be_relayed)
{
	struct forward_rule list[VALUE_FORWARD_MAX];
	size_t count = 0;
	uint64_t set = 0;

	ck_assert_int_eq(value_forward("all", list, &count, &fault), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(list[i].from, list[i].to);
		set |= (uint64_t)1 << (list[i].from - 1);
	}
	ck_assert(set >> (SIGTERM - 1) & 1 && set >> (SIGINT - 1) & 1 && set >> (SIGRTMAX - 1) & 1);
	ck_assert(!(set >> (SIGKILL - 1) & 1) && !(set >> (SIGCHLD - 1) & 1) &&
	          !(set >> (33 - 1) & 1));
}
END_TEST

static const struct value_case start_limits[] = {
	{ "10/60s", "10 60000" },
	{ "1/1ms", "1 1" },
	{ "none", "0 7" },
	{ "10", "expected COUNT/DURATION such as 10/60s, or none, got '10'" },
	{ "0/1s", "expected a count from 1 to 1000 before the '/', got '0/1s'" },
	{ "3/0s", "expected a duration after the '/', got '3/0s'" },
	{ "99999999999999999999999999/1s",
	  "expected COUNT/DURATION such as 10/60s, or none, got '99999999999999999999999999/1s'" },
};

START_TEST(a_start_limit_is_a_count_in_a_time)
{
	unsigned count = 7;
	msec_t window = 7;
	char out[FAULT_SIZE];

	if (value_start_limit(start_limits[_i].text, &count, &window, &fault) == 0)
		snprintf(out, sizeof out, "%u %d", count, (int)window);
	else
		snprintf(out, sizeof out, "%s", fault.text);
	ck_assert_str_eq(out, start_limits[_i].result);
}
END_TEST

static const struct value_case assignments[] = {
	{ "A=1 B='x y' A=2", "A=2|B=x y" },
	{ "A= B==", "A=|B==" },
	{ "", "" },
	{ "A", "expected NAME=value, got 'A'" },
	{ "=x", "'' is not the name of a variable" },
	{ "1A=x", "'1A' is not the name of a variable" },
	{ "a-b=x", "'a-b' is not the name of a variable" },
	{ "A='x", "the quote ' at character 3 of the value is never closed ('x)" },
};

START_TEST(an_environment_is_assignments)
{
	struct strv env = STRV_INIT;
	struct text out;

	text_init(&out, 1000);
	if (value_environment(assignments[_i].text, &env, &fault) != 0) {
		text_add_string(&out, fault.text);
		strv_release(&env);
	}
	for (size_t i = 0; i < env.count; i++)
		text_add_format(&out, i ? "|%s" : "%s", env.items[i]);
	ck_assert_str_eq(text_get(&out), assignments[_i].result);
	strv_release(&env);
	text_release(&out);
}
END_TEST

static const struct value_case paths[] = {
	{ "a/b", "/here/a/b" },
	{ "/srv/My App", "/srv/My App" },
	{ "\"a ;b\"", "/here/a ;b" },
	{ "'a' b", "expected one path, got 2 words" },
	{ "", "the path is empty" },
	{ "\"\"", "the path is empty" },
	{ "/a/", "'/a/' names a folder, not a file" },
};

START_TEST(a_file_is_a_path_with_or_without_quotes)
{
	const char *text = paths[_i].text;
	struct text out;

	text_init(&out, 1000);
	if (value_file(text, *text == '"' || *text == '\'', "/here", &out, &fault) != 0)
		text_add_string(&out, fault.text);
	ck_assert_str_eq(text_get(&out), paths[_i].result);
	text_release(&out);
}
END_TEST

static const struct value_case env_files[] = {
	{ "a -/b -c", "/here/a|-/b|-/here/c" },
	{ "-", "the path is empty" },
	{ "a/", "'a/' names a folder, not a file" },
};

START_TEST(environment_files_may_be_optional)
{
	struct strv files = STRV_INIT;
	struct text out;

	text_init(&out, 1000);
	if (value_env_files(env_files[_i].text, "/here", &files, &fault) != 0)
		text_add_string(&out, fault.text);
	for (size_t i = 0; i < files.count; i++)
		text_add_format(&out, i ? "|%s" : "%s", files.items[i]);
	ck_assert_str_eq(text_get(&out), env_files[_i].result);
	strv_release(&files);
	text_release(&out);
}
END_TEST

static const struct value_case names[] = {
	{ "web", "" },
	{ "a.b_c-d+e9", "" },
	{ "caf\xc3\xa9", "" },
	{ "", "the name is empty" },
	{ ".web", "the name '.web' starts with '.'" },
	{ "-web", "the name '-web' starts with '-'" },
	{ "a/b", "the name 'a/b' has a '/'; letters, digits and _ . - + can be in a name" },
	{ "a:b", "the name 'a:b' has a ':'; letters, digits and _ . - + can be in a name" },
	{ "a b", "there is a blank or control character in the name 'a b'" },
	{ "a\033b", "there is a blank or control character in the name 'a?b'" },
};

START_TEST(names_are_letters_digits_and_a_few_more)
{
	struct fault own = { .text = "" };

	ck_assert_int_eq(value_name(names[_i].text, &own), *names[_i].result ? FAULTY : 0);
	ck_assert_str_eq(own.text, names[_i].result);
}
END_TEST

START_TEST(b2_names_may_have_255_bytes_and_no_more)
{
	char name[300];

	memset(name, 'n', sizeof name);
	name[255] = '\0';
	ck_assert_int_eq(value_name(name, &fault), 0);
	name[255] = 'n';
	name[256] = '\0';
	ck_assert_int_eq(value_name(name, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "a name of 256 bytes is longer than 255");
}
END_TEST

static const struct value_case log_sizes[] = {
	{ "auto", "0" },
	{ "none", "18446744073709551615" },
	{ "4k", "4096" },
	{ "50M", "52428800" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "9223372036854775808",
	  "no file can be as large as '9223372036854775808'; 'none' is no limit" },
	{ "0", "a log of no size cannot be; 'none' is no limit" },
	{ "1k", "a log of '1k' would be rotated all the time; expected 4k or more" },
	{ "50MB", "expected auto, none or a size such as 64k, 10M or 1G, got '50MB'; did you mean "
	          "50M?" },
	{ "50 MiB", "expected auto, none or a size such as 64k, 10M or 1G, got '50 MiB'; did you "
	            "mean 50M?" },
	{ "1 g", "expected auto, none or a size such as 64k, 10M or 1G, got '1 g'; did you mean "
	         "1g?" },
	{ "70000B", "expected auto, none or a size such as 64k, 10M or 1G, got '70000B'; did you "
	            "mean 70000?" },
	{ "1.5M", "expected auto, none or a size such as 64k, 10M or 1G, got '1.5M'" },
	{ "MB", "expected auto, none or a size such as 64k, 10M or 1G, got 'MB'" },
	{ "50M 3", "expected auto, none or a size such as 64k, 10M or 1G, got '50M 3'" },
	{ "", "expected auto, none or a size such as 64k, 10M or 1G, got ''" },
};

START_TEST(a_log_size_may_be_auto_or_none)
{
	uint64_t size = 1;
	char written[32];

	if (value_log_size(log_sizes[_i].text, &size, &fault) != 0) {
		ck_assert_uint_eq(size, 1);
		ck_assert_str_eq(fault.text, log_sizes[_i].result);
		return;
	}
	snprintf(written, sizeof written, "%llu", (unsigned long long)size);
	ck_assert_str_eq(written, log_sizes[_i].result);
}
END_TEST

START_TEST(simple_values_say_what_they_expect)
{
	static const char *const colours[] = { "red", "green", "blue", NULL };
	int choice;
	int64_t number;
	unsigned value;
	msec_t ms;
	uint64_t size;
	bool yes;

	ck_assert_int_eq(value_choice("green", colours, SIZE_MAX, &choice, &fault), 0);
	ck_assert_int_eq(choice, 1);
	ck_assert_int_eq(value_choice("Green", colours, SIZE_MAX, &choice, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected red, green or blue, got 'Green'");
	ck_assert_int_eq(value_choice("blue", colours, 2, &choice, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected red or green, got 'blue'");
	ck_assert_int_eq(value_integer("20", -20, 19, &number, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected a number from -20 to 19, got '20'");
	ck_assert_int_eq(value_octal("8", 0777, &value, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected an octal number up to 0777, got '8'");
	ck_assert_int_eq(value_percent("10", &value, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected 0% to 100%, got '10'");
	ck_assert_int_eq(value_bool("maybe", &yes, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected yes or no, got 'maybe'");
	ck_assert_int_eq(value_duration("99999d", &ms, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "'99999d' is longer than ten years");
	ck_assert_int_eq(value_deadline("none", &ms, &fault), 0);
	ck_assert(ms == MSEC_NEVER);
	ck_assert_int_eq(value_log_age("1s", &ms, &fault), 0);
	ck_assert(ms == 1000);
	ck_assert_int_eq(value_log_age("none", &ms, &fault), 0);
	ck_assert(ms == MSEC_NEVER);
	ck_assert_int_eq(value_log_age("999ms", &ms, &fault), FAULTY);
	ck_assert_str_eq(fault.text,
	                 "a log of '999ms' would be rotated all the time; expected 1s or more, "
	                 "such as 1d, or 'none' for no limit");
	ck_assert(ms == MSEC_NEVER);
	ck_assert_int_eq(value_size("2M", 1, 1 << 20, &size, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "expected a size from 1 to 1M, got '2M'");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("values");
	TCase *signals = tcase_create("values_signals");
	TCase *lists = tcase_create("values_lists");
	TCase *texts = tcase_create("values_texts");

	tcase_add_loop_test(signals, stop_signals_are_steps, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(signals, exits_are_codes_and_signals, 0, ARRAY_SIZE(exits));
	tcase_add_loop_test(signals, forwarded_signals_may_be_translated_or_dropped, 0,
	                    ARRAY_SIZE(rules));
	tcase_add_test(signals, g3_all_means_every_signal_that_can_be_relayed);
	tcase_add_loop_test(lists, limits_are_one_number_or_two, 0, ARRAY_SIZE(limits));
	tcase_add_loop_test(lists, a_start_limit_is_a_count_in_a_time, 0, ARRAY_SIZE(start_limits));
	tcase_add_loop_test(lists, an_environment_is_assignments, 0, ARRAY_SIZE(assignments));
	tcase_add_loop_test(lists, environment_files_may_be_optional, 0, ARRAY_SIZE(env_files));
	tcase_add_loop_test(texts, a_file_is_a_path_with_or_without_quotes, 0, ARRAY_SIZE(paths));
	tcase_add_loop_test(texts, names_are_letters_digits_and_a_few_more, 0, ARRAY_SIZE(names));
	tcase_add_test(texts, b2_names_may_have_255_bytes_and_no_more);
	tcase_add_loop_test(texts, a_log_size_may_be_auto_or_none, 0, ARRAY_SIZE(log_sizes));
	tcase_add_test(texts, simple_values_say_what_they_expect);
	suite_add_tcase(suite, signals);
	suite_add_tcase(suite, lists);
	suite_add_tcase(suite, texts);
	return suite_run(suite);
}
