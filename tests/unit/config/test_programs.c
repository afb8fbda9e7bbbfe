/* SPDX-License-Identifier: MIT */
/* Programs as their sections, [defaults] and instances make them. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "unit/config/loaded.h"
#include "unit/suite.h"

START_TEST(every_key_reaches_its_field)
{
	struct loaded l = load_good(
		"[program:p]\n"
		"command = /bin/sh -c 'a  b' ${TRICKY}\n"
		"argv0 = python -u app.py\n"
		"type = forking\n"
		"main_pid_file = m.pid\n"
		"directory = /srv/My App\n"
		"umask = 027\nuser = 33\ngroup = 44\nnice = -5\noom_score_adj = 500\n"
		"environment = A=1 B='x y'\nenv_file = -/e\nenv_inherit = PATH HOME\n"
		"limit_nofile = 1k:4k\nlimit_core = unlimited\n"
		"autostart = no\npidfile = /p//x.pid\npidfile_mode = 0600\npidfile_owner = 1:2\n"
		"restart = on-failure\nsuccess_exit = 0 3 TERM\nmin_uptime = 2s\n"
		"restart_delay = 1s\nrestart_delay_max = 1m\nrestart_jitter = 5%\nstart_limit = "
		"3/10s\n"
		"on_exit = exit\non_failure = ignore\n"
		"stop_signal = TERM/5s INT KILL\nstop_timeout = 7s\nstop_command = ctl 'stop it'\n"
		"kill = group\nforward_signals = HUP USR1:QUIT\nforward_to = tree\n"
		"ready = exec\nready_timeout = 3s\nstdin = /i\nstdout = null\nstderr = stdout\n"
		"no_new_privs = yes\nreload_signal = usr1\non_state_change = tell 'a b'\n");
	const struct program_settings *p = &l.settings->programs[0];

	ck_assert_str_eq(p->command[2], "a  b");
	ck_assert_str_eq(p->command[3], "a");
	ck_assert_str_eq(p->command[4], "'b");
	ck_assert_str_eq(p->argv0, "python -u app.py");
	ck_assert_int_eq(p->type, PROGRAM_FORKING);
	ck_assert_ptr_nonnull(strstr(p->main_pid_file, "/m.pid"));
	ck_assert_str_eq(p->directory, "/srv/My App");
	ck_assert_int_eq(p->umask_value, 027);
	ck_assert(p->credentials->set_user && p->credentials->uid == 33 &&
	          p->credentials->gid == 44);
	ck_assert(p->nice_set && p->nice_value == -5 && p->oom_set && p->oom_score_adj == 500);
	ck_assert_str_eq(p->environment[1], "B=x y");
	ck_assert_str_eq(p->env_files[0], "-/e");
	ck_assert_str_eq(p->env_inherit[1], "HOME");
	ck_assert_uint_eq(p->limits->count, 2);
	ck_assert_int_eq(p->limits->items[0].resource, RLIMIT_CORE);
	ck_assert(p->limits->items[1].soft == 1024 && p->limits->items[1].hard == 4096);
	ck_assert(!p->autostart && p->no_new_privs);
	ck_assert_str_eq(p->pidfile, "/p/x.pid");
	ck_assert(p->pidfile_mode == 0600 && p->pidfile_uid == 1 && p->pidfile_gid == 2);
	ck_assert_int_eq(p->restart, RESTART_ON_FAILURE);
	ck_assert(exit_set_has(p->success_exit, 3, 0) && exit_set_has(p->success_exit, 0, SIGTERM));
	ck_assert(p->min_uptime_ms == 2000 && p->restart_delay_ms == 1000 &&
	          p->restart_delay_max_ms == 60000);
	ck_assert(p->restart_jitter_percent == 5 && p->start_limit_count == 3 &&
	          p->start_limit_window_ms == 10000);
	ck_assert(p->on_exit == END_EXIT && p->on_failure == END_IGNORE);
	ck_assert_uint_eq(p->stop->count, 3);
	ck_assert(p->stop->steps[0].wait_ms == 5000 && p->stop->steps[1].wait_ms == 7000);
	ck_assert_str_eq(p->stop_command[1], "stop it");
	ck_assert(p->kill == SCOPE_GROUP && p->forward_to == SCOPE_TREE);
	ck_assert(p->forward->count == 2 && p->forward->rules[1].to == SIGQUIT);
	ck_assert_int_eq(p->ready_timeout_ms, 3000);
	ck_assert_str_eq(p->stdin_stream.path, "/i");
	ck_assert(p->stdout_stream.kind == STREAM_NULL && p->stderr_stream.kind == STREAM_STDOUT);
	ck_assert_int_eq(p->reload_signal, SIGUSR1);
	ck_assert_ptr_null(p->reload_command);
	ck_assert_str_eq(p->on_state_change[1], "a b");
	ck_assert_str_eq(p->file, "t.ini");
	ck_assert_uint_eq(p->line, 1);
	loaded_release(&l);
}
END_TEST

START_TEST(defaults_apply_where_a_program_says_nothing)
{
	struct loaded l =
		load_good("[program:a]\ncommand = x\n[program:b]\ncommand = x\nstdout = null\n"
	                  "[defaults]\nstdout = /log/${program}.log\nrestart = never\n");

	ck_assert_str_eq(l.settings->programs[0].stdout_stream.path, "/log/a.log");
	ck_assert_int_eq(l.settings->programs[1].stdout_stream.kind, STREAM_NULL);
	ck_assert_int_eq(l.settings->programs[1].restart, RESTART_NEVER);
	loaded_release(&l);
}
END_TEST

START_TEST(environments_add_up_and_the_nearer_wins)
{
	struct loaded l =
		load_good("[verger]\nenvironment = A=v Z=1\n[defaults]\nenvironment = A=d "
	                  "B=d\nenv_file = /d\n"
	                  "[program:p]\ncommand = x\nenvironment = B=p C=p\nenv_file = /p\n");
	const struct program_settings *p = &l.settings->programs[0];

	ck_assert_str_eq(p->environment[0], "A=d");
	ck_assert_str_eq(p->environment[1], "B=p");
	ck_assert_str_eq(p->environment[2], "C=p");
	ck_assert_ptr_null(p->environment[3]);
	ck_assert_str_eq(p->env_files[0], "/d");
	ck_assert_str_eq(p->env_files[1], "/p");
	ck_assert_str_eq(l.settings->environment[0], "A=v");
	loaded_release(&l);
}
END_TEST

START_TEST(an_empty_value_takes_a_default_away)
{
	struct loaded l = load_good(
		"[defaults]\nstop_command = x\ndirectory = /d\n"
		"[program:p]\ncommand = x\nstop_command =\ndirectory = ${EMPTY}\npidfile =\n");

	ck_assert_ptr_null(l.settings->programs[0].stop_command);
	ck_assert_ptr_null(l.settings->programs[0].directory);
	ck_assert_ptr_null(l.settings->programs[0].pidfile);
	loaded_release(&l);
}
END_TEST

START_TEST(instances_have_numbers_and_one_instance_has_none)
{
	struct loaded l =
		load_good("[program:w]\ncommand = x ${instance} ${program}\ninstances = ${N}\n"
	                  "[program:v]\ncommand = x ${instance} ${program}\n");
	const struct program_settings *p = l.settings->programs;

	ck_assert_uint_eq(l.settings->program_count, 4);
	ck_assert_str_eq(p[2].name, "w:2");
	ck_assert_str_eq(p[2].section, "w");
	ck_assert_uint_eq(p[2].instance, 2);
	ck_assert_str_eq(p[2].command[1], "2");
	ck_assert_str_eq(p[2].command[2], "w:2");
	ck_assert_str_eq(p[2].pidfile, "/run/t/w:2.pid");
	ck_assert_str_eq(p[3].name, "v");
	ck_assert_str_eq(p[3].command[1], "0");
	loaded_release(&l);
}
END_TEST

START_TEST(instances_can_be_written_out)
{
	struct loaded l =
		load_good("[program:w:0]\ncommand = x\n[program:w:7]\ncommand = x ${instance}\n"
	                  "[program:q]\ncommand = x\nrequires = w\n");

	ck_assert_str_eq(l.settings->programs[1].name, "w:7");
	ck_assert_str_eq(l.settings->programs[1].section, "w");
	ck_assert_str_eq(l.settings->programs[1].command[1], "7");
	ck_assert_uint_eq(l.settings->programs[2].depends->count, 2);
	loaded_release(&l);
	check_faults("[program:w:0]\ncommand = x\ninstances = 2\n[program:w]\ncommand = y\n",
	             "t.ini:1: [program:w:0] [program:w] is there as well: instances are either "
	             "counted or written out\n"
	             "t.ini:3: [program:w:0] instances: this section is one instance already\n");
}
END_TEST

START_TEST(a_disabled_program_is_checked_and_left_out)
{
	struct loaded l = load_good(
		"[program:a]\ncommand = x\nenabled = ${ON:-no}\n[program:b]\ncommand = x\n");

	ck_assert_uint_eq(l.settings->program_count, 1);
	ck_assert_str_eq(l.settings->programs[0].name, "b");
	loaded_release(&l);
	check_faults("[program:a]\ncommand = x\nenabled = no\nnice = 99\n",
	             "t.ini:4: [program:a] nice: expected a number from -20 to 19, got '99'\n");
}
END_TEST

START_TEST(a_oneshot_is_not_repeated_when_it_is_done)
{
	struct loaded l = load_good("[program:a]\ncommand = x\ntype = oneshot\n"
	                            "[program:b]\ncommand = x\ntype = oneshot\nrestart = always\n");

	ck_assert_int_eq(l.settings->programs[0].restart, RESTART_ON_FAILURE);
	ck_assert_int_eq(l.settings->programs[1].restart, RESTART_ALWAYS);
	loaded_release(&l);
}
END_TEST

START_TEST(values_that_do_not_fit_together_are_refused)
{
	check_refused("main_pid_file = /x", "only a program of type = forking has one");
	check_refused("restart_delay = 1m", "restart_delay is above restart_delay_max");
	check_refused("forward_signals = TERM", "needs on_exit = exit");
	check_refused("forward_signals = all", "needs on_exit = exit");
	check_refused("reload_signal = NOPE", "'NOPE' is not a signal");
	check_refused("reload_signal = KILL",
	              "no program can catch 'KILL'; name the one that makes it read its files "
	              "again, such as HUP");
	check_refused("reload_command = ''", "there is no program to run in ''''");
	check_refused("on_state_change = \"\"", "there is no program to run");
	check_refused("ready = notify", "expected exec, got 'notify'");
	check_refused("argv0 = 'a' b", "expected one text in quotes, got 2");
	check_refused("stop_command = ''", "there is no program to run");
	check_refused("instances = 0", "expected a number from 1 to 10000, got '0'");
	check_refused("instances = 10001", "expected a number from 1 to 10000, got '10001'");
	check_refused("user = nobody",
	              "there is no user 'nobody'"); /* not asked for in this test */
	check_refused("pidfile_owner = :", "expected USER, USER:GROUP or :GROUP, got ':'");
}
END_TEST

