/* SPDX-License-Identifier: MIT */
/* New settings in the middle of something else: one outcome each, as traces. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "sim/casting.h"
#include "sim/draft.h"
#include "sim/stage.h"
#include "unit/suite.h"

/* --- in the middle of something --- */

START_TEST(in_back_off_it_is_tried_at_once_with_what_is_new)
{
	draft_plain("web");
	drafted("web")->restart_delay_ms = 10000;
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_spawn_failed(&stage, id("web"), SPAWN_STEP_EXEC, ENOENT);
	ck_assert_int_eq(state_of("web"), LIFE_BACKOFF);
	stage_until(&stage, 1000);
	stage_forget(&stage);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=1000 plan: start web, 0 untouched\n"
	                     "t=1000 web BACKOFF→WAITING\n"
	                     "t=1000 web WAITING→SPAWNING spawn\n");
	ck_assert_str_eq(command_of("web"), "/bin/new");
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(in_back_off_a_change_of_policy_leaves_the_deadline)
{
	draft_plain("web");
	drafted("web")->restart_delay_ms = 10000;
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_spawn_failed(&stage, id("web"), SPAWN_STEP_EXEC, ENOENT);
	stage_forget(&stage);
	draft_plain("web");
	stage_reload(&stage, draft);
	stage_until(&stage, 10000);
	stage_expect(&stage, "t=0 plan: change web, 0 untouched\n"
	                     "t=10000 web BACKOFF→WAITING\n"
	                     "t=10000 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(what_failed_is_tried_with_what_is_new) /* R3 */
{
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_spawn_failed(&stage, id("web"), SPAWN_STEP_EXEC, ENOENT);
	ck_assert_int_eq(state_of("web"), LIFE_FAILED);
	stage_forget(&stage);
	draft_plain("web");
	stage_reload(&stage, draft); /* another policy makes it no better */
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=0 plan: change web, 0 untouched\n"
	                     "t=0 plan: start web, 0 untouched\n"
	                     "t=0 web FAILED→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(what_was_stopped_stays_so)
{
	draft_plain("web");
	open_running();
	stage_stop(&stage, id("web"));
	stage_killed(&stage, id("web"), SIGTERM);
	stage_forget(&stage);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: change web, 0 untouched\n");
	ck_assert_str_eq(command_of("web"), "/bin/new");
	stage_close(&stage);
}
END_TEST

START_TEST(during_a_stop_what_is_new_waits_for_the_next_start)
{
	draft_plain("web");
	open_running();
	stage_stop(&stage, id("web"));
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_start(&stage, id("web"));
	ck_assert_str_eq(command_of("web"), "/bin/true");
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_str_eq(command_of("web"), "/bin/new");
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(two_reloads_during_one_stop_the_last_one_holds)
{
	draft_plain("web");
	open_running();
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/newer");
	stage_reload(&stage, draft);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/newer");
	stage_reload(&stage, draft);
	ck_assert_str_eq(command_of("web"), "/bin/true");
	ck_assert_ptr_nonnull(stage.settings->past);
	ck_assert_ptr_null(stage.settings->past->next); /* of three, one is lived by */
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=5000 plan: restart web, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 plan: 1 untouched\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	ck_assert_str_eq(command_of("web"), "/bin/newer");
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_that_was_asked_for_is_not_made_with_what_is_old)
{
	draft_plain("web");
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_forget(&stage);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	ck_assert(!supervisor_wants_spawn(stage.sv, id("web")));
	stage_spawn_failed(&stage, id("web"), SPAWN_STEP_CANCELLED, 0);
	ck_assert(supervisor_wants_spawn(stage.sv, id("web")));
	stage_expect(&stage, "t=0 plan: restart web, 0 untouched\n"
	                     "t=0 web SPAWNING→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	ck_assert_str_eq(command_of("web"), "/bin/new");
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_under_way_that_fails_says_nothing_of_what_is_new)
{
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_forget(&stage);
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_spawn_failed(&stage, id("web"), SPAWN_STEP_EXEC, ENOENT);
	stage_expect(&stage, "t=0 plan: restart web, 0 untouched\n"
	                     "t=0 web SPAWNING→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_under_way_that_succeeds_is_stopped_again)
{
	draft_plain("web");
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_forget(&stage);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_spawned(&stage, id("web"));
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=0 plan: restart web, 0 untouched\n"
	                     "t=0 web SPAWNING→STOPPING TERM+CONT:tree\n"
	                     "t=0 web STOPPING→CLEARING watch\n"
	                     "t=0 web CLEARING→WAITING\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(what_waits_waits_by_the_new_conditions)
{
	draft_pair();
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_forget(&stage);
	draft_plain("db web");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=0 plan: change web, 1 untouched\n"
	                     "t=0 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_crash_and_a_new_command_are_one_start)
{
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	open_running();
	stage_exit(&stage, id("web"), 1);
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_empty(&stage, id("web"));
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 plan: start web, 0 untouched\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_crash_is_judged_by_the_policy_it_happened_under)
{
	draft_plain("web");
	drafted("web")->restart = RESTART_NEVER;
	open_running();
	stage_exit(&stage, id("web"), 1);
	draft_plain("web");
	stage_reload(&stage, draft);
	stage_empty(&stage, id("web"));
	stage_expect(&stage, "t=5000 web RUNNING→CLEARING watch\n"
	                     "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 web CLEARING→FAILED\n");
	ck_assert_int_eq(stage.settings->programs[id("web")].restart, RESTART_ALWAYS);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_that_waits_for_its_turn_is_one_with_what_is_new)
{
	draft_pair();
	open_running();
	stage_stop(&stage, id("db")); /* web first */
	draft_pair();
	casting_command(draft, drafted("db"), "/bin/new");
	stage_reload(&stage, draft);
	stage_start(&stage, id("db"));
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 plan: change db, 1 untouched\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, id("db"), SIGTERM);
	ck_assert_int_eq(state_of("db"), LIFE_SPAWNING);
	ck_assert_str_eq(command_of("db"), "/bin/new");
	stage_close(&stage);
}
END_TEST

START_TEST(dependencies_turned_round_in_the_middle_of_a_stop_hold_nobody_for_ever)
{
	/* proxy requires web requires db: a stop of db waits for web, which waits for proxy */
	draft_plain("db web proxy");
	casting_requires(draft, drafted("web"), drafted("db"), CONDITION_READY);
	casting_requires(draft, drafted("proxy"), drafted("web"), CONDITION_READY);
	open_running();
	stage_stop(&stage, id("db"));
	draft_plain("db web proxy");
	casting_requires(draft, drafted("db"), drafted("web"), CONDITION_READY);
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_killed(&stage, id("proxy"), SIGTERM);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING); /* it waits for web no more */
	stage_killed(&stage, id("db"), SIGTERM);
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_int_eq(state_of("web"), LIFE_STOPPED);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPED);
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(who_comes_to_require_what_is_about_to_go_does_not_hold_it)
{
	draft_plain("db web new");
	casting_requires(draft, drafted("web"), drafted("db"), CONDITION_READY);
	open_running();
	stage_stop(&stage, id("db")); /* web first */
	draft_plain("db web new");
	casting_requires(draft, drafted("web"), drafted("db"), CONDITION_READY);
	casting_requires(draft, drafted("new"), drafted("db"), CONDITION_READY);
	stage_reload(&stage, draft);
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING);
	ck_assert_int_eq(state_of("new"), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_of_what_it_will_not_require_leaves_its_restart)
{
	draft_pair();
	open_running();
	draft_plain("db web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_stop(&stage, id("db"));
	ck_assert_int_eq(state_of("db"), LIFE_RUNNING); /* web goes first all the same (S5) */
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING);
	ck_assert_int_eq(state_of("web"), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_of_what_it_will_require_takes_its_restart_along)
{
	draft_plain("db web");
	open_running();
	draft_pair();
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_stop(&stage, id("db"));
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING); /* this web does not need it */
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_int_eq(state_of("web"), LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

START_TEST(an_end_under_the_old_policy_means_the_group_of_now)
{
	draft_plain("x web db");
	drafted("web")->restart = RESTART_NEVER;
	drafted("web")->on_failure = END_STOP_GROUP;
	casting_group(draft, "one", drafted("x"), NULL);
	casting_group(draft, "two", drafted("web"), drafted("db"), NULL);
	open_running();
	stage_exit(&stage, id("web"), 1);
	draft_plain("x web db");
	casting_group(draft, "two", drafted("web"), drafted("db"), NULL);
	stage_reload(&stage, draft);
	stage_empty(&stage, id("web"));
	ck_assert_int_eq(state_of("web"), LIFE_FAILED);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING);
	ck_assert_int_eq(state_of("x"), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(who_comes_back_to_an_order_lets_the_other_go)
{
	draft_plain("db web");
	casting_after(draft, drafted("web"), drafted("db"), CONDITION_READY);
	open_running();
	stage_stop(&stage, id("web"));
	stage_stop(&stage, id("db")); /* web first */
	ck_assert_int_eq(state_of("db"), LIFE_RUNNING);
	stage_start(&stage, id("web"));
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING);
	ck_assert_int_eq(state_of("web"), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(who_stays_after_all_lets_the_other_go)
{
	draft_plain("db web proxy");
	casting_after(draft, drafted("web"), drafted("db"), CONDITION_READY);
	casting_requires(draft, drafted("proxy"), drafted("web"), CONDITION_READY);
	open_running();
	stage_stop(&stage, id("web")); /* proxy first */
	stage_stop(&stage, id("db"));  /* web first */
	ck_assert_int_eq(state_of("db"), LIFE_RUNNING);
	stage_start(&stage, id("web"));
	ck_assert_int_eq(state_of("web"), LIFE_RUNNING);
	ck_assert_int_eq(state_of("db"), LIFE_STOPPING);
	stage_close(&stage);
}
END_TEST

START_TEST(no_reload_once_a_shutdown_has_begun)
{
	draft_plain("web");
	draft->stop_delay_ms = 1000;
	open_running();
	stage_shutdown(&stage);
	draft_plain("web new");
	ck_assert_int_eq(stage_try_reload(&stage, draft), -ESHUTDOWN);
	stage_until(&stage, 6000);
	draft_plain("");
	ck_assert_int_eq(stage_try_reload(&stage, draft), -ESHUTDOWN);
	stage_forget(&stage);
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=6000 web STOPPING→CLEARING watch\n"
	                     "t=6000 web CLEARING→STOPPED\n"
	                     "t=6000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_shutdown_finds_what_is_being_removed)
{
	draft_pair();
	open_running();
	draft_plain("db");
	stage_reload(&stage, draft);
	stage_shutdown(&stage);
	stage_forget(&stage);
	stage_killed(&stage, id("web"), SIGTERM);
	stage_killed(&stage, id("db"), SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPED removed\n"
	                     "t=5000 db STOPPING→CLEARING watch\n"
	                     "t=5000 db CLEARING→STOPPED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-midway");
	TCase *crossing = tcase_create("crossing");

	tcase_add_test(crossing, in_back_off_it_is_tried_at_once_with_what_is_new);
	tcase_add_test(crossing, in_back_off_a_change_of_policy_leaves_the_deadline);
	tcase_add_test(crossing, what_failed_is_tried_with_what_is_new);
	tcase_add_test(crossing, what_was_stopped_stays_so);
	tcase_add_test(crossing, during_a_stop_what_is_new_waits_for_the_next_start);
	tcase_add_test(crossing, two_reloads_during_one_stop_the_last_one_holds);
	tcase_add_test(crossing, a_start_that_was_asked_for_is_not_made_with_what_is_old);
	tcase_add_test(crossing, a_start_under_way_that_fails_says_nothing_of_what_is_new);
	tcase_add_test(crossing, a_start_under_way_that_succeeds_is_stopped_again);
	tcase_add_test(crossing, what_waits_waits_by_the_new_conditions);
	tcase_add_test(crossing, a_crash_and_a_new_command_are_one_start);
	tcase_add_test(crossing, a_crash_is_judged_by_the_policy_it_happened_under);
	tcase_add_test(crossing, a_restart_that_waits_for_its_turn_is_one_with_what_is_new);
	tcase_add_test(crossing,
	               dependencies_turned_round_in_the_middle_of_a_stop_hold_nobody_for_ever);
	tcase_add_test(crossing, who_comes_to_require_what_is_about_to_go_does_not_hold_it);
	tcase_add_test(crossing, a_stop_of_what_it_will_not_require_leaves_its_restart);
	tcase_add_test(crossing, a_stop_of_what_it_will_require_takes_its_restart_along);
	tcase_add_test(crossing, an_end_under_the_old_policy_means_the_group_of_now);
	tcase_add_test(crossing, who_comes_back_to_an_order_lets_the_other_go);
	tcase_add_test(crossing, who_stays_after_all_lets_the_other_go);
	tcase_add_test(crossing, no_reload_once_a_shutdown_has_begun);
	tcase_add_test(crossing, a_shutdown_finds_what_is_being_removed);
	suite_add_tcase(s, crossing);
	return suite_run(s);
}
