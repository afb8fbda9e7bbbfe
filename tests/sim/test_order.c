/* SPDX-License-Identifier: MIT */
/* Who waits for whom, at the start and at the stop (S5), as traces. */
#include <check.h>
#include <signal.h>
#include <stdio.h>

#include "sim/casting.h"
#include "sim/stage.h"
#include "unit/suite.h"

enum { DB, WEB, PROXY };
enum { CROWD = 10000 };

static struct stage stage; /* each test runs in a process of its own */
static struct settings *settings;
static struct program_settings *db, *web, *proxy;

static void cast_three(void)
{
	settings = casting_new(3);
	db = casting_add(settings, "db");
	web = casting_add(settings, "web");
	proxy = casting_add(settings, "proxy");
	db->restart_jitter_percent = web->restart_jitter_percent = 0;
}

/* proxy requires web requires db */
static void cast_chain(void)
{
	cast_three();
	casting_requires(settings, web, db, CONDITION_READY);
	casting_requires(settings, proxy, web, CONDITION_READY);
}

static void open_running(void)
{
	stage_open(&stage, settings);
	stage_boot_all(&stage);
	stage_until(&stage, 5000);
}

static enum life_state state_of(uint32_t program)
{
	return stage_status(&stage, program).state;
}

/* --- starting --- */

