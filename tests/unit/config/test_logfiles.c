/* SPDX-License-Identifier: MIT */
/* What programs log to, and files that several of them share. */
#include "config/logfiles.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

START_TEST(words_are_targets_and_the_rest_is_a_path)
{
	struct loaded l = load_good("[verger]\nlog = journal\nlog_format = json\n"
	                            "[program:a]\ncommand = x\nstdout = syslog\nstderr = journal\n"
	                            "stdin = /syslog\n"
	                            "[program:b]\ncommand = x\nstdout = ./syslog\n"
	                            "stderr = \"./journal\"\n");
	const struct program_settings *p = l.settings->programs;

	ck_assert_int_eq(l.settings->log_target, LOG_TARGET_JOURNAL);
	ck_assert(l.settings->log_json);
	ck_assert_int_eq(p[0].stdout_stream.kind, STREAM_SYSLOG);
	ck_assert_int_eq(p[0].stderr_stream.kind, STREAM_JOURNAL);
	ck_assert_int_eq(p[0].stdin_stream.kind, STREAM_FILE);
	ck_assert_int_eq(p[1].stdout_stream.kind, STREAM_FILE);
	ck_assert_ptr_nonnull(strstr(p[1].stdout_stream.path, "/syslog"));
	ck_assert_ptr_nonnull(strstr(p[1].stderr_stream.path, "/journal"));
	loaded_release(&l);
	l = load_good("[verger]\nlog = ./journal\n");
	ck_assert_int_eq(l.settings->log_target, LOG_TARGET_FILE);
	ck_assert(!l.settings->log_json);
	loaded_release(&l);
	check_faults("[verger]\nlog_format = raw\n",
	             "t.ini:2: [verger] log_format: expected text or json, got 'raw'\n");
}
END_TEST

/* L4 */
START_TEST(l4_paths_of_our_own_output_are_not_opened)
{
	struct loaded l = load_good("[program:a]\ncommand = x\nstdout = /dev/stdout\n"
	                            "stderr = /dev/fd/2\nstdin = /dev/null\n"
	                            "[program:b]\ncommand = x\nstdout = /dev//fd/./1\n"
	                            "stderr = /proc/self/fd/2\n"
	                            "[program:c]\ncommand = x\nstdout = /dev/null\n"
	                            "stderr = /dev/fd/3\n");
	const struct program_settings *p = l.settings->programs;

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(p[i].stdout_stream.kind, STREAM_INHERIT);
		ck_assert_int_eq(p[i].stderr_stream.kind, STREAM_INHERIT);
	}
	ck_assert_int_eq(p[0].stdin_stream.kind, STREAM_NULL);
	ck_assert_int_eq(p[2].stdout_stream.kind, STREAM_NULL);
	ck_assert_int_eq(p[2].stderr_stream.kind, STREAM_FILE);
	loaded_release(&l);
	check_refused("stderr = /dev/stdout", "never opened a second time; write stderr = stdout");
	check_refused("stdout = /dev/stderr", "never opened a second time; write stdout = inherit");
}
END_TEST

START_TEST(every_key_reaches_its_field)
{
	struct loaded l =
		load_good("[defaults]\nlog_keep = 3\n[program:a]\ncommand = x\n"
	                  "log_max_size = 10M\nlog_max_age = 1d\nlog_compress = zstd\n"
	                  "log_format = json\nlog_stalled = drop\nlog_memory = 64k\n"
	                  "[program:b]\ncommand = x\nlog_max_size = none\nlog_max_age = none\n"
	                  "log_keep = 0\nlog_memory = 0\n");
	const struct log_policy *a = &l.settings->programs[0].log;
	const struct log_policy *b = &l.settings->programs[1].log;

	ck_assert_uint_eq(a->max_size, 10 << 20);
	ck_assert_int_eq(a->max_age_ms, 86400000);
	ck_assert_uint_eq(a->keep, 3);
	ck_assert_uint_eq(a->memory, 65536);
	ck_assert_int_eq(a->compress, LOG_COMPRESS_ZSTD);
	ck_assert_int_eq(a->format, LOG_FORMAT_JSON);
	ck_assert_int_eq(a->stalled, LOG_STALLED_DROP);
	ck_assert_uint_eq(b->max_size, LOG_SIZE_NONE);
	ck_assert_int_eq(b->max_age_ms, MSEC_NEVER);
	ck_assert_uint_eq(b->keep, 0);
	ck_assert_uint_eq(b->memory, 0);
	loaded_release(&l);
}
END_TEST

