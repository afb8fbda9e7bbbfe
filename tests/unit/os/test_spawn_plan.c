/* SPDX-License-Identifier: MIT */
/* Plans of starts, and the sentences that say why there is none (S1). */
#include "os/spawn_plan.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

/* as settings hold them; lives as long as the block around it */
#define WORDS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((char *const *)(const char *const[]){ NULL })

static const char *const outer_environ[] = { "PATH=/usr/bin:/bin",
	                                     "HOME=/root",
	                                     "USER=root",
	                                     "LOGNAME=root",
	                                     "SHELL=/bin/bash",
	                                     "LANG=C",
	                                     "NOTIFY_SOCKET=/run/notify",
	                                     "WATCHDOG_USEC=1",
	                                     "WATCHDOG_PID=1",
	                                     "LISTEN_FDS=1",
	                                     "LISTEN_PID=1",
	                                     "LISTEN_FDNAMES=a",
	                                     "VERGER_CONFIG=/etc/verger.ini",
	                                     "VERGER_SPAWN=fork",
	                                     "VERGER_FAMILY=outer",
	                                     NULL };

static const char *const true_command[] = { "true", NULL };

static struct settings settings;
static struct program_settings program;
static struct spawn_surroundings around;
static struct spawn_plan plan;
static char detail[PLAN_DETAIL_MAX];
static int error;

/* NAME=value lines, one file per line of the path: "…/one" gives ONE=1 and BOTH=one */
static int load_env_file(const char *path, struct strv *env, char *reason, size_t reason_size)
{
	const char *name = strrchr(path, '/') + 1;

	if (!strcmp(name, "missing"))
		return -ENOENT;
	if (!strcmp(name, "broken")) {
		snprintf(reason, reason_size, "line 3: no '='");
		return -EINVAL;
	}
	strv_set_env(env, "FROM", name);
	return strv_set_env(env, name, "yes");
}

static void set_up(void)
{
	scratch_make();
	settings = (struct settings){ 0 };
	program = (struct program_settings){
		.name = "web:3",
		.instance = 3,
		.command = (char *const *)true_command,
		.pidfile_mode = 0644,
		.pidfile_uid = (uid_t)-1,
		.pidfile_gid = (gid_t)-1,
		.umask_value = -1,
		.stdin_stream.kind = STREAM_INHERIT,
		.stdout_stream.kind = STREAM_INHERIT,
		.stderr_stream.kind = STREAM_INHERIT,
	};
	around = (struct spawn_surroundings){
		.settings = &settings,
		.environ = (char *const *)outer_environ,
		.dirs = pidfile_dirs_new(),
		.family = "mark.7",
		.cgroup_fd = -1,
		.load_env_file = load_env_file,
	};
}

static void tear_down(void)
{
	pidfile_dirs_free(around.dirs);
	scratch_remove();
}

static enum spawn_step make(void)
{
	error = 0;
	detail[0] = '\0';
	return spawn_plan_make(&plan, &program, &around, &error, detail);
}

static void assert_made(void)
{
	ck_assert_msg(make() == SPAWN_STEP_NONE, "%s", detail);
}

/* the plan fails there, with a sentence of that form (%s = the scratch directory) */
static void assert_fails(enum spawn_step step, int expected_error, const char *form)
{
	char expected[PLAN_DETAIL_MAX];

	snprintf(expected, sizeof expected, form, scratch, scratch);
	ck_assert_int_eq(make(), step);
	ck_assert_int_eq(error, expected_error);
	ck_assert_str_eq(detail, expected);
}

static const char *env(const char *name)
{
	return strv_find_env(plan.envp, name);
}

static void use_command(const char *word)
{
	static const char *command[2];

	command[0] = word;
	program.command = (char *const *)command;
}

/* ---- command ---- */

