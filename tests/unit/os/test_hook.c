/* SPDX-License-Identifier: MIT */
/* Commands beside the programs: shells that write down what they were told, and puppets that do not
 * want to end. */
#include "stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "os/hook.h"
#include "os/proc.h"
#include "puppet.h"

enum { PATIENCE_MS = 60000, NOTES_MAX = 65536 };

static const struct {
	const char *cgroup, *spawn;
} surroundings[] = {
	{ "yes", "clone3" },
	{ "no", "clone3" },
	{ "no", "clone" },
	{ "no", "fork" },
};

enum { SURROUNDINGS_COUNT = 4, WITHOUT = 1 };

struct scene {
	struct stage stage;
	struct hooks *hooks;
	struct pidfile_dirs *dirs;
	struct program_settings command; /* of the plan made last */
	struct text log;
	int null_fd;
};

static void on_log(void *context, enum log_level level, const char *subject, const char *message)
{
	struct scene *s = context;

	(void)level;
	text_add_format(&s->log, "%s: %s\n", subject ? subject : "-", message);
}

static bool make_plan(void *context, const struct hook_call *call, struct spawn_plan *plan)
{
	struct scene *s = context;
	char *no_environment[] = { NULL };
	const struct spawn_surroundings around = {
		.environ = no_environment,
		.dirs = s->dirs,
		.family = family_mark(s->stage.families, NO_PROGRAM),
		.cgroup_fd = -1,
		.null_fd = s->null_fd,
	};
	char detail[PLAN_DETAIL_MAX];
	int error;

	program_settings_defaults(&s->command);
	s->command.name = "p";
	s->command.command = call->command;
	s->command.environment = call->environment;
	if (spawn_plan_make(plan, &s->command, &around, &error, detail) == SPAWN_STEP_NONE)
		return true;
	log_error("plan", "%s", detail);
	return false;
}

static const char *get_name(void *context, uint32_t program)
{
	struct scene *s = context;

	return s->stage.settings.programs[program].name;
}

static bool is_hook(const void *context, pid_t pid)
{
	return hooks_own(context, pid);
}

static void scene_open(struct scene *s, int where, size_t programs)
{
	memset(s, 0, sizeof *s);
	setenv("VERGER_CGROUP", surroundings[where].cgroup, 1);
	setenv("VERGER_SPAWN", surroundings[where].spawn, 1);
	stage_open(&s->stage, programs);
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	s->dirs = pidfile_dirs_new();
	s->hooks = hooks_new(s->stage.loop, &s->stage.probe, make_plan, get_name, s);
	ck_assert_ptr_nonnull(s->hooks);
	s->stage.hooks = s->hooks;
	families_set_outsider(s->stage.families, is_hook, s->hooks);
	text_init(&s->log, NOTES_MAX);
	log_set_sink(on_log, s);
}

static void scene_close(struct scene *s)
{
	hooks_free(s->hooks);
	s->stage.hooks = NULL;
	log_set_sink(NULL, NULL);
	text_release(&s->log);
	pidfile_dirs_free(s->dirs);
	close(s->null_fd);
	stage_close(&s->stage);
}

/* Runs a shell that finds the stage's directory in $D and a number in $N. */
static void run_shell(struct scene *s, uint32_t program, const char *script, int number)
{
	char *command[] = { (char *)"/bin/sh", (char *)"-c", (char *)script, NULL };
	char directory[96], n[16];
	char *environment[] = { directory, n, NULL };

	snprintf(directory, sizeof directory, "D=%s", s->stage.directory);
	snprintf(n, sizeof n, "N=%d", number);
	hooks_run(s->hooks, &(struct hook_call){ .program = program,
	                                         .what = "hook",
	                                         .command = command,
	                                         .environment = environment });
	/* what was borrowed is no more */
	memset(directory, 'x', sizeof directory);
	memset(n, 'x', sizeof n);
}

static void run_puppet(struct scene *s, uint32_t program, char *const *words)
{
	char *command[32] = { (char *)"/proc/self/exe", (char *)PUPPET_WORD };
	size_t count = 2;

	while (*words)
		command[count++] = *words++;
	hooks_run(s->hooks,
	          &(struct hook_call){ .program = program, .what = "hook", .command = command });
}

static bool none_runs(struct stage *stage)
{
	return hooks_running(stage->hooks) == 0;
}

static void expect_end(struct scene *s)
{
	ck_assert(stage_run_until(&s->stage, none_runs, PATIENCE_MS));
}