START_TEST(b1_mistakes_in_the_keys_of_logs)
{
	check_refused("log_max_size = 50 MB", "auto, none or a size such as 64k, 10M or 1G, got "
	                                      "'50 MB'; did you mean 50M?");
	check_refused("log_max_size = 0", "'none' is no limit");
	check_refused("log_max_size = 4095", "'4095' would be rotated all the time; expected 4k");
	check_refused("log_max_size = 9223372036854775808", "no file can be as large");
	check_refused("log_max_age = 0", "would be rotated all the time");
	check_refused("log_max_age = daily", "expected a duration");
	check_refused("log_keep = -1", "expected a number from 0 to 10000, got '-1'");
	check_refused("log_keep = 10001", "expected a number from 0 to 10000, got '10001'");
	check_refused("log_compress = gz", "expected no, gzip, zstd or xz, got 'gz'");
	check_refused("log_format = JSON", "expected raw, timestamp, prefix or json, got 'JSON'");
	check_refused("log_stalled = wait", "expected block or drop, got 'wait'");
	check_refused("log_memory = 1025k", "expected a size from 0 to 1M, got '1025k'");
	check_refused("log_memory = none", "expected a size such as 64k, 10M or 1G, got 'none'");
}
END_TEST

/* "a: +-" for each program: whether its output and its errors go to a file that others write */
static void check_shared(const char *text, const char *expected)
{
	struct loaded l = load_good(text);
	struct text found;

	text_init(&found, 10000);
	for (size_t i = 0; i < l.settings->program_count; i++) {
		const struct program_settings *p = &l.settings->programs[i];

		text_add_format(&found, "%s%s:%c%c", i ? " " : "", p->name,
		                p->stdout_stream.shared ? '+' : '-',
		                p->stderr_stream.shared ? '+' : '-');
	}
	ck_assert_str_eq(text_get(&found), expected);
	text_release(&found);
	loaded_release(&l);
}

START_TEST(a_file_that_others_write_is_shared)
{
	check_shared("[program:a]\ncommand = x\nstdout = /l\n"
	             "[program:b]\ncommand = x\nstderr = /./l\nstdout = /m\n"
	             "[program:c]\ncommand = x\nstdout = /n\nstderr = stdout\n",
	             "a:+- b:-+ c:--");
	check_shared("[program:a]\ncommand = x\nstdout = /l\nstderr = /l\n", "a:--");
	check_shared("[program:a]\ncommand = x\nstdout = /l\nstderr = /l\n"
	             "[program:b]\ncommand = x\nstderr = stdout\nstdout = /l\n",
	             "a:++ b:+-");
	check_shared("[program:w]\ncommand = x\ninstances = 2\nstdout = /w\n"
	             "stderr = /${instance}\n",
	             "w:0:+- w:1:+-");
	check_shared("[program:a]\ncommand = x\nstdout = syslog\nstdin = /l\n"
	             "[program:b]\ncommand = x\nstdout = syslog\nstderr = /l\n",
	             "a:-- b:--");
	/* who is not there writes nothing */
	check_shared("[program:a]\ncommand = x\nstdout = /l\nenabled = no\n"
	             "[program:b]\ncommand = x\nstdout = /l\n",
	             "b:--");
}
END_TEST

START_TEST(who_shares_a_file_agrees_on_what_becomes_of_it)
{
	check_shared("[program:a]\ncommand = x\nstdout = /l\nlog_format = json\nlog_memory = 0\n"
	             "[program:b]\ncommand = x\nstdout = /l\nlog_stalled = drop\n"
	             "log_max_size = 50M\n",
	             "a:+- b:+-");
	check_faults("[program:a]\ncommand = x\nstdout = /l\nlog_max_size = 10M\n"
	             "[program:b]\ncommand = x\nlog_max_age = 1h\nlog_keep = 1\nstderr = /l\n"
	             "log_compress = gzip\n[program:c]\ncommand = x\nstdout = /l\n"
	             "log_max_size = 10240k\n",
	             "t.ini:5: [program:b] log_max_size: 'a' and 'b' both write to /l and must "
	             "agree on log_max_size, which is 10M for the first and auto for the second\n"
	             "t.ini:7: [program:b] log_max_age: 'a' and 'b' both write to /l and must "
	             "agree on log_max_age, which is none for the first and 1h for the second\n"
	             "t.ini:8: [program:b] log_keep: 'a' and 'b' both write to /l and must agree "
	             "on log_keep, which is 10 for the first and 1 for the second\n"
	             "t.ini:10: [program:b] log_compress: 'a' and 'b' both write to /l and must "
	             "agree on log_compress, which is no for the first and gzip for the second\n");
	/* once for all instances */
	check_faults("[program:w]\ncommand = x\ninstances = 3\nstdout = /l\n"
	             "[program:v]\ncommand = x\nlog_keep = 2\ninstances = 3\nstdout = /l\n",
	             "t.ini:7: [program:v] log_keep: 'w:0' and 'v:0' both write to /l and must "
	             "agree on log_keep, which is 10 for the first and 2 for the second\n");
}
END_TEST