START_TEST(command_is_found_in_path_as_execvp_does)
{
	assert_made();
	ck_assert_str_eq(plan.path, "/usr/bin/true");
	ck_assert_str_eq(plan.argv[0], "true");
	ck_assert_ptr_null(plan.argv[1]);
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(s1_command_that_is_nowhere_is_told_with_the_path)
{
	use_command("gunicorn-none");
	assert_fails(SPAWN_STEP_COMMAND, ENOENT,
	             "command gunicorn-none: not found in PATH /usr/bin:/bin");
	program.environment = WORDS("PATH=/opt/none");
	assert_fails(SPAWN_STEP_COMMAND, ENOENT,
	             "command gunicorn-none: not found in PATH /opt/none");
	program.environment = NULL;
	program.env_inherit = NO_WORDS;
	assert_fails(SPAWN_STEP_COMMAND, ENOENT,
	             "command gunicorn-none: not found in PATH /usr/local/bin:/usr/bin:/bin");
	use_command("");
	assert_fails(SPAWN_STEP_COMMAND, ENOENT,
	             "command : not found in PATH /usr/local/bin:/usr/bin:/bin");
}
END_TEST

/* scratch/a and scratch/b as PATH */
static void use_two_directories(void)
{
	static char path[2 * sizeof scratch + 16];
	static const char *const environment[] = { path, NULL };

	snprintf(path, sizeof path, "PATH=%s/a:%s/b", scratch, scratch);
	ck_assert_int_eq(mkdir(scratch_path("a"), 0755), 0);
	ck_assert_int_eq(mkdir(scratch_path("b"), 0755), 0);
	program.environment = (char *const *)environment;
	use_command("tool");
}

START_TEST(command_that_may_not_be_executed_is_passed_over)
{
	use_two_directories();
	scratch_put("a/tool", "", 0644);
	scratch_put("b/tool", "", 0755);
	assert_made();
	ck_assert_str_eq(plan.path, scratch_path("b/tool"));
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(directory_is_not_a_command)
{
	use_two_directories();
	ck_assert_int_eq(mkdir(scratch_path("a/tool"), 0755), 0);
	scratch_put("b/tool", "", 0755);
	assert_made();
	ck_assert_str_eq(plan.path, scratch_path("b/tool"));
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(s1_only_candidate_without_permission_is_named)
{
	use_two_directories();
	scratch_put("a/tool", "", 0644);
	assert_fails(SPAWN_STEP_COMMAND, EACCES,
	             "command tool: Permission denied (%s/a/tool is not executable)");
}
END_TEST

START_TEST(relative_parts_of_path_count_from_the_directory)
{
	ck_assert_int_eq(mkdir(scratch_path("bin"), 0755), 0);
	scratch_put("bin/tool", "", 0755);
	scratch_put("here", "", 0755);
	program.directory = scratch;
	program.environment = WORDS("PATH=bin:");
	use_command("tool");
	assert_made();
	ck_assert_str_eq(plan.path, "bin/tool");
	spawn_plan_release(&plan);
	use_command("here");
	assert_made();
	ck_assert_str_eq(plan.path, "./here");
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(argv0_is_what_the_process_calls_itself)
{
	char *const *command = WORDS("true", "-u", "app.py");

	program.command = command;
	program.argv0 = "python -u app.py";
	assert_made();
	ck_assert_str_eq(plan.path, "/usr/bin/true");
	ck_assert_str_eq(plan.argv[0], "python -u app.py");
	ck_assert_str_eq(plan.argv[2], "app.py");
	ck_assert_ptr_null(plan.argv[3]);
	ck_assert_str_eq(command[0], "true");
	spawn_plan_release(&plan);
}
END_TEST

/* ---- environment ---- */

START_TEST(s2_what_was_told_to_vergerd_stays_with_it)
{
	assert_made();
	ck_assert_str_eq(env("LANG"), "C");
	ck_assert_ptr_eq(env("LANG"), outer_environ[5] + 5); /* shared, not copied */
	ck_assert_ptr_null(env("NOTIFY_SOCKET"));
	ck_assert_ptr_null(env("WATCHDOG_USEC"));
	ck_assert_ptr_null(env("WATCHDOG_PID"));
	ck_assert_ptr_null(env("LISTEN_FDS"));
	ck_assert_ptr_null(env("LISTEN_PID"));
	ck_assert_ptr_null(env("LISTEN_FDNAMES"));
	ck_assert_ptr_null(env("VERGER_CONFIG"));
	ck_assert_ptr_null(env("VERGER_SPAWN"));
	ck_assert_str_eq(env("VERGER_PROGRAM"), "web:3");
	ck_assert_str_eq(env("VERGER_INSTANCE"), "3");
	ck_assert_str_eq(env("VERGER_FAMILY"), "mark.7");
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(environment_is_inherited_by_name)
{
	program.env_inherit = WORDS("LANG", "NOTIFY_SOCKET", "LAN", "HOM");
	assert_made();
	ck_assert_str_eq(plan.envp[0], "LANG=C");
	ck_assert_str_eq(plan.envp[1], "VERGER_PROGRAM=web:3");
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(later_sources_of_the_environment_win)
{
	char one[600], two[600], missing[600];

	snprintf(one, sizeof one, "%s/one", scratch);
	snprintf(two, sizeof two, "-%s/two", scratch);
	snprintf(missing, sizeof missing, "-%s/missing", scratch);
	settings.env_files = WORDS(one, missing);
	assert_made();
	ck_assert_str_eq(env("FROM"), "one");
	ck_assert_str_eq(env("one"), "yes");
	spawn_plan_release(&plan);
	settings.environment = WORDS("FROM=all", "LANG=de");
	assert_made();
	ck_assert_str_eq(env("FROM"), "all");
	ck_assert_str_eq(env("LANG"), "de");
	spawn_plan_release(&plan);
	program.env_files = WORDS(two);
	assert_made();
	ck_assert_str_eq(env("FROM"), "two");
	spawn_plan_release(&plan);
	program.environment = WORDS("FROM=program", "VERGER_PROGRAM=liar");
	assert_made();
	ck_assert_str_eq(env("FROM"), "program");
	ck_assert_str_eq(env("VERGER_PROGRAM"), "web:3");
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(s1_environment_file_that_fails_is_told)
{
	char path[600];

	snprintf(path, sizeof path, "%s/missing", scratch);
	program.env_files = WORDS(path);
	assert_fails(SPAWN_STEP_ENVIRONMENT, ENOENT,
	             "environment file %s/missing: No such file or directory");
	snprintf(path, sizeof path, "-%s/broken", scratch);
	assert_fails(SPAWN_STEP_ENVIRONMENT, EINVAL, "environment file %s/broken: line 3: no '='");
}
END_TEST

START_TEST(account_is_told_unless_the_operator_does)
{
	const struct credentials www = { .set_user = true,
		                         .uid = 33,
		                         .user_name = "www-data",
		                         .home = "/var/www",
		                         .shell = "/bin/sh" };

	program.credentials = &www;
	program.environment = WORDS("HOME=/srv");
	assert_made();
	ck_assert_str_eq(env("HOME"), "/srv");
	ck_assert_str_eq(env("USER"), "www-data");
	ck_assert_str_eq(env("LOGNAME"), "www-data");
	ck_assert_str_eq(env("SHELL"), "/bin/sh");
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(number_without_account_has_no_name_and_no_foreign_home)
{
	const struct credentials number = { .set_user = true, .uid = 54321 };

	program.credentials = &number;
	assert_made();
	ck_assert_str_eq(env("HOME"), "/");
	ck_assert_ptr_null(env("USER"));
	ck_assert_ptr_null(env("LOGNAME"));
	ck_assert_ptr_null(env("SHELL"));
	spawn_plan_release(&plan);
}
END_TEST

/* ---- directory and streams ---- */

START_TEST(s1_directory_is_named)
{
	static char path[600];

	snprintf(path, sizeof path, "%s/none", scratch);
	program.directory = path;
	assert_fails(SPAWN_STEP_DIRECTORY, ENOENT, "directory %s/none: No such file or directory");
	scratch_put("none", "", 0644);
	assert_fails(SPAWN_STEP_DIRECTORY, ENOTDIR, "directory %s/none: Not a directory");
}
END_TEST

static struct stream file_stream(const char *path)
{
	return (struct stream){ .kind = STREAM_FILE, .path = path };
}

START_TEST(s1_stream_is_named)
{
	static char path[600];

	snprintf(path, sizeof path, "%s/none/log", scratch);
	program.stdin_stream = file_stream(path);
	assert_fails(SPAWN_STEP_STDIN, ENOENT, "stdin %s/none/log: No such file or directory");
	program.stdin_stream.kind = STREAM_NULL;
	program.stdout_stream = file_stream(path);
	assert_fails(SPAWN_STEP_STDOUT, ENOENT, "stdout %s/none/log: No such file or directory");
	program.stdout_stream.kind = STREAM_NULL;
	program.stderr_stream = file_stream(scratch);
	assert_fails(SPAWN_STEP_STDERR, EISDIR, "stderr %s: Is a directory");
	program.stderr_stream.kind = STREAM_STDOUT;
	program.stdin_stream = file_stream(scratch);
	assert_fails(SPAWN_STEP_STDIN, EISDIR, "stdin %s: Is a directory");
}
END_TEST

START_TEST(s1_fifo_without_reader_does_not_block)
{
	static char path[600];
	int reader, flags;

	snprintf(path, sizeof path, "%s/fifo", scratch);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	program.stdout_stream = file_stream(path);
	assert_fails(SPAWN_STEP_STDOUT, ENXIO,
	             "stdout %s/fifo: nobody has opened this FIFO for reading");
	reader = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(reader, 0);
	assert_made();
	flags = fcntl(plan.stdio[1], F_GETFL);
	ck_assert_int_eq(flags & O_NONBLOCK, 0);
	spawn_plan_release(&plan);
	close(reader);
}
END_TEST

START_TEST(files_are_appended_to_and_not_given_away)
{
	static char path[600];
	struct stat st;

	snprintf(path, sizeof path, "%s/log", scratch);
	program.stdout_stream = file_stream(path);
	program.stderr_stream.kind = STREAM_STDOUT;
	assert_made();
	ck_assert_int_eq(plan.stdio[0], 0);
	ck_assert_int_gt(plan.stdio[1], 2);
	ck_assert_int_eq(plan.stdio[2], plan.stdio[1]);
	ck_assert_int_eq(fcntl(plan.stdio[1], F_GETFL) & (O_APPEND | O_ACCMODE),
	                 O_APPEND | O_WRONLY);
	ck_assert_int_eq(fcntl(plan.stdio[1], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	spawn_plan_release(&plan);
}
END_TEST

START_TEST(null_is_shared_when_there_is_one)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	program.stdin_stream.kind = STREAM_NULL;
	program.stderr_stream.kind = STREAM_NULL;
	around.null_fd = null_fd;
	assert_made();
	ck_assert_int_eq(plan.stdio[0], null_fd);
	ck_assert_int_eq(plan.stdio[2], null_fd);
	spawn_plan_release(&plan);
	ck_assert_int_ge(fcntl(null_fd, F_GETFD), 0); /* still ours */
	around.null_fd = 0;
	assert_made();
	ck_assert_int_gt(plan.stdio[0], 2);
	ck_assert_int_ne(plan.stdio[0], null_fd);
	spawn_plan_release(&plan);
	close(null_fd);
}
END_TEST

START_TEST(failed_plan_leaves_nothing_open)
{
	static char log[600], none[600];
	int before = count_entries("/proc/self/fd");

	snprintf(log, sizeof log, "%s/log", scratch);
	snprintf(none, sizeof none, "%s/none/x.pid", scratch);
	program.directory = scratch;
	program.stdin_stream.kind = STREAM_NULL;
	program.stdout_stream = file_stream(log);
	program.argv0 = "x";
	program.pidfile = none;
	assert_fails(SPAWN_STEP_PIDFILE, ENOENT,
	             "pidfile %s/none/x.pid: the directory %s/none does not exist");
	ck_assert_int_eq(count_entries("/proc/self/fd"), before);
}
END_TEST

/* ---- PID file ---- */

static void use_pidfile(const char *name)
{
	static char path[600];

	snprintf(path, sizeof path, "%s/%s", scratch, name);
	program.pidfile = path;
}

START_TEST(p5_s1_pidfile_that_is_something_else_is_told)
{
	use_pidfile("link");
	ck_assert_int_eq(symlink("victim", scratch_path("link")), 0);
	assert_fails(SPAWN_STEP_PIDFILE, ELOOP,
	             "pidfile %s/link: is a symbolic link, which is never followed");
	use_pidfile("d");
	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	assert_fails(SPAWN_STEP_PIDFILE, EISDIR, "pidfile %s/d: is a directory");
	use_pidfile("fifo");
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	assert_fails(SPAWN_STEP_PIDFILE, EINVAL, "pidfile %s/fifo: is not a regular file");
	use_pidfile("hosts");
	scratch_put("hosts", "127.0.0.1 localhost\n", 0644);
	assert_fails(SPAWN_STEP_PIDFILE, EINVAL,
	             "pidfile %s/hosts: holds something else than a PID and is left alone");
}
END_TEST

START_TEST(p5_s1_living_owner_of_a_pidfile_is_named)
{
	char text[32], comm[64], form[PLAN_DETAIL_MAX], path[64];

	snprintf(path, sizeof path, "/proc/%d/comm", (int)getppid());
	snprintf(comm, sizeof comm, "%.60s", scratch_read(path));
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(text, sizeof text, "%d\n", (int)getppid());
	scratch_put("web.pid", text, 0644);
	use_pidfile("web.pid");
	snprintf(form, sizeof form,
	         "pidfile %%s/web.pid: names the living process %d (%s), which vergerd did not "
	         "start",
	         (int)getppid(), comm);
	assert_fails(SPAWN_STEP_PIDFILE, EEXIST, form);
	ck_assert_str_eq(scratch_read(scratch_path("web.pid")), text);
}
END_TEST

START_TEST(p9_s1_directory_open_to_everybody_is_told)
{
	ck_assert_int_eq(chmod(scratch, 0777), 0);
	use_pidfile("web.pid");
	assert_fails(SPAWN_STEP_PIDFILE, EPERM,
	             "pidfile %s/web.pid: the directory %s may be written by everybody "
	             "(mode 0777, no sticky bit)");
}
END_TEST

START_TEST(p7_launcher_of_a_daemon_writes_no_file)
{
	use_pidfile("web.pid");
	assert_made();
	ck_assert_int_ge(plan.pidfile.dir_fd, 0);
	ck_assert_str_eq(plan.pidfile.name, "web.pid");
	spawn_plan_release(&plan);
	program.type = PROGRAM_FORKING;
	assert_made();
	ck_assert_int_eq(plan.pidfile.dir_fd, -1);
	spawn_plan_release(&plan);
	ck_assert_int_eq(mkdir(scratch_path("web.pid"), 0755), 0);
	ck_assert_int_eq(make(), SPAWN_STEP_PIDFILE); /* told now, not when the daemon is up */
}
END_TEST

/* ---- sentences for what failed in the child ---- */

static void assert_explained(enum spawn_step step, int code, const char *form)
{
	char expected[PLAN_DETAIL_MAX];

	snprintf(expected, sizeof expected, form, scratch, scratch);
	assert_made();
	spawn_plan_explain(&plan, step, code, detail);
	ck_assert_str_eq(detail, expected);
	spawn_plan_release(&plan);
}

START_TEST(s1_exec_failures_say_what_is_wrong_with_the_file)
{
	program.directory = scratch;
	use_command("./none");
	assert_explained(SPAWN_STEP_EXEC, ENOENT, "command ./none: No such file or directory");
	use_command("./run.sh");
	scratch_put("run.sh", "#! /nope/python -u\n", 0755);
	assert_explained(SPAWN_STEP_EXEC, ENOENT,
	                 "command ./run.sh: its interpreter /nope/python does not exist "
	                 "(first line #! /nope/python -u)");
	scratch_put("run.sh", "echo hello\n", 0755);
	assert_explained(SPAWN_STEP_EXEC, ENOEXEC,
	                 "command ./run.sh: Exec format error (a script needs a first line such as "
	                 "#!/bin/sh)");
	scratch_put("run.sh", "", 0755);
	assert_explained(SPAWN_STEP_EXEC, ENOEXEC,
	                 "command ./run.sh: Exec format error (a script needs a first line such as "
	                 "#!/bin/sh)");
	scratch_put("run.sh", "\177ELFxyz", 0755);
	assert_explained(SPAWN_STEP_EXEC, ENOEXEC,
	                 "command ./run.sh: Exec format error (built for another machine)");
	assert_explained(
		SPAWN_STEP_EXEC, ENOENT,
		"command ./run.sh: its program loader does not exist (built for another system?)");
	scratch_put("run.sh", "#!/bin/sh\n", 0644);
	assert_explained(SPAWN_STEP_EXEC, EACCES,
	                 "command ./run.sh: Permission denied (the file is not executable)");
	use_command("./");
	assert_explained(SPAWN_STEP_EXEC, EACCES, "command ./: is a directory");
	use_command("./run.sh");
	assert_explained(SPAWN_STEP_EXEC, E2BIG, "command ./run.sh: Argument list too long");
	assert_explained(SPAWN_STEP_EXEC, EAGAIN,
	                 "command ./run.sh: Resource temporarily unavailable "
	                 "(its user has as many processes as allowed)");
	assert_explained(SPAWN_STEP_EXEC, ETIMEDOUT,
	                 "command ./run.sh: could not be loaded in time");
}
END_TEST

START_TEST(s1_other_steps_name_what_was_set)
{
	_cleanup_free_ struct limits *limits = malloc(sizeof *limits + 2 * sizeof *limits->items);
	const struct credentials www = {
		.set_user = true, .set_group = true, .uid = 33, .gid = 34
	};
	const struct credentials named = { .set_user = true, .uid = 33, .user_name = "www" };

	limits->count = 2;
	limits->items[0] = (struct limit){ RLIMIT_CORE, 0, 0, true };
	limits->items[1] = (struct limit){ RLIMIT_NOFILE, RLIM_INFINITY, RLIM_INFINITY, true };
	program.nice_value = -5;
	program.oom_score_adj = -500;
	program.limits = limits;
	program.credentials = &www;
	program.directory = scratch;
	assert_explained(SPAWN_STEP_NICE, EACCES, "nice -5: Permission denied");
	assert_explained(SPAWN_STEP_OOM, EACCES, "oom_score_adj -500: Permission denied");
	assert_explained(SPAWN_STEP_LIMITS, EPERM, "limit_nofile: Operation not permitted");
	assert_explained(SPAWN_STEP_GROUPS, EPERM, "supplementary groups: Operation not permitted");
	assert_explained(SPAWN_STEP_GROUP, EPERM, "group 34: Operation not permitted");
	assert_explained(SPAWN_STEP_USER, EPERM, "user 33: Operation not permitted");
	program.credentials = &named;
	assert_explained(SPAWN_STEP_USER, EPERM, "user www: Operation not permitted");
	assert_explained(SPAWN_STEP_DIRECTORY, EACCES, "directory %s: Permission denied");
	assert_explained(SPAWN_STEP_PROCESS, EAGAIN,
	                 "new process: Resource temporarily unavailable");
	assert_explained(SPAWN_STEP_CGROUP, EBUSY, "cgroup: Device or resource busy");
	use_pidfile("web.pid");
	assert_explained(SPAWN_STEP_PIDFILE, ENOSPC, "pidfile %s/web.pid: No space left on device");
}
END_TEST

static TCase *add_case(Suite *suite, TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return tc;
}

static Suite *spawn_plan_suite(void)
{
	Suite *suite = suite_create("os/spawn_plan");
	TCase *tc = add_case(suite, tcase_create("command"));

	tcase_add_test(tc, command_is_found_in_path_as_execvp_does);
	tcase_add_test(tc, s1_command_that_is_nowhere_is_told_with_the_path);
	tcase_add_test(tc, command_that_may_not_be_executed_is_passed_over);
	tcase_add_test(tc, directory_is_not_a_command);
	tcase_add_test(tc, s1_only_candidate_without_permission_is_named);
	tcase_add_test(tc, relative_parts_of_path_count_from_the_directory);
	tcase_add_test(tc, argv0_is_what_the_process_calls_itself);
	tc = add_case(suite, tcase_create("environment"));
	tcase_add_test(tc, s2_what_was_told_to_vergerd_stays_with_it);
	tcase_add_test(tc, environment_is_inherited_by_name);
	tcase_add_test(tc, later_sources_of_the_environment_win);
	tcase_add_test(tc, s1_environment_file_that_fails_is_told);
	tcase_add_test(tc, account_is_told_unless_the_operator_does);
	tcase_add_test(tc, number_without_account_has_no_name_and_no_foreign_home);
	tc = add_case(suite, tcase_create("streams"));
	tcase_add_test(tc, s1_directory_is_named);
	tcase_add_test(tc, s1_stream_is_named);
	tcase_add_test(tc, s1_fifo_without_reader_does_not_block);
	tcase_add_test(tc, files_are_appended_to_and_not_given_away);
	tcase_add_test(tc, null_is_shared_when_there_is_one);
	tcase_add_test(tc, failed_plan_leaves_nothing_open);
	tc = add_case(suite, tcase_create("pidfile"));
	tcase_add_test(tc, p5_s1_pidfile_that_is_something_else_is_told);
	tcase_add_test(tc, p5_s1_living_owner_of_a_pidfile_is_named);
	tcase_add_test(tc, p9_s1_directory_open_to_everybody_is_told);
	tcase_add_test(tc, p7_launcher_of_a_daemon_writes_no_file);
	tc = add_case(suite, tcase_create("sentences"));
	tcase_add_test(tc, s1_exec_failures_say_what_is_wrong_with_the_file);
	tcase_add_test(tc, s1_other_steps_name_what_was_set);
	return suite;
}

int main(void)
{
	return suite_run(spawn_plan_suite());
}
