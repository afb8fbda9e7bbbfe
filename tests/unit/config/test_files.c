/* SPDX-License-Identifier: MIT */
/* Configurations in files: includes, places, and what a path can be. */
#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/config/loaded.h"
#include "unit/suite.h"

static char folder[64];

static void setup(void)
{
	stpcpy(folder, "/tmp/verger-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("conf.d", 0755), 0);
}

/* the tests run in folders of their own with a handful of files each */
static void teardown(void)
{
	static const char *const names[] = { "main.ini",      "a.ini",        "conf.d/10.ini",
		                             "conf.d/20.ini", "conf.d/b.ini", "link",
		                             "conf.d/x.pid",  "fifo" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(names[i]);
	rmdir("conf.d");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

static struct loaded load_path(const char *path)
{
	struct loaded l = { .diags = DIAGS_INIT };
	int r = conf_load(path, &loaded_context, &l.settings, &l.diags);

	ck_assert_int_eq(r == CONF_OK, l.settings != NULL);
	return l;
}

/* That `path` has exactly these faults. */
static void check_path(const char *path, const char *expected)
{
	struct loaded l = load_path(path);
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	diags_print(&l.diags, out);
	fclose(out);
	ck_assert_str_eq(printed, expected);
	free(printed);
	loaded_release(&l);
}

START_TEST(b1_a_file_that_cannot_be_read_has_a_sentence)
{
	check_path("nowhere.ini", "nowhere.ini: No such file or directory\n");
	check_path("/", "/: is a directory, not a file\n");
	check_path("conf.d/nowhere/x.ini", "conf.d/nowhere/x.ini: No such file or directory\n");
}
END_TEST

START_TEST(included_files_come_sorted_and_keep_their_places)
{
	struct loaded l;

	write_file("main.ini",
	           "[verger]\ninclude = conf.d/*.ini none/*.ini\n[program:m]\ncommand = x\n");
	write_file("conf.d/20.ini",
	           "[program:b]\ncommand = x\nstdout = ${here}/o ; c\nstdin = i\n");
	write_file("conf.d/10.ini", "\n[program:a]\ncommand = x\n[defaults]\nnice = 3\n");
	l = load_path("main.ini");
	ck_assert_ptr_nonnull(l.settings);
	ck_assert_uint_eq(l.settings->program_count, 3);
	ck_assert_str_eq(l.settings->file, "main.ini");
	ck_assert_str_eq(l.settings->programs[1].name, "a");
	ck_assert_str_eq(l.settings->programs[1].file, "conf.d/10.ini");
	ck_assert_uint_eq(l.settings->programs[1].line, 2);
	ck_assert_int_eq(l.settings->programs[0].nice_value, 3);
	ck_assert_ptr_nonnull(strstr(l.settings->programs[2].stdout_stream.path, "/conf.d/o"));
	ck_assert_ptr_nonnull(strstr(l.settings->programs[2].stdin_stream.path, "/conf.d/i"));
	loaded_release(&l);
}
END_TEST

START_TEST(b1_faults_come_file_by_file_under_their_names)
{
	write_file("main.ini", "[verger]\ninclude = conf.d/*.ini\nlog_level = "
	                       "x\n[program:p]\ncommand = x\nnice = x\n");
	write_file("conf.d/10.ini", "[defaults]\nnice = 1\nx = 1\n");
	write_file("conf.d/20.ini", "[defaults]\nnice = 2\n[program:p]\ncommand = y\n");
	check_path(
		"main.ini",
		"main.ini:3: [verger] log_level: expected error, warning, info or debug, got 'x'\n"
		"main.ini:6: [program:p] nice: expected a number from -20 to 19, got 'x'\n"
		"conf.d/10.ini:3: [defaults] x: there is no such key\n"
		"conf.d/20.ini:2: [defaults] nice: this key is there already, in conf.d/10.ini, "
		"line 2\n"
		"conf.d/20.ini:3: [program:p] this section is there already, in main.ini, line "
		"4\n");
}
END_TEST

START_TEST(loops_of_files_are_named)
{
	write_file("main.ini", "[verger]\ninclude = a.ini\n");
	write_file("a.ini", "[verger]\ninclude = conf.d/b.ini\n");
	write_file("conf.d/b.ini", "[verger]\ninclude = ../main.ini\n");
	check_path("main.ini", "conf.d/b.ini:2: [verger] include: conf.d/../main.ini: a loop of "
	                       "files: main.ini includes "
	                       "a.ini includes conf.d/b.ini includes main.ini\n");
	check_path("./main.ini", "./conf.d/b.ini:2: [verger] include: ./conf.d/../main.ini: a loop "
	                         "of files: ./main.ini "
	                         "includes ./a.ini includes ./conf.d/b.ini includes ./main.ini\n");
}
END_TEST

START_TEST(a_file_that_is_there_twice_or_not_at_all_is_told)
{
	write_file("main.ini", "[verger]\ninclude = a.ini conf.d/../a.ini nowhere.ini conf.d\n");
	write_file("a.ini", "[program:p]\ncommand = x\n");
	check_path("main.ini",
	           "main.ini:2: [verger] include: conf.d/../a.ini: a.ini is included already by "
	           "main.ini, line 2\n"
	           "main.ini:2: [verger] include: nowhere.ini: No such file or directory\n"
	           "main.ini:2: [verger] include: conf.d: is a directory, not a file\n");
}
END_TEST

START_TEST(supervisords_dialect_in_an_included_file_is_one_fault)
{
	write_file("main.ini", "[verger]\ninclude = a.ini\n[program:p]\n");
	write_file("a.ini", "[supervisord]\n[program:x]\ncommand=%(x)s\nautostart=maybe\n");
	check_path("main.ini", "a.ini:1: [supervisord] this is a configuration of supervisord, "
	                       "which this version of "
	                       "vergerd cannot read; write it with [verger] and [program:NAME], "
	                       "see verger.ini(5)\n");
}
END_TEST

/* P5 */
START_TEST(p5_a_pid_file_path_that_is_no_file_is_refused)
{
	ck_assert_int_eq(symlink("nowhere", "link"), 0);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	write_file("conf.d/x.pid", "1\n");
	write_file("main.ini",
	           "[program:a]\ncommand = x\npidfile = /tmp\n[program:b]\ncommand = x\npidfile = "
	           "/dev/null\n"
	           "[program:c]\ncommand = x\npidfile = /dev/stdin\n[program:d]\ncommand = x\n"
	           "pidfile = /tmp/x/\n[program:e]\ncommand = x\npidfile = conf.d/x.pid\n");
	check_path("main.ini",
	           "main.ini:3: [program:a] pidfile: /tmp is a directory, not a file\n"
	           "main.ini:6: [program:b] pidfile: /dev/null is a device, pipe or socket, not a "
	           "file\n"
	           "main.ini:9: [program:c] pidfile: /dev/stdin is a symbolic link; a PID file is "
	           "never "
	           "written through one\n"
	           "main.ini:12: [program:d] pidfile: '/tmp/x/' names a folder, not a file\n");
}
END_TEST

START_TEST(a_control_socket_takes_nobodys_place)
{
	write_file("conf.d/x.pid", "1\n");
	write_file("main.ini", "[verger]\ncontrol_socket = /dev/null\n");
	check_path("main.ini",
	           "main.ini:2: [verger] control_socket: /dev/null is there and is not a socket; "
	           "nothing is removed to make room for one: name another path\n");
	write_file("main.ini", "[verger]\ncontrol_socket = /tmp\n");
	check_path("main.ini",
	           "main.ini:2: [verger] control_socket: /tmp is there and is not a socket; "
	           "nothing is removed to make room for one: name another path\n");
	write_file("main.ini", "[verger]\ncontrol_socket = conf.d/nothing\n");
	check_path("main.ini", "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *files = tcase_create("files");

	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, b1_a_file_that_cannot_be_read_has_a_sentence);
	tcase_add_test(files, included_files_come_sorted_and_keep_their_places);
	tcase_add_test(files, b1_faults_come_file_by_file_under_their_names);
	tcase_add_test(files, loops_of_files_are_named);
	tcase_add_test(files, a_file_that_is_there_twice_or_not_at_all_is_told);
	tcase_add_test(files, supervisords_dialect_in_an_included_file_is_one_fault);
	tcase_add_test(files, p5_a_pid_file_path_that_is_no_file_is_refused);
	tcase_add_test(files, a_control_socket_takes_nobodys_place);
	suite_add_tcase(suite, files);
	return suite_run(suite);
}