START_TEST(what_is_something_else_is_no_log)
{
	check_faults("[verger]\npidfile = /v\ncontrol_socket = /s\nlog = /v\n"
	             "[program:a]\ncommand = x\npidfile = /a\nstdout = /b\nstderr = /s\n"
	             "[program:b]\ncommand = x\npidfile = /b\nstdout = /b\n"
	             "[program:c]\ncommand = x\nstdout = /v\n",
	             "t.ini:4: [verger] log: /v is the PID file of vergerd itself already (t.ini, "
	             "line 2)\n"
	             "t.ini:8: [program:a] stdout: /b is the PID file of b already (t.ini, line "
	             "12)\n"
	             "t.ini:9: [program:a] stderr: /s is the control socket of vergerd itself "
	             "already (t.ini, line 3)\n"
	             "t.ini:13: [program:b] stdout: /b is the PID file of b already (t.ini, line "
	             "12)\n"
	             "t.ini:16: [program:c] stdout: /v is the PID file of vergerd itself already "
	             "(t.ini, line 2)\n");
}
END_TEST

START_TEST(our_own_log_is_not_rotated_by_programs)
{
	static const char fault[] =
		" /v is vergerd's own log, and would be rotated as that of a program; name "
		"another file, or set log_max_size = none and no log_max_age\n";
	char expected[1000];

	check_shared("[verger]\nlog = /v\n[program:a]\ncommand = x\nstdout = /v\n", "a:--");
	check_shared("[verger]\nlog = /v\n[program:a]\ncommand = x\nstdout = /v\n"
	             "log_format = prefix\nlog_max_size = none\n",
	             "a:--");
	snprintf(expected, sizeof expected, "t.ini:5: [program:a] stdout:%s", fault);
	check_faults("[verger]\nlog = /v\n[program:a]\ncommand = x\nstdout = /v\n"
	             "log_format = prefix\n",
	             expected);
	snprintf(expected, sizeof expected,
	         "t.ini:5: [program:a] stdout:%st.ini:8: [program:b] stderr:%s", fault, fault);
	check_faults("[verger]\nlog = /v\n[program:a]\ncommand = x\nstdout = /v\n"
	             "[program:b]\ncommand = x\nstderr = /v\n",
	             expected);
}
END_TEST

/* S7: for 10,000 programs the search for those that share is no pause */
START_TEST(s7_ten_thousand_programs_with_logs)
{
	struct timespec start, end;
	struct text t;
	struct loaded l;
	size_t shared = 0;

	text_init(&t, 1 << 22);
	for (unsigned i = 0; i < 10000; i++)
		text_add_format(&t, "[program:p%u]\ncommand = x\nstdout = /l/%u\nstderr = /e/%u\n",
		                i, i, i / 2 * 2 % 5000);
	clock_gettime(CLOCK_MONOTONIC, &start);
	l = load_good(text_get(&t));
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (size_t i = 0; i < l.settings->program_count; i++)
		shared += l.settings->programs[i].stderr_stream.shared +
		          !l.settings->programs[i].stdout_stream.shared;
	ck_assert_uint_eq(shared, 20000);
	ck_assert_int_lt(end.tv_sec - start.tv_sec, 10);
	loaded_release(&l);
	text_release(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logfiles");
	TCase *keys = tcase_create("logfiles_keys");
	TCase *sharing = tcase_create("logfiles_sharing");

	tcase_add_test(keys, words_are_targets_and_the_rest_is_a_path);
	tcase_add_test(keys, l4_paths_of_our_own_output_are_not_opened);
	tcase_add_test(keys, every_key_reaches_its_field);
	tcase_add_test(keys, b1_mistakes_in_the_keys_of_logs);
	tcase_add_test(sharing, a_file_that_others_write_is_shared);
	tcase_add_test(sharing, who_shares_a_file_agrees_on_what_becomes_of_it);
	tcase_add_test(sharing, what_is_something_else_is_no_log);
	tcase_add_test(sharing, our_own_log_is_not_rotated_by_programs);
	tcase_add_test(sharing, s7_ten_thousand_programs_with_logs);
	suite_add_tcase(suite, keys);
	suite_add_tcase(suite, sharing);
	return suite_run(suite);
}
