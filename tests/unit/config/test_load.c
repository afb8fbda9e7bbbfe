/* SPDX-License-Identifier: MIT */
/* B1, B2: what is wrong is told in one run, with its place, in the order of the file. */
#include <check.h>
#include <stdlib.h>

#include "unit/config/loaded.h"
#include "unit/suite.h"

START_TEST(b1_every_fault_is_told_in_the_order_of_the_file)
{
	check_faults(
		"x = 1\n"
		"[verger]\n"
		"log_levl = 3\n"
		"stop_delay = soon\n"
		"[program:web]\n"
		"restart = allways\n"
		"comand = x\n"
		"nice = 99\n"
		"[prog:x]\n"
		"anything = here\n"
		"[defaults]\n"
		"umask = 888\n",
		"t.ini:1: 'x' stands before any [section]\n"
		"t.ini:3: [verger] log_levl: there is no such key; did you mean 'log_level'?\n"
		"t.ini:4: [verger] stop_delay: expected a duration such as 250ms, 10s, 5m or 1h, "
		"got 'soon'\n"
		"t.ini:5: [program:web] command: a program needs this key\n"
		"t.ini:6: [program:web] restart: expected always, on-failure or never, got "
		"'allways'\n"
		"t.ini:7: [program:web] comand: there is no such key; did you mean 'command'?\n"
		"t.ini:8: [program:web] nice: expected a number from -20 to 19, got '99'\n"
		"t.ini:9: [prog:x] there is no such section, only [verger], [defaults], "
		"[program:NAME] and "
		"[group:NAME]\n"
		"t.ini:12: [defaults] umask: expected an octal number up to 0777, got '888'\n");
}
END_TEST

START_TEST(b1_a_key_in_the_wrong_section_is_told_where_it_belongs)
{
	check_faults("[verger]\ncommand = x\nprograms = a\n[program:p]\ncommand = x\nrun_dir = "
	             "/x\n[defaults]\ncommand = y\n",
	             "t.ini:2: [verger] command: this key belongs in [program:NAME]\n"
	             "t.ini:3: [verger] programs: this key belongs in [group:NAME]\n"
	             "t.ini:6: [program:p] run_dir: this key belongs in [verger]\n"
	             "t.ini:8: [defaults] command: this key belongs in [program:NAME]\n");
}
END_TEST

START_TEST(b1_near_misses_of_sections_are_suggested)
{
	check_faults(
		"[vergr]\n[default]\n[programs:web]\n[grup:x]\n[program]\n",
		"t.ini:1: [vergr] there is no such section; did you mean [verger]?\n"
		"t.ini:2: [default] there is no such section; did you mean [defaults]?\n"
		"t.ini:3: [programs:web] there is no such section; did you mean [program:web]?\n"
		"t.ini:4: [grup:x] there is no such section; did you mean [group:x]?\n"
		"t.ini:5: [program] there is no such section; did you mean [program:NAME]?\n");
}
END_TEST

START_TEST(b2_repeated_sections_and_keys_name_both_places)
{
	check_faults("[program:p]\ncommand = x\nnice = 1\nnice = 2\n[program:p]\ncommand = "
	             "y\n[verger]\n[verger]\n",
	             "t.ini:4: [program:p] nice: this key is there already, in line 3\n"
	             "t.ini:5: [program:p] this section is there already, in line 1\n"
	             "t.ini:8: [verger] this section is there already, in line 7\n");
}
END_TEST

START_TEST(a_fault_in_defaults_is_told_once)
{
	check_faults("[defaults]\nnice = x\n[program:a]\ncommand = x\n[program:b]\ncommand = "
	             "x\ninstances = 3\n",
	             "t.ini:2: [defaults] nice: expected a number from -20 to 19, got 'x'\n");
	check_faults("[defaults]\nnice = x\n",
	             "t.ini:2: [defaults] nice: expected a number from -20 to 19, got 'x'\n");
	check_faults("[defaults]\nnice = x\n[program:a]\ncommand = x\nnice = 1\n",
	             "t.ini:2: [defaults] nice: expected a number from -20 to 19, got 'x'\n");
}
END_TEST

START_TEST(a_fault_of_many_instances_is_told_once)
{
	check_faults("[program:a]\ncommand = ${NO}\ninstances = 1000\n",
	             "t.ini:2: [program:a] command: ${NO} is not set (${NO:-default} gives it a "
	             "default)\n");
}
END_TEST

START_TEST(supervisords_dialect_is_one_fault)
{
	check_faults("[program:x]\ncommand=%(here)s/x\nautorestart=true\nbad "
	             "line\n[supervisord]\nnodaemon=true\n[x]\n",
	             "t.ini:5: [supervisord] this is a configuration of supervisord, which this "
	             "version of vergerd "
	             "cannot read; write it with [verger] and [program:NAME], see verger.ini(5)\n");
}
END_TEST