START_TEST(a_program_reloads_in_one_way)
{
	struct loaded l = load_good("[defaults]\nreload_signal = HUP\n[program:p]\ncommand = x\n"
	                            "reload_signal =\nreload_command = ctl reload\n");

	ck_assert_int_eq(l.settings->programs[0].reload_signal, 0);
	ck_assert_str_eq(l.settings->programs[0].reload_command[1], "reload");
	loaded_release(&l);
	check_faults("[defaults]\nreload_signal = HUP\n[program:p]\ncommand = x\n"
	             "reload_command = ctl reload\n",
	             "t.ini:5: [program:p] reload_command: reload_signal is given as well, and "
	             "only one can be done; an empty value takes away what [defaults] gives\n");
	check_faults("[defaults]\nreload_command = r\n[program:p]\nreload_signal = HUP\n"
	             "command = x\n",
	             "t.ini:3: [program:p] reload_command: reload_signal is given as well, and "
	             "only one can be done; an empty value takes away what [defaults] gives\n");
}
END_TEST

/* P5 */
START_TEST(p5_a_pid_file_has_one_owner)
{
	check_faults(
		"[verger]\npidfile = /v\n[program:a]\ncommand = x\npidfile = /a/./b\n"
		"[program:b]\ncommand = x\npidfile = /a//b\n[program:c]\ncommand = x\npidfile = "
		"/v\n",
		"t.ini:8: [program:b] pidfile: /a/b is the PID file of a already (t.ini, line 5)\n"
		"t.ini:11: [program:c] pidfile: /v is the PID file of vergerd itself already "
		"(t.ini, line 2)\n");
	check_faults("[program:a]\ncommand = x\npidfile = /x\ninstances = 2\n",
	             "t.ini:3: [program:a] pidfile: /x is the PID file of a:0 already (t.ini, line "
	             "3)\n");
}
END_TEST

