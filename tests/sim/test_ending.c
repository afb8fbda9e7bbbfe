/* SPDX-License-Identifier: MIT */
/* How vergerd ends: asked to (S5, X2, X3), because a program did (X1), and with which status; and
 * the signals it passes on meanwhile (G1, G2).  As traces. */
#include <check.h>
#include <errno.h>
#include <signal.h>

#include "sim/casting.h"
#include "sim/stage.h"
#include "unit/suite.h"

enum { WEB, JOB };

static struct stage stage; /* each test runs in a process of its own */
static struct settings *settings;
static struct program_settings *web, *job;

static void cast_two(void)
{
	settings = casting_new(2);
	web = casting_add(settings, "web");
	job = casting_add(settings, "job");
	web->restart = job->restart = RESTART_NEVER;
	web->restart_jitter_percent = job->restart_jitter_percent = 0;
}

static void open_running(void)
{
	stage_open(&stage, settings);
	stage_boot_all(&stage);
	stage_until(&stage, 5000);
}

static void stop_both(void)
{
	stage_killed(&stage, WEB, SIGTERM);
	stage_killed(&stage, JOB, SIGTERM);
}

/* --- asked to --- */

START_TEST(a_shutdown_without_programs_is_immediate)
{
	stage_open(&stage, casting_new(1));
	stage_boot(&stage);
	stage_expect(&stage, "");
	stage_shutdown(&stage);
	stage_expect(&stage, "t=0 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_requested_shutdown_ends_with_0) /* X2 */
{
	cast_two();
	open_running();
	stage_shutdown(&stage);
	stage_gone(&stage, WEB, 3);
	stage_forget(&stage);
	stage_killed(&stage, JOB, SIGTERM);
	stage_expect(&stage, "t=5000 job STOPPING→CLEARING watch\n"
	                     "t=5000 job CLEARING→STOPPED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_requested_shutdown_can_end_with_a_programs_status) /* X2 */
{
	cast_two();
	settings->exit_code_from = WEB;
	open_running();
	stage_shutdown(&stage);
	stage_killed(&stage, JOB, SIGTERM);
	stage_forget(&stage);
	stage_gone(&stage, WEB, 3);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 quit 3\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_death_by_the_signal_we_sent_is_no_failure) /* X2 */
{
	cast_two();
	settings->exit_code_from = WEB;
	open_running();
	stage_shutdown(&stage);
	stage_killed(&stage, JOB, SIGTERM);
	stage_forget(&stage);
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_second_request_means_now) /* S5 */
{
	cast_two();
	casting_requires(settings, web, job, CONDITION_READY);
	open_running();
	stage_shutdown(&stage);
	stage_until(&stage, 5100);
	stage_shutdown(&stage);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5100 web STOPPING→KILLING sweep\n"
	                     "t=5100 job RUNNING→KILLING sweep\n");
	stage_shutdown(&stage); /* and a third adds nothing */
	stage_expect(&stage, "");
	stage_killed(&stage, JOB, SIGKILL);
	stage_forget(&stage);
	stage_killed(&stage, WEB, SIGKILL);
	stage_expect(&stage, "t=5100 web KILLING watch\n"
	                     "t=5100 web KILLING→STOPPED\n"
	                     "t=5100 quit 0\n");
	stage_shutdown(&stage);
	stage_until(&stage, 1000000);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

START_TEST(what_was_being_spawned_gets_no_grace_either)
{
	cast_two();
	job->autostart = false;
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_shutdown(&stage);
	stage_shutdown(&stage);
	stage_forget(&stage);
	stage_spawned(&stage, WEB);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_KILLING);
	stage_killed(&stage, WEB, SIGKILL);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

START_TEST(programs_serve_on_during_the_stop_delay)
{
	cast_two();
	settings->stop_delay_ms = 3000;
	web->restart = RESTART_ALWAYS;
	open_running();
	stage_shutdown(&stage);
	ck_assert(supervisor_is_shutting_down(stage.sv));
	stage_expect(&stage, "");
	stage_killed(&stage, WEB, SIGSEGV);
	stage_spawned(&stage, WEB);
	stage_forget(&stage);
	stage_until(&stage, 8000);
	stage_expect(&stage, "t=8000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=8000 job RUNNING→STOPPING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(each_further_request_drops_what_the_one_before_waited_for) /* S5 */
{
	cast_two();
	settings->stop_delay_ms = 3000;
	open_running();
	stage_shutdown(&stage);
	stage_shutdown(&stage);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 job RUNNING→STOPPING TERM+CONT:tree\n");
	stage_shutdown(&stage);
	stage_expect(&stage, "t=5000 web STOPPING→KILLING sweep\n"
	                     "t=5000 job STOPPING→KILLING sweep\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_stop_deadline_ends_all_grace)
{
	cast_two();
	settings->stop_deadline_ms = 4000;
	open_running();
	stage_shutdown(&stage);
	stage_forget(&stage);
	stage_until(&stage, 9000);
	stage_expect(&stage, "t=9000 web STOPPING→KILLING sweep\n"
	                     "t=9000 job STOPPING→KILLING sweep\n");
	stop_both();
	ck_assert_int_eq(supervisor_deadline(stage.sv), MSEC_NEVER);
	stage_close(&stage);
}
END_TEST

START_TEST(the_stop_deadline_holds_for_the_stop_delay_as_well)
{
	cast_two();
	settings->stop_deadline_ms = 4000;
	settings->stop_delay_ms = 60000;
	open_running();
	stage_shutdown(&stage);
	stage_until(&stage, 9000);
	stage_expect(&stage, "t=9000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=9000 job RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=9000 web STOPPING→KILLING sweep\n"
	                     "t=9000 job STOPPING→KILLING sweep\n");
	stop_both();
	stage_until(&stage, 1000000);
	ck_assert_int_eq(supervisor_deadline(stage.sv), MSEC_NEVER);
	stage_close(&stage);
}
END_TEST

START_TEST(nothing_starts_in_a_shutdown) /* X3 */
{
	cast_two();
	job->autostart = false;
	open_running();
	stage_shutdown(&stage);
	stage_forget(&stage);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_START, .program = JOB }),
	                 -ESHUTDOWN);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_RESTART }), -ESHUTDOWN);
	stage_try(&stage, (struct event){ .type = EVENT_BOOT });
	stage_stop(&stage, WEB);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

/* --- because a program did --- */

START_TEST(on_exit_ends_us_with_the_programs_status) /* X1 */
{
	cast_two();
	web->on_exit = END_EXIT;
	open_running();
	stage_gone(&stage, WEB, 7);
	stage_killed(&stage, JOB, SIGTERM);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING→FAILED\n"
	                     "t=5000 job RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 job STOPPING→CLEARING watch\n"
	                     "t=5000 job CLEARING→STOPPED\n"
	                     "t=5000 quit 7\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_death_by_signal_n_is_128_plus_n) /* X1 */
{
	cast_two();
	web->on_failure = END_EXIT;
	open_running();
	stage_killed(&stage, WEB, SIGSEGV);
	stage_forget(&stage);
	stage_killed(&stage, JOB, SIGTERM);
	stage_expect(&stage, "t=5000 job STOPPING→CLEARING watch\n"
	                     "t=5000 job CLEARING→STOPPED\n"
	                     "t=5000 quit 139\n");
	stage_close(&stage);
}
END_TEST

START_TEST(on_failure_is_for_failures) /* X1 */
{
	cast_two();
	web->on_failure = END_EXIT;
	open_running();
	stage_gone(&stage, WEB, 0);
	ck_assert(!supervisor_is_shutting_down(stage.sv));
	stage_close(&stage);
}
END_TEST

START_TEST(a_command_that_cannot_be_run_ends_us_with_126_or_127) /* X1, X2 */
{
	cast_two();
	job->autostart = false;
	web->on_failure = END_EXIT;
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_forget(&stage);
	stage_spawn_failed(&stage, WEB, SPAWN_STEP_EXEC, _i ? EACCES : ENOENT);
	stage_expect(&stage, _i ? "t=0 web SPAWNING→FAILED\nt=0 quit 126\n"
	                        : "t=0 web SPAWNING→FAILED\nt=0 quit 127\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_first_end_gives_the_status) /* X1 */
{
	cast_two();
	web->on_exit = job->on_exit = END_EXIT;
	open_running();
	stage_gone(&stage, JOB, 0);
	stage_forget(&stage);
	stage_gone(&stage, WEB, 9);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(an_end_that_counts_needs_no_stop_delay) /* X1 */
{
	cast_two();
	settings->stop_delay_ms = 60000;
	web->on_exit = END_EXIT;
	open_running();
	if (_i)
		stage_shutdown(&stage); /* the same in the middle of the delay */
	stage_gone(&stage, WEB, 7);
	ck_assert_int_eq(stage_status(&stage, JOB).state, LIFE_STOPPING);
	stage_close(&stage);
}
END_TEST

START_TEST(stop_group_stops_the_group_and_nobody_else)
{
	struct program_settings *cron;

	settings = casting_new(3);
	web = casting_add(settings, "web");
	job = casting_add(settings, "job");
	cron = casting_add(settings, "cron");
	web->restart = RESTART_NEVER;
	web->on_exit = END_STOP_GROUP;
	casting_group(settings, "site", web, job, NULL);
	(void)cron;
	open_running();
	stage_gone(&stage, WEB, 0);
	stage_killed(&stage, JOB, SIGTERM);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING→EXITED\n"
	                     "t=5000 job RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 job STOPPING→CLEARING watch\n"
	                     "t=5000 job CLEARING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(stop_group_without_a_group_is_nothing)
{
	cast_two();
	web->on_exit = END_STOP_GROUP;
	open_running();
	stage_gone(&stage, WEB, 0);
	ck_assert_int_eq(stage_status(&stage, JOB).state, LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

/* --- exit_when --- */

START_TEST(exit_when_any_is_the_first_end)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ANY;
	open_running();
	stage_gone(&stage, JOB, 4);
	stage_forget(&stage);
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 quit 4\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_is_the_last_end_with_the_first_bad_status)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	open_running();
	stage_gone(&stage, JOB, 4);
	ck_assert(!supervisor_is_shutting_down(stage.sv));
	stage_forget(&stage);
	stage_gone(&stage, WEB, 0);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING→EXITED\n"
	                     "t=5000 quit 4\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_can_take_one_programs_status)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	settings->exit_code_from = WEB;
	open_running();
	stage_gone(&stage, WEB, 5);
	stage_forget(&stage);
	stage_gone(&stage, JOB, 4);
	stage_expect(&stage, "t=5000 job RUNNING→CLEARING watch\n"
	                     "t=5000 job CLEARING→FAILED\n"
	                     "t=5000 quit 5\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_does_not_wait_for_what_never_started)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	job->autostart = false;
	open_running();
	stage_gone(&stage, WEB, 0);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING→EXITED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_does_not_wait_for_what_was_stopped_whichever_came_first)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	open_running();
	if (_i)
		stage_gone(&stage, WEB, 0);
	stage_stop(&stage, JOB);
	stage_killed(&stage, JOB, SIGTERM);
	if (!_i)
		stage_gone(&stage, WEB, 0);
	ck_assert(supervisor_is_shutting_down(stage.sv));
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_counts_a_group_that_was_stopped)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	web->on_exit = END_STOP_GROUP;
	casting_group(settings, "site", web, job, NULL);
	open_running();
	stage_gone(&stage, WEB, 6);
	stage_forget(&stage);
	stage_killed(&stage, JOB, SIGTERM);
	stage_expect(&stage, "t=5000 job STOPPING→CLEARING watch\n"
	                     "t=5000 job CLEARING→STOPPED\n"
	                     "t=5000 quit 6\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_does_not_wait_for_those_who_wait_for_the_dead) /* S6 */
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	casting_requires(settings, job, web, CONDITION_DONE);
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, WEB);
	stage_forget(&stage);
	stage_gone(&stage, WEB, 6); /* job can never start */
	stage_expect(&stage, "t=0 web RUNNING→CLEARING watch\n"
	                     "t=0 web CLEARING→FAILED\n"
	                     "t=0 job WAITING→STOPPED\n"
	                     "t=0 quit 6\n");
	stage_close(&stage);
}
END_TEST

START_TEST(exit_when_all_does_not_end_between_a_oneshot_and_its_dependent)
{
	cast_two();
	settings->exit_when = EXIT_WHEN_ALL;
	web->type = PROGRAM_ONESHOT;
	casting_requires(settings, job, web, CONDITION_DONE);
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, WEB);
	stage_gone(&stage, WEB, 0);
	ck_assert(!supervisor_is_shutting_down(stage.sv));
	ck_assert_int_eq(stage_status(&stage, JOB).state, LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

/* --- signals --- */

START_TEST(a_claimed_signal_is_translated_and_goes_to_the_scope_asked_for) /* G1, G2 */
{
	cast_two();
	casting_forward(settings, web, SIGUSR1, SIGQUIT);
	casting_forward(settings, web, SIGHUP, 0);
	casting_forward(settings, job, SIGUSR1, SIGUSR1);
	web->forward_to = SCOPE_GROUP;
	open_running();
	ck_assert(supervisor_claims_signal(stage.sv, SIGUSR1));
	ck_assert(supervisor_claims_signal(stage.sv, SIGHUP));
	ck_assert(!supervisor_claims_signal(stage.sv, SIGUSR2));
	ck_assert(!supervisor_claims_signal(stage.sv, 0));
	ck_assert(!supervisor_claims_signal(stage.sv, 65));
	stage_signal(&stage, SIGUSR1);
	stage_expect(&stage, "t=5000 web RUNNING QUIT:group\n"
	                     "t=5000 job RUNNING USR1:main\n");
	stage_signal(&stage, SIGHUP); /* dropped */
	stage_signal(&stage, SIGUSR2);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

START_TEST(a_signal_is_not_sent_to_what_is_not_there) /* G2 */
{
	cast_two();
	casting_forward(settings, web, SIGUSR1, SIGUSR1);
	open_running();
	stage_exit(&stage, WEB, 0);
	stage_forget(&stage);
	stage_signal(&stage, SIGUSR1);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

/* --- time --- */

START_TEST(equal_deadlines_are_met_in_the_order_they_were_set) /* S6: stable traces */
{
	cast_two();
	open_running();
	stage_stop(&stage, JOB);
	stage_stop(&stage, WEB);
	stage_forget(&stage);
	stage_until(&stage, 15000);
	stage_expect(&stage, "t=15000 job STOPPING→KILLING leftovers sweep\n"
	                     "t=15000 web STOPPING→KILLING leftovers sweep\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_loop_that_wakes_up_late_skips_no_grace) /* S6 */
{
	static const struct stop_step steps[] = { { SIGTERM, 5000 }, { SIGINT, 3000 } };

	cast_two();
	casting_stop(settings, web, 2, steps);
	open_running();
	stage_stop(&stage, WEB);
	stage_forget(&stage);
	stage_late(&stage, 100000); /* as after a suspend that the clock did count */
	stage_expect(&stage, "t=100000 web STOPPING leftovers INT+CONT:tree\n");
	ck_assert_int_eq(supervisor_deadline(stage.sv), 103000);
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-ending");
	TCase *asked = tcase_create("asked");
	TCase *policy = tcase_create("policy");
	TCase *when = tcase_create("when");
	TCase *signals = tcase_create("signals");
	TCase *time = tcase_create("time");

	tcase_add_test(asked, a_shutdown_without_programs_is_immediate);
	tcase_add_test(asked, a_requested_shutdown_ends_with_0);
	tcase_add_test(asked, a_requested_shutdown_can_end_with_a_programs_status);
	tcase_add_test(asked, a_death_by_the_signal_we_sent_is_no_failure);
	tcase_add_test(asked, a_second_request_means_now);
	tcase_add_test(asked, what_was_being_spawned_gets_no_grace_either);
	tcase_add_test(asked, programs_serve_on_during_the_stop_delay);
	tcase_add_test(asked, each_further_request_drops_what_the_one_before_waited_for);
	tcase_add_test(asked, the_stop_deadline_ends_all_grace);
	tcase_add_test(asked, the_stop_deadline_holds_for_the_stop_delay_as_well);
	tcase_add_test(asked, nothing_starts_in_a_shutdown);
	suite_add_tcase(s, asked);
	tcase_add_test(policy, on_exit_ends_us_with_the_programs_status);
	tcase_add_test(policy, a_death_by_signal_n_is_128_plus_n);
	tcase_add_test(policy, on_failure_is_for_failures);
	tcase_add_loop_test(policy, a_command_that_cannot_be_run_ends_us_with_126_or_127, 0, 2);
	tcase_add_test(policy, the_first_end_gives_the_status);
	tcase_add_loop_test(policy, an_end_that_counts_needs_no_stop_delay, 0, 2);
	tcase_add_test(policy, stop_group_stops_the_group_and_nobody_else);
	tcase_add_test(policy, stop_group_without_a_group_is_nothing);
	suite_add_tcase(s, policy);
	tcase_add_test(when, exit_when_any_is_the_first_end);
	tcase_add_test(when, exit_when_all_is_the_last_end_with_the_first_bad_status);
	tcase_add_test(when, exit_when_all_can_take_one_programs_status);
	tcase_add_test(when, exit_when_all_does_not_wait_for_what_never_started);
	tcase_add_loop_test(
		when, exit_when_all_does_not_wait_for_what_was_stopped_whichever_came_first, 0, 2);
	tcase_add_test(when, exit_when_all_counts_a_group_that_was_stopped);
	tcase_add_test(when, exit_when_all_does_not_wait_for_those_who_wait_for_the_dead);
	tcase_add_test(when, exit_when_all_does_not_end_between_a_oneshot_and_its_dependent);
	suite_add_tcase(s, when);
	tcase_add_test(signals, a_claimed_signal_is_translated_and_goes_to_the_scope_asked_for);
	tcase_add_test(signals, a_signal_is_not_sent_to_what_is_not_there);
	suite_add_tcase(s, signals);
	tcase_add_test(time, equal_deadlines_are_met_in_the_order_they_were_set);
	tcase_add_test(time, a_loop_that_wakes_up_late_skips_no_grace);
	suite_add_tcase(s, time);
	return suite_run(s);
}
