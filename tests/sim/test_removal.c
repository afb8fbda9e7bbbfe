/* SPDX-License-Identifier: MIT */
/* Programs that the settings no longer name, and those that are named again, as traces. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "sim/casting.h"
#include "sim/draft.h"
#include "sim/stage.h"
#include "unit/suite.h"

/* --- going --- */

START_TEST(what_is_not_named_any_more_stops_and_its_id_is_free)
{
	uint32_t db;

	draft_plain("db web");
	open_running();
	db = id("db");
	draft_plain("web");
	stage_reload(&stage, draft);
	ck_assert(stage_status(&stage, db).removed);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_START, .program = db }),
	                 -ENOENT);
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_RESTART, .program = db }),
	                 -ENOENT);
	stage_stop(&stage, db); /* it does already */
	stage_killed(&stage, db, SIGTERM);
	ck_assert(supervisor_has(stage.sv, db));
	ck_assert_str_eq(stage.settings->programs[db].name, "db");
	stage_forgotten(&stage, db);
	ck_assert(!supervisor_has(stage.sv, db));
	expect_no_past();
	ck_assert_int_eq(stage_try(&stage, (struct event){ .type = EVENT_START, .program = db }),
	                 -ENOENT);
	stage_expect(&stage, "t=5000 plan: stop db, 1 untouched\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 db STOPPING→CLEARING watch\n"
	                     "t=5000 db CLEARING→STOPPED removed\n");
	draft_plain("web new");
	stage_reload(&stage, draft);
	ck_assert_uint_eq(id("new"), db);
	stage_close(&stage);
}
END_TEST

START_TEST(what_rests_goes_at_once)
{
	draft_plain("db web");
	drafted("db")->autostart = false;
	open_running();
	draft_plain("web");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: stop db, 1 untouched\n"
	                     "t=5000 db STOPPED removed\n");
	stage_close(&stage);
}
END_TEST

START_TEST(an_id_is_not_given_away_before_it_is_free)
{
	uint32_t db;

	draft_plain("db web");
	open_running();
	db = id("db");
	draft_plain("web new");
	stage_reload(&stage, draft);
	ck_assert_uint_ne(id("new"), db);
	stage_killed(&stage, db, SIGTERM);
	draft_plain("web new newer");
	stage_reload(&stage, draft);
	ck_assert_uint_ne(id("newer"), db);
	stage_forgotten(&stage, db);
	ck_assert_str_eq(stage.settings->programs[id("newer")].name, "newer");
	stage_close(&stage);
}
END_TEST

START_TEST(a_dependency_and_its_dependent_go_in_order) /* S5 */
{
	draft_pair();
	open_running();
	draft_plain("other");
	stage_reload(&stage, draft);
	stage_killed(&stage, id("web"), SIGTERM);
	stage_killed(&stage, id("db"), SIGTERM);
	stage_expect(&stage, "t=5000 plan: stop db, stop web, start other, 0 untouched\n"
	                     "t=5000 other STOPPED→WAITING\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 other WAITING→SPAWNING spawn\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPED removed\n"
	                     "t=5000 db STOPPING→CLEARING watch\n"
	                     "t=5000 db CLEARING→STOPPED removed\n");
	stage_close(&stage);
}
END_TEST