START_TEST(b2_a_name_too_long_for_a_pid_file_is_refused)
{
	char name[256], text[600];
	struct loaded l;

	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(text, sizeof text, "[program:%s]\ncommand = x\npidfile = /x\n", name);
	l = load_good(text);
	ck_assert_str_eq(l.settings->programs[0].name, name);
	loaded_release(&l);
	snprintf(text, sizeof text, "[program:%s]\ncommand = x\n", name);
	l = load_text(text);
	ck_assert_uint_eq(l.diags.error_count, 1);
	ck_assert_ptr_nonnull(strstr(l.diags.items[0].text, "name a shorter pidfile"));
	loaded_release(&l);
}
END_TEST

/* I2: at most 1 kB for each further program */
START_TEST(i2_ten_thousand_instances_are_small_and_quick)
{
	struct timespec start, end;
	struct loaded l;

	clock_gettime(CLOCK_MONOTONIC, &start);
	l = load_good("[defaults]\nuser = 33\nenvironment = A=1\nlimit_nofile = 10\nrequires = "
	              "db\n[program:db]\n"
	              "command = y\nrequires =\n"
	              "[program:w]\ncommand = x ${instance}\ninstances = 10000\n");
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_uint_eq(l.settings->program_count, 10001);
	ck_assert_uint_lt(arena_used(l.settings->arena), 10000 * 600);
	ck_assert_ptr_eq(l.settings->programs[5].depends, l.settings->programs[6].depends);
	ck_assert_ptr_eq(l.settings->programs[5].credentials, l.settings->programs[6].credentials);
	/* far below a second without sanitizers */
	ck_assert_int_lt(end.tv_sec - start.tv_sec, 10);
	loaded_release(&l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("programs");
	TCase *fields = tcase_create("programs_fields");
	TCase *instances = tcase_create("programs_instances");
	TCase *faults = tcase_create("programs_faults");

	tcase_add_test(fields, every_key_reaches_its_field);
	tcase_add_test(fields, defaults_apply_where_a_program_says_nothing);
	tcase_add_test(fields, environments_add_up_and_the_nearer_wins);
	tcase_add_test(fields, an_empty_value_takes_a_default_away);
	tcase_add_test(fields, a_oneshot_is_not_repeated_when_it_is_done);
	tcase_add_test(instances, instances_have_numbers_and_one_instance_has_none);
	tcase_add_test(instances, instances_can_be_written_out);
	tcase_add_test(instances, a_disabled_program_is_checked_and_left_out);
	tcase_add_test(instances, i2_ten_thousand_instances_are_small_and_quick);
	tcase_add_test(faults, values_that_do_not_fit_together_are_refused);
	tcase_add_test(faults, a_program_reloads_in_one_way);
	tcase_add_test(faults, p5_a_pid_file_has_one_owner);
	tcase_add_test(faults, b2_a_name_too_long_for_a_pid_file_is_refused);
	suite_add_tcase(suite, fields);
	suite_add_tcase(suite, instances);
	suite_add_tcase(suite, faults);
	return suite_run(suite);
}
