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

START_TEST(an_empty_control_socket_is_none)
{
	struct loaded l = load_good("[verger]\ncontrol_socket =\n");

	loaded_release(&l);
}
END_TEST

START_TEST(options_are_keys_of_programs)
{
	static const char *const yes[] = { "pidfile",      "argv0",           "restart",
		                           "stop-timeout", "stop_timeout",    "limit-nofile",
		                           "forward",      "forward-signals", "forward_signals",
		                           "name" };
	static const char *const no[] = { "command",  "instances", "enabled", "run_dir",
		                          "log",      "health",    "listen",  "",
		                          "programs", "PIDFILE",   "pid" };

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
	TCase *options = tcase_create("keys_options");

	tcase_add_loop_test(table, every_key_is_complete_for_people, 0, (int)config_key_count);
	tcase_add_loop_test(table, no_key_stands_twice_in_one_place, 0, (int)config_key_count);
	tcase_add_loop_test(table, default_texts_are_the_defaults, 0, (int)config_key_count);
	tcase_add_loop_test(later, b2_keys_of_later_versions_are_refused, 0, (int)config_key_count);
	tcase_add_test(later, an_empty_control_socket_is_none);
	tcase_add_test(options, options_are_keys_of_programs);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, later);
	suite_add_tcase(suite, options);
	return suite_run(suite);
}
