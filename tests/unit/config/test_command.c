/* SPDX-License-Identifier: MIT */
/* `vergerd [--KEY VALUE…] -- CMD ARG…` */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/config/loaded.h"
#include "unit/suite.h"

static struct loaded from_command(const struct conf_assignment *assignments, size_t count,
                                  const char *const *command)
{
	struct loaded l = { .diags = DIAGS_INIT };
	int r = conf_from_command(assignments, count, (char *const *)command, &loaded_context,
	                          &l.settings, &l.diags);

	ck_assert_int_eq(r == CONF_OK, l.settings != NULL);
	return l;
}

static const char *const sleep_command[] = { "/bin/sleep", "$x ${HOME}", "", NULL };

START_TEST(g3_a_command_alone_is_a_program_that_ends_vergerd)
{
	struct loaded l = from_command(NULL, 0, sleep_command);
	const struct program_settings *p;

	ck_assert_ptr_nonnull(l.settings);
	ck_assert_uint_eq(l.settings->program_count, 1);
	ck_assert_ptr_null(l.settings->file);
	ck_assert_ptr_null(l.settings->pidfile);
	ck_assert_ptr_null(l.settings->control_socket);
	p = &l.settings->programs[0];
	ck_assert_str_eq(p->name, "sleep");
	ck_assert_str_eq(p->command[0], "/bin/sleep");
	ck_assert_str_eq(p->command[1], "$x ${HOME}");
	ck_assert_str_eq(p->command[2], "");
	ck_assert_ptr_null(p->command[3]);
	ck_assert_int_eq(p->restart, RESTART_NEVER);
	ck_assert(p->on_exit == END_EXIT && p->on_failure == END_EXIT);
	ck_assert_int_eq(p->stdin_stream.kind, STREAM_INHERIT);
	ck_assert_int_eq(p->forward_to, SCOPE_MAIN);
	ck_assert_uint_gt(p->forward->count, 40);
	ck_assert_ptr_null(p->pidfile);
	loaded_release(&l);
}
END_TEST

START_TEST(options_are_keys_and_the_last_counts)
{
	static const struct conf_assignment options[] = {
		{ "pidfile", "x.pid" },   { "restart", "always" },      { "restart", "on-failure" },
		{ "stop-timeout", "3s" }, { "forward", "USR1" },        { "name", "web" },
		{ "environment", "A=1" }, { "environment", "B='x y'" }, { "limit_nofile", "10" },
		{ "stop_timeout", "4s" }, { "type", "oneshot" },
	};
	struct loaded l = from_command(options, sizeof options / sizeof *options, sleep_command);
	const struct program_settings *p;
	char cwd[4096], expected[4200];

	ck_assert_ptr_nonnull(l.settings);
	p = &l.settings->programs[0];
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
	snprintf(expected, sizeof expected, "%s/x.pid", cwd);
	ck_assert_str_eq(p->pidfile, expected);
	ck_assert_str_eq(p->name, "web");
	ck_assert_int_eq(p->restart, RESTART_ON_FAILURE);
	ck_assert_int_eq(p->stop->steps[0].wait_ms, 4000);
	ck_assert_uint_eq(p->forward->count, 1);
	ck_assert_str_eq(p->environment[0], "A=1");
	ck_assert_str_eq(p->environment[1], "B=x y");
	ck_assert_uint_eq(p->limits->items[0].soft, 10);
	loaded_release(&l);
}
END_TEST

START_TEST(a_oneshot_command_is_not_repeated_either)
{
	static const struct conf_assignment options[] = { { "type", "oneshot" } };
	struct loaded l = from_command(options, 1, sleep_command);

	ck_assert_int_eq(l.settings->programs[0].restart, RESTART_NEVER);
	loaded_release(&l);
}
END_TEST

START_TEST(b1_all_faults_are_told_without_a_line)
{
	static const struct conf_assignment options[] = {
		{ "restart", "often" },
		{ "instances", "3" },
		{ "name", "a b" },
		{ "nice", "x" },
	};
	static const char *const expected[] = {
		"name: there is a blank or control character in the name 'a b'",
		"instances: there is no such option",
		"nice: expected a number from -20 to 19, got 'x'",
		"restart: expected always, on-failure or never, got 'often'",
	};
	struct loaded l = from_command(options, 4, sleep_command);

	ck_assert_uint_eq(l.diags.count, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(l.diags.items[i].file, "command line");
		ck_assert_uint_eq(l.diags.items[i].line, 0);
		ck_assert_str_eq(l.diags.items[i].text, expected[i]);
	}
	loaded_release(&l);
}
END_TEST

START_TEST(a_command_of_any_name_gets_a_name)
{
	static const char *const commands[][2] = { { "./a b:c", NULL },
		                                   { "/x/.hidden", NULL },
		                                   { "dir/", NULL } };
	static const char *const names[] = { "a_b_c", "_hidden", "program" };
	struct loaded l = from_command(NULL, 0, commands[_i]);

	ck_assert_ptr_nonnull(l.settings);
	ck_assert_str_eq(l.settings->programs[0].name, names[_i]);
	loaded_release(&l);
}
END_TEST

START_TEST(no_command_is_refused)
{
	static const char *const commands[][2] = { { NULL, NULL }, { "", NULL } };
	struct loaded l = from_command(NULL, 0, commands[_i]);

	ck_assert_uint_eq(l.diags.error_count, 1);
	ck_assert_str_eq(l.diags.items[0].text, "there is no command to run");
	loaded_release(&l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *command = tcase_create("command");

	tcase_add_test(command, g3_a_command_alone_is_a_program_that_ends_vergerd);
	tcase_add_test(command, options_are_keys_and_the_last_counts);
	tcase_add_test(command, a_oneshot_command_is_not_repeated_either);
	tcase_add_test(command, b1_all_faults_are_told_without_a_line);
	tcase_add_loop_test(command, a_command_of_any_name_gets_a_name, 0, 3);
	tcase_add_loop_test(command, no_command_is_refused, 0, 2);
	suite_add_tcase(suite, command);
	return suite_run(suite);
}
