/* SPDX-License-Identifier: MIT */
/* Restarting, backing off and giving up (R1 to R4), as traces. */
#include <check.h>
#include <errno.h>
#include <signal.h>

#include "sim/casting.h"
#include "sim/stage.h"
#include "unit/suite.h"

enum { WEB };

static struct stage stage; /* each test runs in a process of its own */

/* one program with defaults and no jitter; the test may change it before open_stage() */
static struct settings *cast_web(struct program_settings **web)
{
	struct settings *s = casting_new(1);

	*web = casting_add(s, "web");
	(*web)->restart_jitter_percent = 0;
	return s;
}

START_TEST(a_program_starts_at_boot)
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot(&stage);
	stage_spawned(&stage, WEB);
	stage_expect(&stage, "t=0 web STOPPED→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n"
	                     "t=0 web SPAWNING→RUNNING\n");
	ck_assert_int_eq(stage_status(&stage, WEB).pid, 100);
	ck_assert_uint_eq(stage_status(&stage, WEB).starts, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(what_does_not_start_by_itself_waits_to_be_asked)
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->autostart = false;
	stage_open(&stage, s);
	stage_boot(&stage);
	stage_expect(&stage, "");
	stage_start(&stage, WEB);
	stage_expect(&stage, "t=0 web STOPPED→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_after_a_healthy_run_is_immediate) /* R2, I4 */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	stage_until(&stage, 1000);
	stage_killed(&stage, WEB, SIGSEGV);
	stage_spawned(&stage, WEB);
	stage_expect(&stage, "t=1000 web RUNNING→CLEARING watch\n"
	                     "t=1000 web CLEARING→WAITING\n"
	                     "t=1000 web WAITING→SPAWNING spawn\n"
	                     "t=1000 web SPAWNING→RUNNING\n");
	ck_assert_int_eq(supervisor_deadline(stage.sv), MSEC_NEVER); /* I1 */
	stage_close(&stage);
}
END_TEST

START_TEST(short_lives_wait_longer_each_time) /* R2 */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	stage_gone(&stage, WEB, 1);
	stage_until(&stage, 100);
	stage_spawned(&stage, WEB);
	stage_gone(&stage, WEB, 1);
	stage_until(&stage, 300);
	stage_spawned(&stage, WEB);
	stage_gone(&stage, WEB, 1);
	stage_until(&stage, 700);
	stage_expect(&stage, "t=0 web RUNNING→CLEARING watch\n"
	                     "t=0 web CLEARING→BACKOFF\n"
	                     "t=100 web BACKOFF→WAITING\n"
	                     "t=100 web WAITING→SPAWNING spawn\n"
	                     "t=100 web SPAWNING→RUNNING\n"
	                     "t=100 web RUNNING→CLEARING watch\n"
	                     "t=100 web CLEARING→BACKOFF\n"
	                     "t=300 web BACKOFF→WAITING\n"
	                     "t=300 web WAITING→SPAWNING spawn\n"
	                     "t=300 web SPAWNING→RUNNING\n"
	                     "t=300 web RUNNING→CLEARING watch\n"
	                     "t=300 web CLEARING→BACKOFF\n"
	                     "t=700 web BACKOFF→WAITING\n"
	                     "t=700 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

/* lets the program die at once until its back-off has reached level `lives`, and leaves it there */
static void die_young(int lives)
{
	for (int i = 0; i < lives; i++) {
		if (i > 0) {
			stage_until(&stage, supervisor_deadline(stage.sv));
			stage_spawned(&stage, WEB);
		}
		stage_gone(&stage, WEB, 1);
	}
}

START_TEST(a_long_run_leads_back_to_an_immediate_restart) /* R2 */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	die_young(4);
	ck_assert_int_eq(stage_status(&stage, WEB).delay_ms, 800);
	stage_until(&stage, supervisor_deadline(stage.sv));
	stage_spawned(&stage, WEB);
	stage_until(&stage, stage.now + 60000);
	stage_gone(&stage, WEB, 1);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(jitter_stays_within_its_bounds) /* R2 */
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->restart_jitter_percent = 10;
	web->start_limit_count = 0;
	stage_open(&stage, s);
	stage_boot_all(&stage);
	for (int level = 1; level < 200; level++) {
		msec_t full = level < 10 ? (msec_t)50 << level : 30000;
		struct program_status status;

		stage_gone(&stage, WEB, 1);
		status = stage_status(&stage, WEB);
		ck_assert_int_ge(status.delay_ms, full - full / 10);
		ck_assert_int_le(status.delay_ms, full);
		ck_assert_int_eq(status.deadline_ms, stage.now + status.delay_ms);
		stage_until(&stage, status.deadline_ms);
		stage_spawned(&stage, WEB);
	}
	stage_close(&stage);
}
END_TEST

START_TEST(the_time_to_clear_up_is_no_uptime) /* R2, R3: min_uptime is about the server */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	stage_until(&stage, 50);
	stage_exit(&stage, WEB, 1);
	stage_left(&stage, WEB);
	stage_until(&stage, 9000);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "t=50 web RUNNING→CLEARING watch\n"
	                     "t=50 web CLEARING TERM+CONT:tree\n"
	                     "t=9000 web CLEARING→BACKOFF\n");
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(too_many_failed_starts_are_given_up_and_a_manual_start_clears_the_count) /* R3 */
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->start_limit_count = 3;
	stage_open(&stage, s);
	stage_boot_all(&stage);
	die_young(2);
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 2);
	stage_until(&stage, 300);
	stage_spawned(&stage, WEB);
	stage_forget(&stage);
	stage_gone(&stage, WEB, 1);
	stage_expect(&stage, "t=300 web RUNNING→CLEARING watch\n"
	                     "t=300 web CLEARING→FAILED\n");
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 3);
	ck_assert_int_eq(stage_status(&stage, WEB).last_code, 1);
	stage_until(&stage, 100000);
	stage_start(&stage, WEB);
	stage_spawned(&stage, WEB);
	stage_gone(&stage, WEB, 1);
	stage_expect(&stage, "t=100000 web FAILED→WAITING\n"
	                     "t=100000 web WAITING→SPAWNING spawn\n"
	                     "t=100000 web SPAWNING→RUNNING\n"
	                     "t=100000 web RUNNING→CLEARING watch\n"
	                     "t=100000 web CLEARING→BACKOFF\n");
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 1);
	ck_assert_int_eq(stage_status(&stage, WEB).delay_ms, 100);
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_during_back_off_does_not_wait)
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	stage_gone(&stage, WEB, 1);
	stage_forget(&stage);
	stage_until(&stage, 20);
	stage_start(&stage, WEB);
	stage_expect(&stage, "t=20 web BACKOFF→WAITING\n"
	                     "t=20 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_during_back_off_is_immediate_and_final) /* R1 */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot_all(&stage);
	stage_gone(&stage, WEB, 1);
	stage_forget(&stage);
	stage_until(&stage, 20);
	stage_stop(&stage, WEB);
	stage_until(&stage, 1000000);
	stage_expect(&stage, "t=20 web BACKOFF→STOPPED\n");
	stage_close(&stage);
}
END_TEST

