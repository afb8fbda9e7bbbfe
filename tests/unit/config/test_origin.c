/* SPDX-License-Identifier: MIT */
/* Each value and the line it came from. */
#include "config/origin.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/print.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

static char folder[64];
static struct text told;

static void setup(void)
{
	stpcpy(folder, "/tmp/verger-origin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	text_init(&told, 1 << 20);
}

static void teardown(void)
{
	unlink("main.ini");
	unlink("b.ini");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
	text_release(&told);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

/* "[program:web] nice = 5 (main.ini:3)", "[verger] log = stderr" for a default */
static void note(void *arg, const struct conf_origin *o)
{
	(void)arg;
	text_add_format(&told, "[%s] %s = %s", o->section, o->key, o->value ? o->value : "(none)");
	if (o->file)
		text_add_format(&told, " (%s:%u)", o->file, o->line);
	text_add_char(&told, '\n');
}

static int load(struct settings **out, struct diags *diags)
{
	text_reset(&told);
	return conf_origins("main.ini", &loaded_context, note, NULL, out, diags);
}

static struct settings *load_files(const char *main, const char *other)
{
	struct settings *settings = NULL;
	struct diags diags = DIAGS_INIT;

	write_file("main.ini", main);
	write_file("b.ini", other);
	ck_assert_int_eq(load(&settings, &diags), CONF_OK);
	diags_release(&diags);
	return settings;
}

/* That this line is told, and no other of that key. */
static void check_told(const char *line)
{
	char start[200], whole[500];
	const char *found;

	snprintf(whole, sizeof whole, "\n%s\n", line);
	snprintf(start, sizeof start, "\n%.*s= ", (int)strcspn(line, "="), line);
	found = strstr(text_get(&told), start);
	ck_assert_msg(strstr(text_get(&told), whole), "%s: %.*s", line,
	              found ? (int)strcspn(found + 1, "\n") : 0, found ? found + 1 : "");
	ck_assert_msg(!strstr(found + 1, start), "%s: twice", line);
}

static void check_not_told(const char *start)
{
	ck_assert_msg(!strstr(text_get(&told), start), "%s", start);
}

START_TEST(the_nearest_line_is_the_origin)
{
	struct settings *s = load_files("[verger]\nlog = v.log\ninclude = b.ini\n"
	                                "[defaults]\nrestart = never\nmin_uptime = 2s\n"
	                                "[program:a]\ncommand = x\nrestart = always\n",
	                                "[verger]\nexit_when = all\n"
	                                "[program:b]\ncommand = y\n  z\nnice = 5\n");

	check_told("[verger] exit_when = all (b.ini:2)");
	check_told("[verger] log_level = info");
	check_told("[verger] control_socket = /run/t/control.sock");
	check_told("[program:a] restart = always (main.ini:9)");
	check_told("[program:a] min_uptime = 2s (main.ini:6)");
	check_told("[program:b] restart = never (main.ini:5)");
	check_told("[program:b] command = y z (b.ini:4)");
	check_told("[program:b] nice = 5 (b.ini:6)");
	check_told("[program:b] kill = tree");
	check_not_told("[program:a] nice");
	ck_assert_uint_eq(s->program_count, 2);
	settings_free(s);
}
END_TEST

START_TEST(what_several_keys_make_has_its_line)
{
	struct settings *s = load_files(
		"[verger]\nexit_code_from = a\n[defaults]\nenvironment = A=1\nenv_file = -/e\n"
		"[program:a]\ncommand = x\nstop_timeout = 3s\nnice = 1\nenvironment = B=2\n"
		"[program:b]\ncommand = x\nstop_timeout = 3s\nstop_signal = INT\nrequires = a\n"
		"stop_command =\n",
		"");

	check_told("[verger] exit_code_from = a (main.ini:2)");
	check_told("[program:a] stop_signal = TERM/3s (main.ini:8)");
	check_told("[program:a] environment = A=1 B=2 (main.ini:10)");
	check_told("[program:a] env_file = -/e (main.ini:5)");
	check_told("[program:b] environment = A=1 (main.ini:4)");
	check_told("[program:b] stop_signal = INT/3s (main.ini:14)");
	check_told("[program:b] requires = a:ready (main.ini:15)");
	check_told("[program:b] stop_command = (none) (main.ini:16)");
	check_not_told("[program:b] after");
	check_not_told("[program:a] stop_command");
	settings_free(s);
}
END_TEST

/* a user brings a group, and only root can ask for either */
START_TEST(the_group_of_a_user_came_from_the_user)
{
	struct settings *s;

	if (geteuid() != 0)
		return;
	s = load_files("[program:a]\ncommand = x\nuser = 4242\n"
	               "[program:b]\ncommand = x\ngroup = 4343\n",
	               "");
	check_told("[program:a] user = 4242 (main.ini:3)");
	check_told("[program:a] group = 4242 (main.ini:3)");
	check_told("[program:b] group = 4343 (main.ini:6)");
	check_not_told("[program:b] user");
	settings_free(s);
}
END_TEST

START_TEST(programs_that_come_to_nothing_leave_no_trace)
{
	struct settings *s = load_files("[program:off]\ncommand = o\nnice = 1\nenabled = no\n"
	                                "[program:w]\ncommand = x ${instance}\ninstances = 2\n",
	                                "");

	check_told("[program:w:0] command = x 0 (main.ini:6)");
	check_told("[program:w:1] command = x 1 (main.ini:6)");
	check_not_told("nice");
	check_not_told("off");
	settings_free(s);
}
END_TEST

/* B1: nothing is told of a file with a fault */
START_TEST(b1_a_fault_tells_nothing)
{
	struct settings *settings = NULL;
	struct diags diags = DIAGS_INIT;

	write_file("main.ini", "[program:a]\ncommand = x\nnice = 99\n");
	ck_assert_int_eq(load(&settings, &diags), CONF_INVALID);
	ck_assert_ptr_null(settings);
	ck_assert_uint_eq(told.size, 0);
	ck_assert_uint_eq(diags.items[0].line, 3);
	diags_release(&diags);
}
END_TEST

/* every line of --print-config is told, in its order */
START_TEST(all_that_is_printed_is_told)
{
	struct settings *s = load_files("[verger]\ncontrol_group = 3\n[program:a]\ncommand = x\n"
	                                "limit_core = 3\n[program:b]\ncommand = y\n",
	                                "");
	char *printed = NULL;
	const char *at = text_get(&told);
	char section[100] = "", start[600];
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	ck_assert_int_eq(conf_print(s, out), 0);
	fclose(out);
	for (const char *line = printed; *line; line += strcspn(line, "\n") + 1) {
		int length = (int)strcspn(line, "\n");

		if (*line == '[')
			snprintf(section, sizeof section, "%.*s", length, line);
		if (*line == '[' || length == 0)
			continue;
		snprintf(start, sizeof start, "%s %.*s", section, length, line);
		ck_assert_msg(!strncmp(at, start, strlen(start)), "%s: %.60s", start, at);
		at += strcspn(at, "\n") + 1;
	}
	ck_assert_str_eq(at, "");
	free(printed);
	settings_free(s);
}
END_TEST

START_TEST(a_value_is_found_by_its_key)
{
	struct loaded l = load_good("[program:p]\ncommand = x y\nnice = 3\n");
	struct text value;

	text_init(&value, 100);
	ck_assert_int_eq(conf_value(l.settings, 0, "command", &value), 1);
	ck_assert_str_eq(text_get(&value), "x y");
	text_reset(&value);
	ck_assert_int_eq(conf_value(l.settings, NO_PROGRAM, "log_level", &value), 1);
	ck_assert_str_eq(text_get(&value), "info");
	text_reset(&value);
	ck_assert_int_eq(conf_value(l.settings, 0, "umask", &value), 0);
	ck_assert_int_eq(conf_value(l.settings, 0, "log_level", &value), 0);
	ck_assert_int_eq(conf_value(l.settings, 0, "no such key", &value), 0);
	ck_assert_int_eq(conf_value(l.settings, 1, "command", &value), 0);
	l.settings->programs[0].name = "";
	ck_assert_int_eq(conf_value(l.settings, 0, "command", &value), 0);
	ck_assert_str_eq(text_get(&value), "");
	text_release(&value);
	loaded_release(&l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin");
	TCase *origin = tcase_create("origin");

	tcase_add_checked_fixture(origin, setup, teardown);
	tcase_add_test(origin, the_nearest_line_is_the_origin);
	tcase_add_test(origin, what_several_keys_make_has_its_line);
	tcase_add_test(origin, the_group_of_a_user_came_from_the_user);
	tcase_add_test(origin, programs_that_come_to_nothing_leave_no_trace);
	tcase_add_test(origin, b1_a_fault_tells_nothing);
	tcase_add_test(origin, all_that_is_printed_is_told);
	tcase_add_test(origin, a_value_is_found_by_its_key);
	suite_add_tcase(suite, origin);
	return suite_run(suite);
}