static const char *notes(struct scene *s)
{
	static char text[4096];
	FILE *f = fopen(stage_path(&s->stage, "notes"), "r");
	size_t size = f ? fread(text, 1, sizeof text - 1, f) : 0;

	if (f)
		fclose(f);
	text[size] = '\0';
	return text;
}

static void touch(struct scene *s, const char *name)
{
	close(open(stage_path(&s->stage, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

#define NOTE     "echo $N >> $D/notes"
#define AWAIT_GO "while [ ! -e $D/go ]; do sleep 0.01; done; "

static size_t count_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(runs_those_of_a_program_in_order)
{
	struct scene s;
	size_t descriptors;

	scene_open(&s, _i, 1);
	descriptors = count_descriptors();
	for (int i = 0; i < 10; i++)
		run_shell(&s, 0, i % 2 ? NOTE : "sleep 0.02; " NOTE, i);
	ck_assert_uint_eq(hooks_running(s.hooks), 1);
	expect_end(&s);
	ck_assert_str_eq(notes(&s), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
	ck_assert_str_eq(text_get(&s.log), "");
	ck_assert_uint_eq(s.stage.hook_exit_count, 10);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	scene_close(&s);
}
END_TEST

START_TEST(runs_those_of_several_at_once)
{
	struct scene s;

	scene_open(&s, WITHOUT, 2);
	run_shell(&s, 0, "touch $D/a; while [ ! -e $D/b ]; do sleep 0.01; done", 0);
	run_shell(&s, 1, "touch $D/b; while [ ! -e $D/a ]; do sleep 0.01; done", 0);
	ck_assert_uint_eq(hooks_running(s.hooks), 2);
	expect_end(&s);
	scene_close(&s);
}
END_TEST

/* C3 */
START_TEST(runs_so_many_and_no_more)
{
	enum { MANY = HOOKS_RUNNING_MAX + 10 };
	struct scene s;

	scene_open(&s, WITHOUT, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		run_shell(&s, i, AWAIT_GO "echo >> $D/notes", 0);
	ck_assert_uint_eq(hooks_running(s.hooks), HOOKS_RUNNING_MAX);
	touch(&s, "go");
	expect_end(&s);
	ck_assert_uint_eq(strlen(notes(&s)), MANY);
	ck_assert_uint_eq(s.stage.hook_exit_count, MANY);
	scene_close(&s);
}
END_TEST

START_TEST(drops_the_oldest_of_too_many)
{
	char expected[128] = "0\n";
	struct scene s;

	scene_open(&s, WITHOUT, 1);
	run_shell(&s, 0, AWAIT_GO NOTE, 0);
	for (int i = 1; i <= 20; i++)
		run_shell(&s, 0, NOTE, i);
	ck_assert_ptr_nonnull(strstr(text_get(&s.log), "p0: hook: 16 calls wait"));
	touch(&s, "go");
	expect_end(&s);
	for (int i = 5; i <= 20; i++)
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%d\n",
		         i);
	ck_assert_str_eq(notes(&s), expected);
	ck_assert_ptr_nonnull(strstr(text_get(&s.log), "p0: hook: 4 calls were dropped\n"));
	scene_close(&s);
}
END_TEST

START_TEST(forgets_what_waits)
{
	struct scene s;

	scene_open(&s, WITHOUT, 2);
	run_shell(&s, 0, AWAIT_GO NOTE, 0);
	run_shell(&s, 0, NOTE, 1);
	run_shell(&s, 1, AWAIT_GO NOTE, 2);
	run_shell(&s, 1, NOTE, 3);
	hooks_forget(s.hooks, 0);
	hooks_forget(s.hooks, 77); /* never heard of */
	touch(&s, "go");
	expect_end(&s);
	ck_assert_ptr_nonnull(strchr(notes(&s), '0'));
	ck_assert_ptr_null(strchr(notes(&s), '1'));
	ck_assert_ptr_nonnull(strchr(notes(&s), '3'));
	scene_close(&s);
}
END_TEST

static pid_t read_pid(struct scene *s, const char *name)
{
	stage_await_file(&s->stage, name);
	for (int i = 0; i < 3000; i++) {
		pid_t pid = pidfile_read(AT_FDCWD, stage_path(&s->stage, name));

		if (pid > 0)
			return pid;
		stage_run(&s->stage, 10);
	}
	ck_abort_msg("%s was never written", name);
}

/* The whole group goes, and the next one has its turn. */
START_TEST(kills_what_takes_too_long)
{
	char told[STAGE_PATH_MAX];
	struct scene s;
	pid_t child;

	scene_open(&s, _i, 1);
	snprintf(told, sizeof told, "pid=%s", stage_path(&s.stage, "child"));
	hooks_set_timeout(s.hooks, 2000);
	run_puppet(&s, 0,
	           (char *[]){ (char *)"ignore=15", (char *)"child", (char *)"ignore=15", told,
	                       (char *)"end", NULL });
	run_shell(&s, 0, NOTE, 1);
	child = read_pid(&s, "child");
	ck_assert_int_eq(kill(child, 0), 0);
	expect_end(&s);
	while (kill(child, 0) == 0) /* orphans are reaped a little later */
		stage_run(&s.stage, 10);
	ck_assert_str_eq(notes(&s), "1\n");
	ck_assert_ptr_nonnull(
		strstr(text_get(&s.log), "p0: hook: has not ended in time and is killed (PID "));
	scene_close(&s);
}
END_TEST

START_TEST(reports_those_that_fail_and_goes_on)
{
	char *missing[] = { (char *)"/nowhere/at-all", NULL };
	char *unknown[] = { (char *)"no-such-command", NULL };
	struct scene s;

	scene_open(&s, _i, 1);
	run_shell(&s, 0, "exit 3", 0);
	run_shell(&s, 0, "kill -SEGV $$", 0);
	hooks_run(s.hooks, &(struct hook_call){ .what = "hook", .command = missing });
	hooks_run(s.hooks, &(struct hook_call){ .what = "hook", .command = unknown });
	run_shell(&s, 0, NOTE, 5);
	expect_end(&s);
	ck_assert_str_eq(notes(&s), "5\n");
	ck_assert_ptr_nonnull(strstr(text_get(&s.log), "p0: hook: ended with status 3\n"));
	ck_assert_ptr_nonnull(strstr(text_get(&s.log), "p0: hook: killed by SIGSEGV\n"));
	ck_assert_ptr_nonnull(
		strstr(text_get(&s.log),
	               "p0: hook: command /nowhere/at-all: No such file or directory\n"));
	ck_assert_ptr_nonnull(
		strstr(text_get(&s.log), "plan: command no-such-command: not found in PATH"));
	scene_close(&s);
}
END_TEST

static bool has_exited(struct stage *stage)
{
	return stage->notes[0].exit_count > 0;
}

static bool is_empty(struct stage *stage)
{
	return stage->notes[0].empty_count > 0;
}

/* A hook, what it has started, and what it has left behind with and without an environment are no
 * program's, even if there is but one. */
START_TEST(is_nobodys_family)
{
	struct scene s;
	struct family_member members[8];
	pid_t leader, child, orphan, bare;
	char words[4][STAGE_PATH_MAX];

	scene_open(&s, _i, 1);
	/* an orphan from before the first hook is told to be the program's */
	stage_start(&s.stage, 0, "child hop setsid clear-env touch=%s/own end exit=0");
	stage_await_file(&s.stage, "own");
	ck_assert(stage_run_until(&s.stage, has_exited, PATIENCE_MS));
	for (int i = 0; i < 4; i++)
		snprintf(words[i], sizeof words[i], "pid=%s/%d", s.stage.directory, i);
	run_puppet(&s, 0,
	           (char *[]){ words[0], (char *)"child", words[1], (char *)"end", (char *)"child",
	                       (char *)"hop", (char *)"setsid", words[2], (char *)"end",
	                       (char *)"child", (char *)"hop", (char *)"setsid",
	                       (char *)"clear-env", words[3], (char *)"end", NULL });
	leader = read_pid(&s, "0");
	child = read_pid(&s, "1");
	orphan = read_pid(&s, "2");
	bare = read_pid(&s, "3");
	ck_assert(hooks_own(s.hooks, leader) && !hooks_own(s.hooks, child));
	ck_assert_uint_eq(family_members(s.stage.families, 0, members, 8), 1);
	ck_assert_int_ne(members[0].pid, leader);
	ck_assert_int_eq(family_signal(s.stage.families, 0, SIGTERM, SCOPE_TREE), 1);
	if (!family_sweep(s.stage.families, 0))
		ck_assert(stage_run_until(&s.stage, is_empty, PATIENCE_MS));
	/* its child becomes ours, and is nobody's still */
	kill(leader, SIGKILL);
	expect_end(&s);
	s.stage.notes[0].empty_count = 0;
	if (!family_sweep(s.stage.families, 0)) /* somebody has gone while it looked */
		ck_assert(stage_run_until(&s.stage, is_empty, PATIENCE_MS));
	ck_assert_int_eq(kill(child, 0), 0);
	ck_assert_int_eq(kill(orphan, 0), 0);
	ck_assert_int_eq(kill(bare, 0), 0);
	ck_assert_ptr_null(strstr(text_get(&s.log), "cannot be killed"));
	scene_close(&s);
}
END_TEST

/* Whatever it has done to its environment. */
START_TEST(is_known_by_its_session)
{
	char word[STAGE_PATH_MAX];
	struct scene s;

	scene_open(&s, _i, 1);
	snprintf(word, sizeof word, "pid=%s/pid", s.stage.directory);
	run_puppet(&s, 0, (char *[]){ (char *)"clear-env", word, NULL });
	ck_assert(hooks_own(s.hooks, read_pid(&s, "pid")));
	ck_assert_uint_eq(families_signal_strays(s.stage.families, SIGTERM), 1);
	ck_assert_uint_eq(families_signal_strays(s.stage.families, SIGTERM), 1);
	ck_assert_str_eq(text_get(&s.log), "");
	scene_close(&s);
}
END_TEST

static bool nothing_is_left(struct stage *stage)
{
	return none_runs(stage) && families_signal_strays(stage->families, SIGTERM) == 0;
}

/* X3: at the end they have the grace to report it, and no more. */
START_TEST(may_report_the_end)
{
	struct scene s;

	scene_open(&s, _i, 1);
	run_shell(&s, 0, "sleep 0.2; " NOTE, 1);
	run_shell(&s, 0, "sleep 0.1; " NOTE, 2);
	ck_assert_uint_eq(families_signal_strays(s.stage.families, SIGTERM), 1);
	ck_assert(stage_run_until(&s.stage, nothing_is_left, PATIENCE_MS));
	ck_assert_str_eq(notes(&s), "1\n2\n");
	run_shell(&s, 0, "exec sleep 300", 0);
	ck_assert_uint_eq(families_signal_strays(s.stage.families, SIGKILL), 1);
	expect_end(&s);
	ck_assert(nothing_is_left(&s.stage));
	scene_close(&s);
}
END_TEST

START_TEST(kills_all_at_the_end)
{
	struct scene s;

	scene_open(&s, _i, 3);
	for (uint32_t i = 0; i < 3; i++) {
		run_shell(&s, i, "exec sleep 300", 0);
		run_shell(&s, i, NOTE, 0);
	}
	ck_assert_uint_eq(hooks_kill(s.hooks), 3);
	expect_end(&s);
	ck_assert_str_eq(notes(&s), "");
	ck_assert_str_eq(text_get(&s.log), "");
	scene_close(&s);
}
END_TEST

/* I1 */
START_TEST(sleeps_while_nothing_runs)
{
	struct scene s;

	scene_open(&s, WITHOUT, 1);
	run_shell(&s, 0, "exit 0", 0);
	expect_end(&s);
	ck_assert(stage_comes_to_rest(&s.stage));
	scene_close(&s);
}
END_TEST

static void add_everywhere(TCase *tcase, const TTest *test)
{
	_tcase_add_test(tcase, test, 0, 0, 0, SURROUNDINGS_COUNT);
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hook");
	TCase *lanes = tcase_create("lanes");
	TCase *ends = tcase_create("ends");
	TCase *strangers = tcase_create("strangers");

	tcase_set_timeout(lanes, 60);
	add_everywhere(lanes, runs_those_of_a_program_in_order);
	tcase_add_test(lanes, runs_those_of_several_at_once);
	tcase_add_test(lanes, runs_so_many_and_no_more);
	tcase_add_test(lanes, drops_the_oldest_of_too_many);
	tcase_add_test(lanes, forgets_what_waits);
	suite_add_tcase(suite, lanes);
	tcase_set_timeout(ends, 60);
	add_everywhere(ends, kills_what_takes_too_long);
	add_everywhere(ends, reports_those_that_fail_and_goes_on);
	add_everywhere(ends, kills_all_at_the_end);
	tcase_add_test(ends, sleeps_while_nothing_runs);
	suite_add_tcase(suite, ends);
	tcase_set_timeout(strangers, 60);
	add_everywhere(strangers, is_nobodys_family);
	add_everywhere(strangers, is_known_by_its_session);
	add_everywhere(strangers, may_report_the_end);
	suite_add_tcase(suite, strangers);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