struct policy_case {
	enum program_type type;
	enum restart_policy restart;
	int code;
	enum life_state then;
};

static const struct policy_case policy_cases[] = {
	{ PROGRAM_SIMPLE, RESTART_ALWAYS, 0, LIFE_SPAWNING },
	{ PROGRAM_SIMPLE, RESTART_ALWAYS, 1, LIFE_SPAWNING },
	{ PROGRAM_SIMPLE, RESTART_ON_FAILURE, 0, LIFE_EXITED },
	{ PROGRAM_SIMPLE, RESTART_ON_FAILURE, 1, LIFE_SPAWNING },
	{ PROGRAM_SIMPLE, RESTART_ON_FAILURE, 3, LIFE_EXITED }, /* success_exit = 0 3 */
	{ PROGRAM_SIMPLE, RESTART_NEVER, 0, LIFE_EXITED },
	{ PROGRAM_SIMPLE, RESTART_NEVER, 1, LIFE_FAILED },
	{ PROGRAM_ONESHOT, RESTART_ALWAYS, 0, LIFE_EXITED },
	{ PROGRAM_ONESHOT, RESTART_ALWAYS, 1, LIFE_SPAWNING },
	{ PROGRAM_ONESHOT, RESTART_NEVER, 1, LIFE_FAILED },
};

