/* SPDX-License-Identifier: MIT */
#include "config/keys.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

START_TEST(every_key_is_complete_for_people)
{
	const struct key *key = &config_keys[_i];

	if (key->flags & KEY_LATER)
		return;
	ck_assert_msg(key->form && *key->form, "%s has no form", key->name);
	ck_assert_msg(key->help && *key->help, "%s has no help", key->name);
	ck_assert_msg(key->help[strlen(key->help) - 1] != '.', "%s ends its help with a full stop",
	              key->name);
}
END_TEST

START_TEST(no_key_stands_twice_in_one_place)
{
	for (int i = 0; i < _i; i++)
		ck_assert_msg(strcmp(config_keys[i].name, config_keys[_i].name) != 0 ||
		                      !(config_keys[i].places & config_keys[_i].places),
		              "%s", config_keys[_i].name);
}
END_TEST

/* The text of the manual is what the program does when nothing is said. */
START_TEST(default_texts_are_the_defaults)
{
	const struct key *key = &config_keys[_i];
	struct loaded l;
	struct text value;

	if (!key->format || !key->default_text || *key->default_text == '(' ||
	    strchr(key->default_text, '$'))
		return;
	l = load_good("[program:p]\ncommand = x\n");
	text_init(&value, 1000);
	key->format(key, l.settings, key->places & KEY_IN_VERGER ? NULL : &l.settings->programs[0],
	            &value);
	ck_assert_msg(!strcmp(text_get(&value), key->default_text),
	              "%s: '%s' is documented, '%s' is done", key->name, key->default_text,
	              text_get(&value));
	text_release(&value);
	loaded_release(&l);
}
END_TEST

/* A key that is ignored would be a lie. */
START_TEST(b2_keys_of_later_versions_are_refused)
{
	const struct key *key = &config_keys[_i];
	char text[200];
	struct loaded l;

	if (!(key->flags & KEY_LATER))
		return;
	snprintf(text, sizeof text, "%s\n%s = 1\n",
	         key->places & KEY_IN_VERGER ? "[verger]" : "[program:p]\ncommand = x", key->name);
	l = load_text(text);
	ck_assert_uint_eq(l.diags.error_count, 1);
	ck_assert_ptr_nonnull(strstr(l.diags.items[0].text, "does not act on it yet; remove it"));
	loaded_release(&l);
}
END_TEST

START_TEST(the_control_socket_is_in_the_run_directory)
{
	struct loaded l = load_good("");

	ck_assert_str_eq(l.settings->control_socket, "/run/t/control.sock");
	ck_assert_uint_eq(l.settings->control_gid, (gid_t)-1);
	ck_assert_uint_eq(l.settings->view_gid, (gid_t)-1);
	loaded_release(&l);
	l = load_good("[verger]\nrun_dir = /r\ncontrol_group = 12\nview_group = 13\n");
	ck_assert_str_eq(l.settings->control_socket, "/r/control.sock");
	ck_assert_uint_eq(l.settings->control_gid, 12);
	ck_assert_uint_eq(l.settings->view_gid, 13);
	loaded_release(&l);
}
END_TEST

START_TEST(an_empty_control_socket_is_none)
{
	struct loaded l = load_good("[verger]\ncontrol_socket =\ncontrol_group =\n");

	ck_assert_ptr_null(l.settings->control_socket);
	ck_assert_uint_eq(l.settings->control_gid, (gid_t)-1);
	loaded_release(&l);
}
END_TEST

START_TEST(without_a_run_directory_there_is_no_socket)
{
	const struct conf_context nowhere = { .default_run_dir = NULL };
	struct loaded l = { .diags = DIAGS_INIT };

	ck_assert_int_eq(conf_load_bytes("t.ini", "", 0, &nowhere, &l.settings, &l.diags), CONF_OK);
	ck_assert_ptr_null(l.settings->control_socket);
	loaded_release(&l);
}
END_TEST

/* B4: a group that cannot be is refused, not taken for nobody */
START_TEST(b4_mistakes_in_the_keys_of_control)
{
	check_faults("[verger]\ncontrol_socket = /c/\ncontrol_group = wheel\nview_group = -1\n",
	             "t.ini:2: [verger] control_socket: '/c/' names a folder, not a file\n"
	             "t.ini:3: [verger] control_group: there is no group 'wheel'\n"
	             "t.ini:4: [verger] view_group: there is no group '-1'\n");
	check_faults("[verger]\npidfile = /v\ncontrol_socket = /v\n",
	             "t.ini:3: [verger] control_socket: /v is the PID file of vergerd itself "
	             "already (t.ini, line 2)\n");
	check_faults("[verger]\npidfile = /run/t/control.sock\n",
	             "t.ini:2: [verger] pidfile: /run/t/control.sock is the control socket of "
	             "vergerd itself already (by default)\n");
	check_faults("[verger]\ncontrol_socket = ${run_dir}/vergerd.pid\n",
	             "t.ini:2: [verger] control_socket: /run/t/vergerd.pid is the PID file of "
	             "vergerd itself already (by default)\n");
	check_faults("[verger]\ncontrol_socket = /s\n[program:p]\ncommand = x\npidfile = /s\n",
	             "t.ini:5: [program:p] pidfile: /s is the control socket of vergerd itself "
	             "already (t.ini, line 2)\n");
	check_faults("[program:p]\ncommand = x\ncontrol_group = 1\n",
	             "t.ini:3: [program:p] control_group: this key belongs in [verger]\n");
}
END_TEST

START_TEST(options_are_keys_of_programs)
{
	static const char *const yes[] = { "pidfile",      "argv0",           "restart",
		                           "stop-timeout", "stop_timeout",    "limit-nofile",
		                           "forward",      "forward-signals", "forward_signals",
		                           "name",         "on-state-change" };
	static const char *const no[] = { "command",
		                          "instances",
		                          "enabled",
		                          "run_dir",
		                          "log",
		                          "health",
		                          "listen",
		                          "",
		                          "programs",
		                          "PIDFILE",
		                          "pid",
		                          "reload-signal",
		                          "reload-command",
		                          "control-socket" };

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		ck_assert_msg(conf_key_find(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		ck_assert_msg(!conf_key_find(no[i]), "%s", no[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *table = tcase_create("keys_table");
	TCase *later = tcase_create("keys_later");
	TCase *control = tcase_create("keys_control");
	TCase *options = tcase_create("keys_options");

	tcase_add_loop_test(table, every_key_is_complete_for_people, 0, (int)config_key_count);
	tcase_add_loop_test(table, no_key_stands_twice_in_one_place, 0, (int)config_key_count);
	tcase_add_loop_test(table, default_texts_are_the_defaults, 0, (int)config_key_count);
	tcase_add_loop_test(later, b2_keys_of_later_versions_are_refused, 0, (int)config_key_count);
	tcase_add_test(control, the_control_socket_is_in_the_run_directory);
	tcase_add_test(control, an_empty_control_socket_is_none);
	tcase_add_test(control, without_a_run_directory_there_is_no_socket);
	tcase_add_test(control, b4_mistakes_in_the_keys_of_control);
	tcase_add_test(options, options_are_keys_of_programs);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, later);
	suite_add_tcase(suite, control);
	suite_add_tcase(suite, options);
	return suite_run(suite);
}
