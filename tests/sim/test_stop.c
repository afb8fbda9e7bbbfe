/* SPDX-License-Identifier: MIT */
/* Stopping one program to the last of its processes (S3, S4, S6) and the verbs in between, as
 * traces. */
#include <check.h>
#include <signal.h>

#include "sim/casting.h"
#include "sim/stage.h"
#include "unit/suite.h"

enum { WEB };

static struct stage stage; /* each test runs in a process of its own */
static struct program_settings *web;

static struct settings *cast_web(void)
{
	struct settings *s = casting_new(1);

	web = casting_add(s, "web");
	return s;
}

static void open_running(struct settings *s)
{
	stage_open(&stage, s);
	stage_boot_all(&stage);
	stage_until(&stage, 5000);
}

START_TEST(a_stop_tells_and_waits_until_nothing_is_left) /* S3 */
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_until(&stage, 5200);
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5200 web STOPPING→CLEARING watch\n"
	                     "t=5200 web CLEARING→STOPPED\n");
	ck_assert(stage_status(&stage, WEB).last_success); /* R1: it died as it was asked to */
	ck_assert_int_eq(supervisor_deadline(stage.sv), MSEC_NEVER);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_escalates_step_by_step_and_names_who_is_left) /* S3, S4: TERM/5s INT/5s KILL */
{
	static const struct stop_step steps[] = { { SIGTERM, 5000 }, { SIGINT, 3000 } };
	struct settings *s = cast_web();

	casting_stop(s, web, 2, steps);
	open_running(s);
	stage_stop(&stage, WEB);
	stage_until(&stage, 29000);
	stage_killed(&stage, WEB, SIGKILL);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=10000 web STOPPING leftovers INT+CONT:tree\n"
	                     "t=13000 web STOPPING→KILLING leftovers sweep\n"
	                     "t=23000 web KILLING leftovers sweep\n"
	                     "t=29000 web KILLING watch\n"
	                     "t=29000 web KILLING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_escalation_goes_on_when_the_leader_exits_first) /* S3 */
{
	struct settings *s = cast_web();

	web->kill = SCOPE_MAIN;
	open_running(s);
	stage_stop(&stage, WEB);
	stage_until(&stage, 6000);
	stage_exit(&stage, WEB, 0);
	stage_left(&stage, WEB);
	stage_until(&stage, 16000);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:main\n"
	                     "t=6000 web STOPPING→CLEARING watch\n"
	                     "t=6000 web CLEARING TERM+CONT:tree\n"
	                     "t=15000 web CLEARING→KILLING leftovers sweep\n"
	                     "t=16000 web KILLING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(leftovers_that_were_told_are_not_told_twice)
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_exit(&stage, WEB, 0);
	stage_left(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPING→CLEARING watch\n");
	stage_close(&stage);
}
END_TEST

START_TEST(leftovers_of_a_crash_are_told_and_killed_before_the_restart) /* S3 */
{
	open_running(cast_web());
	stage_die(&stage, WEB, SIGSEGV);
	stage_left(&stage, WEB);
	stage_until(&stage, 15500);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING TERM+CONT:tree\n"
	                     "t=15000 web CLEARING→KILLING leftovers sweep\n"
	                     "t=15500 web KILLING→WAITING\n"
	                     "t=15500 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_family_that_is_gone_before_its_leader_was_reaped_is_not_gone_yet)
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_until(&stage, 15000);
	stage_forget(&stage);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "");
	stage_die(&stage, WEB, SIGKILL);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "t=15000 web KILLING watch\n"
	                     "t=15000 web KILLING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_stop_command_stands_in_for_the_first_signal)
{
	static char *const words[] = { (char *)"apachectl", (char *)"stop", NULL };
	struct settings *s = cast_web();

	web->stop_command = words;
	open_running(s);
	stage_stop(&stage, WEB);
	stage_until(&stage, 15000);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING stop-command\n"
	                     "t=15000 web STOPPING→KILLING leftovers sweep\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_command_that_fails_leaves_the_signal)
{
	static char *const words[] = { (char *)"nonsense", NULL };
	struct settings *s = cast_web();

	web->stop_command = words;
	open_running(s);
	stage_stop(&stage, WEB);
	stage_event(&stage, (struct event){ .type = EVENT_STOP_COMMAND_FAILED });
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING stop-command\n"
	                     "t=5000 web STOPPING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_command_that_fails_too_late_harms_nobody)
{
	static char *const words[] = { (char *)"nonsense", NULL };
	struct settings *s = cast_web();

	web->stop_command = words;
	open_running(s);
	stage_stop(&stage, WEB);
	stage_gone(&stage, WEB, 0);
	stage_forget(&stage);
	stage_try(&stage, (struct event){ .type = EVENT_STOP_COMMAND_FAILED });
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

START_TEST(what_a_stop_command_leaves_behind_gets_the_signal) /* S3 */
{
	static char *const words[] = { (char *)"apachectl", (char *)"stop", NULL };
	struct settings *s = cast_web();

	web->stop_command = words;
	open_running(s);
	stage_stop(&stage, WEB);
	stage_exit(&stage, WEB, 0);
	stage_left(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING stop-command\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(steps_without_grace_follow_at_once)
{
	static const struct stop_step steps[] = { { SIGTERM, 0 }, { SIGINT, 0 },  { SIGQUIT, 0 },
		                                  { SIGHUP, 0 },  { SIGUSR1, 0 }, { SIGUSR2, 0 } };
	struct settings *s = cast_web();

	casting_stop(s, web, 6, steps);
	open_running(s);
	stage_stop(&stage, WEB);
	stage_until(&stage, 5000);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPING leftovers INT+CONT:tree leftovers QUIT+CONT:tree"
	                     " leftovers HUP+CONT:tree leftovers USR1+CONT:tree"
	                     " leftovers USR2+CONT:tree\n"
	                     "t=5000 web STOPPING→KILLING leftovers sweep\n");
	stage_close(&stage);
}
END_TEST

/* --- verbs on the way --- */

START_TEST(a_stop_of_what_is_stopped_is_nothing)
{
	stage_open(&stage, cast_web());
	stage_stop(&stage, WEB);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_of_what_runs_is_nothing)
{
	open_running(cast_web());
	stage_start(&stage, WEB);
	stage_expect(&stage, "");
	stage_close(&stage);
}
END_TEST

START_TEST(a_second_stop_does_not_begin_anew)
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_forget(&stage);
	stage_until(&stage, 9000);
	stage_stop(&stage, WEB);
	stage_until(&stage, 15000);
	stage_expect(&stage, "t=15000 web STOPPING→KILLING leftovers sweep\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_during_a_stop_follows_it)
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_start(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_last_verb_wins) /* R1 */
{
	open_running(cast_web());
	stage_stop(&stage, WEB);
	stage_start(&stage, WEB);
	stage_restart(&stage, WEB);
	stage_stop(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_until(&stage, 1000000);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_STOPPED);
	ck_assert_uint_eq(stage_status(&stage, WEB).starts, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_stops_and_starts)
{
	open_running(cast_web());
	stage_restart(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_spawned(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n"
	                     "t=5000 web SPAWNING→RUNNING\n");
	stage_close(&stage);
}
END_TEST

START_TEST(two_restarts_are_one)
{
	open_running(cast_web());
	stage_restart(&stage, WEB);
	stage_restart(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_spawned(&stage, WEB);
	stage_until(&stage, 100000);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_RUNNING);
	ck_assert_uint_eq(stage_status(&stage, WEB).starts, 2);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_of_what_is_stopped_starts_it)
{
	stage_open(&stage, cast_web());
	stage_restart(&stage, WEB);
	stage_expect(&stage, "t=0 web STOPPED→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_asked_for_is_immediate_however_short_the_life_was) /* R2 */
{
	stage_open(&stage, cast_web());
	stage_boot_all(&stage);
	stage_restart(&stage, WEB);
	stage_gone(&stage, WEB, 1);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_SPAWNING);
	ck_assert_uint_eq(stage_status(&stage, WEB).failures, 0);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_is_done_once_and_then_the_policy_holds_again) /* R1 */
{
	struct settings *s = cast_web();

	web->restart = RESTART_ON_FAILURE;
	open_running(s);
	stage_restart(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_spawned(&stage, WEB);
	stage_until(&stage, 10000);
	stage_gone(&stage, WEB, 0);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_EXITED);
	stage_close(&stage);
}
END_TEST

/* the states in which a program with restart = never is on its way to its end by itself */
static void lead_to(enum life_state state)
{
	struct settings *s = cast_web();

	web->restart = RESTART_NEVER;
	open_running(s);
	stage_exit(&stage, WEB, 0);
	if (state == LIFE_KILLING) {
		stage_left(&stage, WEB);
		stage_until(&stage, 15000);
	}
	ck_assert_int_eq(stage_status(&stage, WEB).state, state);
	stage_forget(&stage);
}

START_TEST(a_start_is_kept_while_what_ended_is_cleared)
{
	lead_to(LIFE_CLEARING);
	stage_start(&stage, WEB);
	stage_empty(&stage, WEB);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_is_kept_while_what_ended_is_killed)
{
	lead_to(LIFE_KILLING);
	stage_start(&stage, WEB);
	stage_empty(&stage, WEB);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_is_kept_while_what_ended_is_cleared_or_killed)
{
	lead_to(_i ? LIFE_KILLING : LIFE_CLEARING);
	stage_restart(&stage, WEB);
	stage_empty(&stage, WEB);
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_while_a_crash_is_cleared_keeps_it_down) /* R1 */
{
	open_running(cast_web());
	stage_die(&stage, WEB, SIGSEGV);
	stage_stop(&stage, WEB);
	stage_left(&stage, WEB);
	stage_empty(&stage, WEB);
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 web CLEARING TERM+CONT:tree\n"
	                     "t=5000 web CLEARING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

/* --- while the start is with the system --- */

START_TEST(a_stop_before_the_spawn_cancels_it) /* R1 */
{
	stage_open(&stage, cast_web());
	stage_boot(&stage);
	stage_forget(&stage);
	ck_assert(supervisor_wants_spawn(stage.sv, WEB));
	stage_stop(&stage, WEB);
	ck_assert(!supervisor_wants_spawn(stage.sv, WEB));
	stage_spawn_failed(&stage, WEB, SPAWN_STEP_CANCELLED, 0);
	stage_expect(&stage, "t=0 web SPAWNING→STOPPED\n");
	ck_assert_int_eq(stage_status(&stage, WEB).last_step, SPAWN_STEP_NONE);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_during_the_spawn_stops_what_comes_of_it) /* R1 */
{
	stage_open(&stage, cast_web());
	stage_boot(&stage);
	stage_stop(&stage, WEB);
	stage_forget(&stage);
	stage_spawned(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=0 web SPAWNING→STOPPING TERM+CONT:tree\n"
	                     "t=0 web STOPPING→CLEARING watch\n"
	                     "t=0 web CLEARING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_and_a_start_during_the_spawn_end_with_a_running_program)
{
	stage_open(&stage, cast_web());
	stage_boot(&stage);
	stage_stop(&stage, WEB);
	stage_start(&stage, WEB);
	if (supervisor_wants_spawn(stage.sv, WEB)) {
		stage_spawned(&stage, WEB);
	} else {
		stage_spawn_failed(&stage, WEB, SPAWN_STEP_CANCELLED, 0);
		stage_spawned(&stage, WEB);
	}
	ck_assert_int_eq(stage_status(&stage, WEB).state, LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_before_the_spawn_is_the_spawn)
{
	stage_open(&stage, cast_web());
	stage_boot(&stage);
	stage_restart(&stage, WEB);
	stage_forget(&stage);
	stage_spawn_failed(&stage, WEB, SPAWN_STEP_CANCELLED, 0);
	stage_expect(&stage, "t=0 web SPAWNING→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	ck_assert(supervisor_wants_spawn(stage.sv, WEB));
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-stop");
	TCase *family = tcase_create("family");
	TCase *command = tcase_create("command");
	TCase *verbs = tcase_create("verbs");
	TCase *spawning = tcase_create("spawning");

	tcase_add_test(family, a_stop_tells_and_waits_until_nothing_is_left);
	tcase_add_test(family, a_stop_escalates_step_by_step_and_names_who_is_left);
	tcase_add_test(family, the_escalation_goes_on_when_the_leader_exits_first);
	tcase_add_test(family, leftovers_that_were_told_are_not_told_twice);
	tcase_add_test(family, leftovers_of_a_crash_are_told_and_killed_before_the_restart);
	tcase_add_test(family, a_family_that_is_gone_before_its_leader_was_reaped_is_not_gone_yet);
	tcase_add_test(family, steps_without_grace_follow_at_once);
	suite_add_tcase(s, family);
	tcase_add_test(command, the_stop_command_stands_in_for_the_first_signal);
	tcase_add_test(command, a_stop_command_that_fails_leaves_the_signal);
	tcase_add_test(command, a_stop_command_that_fails_too_late_harms_nobody);
	tcase_add_test(command, what_a_stop_command_leaves_behind_gets_the_signal);
	suite_add_tcase(s, command);
	tcase_add_test(verbs, a_stop_of_what_is_stopped_is_nothing);
	tcase_add_test(verbs, a_start_of_what_runs_is_nothing);
	tcase_add_test(verbs, a_second_stop_does_not_begin_anew);
	tcase_add_test(verbs, a_start_during_a_stop_follows_it);
	tcase_add_test(verbs, the_last_verb_wins);
	tcase_add_test(verbs, a_restart_stops_and_starts);
	tcase_add_test(verbs, two_restarts_are_one);
	tcase_add_test(verbs, a_restart_of_what_is_stopped_starts_it);
	tcase_add_test(verbs, a_restart_asked_for_is_immediate_however_short_the_life_was);
	tcase_add_test(verbs, a_restart_is_done_once_and_then_the_policy_holds_again);
	tcase_add_test(verbs, a_start_is_kept_while_what_ended_is_cleared);
	tcase_add_test(verbs, a_start_is_kept_while_what_ended_is_killed);
	tcase_add_loop_test(verbs, a_restart_is_kept_while_what_ended_is_cleared_or_killed, 0, 2);
	tcase_add_test(verbs, a_stop_while_a_crash_is_cleared_keeps_it_down);
	suite_add_tcase(s, verbs);
	tcase_add_test(spawning, a_stop_before_the_spawn_cancels_it);
	tcase_add_test(spawning, a_stop_during_the_spawn_stops_what_comes_of_it);
	tcase_add_test(spawning, a_stop_and_a_start_during_the_spawn_end_with_a_running_program);
	tcase_add_test(spawning, a_restart_before_the_spawn_is_the_spawn);
	suite_add_tcase(s, spawning);
	return suite_run(s);
}
