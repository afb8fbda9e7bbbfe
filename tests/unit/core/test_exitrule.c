/* SPDX-License-Identifier: MIT */
#include "core/exitrule.h"

#include <check.h>
#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "unit/suite.h"

static struct program_settings defaults(void)
{
	struct program_settings s;

	program_settings_defaults(&s);
	return s;
}

START_TEST(zero_is_success_unless_told_otherwise) /* R1 */
{
	struct program_settings s = defaults();
	struct exit_set set = { 0 };

	ck_assert(exitrule_is_success(&s, 0, 0, false));
	ck_assert(!exitrule_is_success(&s, 1, 0, false));
	ck_assert(!exitrule_is_success(&s, 0, SIGTERM, false));
	exit_set_add_code(&set, 3);
	exit_set_add_signal(&set, SIGHUP);
	s.success_exit = &set;
	ck_assert(!exitrule_is_success(&s, 0, 0, false));
	ck_assert(exitrule_is_success(&s, 3, 0, false));
	ck_assert(exitrule_is_success(&s, 0, SIGHUP, false));
}
END_TEST

START_TEST(a_death_by_a_stop_signal_is_success_when_it_was_asked_for) /* R1 */
{
	struct program_settings s = defaults();

	ck_assert(exitrule_is_success(&s, 0, SIGTERM, true));
	ck_assert(exitrule_is_success(&s, 0, SIGKILL, true)); /* the end of every stop */
	ck_assert(!exitrule_is_success(&s, 0, SIGSEGV, true));
	ck_assert(!exitrule_is_success(&s, 1, 0, true));
	ck_assert(!exitrule_is_success(&s, 0, SIGKILL, false));
}
END_TEST

struct restart_case {
	enum program_type type;
	enum restart_policy policy;
	bool success, restarts;
};

static const struct restart_case restart_cases[] = {
	{ PROGRAM_SIMPLE, RESTART_ALWAYS, true, true },
	{ PROGRAM_SIMPLE, RESTART_ALWAYS, false, true },
	{ PROGRAM_SIMPLE, RESTART_ON_FAILURE, true, false },
	{ PROGRAM_SIMPLE, RESTART_ON_FAILURE, false, true },
	{ PROGRAM_SIMPLE, RESTART_NEVER, true, false },
	{ PROGRAM_SIMPLE, RESTART_NEVER, false, false },
	{ PROGRAM_FORKING, RESTART_ALWAYS, true, true },
	{ PROGRAM_ONESHOT, RESTART_ALWAYS, true, false },
	{ PROGRAM_ONESHOT, RESTART_ALWAYS, false, true },
	{ PROGRAM_ONESHOT, RESTART_NEVER, false, false },
};

START_TEST(the_policy_decides_and_a_oneshot_that_is_done_rests) /* R1 */
{
	const struct restart_case *c = &restart_cases[_i];
	struct program_settings s = defaults();

	s.type = c->type;
	s.restart = c->policy;
	ck_assert_int_eq(exitrule_restarts(&s, c->success), c->restarts);
}
END_TEST

START_TEST(a_status_is_as_shells_report_it) /* X1 */
{
	ck_assert_int_eq(exitrule_status(0, 0), 0);
	ck_assert_int_eq(exitrule_status(255, 0), 255);
	ck_assert_int_eq(exitrule_status(0, SIGTERM), 143);
	ck_assert_int_eq(exitrule_status(0, SIGKILL), 137);
}
END_TEST

struct spawn_case {
	enum spawn_step step;
	int error, status;
	bool machine;
};

static const struct spawn_case spawn_cases[] = {
	{ SPAWN_STEP_COMMAND, ENOENT, 127, false },   { SPAWN_STEP_EXEC, ENOENT, 127, false },
	{ SPAWN_STEP_EXEC, ENOTDIR, 127, false },     { SPAWN_STEP_EXEC, EACCES, 126, false },
	{ SPAWN_STEP_EXEC, ENOEXEC, 126, false },     { SPAWN_STEP_EXEC, ELOOP, 126, false },
	{ SPAWN_STEP_DIRECTORY, ENOENT, 125, false }, { SPAWN_STEP_USER, EPERM, 125, false },
	{ SPAWN_STEP_PIDFILE, EROFS, 125, false },    { SPAWN_STEP_PIDFILE, ENOSPC, 125, true },
	{ SPAWN_STEP_PROCESS, EAGAIN, 125, true },    { SPAWN_STEP_PROCESS, ENOMEM, 125, true },
	{ SPAWN_STEP_EXEC, EAGAIN, 126, true },       { SPAWN_STEP_USER, EAGAIN, 125, true },
	{ SPAWN_STEP_STDOUT, EAGAIN, 125, false },    { SPAWN_STEP_STDOUT, EMFILE, 125, true },
	{ SPAWN_STEP_STDOUT, ENFILE, 125, true },     { SPAWN_STEP_STDOUT, EDQUOT, 125, true },
	{ SPAWN_STEP_EXEC, EIO, 126, true },
};

START_TEST(a_start_that_failed_has_the_status_of_env_and_nohup) /* X2 */
{
	const struct spawn_case *c = &spawn_cases[_i];

	ck_assert_int_eq(exitrule_spawn_status(c->step, c->error), c->status);
}
END_TEST

START_TEST(what_the_machine_refuses_is_not_the_programs_fault) /* R4 */
{
	const struct spawn_case *c = &spawn_cases[_i];

	ck_assert_int_eq(exitrule_is_machine_failure(c->step, c->error), c->machine);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exitrule");
	TCase *success = tcase_create("success");
	TCase *status = tcase_create("status");

	tcase_add_test(success, zero_is_success_unless_told_otherwise);
	tcase_add_test(success, a_death_by_a_stop_signal_is_success_when_it_was_asked_for);
	tcase_add_loop_test(success, the_policy_decides_and_a_oneshot_that_is_done_rests, 0,
	                    ARRAY_SIZE(restart_cases));
	suite_add_tcase(s, success);
	tcase_add_test(status, a_status_is_as_shells_report_it);
	tcase_add_loop_test(status, a_start_that_failed_has_the_status_of_env_and_nohup, 0,
	                    ARRAY_SIZE(spawn_cases));
	tcase_add_loop_test(status, what_the_machine_refuses_is_not_the_programs_fault, 0,
	                    ARRAY_SIZE(spawn_cases));
	suite_add_tcase(s, status);
	return suite_run(s);
}