START_TEST(the_policy_decides_after_an_exit) /* R1 */
{
	const struct policy_case *c = &policy_cases[_i];
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->type = c->type;
	web->restart = c->restart;
	casting_success(s, web, 3);
	stage_open(&stage, s);
	stage_boot_all(&stage);
	stage_until(&stage, 5000);
	stage_gone(&stage, WEB, c->code);
	ck_assert_int_eq(stage_status(&stage, WEB).state, c->then);
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_that_fails_is_tried_again_later) /* R2, S1 */
{
	struct program_settings *web;

	stage_open(&stage, cast_web(&web));
	stage_boot(&stage);
	stage_spawn_failed(&stage, WEB, SPAWN_STEP_EXEC, ENOENT);
	ck_assert_int_eq(stage_status(&stage, WEB).last_step, SPAWN_STEP_EXEC);
	ck_assert_int_eq(stage_status(&stage, WEB).last_error, ENOENT);
	stage_until(&stage, 100);
	stage_spawned(&stage, WEB);
	stage_expect(&stage, "t=0 web STOPPED→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n"
	                     "t=0 web SPAWNING→BACKOFF\n"
	                     "t=100 web BACKOFF→WAITING\n"
	                     "t=100 web WAITING→SPAWNING spawn\n"
	                     "t=100 web SPAWNING→RUNNING\n");
	ck_assert_int_eq(stage_status(&stage, WEB).last_step, SPAWN_STEP_NONE);
	stage_close(&stage);
}
END_TEST

START_TEST(the_machine_is_asked_for_ever) /* R4 */
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->restart = RESTART_NEVER;
	web->start_limit_count = 1;
	stage_open(&stage, s);
	stage_boot(&stage);
	for (int i = 0; i < 100; i++) {
		stage_spawn_failed(&stage, WEB, SPAWN_STEP_PROCESS, EAGAIN);
		ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_BACKOFF);
		stage_until(&stage, supervisor_deadline(stage.sv));
	}
	stage_close(&stage);
}
END_TEST

START_TEST(failed_starts_never_spin) /* S6, R4: neither is there a delay nor a minimal life */
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);

	web->min_uptime_ms = 0;
	web->start_limit_count = 0;
	stage_open(&stage, s);
	stage_boot(&stage);
	stage_spawn_failed(&stage, WEB, SPAWN_STEP_EXEC, ENOENT);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_BACKOFF);
	stage_close(&stage);
}
END_TEST

START_TEST(an_event_that_cannot_be_counts_for_nothing) /* supervisor.h: nothing has changed */
{
	struct program_settings *web;
	struct settings *s = cast_web(&web);
	struct event failed = { .type = EVENT_SPAWN_FAILED,
		                .failure = { .step = SPAWN_STEP_EXEC, .error = ENOENT } };

	stage_open(&stage, s);
	stage_boot_all(&stage);
	ck_assert_int_eq(stage_try(&stage, failed), -EPROTO);
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 0);
	stage_gone(&stage, WEB, 1);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_FAMILY_EMPTY }), -EPROTO);
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 1);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_SPAWNED, .pid = 9 }),
	                 -EPROTO);
	ck_assert_int_eq(stage_status(&stage, WEB).pid, 0);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_STOP, .program = 1 }),
	                 -ENOENT);
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-restart");
	TCase *policy = tcase_create("policy");
	TCase *backoff = tcase_create("backoff");
	TCase *failures = tcase_create("failures");

	tcase_add_test(policy, a_program_starts_at_boot);
	tcase_add_test(policy, what_does_not_start_by_itself_waits_to_be_asked);
	tcase_add_loop_test(policy, the_policy_decides_after_an_exit, 0,
	                    sizeof policy_cases / sizeof *policy_cases);
	suite_add_tcase(s, policy);
	tcase_add_test(backoff, a_restart_after_a_healthy_run_is_immediate);
	tcase_add_test(backoff, short_lives_wait_longer_each_time);
	tcase_add_test(backoff, a_long_run_leads_back_to_an_immediate_restart);
	tcase_add_test(backoff, jitter_stays_within_its_bounds);
	tcase_add_test(backoff, the_time_to_clear_up_is_no_uptime);
	tcase_add_test(backoff, a_start_during_back_off_does_not_wait);
	tcase_add_test(backoff, a_stop_during_back_off_is_immediate_and_final);
	suite_add_tcase(s, backoff);
	tcase_add_test(failures,
	               too_many_failed_starts_are_given_up_and_a_manual_start_clears_the_count);
	tcase_add_test(failures, a_start_that_fails_is_tried_again_later);
	tcase_add_test(failures, the_machine_is_asked_for_ever);
	tcase_add_test(failures, failed_starts_never_spin);
	tcase_add_test(failures, an_event_that_cannot_be_counts_for_nothing);
	suite_add_tcase(s, failures);
	return suite_run(s);
}