START_TEST(who_restarts_without_it_goes_before_what_it_required) /* S5 */
{
	draft_pair();
	open_running();
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: stop db, restart web, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	stage_killed(&stage, id("db"), SIGTERM);
	stage_forgotten(&stage, id("db"));
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(who_does_not_require_it_any_more_stays_and_holds_nothing_up)
{
	draft_pair();
	open_running();
	draft_plain("web");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: stop db, change web, 0 untouched\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, id("db"), SIGTERM);
	stage_forgotten(&stage, id("db"));
	ck_assert_int_eq(state_of("web"), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(an_id_is_not_given_away_while_somebody_still_leans_on_it)
{
	uint32_t db;

	draft_pair();
	drafted("db")->restart = RESTART_NEVER;
	open_running();
	db = id("db");
	stage_gone(&stage, db, 1);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_forgotten(&stage, db);
	draft_plain("web new");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft); /* web still stops, and was started for db */
	ck_assert_uint_ne(id("new"), db);
	stage_killed(&stage, id("web"), SIGTERM);
	draft_plain("web new newer");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	ck_assert_uint_eq(id("newer"), db);
	stage_close(&stage);
}
END_TEST

START_TEST(the_end_of_what_was_removed_ends_nobody_else)
{
	draft_plain("db web");
	drafted("db")->on_exit = drafted("db")->on_failure = END_EXIT;
	draft->exit_when = EXIT_WHEN_ANY;
	open_running();
	draft_plain("web");
	draft->exit_when = EXIT_WHEN_ANY;
	stage_reload(&stage, draft);
	stage_gone(&stage, id("db"), 1);
	ck_assert_int_eq(stage_status(&stage, id("db")).state, LIFE_STOPPED);
	ck_assert(!supervisor_is_shutting_down(stage.sv));
	stage_close(&stage);
}
END_TEST

START_TEST(an_end_that_is_not_in_the_settings_any_more_counts_no_more)
{
	draft_plain("job web");
	drafted("job")->type = PROGRAM_ONESHOT;
	draft->exit_when = EXIT_WHEN_ALL;
	open_running();
	stage_gone(&stage, id("job"), 0);
	draft_plain("web");
	draft->exit_when = EXIT_WHEN_ALL;
	stage_reload(&stage, draft);
	stage_forgotten(&stage, id("job"));
	stage_stop(&stage, id("web"));
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert(!supervisor_is_shutting_down(stage.sv));
	stage_close(&stage);
}
END_TEST

/* --- named again --- */

START_TEST(named_again_while_it_stops_it_starts_with_what_is_new)
{
	uint32_t web;

	draft_plain("web");
	open_running();
	web = id("web");
	draft_plain("");
	stage_reload(&stage, draft);
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	ck_assert_uint_eq(id("web"), web);
	ck_assert(!stage_status(&stage, web).removed);
	stage_killed(&stage, web, SIGTERM);
	stage_expect(&stage, "t=5000 plan: stop web, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 plan: start web, 0 untouched\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n");
	ck_assert_str_eq(command_of("web"), "/bin/new");
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(named_again_without_autostart_it_rests)
{
	draft_plain("web");
	open_running();
	draft_plain("");
	stage_reload(&stage, draft);
	draft_plain("web");
	drafted("web")->autostart = false;
	stage_reload(&stage, draft);
	stage_forget(&stage);
	stage_killed(&stage, id("web"), SIGTERM);
	stage_expect(&stage, "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→STOPPED\n");
	stage_start(&stage, id("web"));
	ck_assert_int_eq(state_of("web"), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(named_again_before_it_was_forgotten_it_is_there)
{
	uint32_t web;

	draft_plain("web");
	open_running();
	web = id("web");
	draft_plain("");
	stage_reload(&stage, draft);
	stage_killed(&stage, web, SIGTERM); /* removed; the answer is late */
	draft_plain("web");
	stage_reload(&stage, draft);
	ck_assert_uint_eq(id("web"), web);
	stage_event(&stage, (struct event){ .type = EVENT_FORGOTTEN, .program = web });
	ck_assert_int_eq(state_of("web"), LIFE_SPAWNING);
	stage_spawned(&stage, web);
	ck_assert_int_eq(state_of("web"), LIFE_RUNNING);
	stage_close(&stage);
}
END_TEST

START_TEST(named_again_before_its_turn_came_it_stays)
{
	draft_pair();
	open_running();
	draft_plain("");
	stage_reload(&stage, draft); /* db has to wait for web */
	ck_assert_int_eq(state_of("db"), LIFE_RUNNING);
	draft_plain("db");
	stage_reload(&stage, draft);
	stage_killed(&stage, id("web"), SIGTERM);
	stage_forgotten(&stage, id("web"));
	ck_assert_int_eq(state_of("db"), LIFE_RUNNING);
	ck_assert(stage_status(&stage, id("db")).wanted);
	expect_no_past();
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-removal");
	TCase *going = tcase_create("going");
	TCase *again = tcase_create("again");

	tcase_add_test(going, what_is_not_named_any_more_stops_and_its_id_is_free);
	tcase_add_test(going, what_rests_goes_at_once);
	tcase_add_test(going, an_id_is_not_given_away_before_it_is_free);
	tcase_add_test(going, a_dependency_and_its_dependent_go_in_order);
	tcase_add_test(going, who_restarts_without_it_goes_before_what_it_required);
	tcase_add_test(going, who_does_not_require_it_any_more_stays_and_holds_nothing_up);
	tcase_add_test(going, an_id_is_not_given_away_while_somebody_still_leans_on_it);
	tcase_add_test(going, the_end_of_what_was_removed_ends_nobody_else);
	tcase_add_test(going, an_end_that_is_not_in_the_settings_any_more_counts_no_more);
	suite_add_tcase(s, going);
	tcase_add_test(again, named_again_while_it_stops_it_starts_with_what_is_new);
	tcase_add_test(again, named_again_without_autostart_it_rests);
	tcase_add_test(again, named_again_before_it_was_forgotten_it_is_there);
	tcase_add_test(again, named_again_before_its_turn_came_it_stays);
	suite_add_tcase(s, again);
	return suite_run(s);
}
