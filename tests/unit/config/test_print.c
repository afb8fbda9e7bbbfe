/* SPDX-License-Identifier: MIT */
/* --print-config: what is printed reads as the same settings. */
#include "config/print.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit/config/loaded.h"
#include "unit/suite.h"

static char *print(const struct settings *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(conf_print(s, out), 0);
	fclose(out);
	return text;
}

/* Prints, reads and prints again; returns the text, which the caller frees. */
static char *check_round(const char *text)
{
	struct loaded first = load_good(text);
	char *first_text = print(first.settings);
	struct loaded second = load_good(first_text);
	char *second_text = print(second.settings);

	ck_assert_str_eq(first_text, second_text);
	ck_assert_uint_eq(first.settings->program_count, second.settings->program_count);
	ck_assert_uint_eq(first.settings->group_count, second.settings->group_count);
	free(second_text);
	loaded_release(&first);
	loaded_release(&second);
	return first_text;
}

static const char *const configurations[] = {
	"",
	"[program:p]\ncommand = x\n",
	"[verger]\nrun_dir = /r\npidfile =\nlog = syslog\nexit_code_from = w:1\nstop_deadline = "
	"90s\n"
	"environment = A=\"x y\" B='$$z'\nenv_file = '-/a b'\n"
	"[program:w]\ncommand = sh -c 'echo \"$$1\" ; # x' '' \"${newline}\" ${TRICKY}\ninstances "
	"= 2\n",
	"[program:p]\ncommand = x\ndirectory = \"/a ;b\"\nargv0 = '-x \"y\"'\nstdout = '/a \"b\" # "
	"c'\nstderr = stdout\n"
	"user = 33\npidfile =\nlimit_core = 0:unlimited\nlimit_nofile = 10\nsuccess_exit "
	"=\nstart_limit = none\n"
	"stop_signal = RTMIN+3/0s 34 KILL\nenv_inherit = none\nforward_signals = HUP:0 RTMAX\n",
	"[verger]\ncontrol_socket = '/a b'\ncontrol_group = 5\nview_group = 0\n"
	"[program:p]\ncommand = x\nreload_signal = 10\non_state_change = 'a \"b' c\n"
	"[program:q]\ncommand = x\nreload_command = r '' ;c\n",
	"[verger]\ncontrol_socket =\n",
	"[verger]\nlog = journal\nlog_format = json\n"
	"[program:p]\ncommand = x\nstdout = syslog\nstderr = journal\nlog_max_size = 4097\n"
	"log_max_age = 36h\nlog_keep = 0\nlog_compress = xz\nlog_format = timestamp\n"
	"log_stalled = drop\nlog_memory = 0\n"
	"[program:q]\ncommand = x\nstdout = ./syslog\nstderr = '/a b/journal'\n"
	"log_max_size = none\nlog_memory = 1M\n"
	"[program:r]\ncommand = x\nstdout = ./syslog\nlog_max_size = none\n",
	"[program:p]\ncommand = x\non_exit = exit\nforward_signals = all\nenv_inherit = A "
	"B\npidfile_owner = :5\n",
	"[program:a]\ncommand = x\nrequires = b:started c\n[program:b]\ncommand = x\ntype = "
	"oneshot\nafter = c\n"
	"[program:c]\ncommand = x\ninstances = 3\n[group:g]\nprograms = c a\n[group:h]\nprograms "
	"=\n",
};

START_TEST(what_is_printed_reads_as_the_same)
{
	free(check_round(configurations[_i]));
}
END_TEST

START_TEST(each_program_is_printed_in_full)
{
	char *text = check_round("[defaults]\nrestart = never\n[program:w]\ncommand = x "
	                         "${instance}\ninstances = 2\n");

	ck_assert_ptr_nonnull(strstr(text, "\n[program:w:1]\ncommand = x 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nrestart = never\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nstop_signal = TERM/10s\n"));
	ck_assert_ptr_nonnull(strstr(text, "\npidfile = /run/t/w:1.pid\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nlog_max_size = auto\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nlog_memory = 4k\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nlog_format = text\n"));
	ck_assert_ptr_null(strstr(text, "[defaults]"));
	free(text);
}
END_TEST

/* as they are after a reload that removed a program */
START_TEST(free_places_are_left_out)
{
	struct loaded l = load_good("[program:a]\ncommand = x\n[program:b]\ncommand = y\n"
	                            "requires = a\n[group:g]\nprograms = a b\n");
	char *text;

	l.settings->programs[0].name = "";
	text = print(l.settings);
	ck_assert_ptr_null(strstr(text, "command = x"));
	ck_assert_ptr_null(strstr(text, "requires"));
	ck_assert_ptr_nonnull(strstr(text, "[group:g]\nprograms = b\n"));
	free(text);
	loaded_release(&l);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	struct loaded l = load_good("[program:w]\ncommand = x\ninstances = 100\n");
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	ck_assert_int_lt(conf_print(l.settings, full), 0);
	fclose(full);
	loaded_release(&l);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("print");
	TCase *print_case = tcase_create("print");

	tcase_add_loop_test(print_case, what_is_printed_reads_as_the_same, 0,
	                    sizeof configurations / sizeof *configurations);
	tcase_add_test(print_case, each_program_is_printed_in_full);
	tcase_add_test(print_case, free_places_are_left_out);
	tcase_add_test(print_case, a_full_disk_is_an_error);
	suite_add_tcase(suite, print_case);
	return suite_run(suite);
}