START_TEST(what_is_required_comes_first)
{
	cast_chain();
	stage_open(&stage, settings);
	stage_boot(&stage);
	ck_assert_uint_eq(stage_status(&stage, WEB).waits_for, DB);
	ck_assert_uint_eq(stage_status(&stage, PROXY).waits_for, WEB);
	stage_until(&stage, 10);
	stage_spawned(&stage, DB);
	stage_until(&stage, 20);
	stage_spawned(&stage, WEB);
	stage_expect(&stage, "t=0 db STOPPED→WAITING\n"
	                     "t=0 web STOPPED→WAITING\n"
	                     "t=0 proxy STOPPED→WAITING\n"
	                     "t=0 db WAITING→SPAWNING spawn\n"
	                     "t=10 db SPAWNING→RUNNING\n"
	                     "t=10 web WAITING→SPAWNING spawn\n"
	                     "t=20 web SPAWNING→RUNNING\n"
	                     "t=20 proxy WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_oneshot_that_is_done_releases_its_dependent)
{
	cast_three();
	db->type = PROGRAM_ONESHOT;
	casting_requires(settings, web, db, CONDITION_DONE);
	proxy->autostart = false;
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, DB);
	stage_forget(&stage);
	stage_until(&stage, 300);
	stage_gone(&stage, DB, 0);
	stage_expect(&stage, "t=300 db RUNNING→CLEARING watch\n"
	                     "t=300 db CLEARING→EXITED\n"
	                     "t=300 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_oneshot_that_failed_holds_its_dependent_and_a_new_try_releases_it)
{
	cast_three();
	db->type = PROGRAM_ONESHOT;
	db->restart = RESTART_NEVER;
	casting_requires(settings, web, db, CONDITION_DONE);
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, DB);
	stage_gone(&stage, DB, 1);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	ck_assert_uint_eq(stage_status(&stage, WEB).waits_for, DB);
	stage_start(&stage, DB);
	stage_spawned(&stage, DB);
	stage_gone(&stage, DB, 0);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(what_waits_can_be_stopped_at_once)
{
	cast_chain();
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_forget(&stage);
	stage_stop(&stage, WEB);
	stage_expect(&stage, "t=0 proxy WAITING→STOPPED\n"
	                     "t=0 web WAITING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(an_order_alone_does_not_make_anybody_start_or_wait_for_ever)
{
	cast_three();
	db->autostart = false;
	casting_after(settings, web, db, CONDITION_READY);
	stage_open(&stage, settings);
	stage_boot(&stage);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(an_order_alone_is_kept_when_both_are_to_run)
{
	cast_three();
	casting_after(settings, web, db, CONDITION_READY);
	stage_open(&stage, settings);
	stage_boot(&stage);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	stage_spawned(&stage, DB);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(an_order_alone_ends_with_what_was_to_come_first)
{
	cast_three();
	db->restart = RESTART_NEVER;
	casting_after(settings, web, db, CONDITION_DONE);
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, DB);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	stage_gone(&stage, DB, 1);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

/* --- stopping --- */

START_TEST(dependents_stop_before_what_they_depend_on) /* S5 */
{
	cast_chain();
	open_running();
	stage_stop(&stage, DB);
	stage_until(&stage, 6000);
	stage_killed(&stage, PROXY, SIGTERM);
	stage_until(&stage, 7000);
	stage_killed(&stage, WEB, SIGTERM);
	stage_until(&stage, 8000);
	stage_killed(&stage, DB, SIGTERM);
	stage_expect(&stage, "t=5000 proxy RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=6000 proxy STOPPING→CLEARING watch\n"
	                     "t=6000 proxy CLEARING→STOPPED\n"
	                     "t=6000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=7000 web STOPPING→CLEARING watch\n"
	                     "t=7000 web CLEARING→STOPPED\n"
	                     "t=7000 db RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=8000 db STOPPING→CLEARING watch\n"
	                     "t=8000 db CLEARING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_shutdown_keeps_the_order_and_lets_the_unrelated_go_together) /* S5 */
{
	cast_three();
	casting_requires(settings, web, db, CONDITION_READY);
	open_running();
	stage_shutdown(&stage);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 proxy RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, WEB, SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, PROXY, SIGTERM);
	stage_killed(&stage, DB, SIGTERM);
	stage_expect(&stage, "t=5000 proxy STOPPING→CLEARING watch\n"
	                     "t=5000 proxy CLEARING→STOPPED\n"
	                     "t=5000 db STOPPING→CLEARING watch\n"
	                     "t=5000 db CLEARING→STOPPED\n"
	                     "t=5000 quit 0\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_of_a_dependent_leaves_what_it_depends_on)
{
	cast_chain();
	open_running();
	stage_stop(&stage, PROXY);
	stage_killed(&stage, PROXY, SIGTERM);
	ck_assert_int_eq(state_of(PROXY), LIFE_STOPPED);
	ck_assert_int_eq(state_of(WEB), LIFE_RUNNING);
	ck_assert_int_eq(state_of(DB), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_leaves_those_that_only_come_after) /* `after` is order, not need */
{
	cast_three();
	casting_after(settings, web, db, CONDITION_READY);
	open_running();
	stage_stop(&stage, DB);
	stage_killed(&stage, DB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	ck_assert_int_eq(state_of(WEB), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_shutdown_keeps_the_order_of_those_that_only_come_after) /* S5 */
{
	cast_three();
	casting_after(settings, web, db, CONDITION_READY);
	proxy->autostart = false;
	open_running();
	stage_shutdown(&stage);
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, WEB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_crash_of_what_is_depended_on_stops_nobody)
{
	cast_chain();
	open_running();
	stage_killed(&stage, DB, SIGSEGV);
	ck_assert_int_eq(state_of(WEB), LIFE_RUNNING);
	ck_assert_int_eq(state_of(DB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(what_waits_for_its_next_start_goes_at_once_when_it_is_stopped) /* R1, S5 */
{
	cast_chain();
	open_running();
	stage_killed(&stage, DB, SIGSEGV);
	stage_spawned(&stage, DB);
	stage_killed(&stage, DB, SIGSEGV); /* young: back-off, while web and proxy run on */
	ck_assert_int_eq(state_of(DB), LIFE_BACKOFF);
	stage_stop(&stage, DB);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	stage_until(&stage, 10000); /* web and proxy take their time */
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_on_the_way_down_lets_what_was_to_follow_stay) /* R1 */
{
	cast_chain();
	db->restart = RESTART_ON_FAILURE;
	open_running();
	stage_stop(&stage, DB); /* it has still to wait for web */
	stage_start(&stage, DB);
	stage_killed(&stage, PROXY, SIGTERM);
	stage_killed(&stage, WEB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_RUNNING);
	stage_until(&stage, 20000);
	stage_gone(&stage, DB, 0); /* and its own end is its own end again */
	ck_assert_int_eq(state_of(DB), LIFE_EXITED);
	stage_close(&stage);
}
END_TEST

START_TEST(a_restart_on_the_way_down_is_a_restart)
{
	cast_chain();
	open_running();
	stage_stop(&stage, DB);
	stage_restart(&stage, DB);
	stage_killed(&stage, PROXY, SIGTERM);
	stage_killed(&stage, WEB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPING);
	stage_killed(&stage, DB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_dependent_started_on_the_way_down_waits_and_holds_nothing_up) /* S6 */
{
	cast_three();
	casting_requires(settings, web, db, CONDITION_READY);
	open_running();
	stage_stop(&stage, DB);
	stage_start(&stage, WEB);
	stage_killed(&stage, WEB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPING);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	ck_assert_uint_eq(stage_status(&stage, WEB).waits_for, DB);
	stage_killed(&stage, DB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	stage_close(&stage);
}
END_TEST

START_TEST(a_start_in_the_middle_of_a_falling_chain_holds_nothing_up) /* S6 */
{
	cast_chain();
	open_running();
	stage_stop(&stage, DB);
	stage_start(&stage, WEB); /* which waits for proxy, and db for it */
	stage_killed(&stage, PROXY, SIGTERM);
	stage_killed(&stage, WEB, SIGTERM);
	stage_killed(&stage, DB, SIGTERM);
	ck_assert_int_eq(state_of(DB), LIFE_STOPPED);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	ck_assert_uint_eq(stage_status(&stage, WEB).waits_for, DB);
	stage_start(&stage, DB);
	stage_spawned(&stage, DB);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(who_only_comes_after_does_not_wait_for_what_is_told_to_go)
{
	cast_three();
	casting_after(settings, web, db, CONDITION_DONE);
	proxy->autostart = false;
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, DB);
	ck_assert_int_eq(state_of(WEB), LIFE_WAITING);
	stage_stop(&stage, DB);
	ck_assert_int_eq(state_of(WEB), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

/* --- many --- */

START_TEST(a_chain_of_ten_thousand_starts_and_stops_in_order) /* S5, S7 */
{
	struct program_settings *before = NULL;
	char name[16];

	settings = casting_new(CROWD);
	for (int i = 0; i < CROWD; i++) {
		struct program_settings *p;

		snprintf(name, sizeof name, "p%d", i);
		p = casting_add(settings, name);
		if (before)
			casting_requires(settings, p, before, CONDITION_READY);
		before = p;
	}
	stage_open(&stage, settings);
	stage_event(&stage, (struct event){ .type = EVENT_BOOT });
	for (uint32_t i = 0; i < CROWD; i += CROWD / 10)
		ck_assert_int_eq(state_of(i), i ? LIFE_WAITING : LIFE_SPAWNING);
	stage_spawned(&stage, 0);
	stage_spawned(&stage, 1);
	stage_stop(&stage, 0); /* every one after it has to go first */
	ck_assert_int_eq(state_of(1), LIFE_RUNNING);
	stage_spawn_failed(&stage, 2, SPAWN_STEP_CANCELLED, 0);
	stage_killed(&stage, 1, SIGTERM);
	ck_assert_int_eq(state_of(0), LIFE_STOPPING);
	ck_assert_int_eq(state_of(CROWD - 1), LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-order");
	TCase *up = tcase_create("up");
	TCase *down = tcase_create("down");
	TCase *crossing = tcase_create("crossing");
	TCase *many = tcase_create("many");

	tcase_add_test(up, what_is_required_comes_first);
	tcase_add_test(up, a_oneshot_that_is_done_releases_its_dependent);
	tcase_add_test(up, a_oneshot_that_failed_holds_its_dependent_and_a_new_try_releases_it);
	tcase_add_test(up, what_waits_can_be_stopped_at_once);
	tcase_add_test(up, an_order_alone_does_not_make_anybody_start_or_wait_for_ever);
	tcase_add_test(up, an_order_alone_is_kept_when_both_are_to_run);
	tcase_add_test(up, an_order_alone_ends_with_what_was_to_come_first);
	suite_add_tcase(s, up);
	tcase_add_test(down, dependents_stop_before_what_they_depend_on);
	tcase_add_test(down, a_shutdown_keeps_the_order_and_lets_the_unrelated_go_together);
	tcase_add_test(down, a_stop_of_a_dependent_leaves_what_it_depends_on);
	tcase_add_test(down, a_stop_leaves_those_that_only_come_after);
	tcase_add_test(down, a_shutdown_keeps_the_order_of_those_that_only_come_after);
	tcase_add_test(down, a_crash_of_what_is_depended_on_stops_nobody);
	suite_add_tcase(s, down);
	tcase_add_test(crossing, what_waits_for_its_next_start_goes_at_once_when_it_is_stopped);
	tcase_add_test(crossing, a_start_on_the_way_down_lets_what_was_to_follow_stay);
	tcase_add_test(crossing, a_restart_on_the_way_down_is_a_restart);
	tcase_add_test(crossing, a_dependent_started_on_the_way_down_waits_and_holds_nothing_up);
	tcase_add_test(crossing, a_start_in_the_middle_of_a_falling_chain_holds_nothing_up);
	tcase_add_test(crossing, who_only_comes_after_does_not_wait_for_what_is_told_to_go);
	suite_add_tcase(s, crossing);
	tcase_add_test(many, a_chain_of_ten_thousand_starts_and_stops_in_order);
	suite_add_tcase(s, many);
	return suite_run(s);
}