START_TEST(an_indented_key_is_warned_about)
{
	struct loaded l = load_good("[program:p]\ncommand = x\n  restart = never\n  --nice=3\n");

	ck_assert_uint_eq(l.diags.count, 1);
	ck_assert_int_eq(l.diags.items[0].level, DIAG_WARNING);
	ck_assert_uint_eq(l.diags.items[0].line, 3);
	loaded_release(&l);
}
END_TEST

START_TEST(control_characters_never_reach_a_message)
{
	check_faults("[program:p]\ncommand = x\nrestart = \033[2Jx\n",
	             "t.ini:3: [program:p] restart: expected always, on-failure or never, got "
	             "'?[2Jx'\n");
}
END_TEST

START_TEST(nothing_at_all_is_a_configuration)
{
	struct loaded l = load_good("");

	ck_assert_uint_eq(l.settings->program_count, 0);
	ck_assert_str_eq(l.settings->run_dir, "/run/t");
	ck_assert_str_eq(l.settings->pidfile, "/run/t/vergerd.pid");
	ck_assert(!l.settings->run_dir_given);
	loaded_release(&l);
}
END_TEST

START_TEST(the_section_of_vergerd_itself_is_read)
{
	struct loaded l = load_good("[verger]\n"
	                            "pidfile = ${run_dir}/v.pid\n"
	                            "run_dir = /r//d/./\n"
	                            "log = /var/log/v.log\n"
	                            "log_level = debug\n"
	                            "exit_when = any\n"
	                            "exit_code_from = w:1\n"
	                            "stop_deadline = 1m\n"
	                            "stop_delay = 250ms\n"
	                            "environment = A=1 H=${HOME}\n"
	                            "env_file = /e -/f\n"
	                            "[program:w]\ncommand = x\ninstances = 2\n");
	const struct settings *s = l.settings;

	ck_assert_str_eq(s->run_dir, "/r/d");
	ck_assert(s->run_dir_given);
	ck_assert_str_eq(s->pidfile, "/r/d/v.pid");
	ck_assert_int_eq(s->log_target, LOG_TARGET_FILE);
	ck_assert_str_eq(s->log_path, "/var/log/v.log");
	ck_assert_int_eq(s->log_level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(s->exit_when, EXIT_WHEN_ANY);
	ck_assert_uint_eq(s->exit_code_from, 1);
	ck_assert_int_eq(s->stop_deadline_ms, 60000);
	ck_assert_int_eq(s->stop_delay_ms, 250);
	ck_assert_str_eq(s->environment[1], "H=/home/x");
	ck_assert_str_eq(s->env_files[1], "-/f");
	loaded_release(&l);
}
END_TEST

START_TEST(without_run_dir_nobody_has_a_default_pid_file)
{
	const struct conf_context context = { .environ = NULL, .default_run_dir = NULL };
	struct diags diags = DIAGS_INIT;
	struct settings *s = NULL;
	static const char text[] = "[program:p]\ncommand = x\n";
	static const char named[] = "[program:p]\ncommand = x\npidfile = ${run_dir}/x\n";

	ck_assert_int_eq(conf_load_bytes("t", text, sizeof text - 1, &context, &s, &diags),
	                 CONF_OK);
	ck_assert_ptr_null(s->run_dir);
	ck_assert_ptr_null(s->pidfile);
	ck_assert_ptr_null(s->programs[0].pidfile);
	settings_free(s);
	s = NULL;
	ck_assert_int_eq(conf_load_bytes("t", named, sizeof named - 1, &context, &s, &diags),
	                 CONF_INVALID);
	ck_assert_ptr_null(s);
	ck_assert_str_eq(diags.items[0].text, "[program:p] pidfile: ${run_dir} is not set "
	                                      "(${run_dir:-default} gives it a default)");
	diags_release(&diags);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *faults = tcase_create("load_faults");
	TCase *values = tcase_create("load_values");

	tcase_add_test(faults, b1_every_fault_is_told_in_the_order_of_the_file);
	tcase_add_test(faults, b1_a_key_in_the_wrong_section_is_told_where_it_belongs);
	tcase_add_test(faults, b1_near_misses_of_sections_are_suggested);
	tcase_add_test(faults, b2_repeated_sections_and_keys_name_both_places);
	tcase_add_test(faults, a_fault_in_defaults_is_told_once);
	tcase_add_test(faults, a_fault_of_many_instances_is_told_once);
	tcase_add_test(faults, supervisords_dialect_is_one_fault);
	tcase_add_test(faults, an_indented_key_is_warned_about);
	tcase_add_test(faults, control_characters_never_reach_a_message);
	tcase_add_test(values, nothing_at_all_is_a_configuration);
	tcase_add_test(values, the_section_of_vergerd_itself_is_read);
	tcase_add_test(values, without_run_dir_nobody_has_a_default_pid_file);
	suite_add_tcase(suite, faults);
	suite_add_tcase(suite, values);
	return suite_run(suite);
}
