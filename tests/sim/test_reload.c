/* SPDX-License-Identifier: MIT */
/* New settings: what they start, restart, change and leave alone, as traces. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "sim/casting.h"
#include "sim/draft.h"
#include "sim/stage.h"
#include "unit/suite.h"

/* --- what a difference does --- */

START_TEST(equal_settings_touch_nobody)
{
	draft_pair();
	open_running();
	draft_pair();
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: 2 untouched\n");
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(what_can_change_while_it_runs_does)
{
	static const struct stop_step hard[] = { { SIGINT, 1000 } };

	draft_plain("web");
	open_running();
	draft_plain("web");
	casting_stop(draft, drafted("web"), 1, hard);
	stage_reload(&stage, draft);
	expect_no_past();
	stage_stop(&stage, id("web"));
	stage_expect(&stage, "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING INT+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(what_is_started_otherwise_restarts_and_others_do_not)
{
	draft_plain("db web");
	open_running();
	draft_plain("db web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	ck_assert(stage_status(&stage, id("web")).pending);
	ck_assert_str_eq(command_of("web"), "/bin/true"); /* what runs is what is there */
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_str_eq(command_of("web"), "/bin/new");
	ck_assert(!stage_status(&stage, id("web")).pending);
	expect_no_past();
	stage_spawned(&stage, id("web"));
	stage_expect(&stage, "t=5000 plan: restart web, 1 untouched\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web STOPPING→CLEARING watch\n"
	                     "t=5000 web CLEARING→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n"
	                     "t=5000 web SPAWNING→RUNNING\n");
	stage_close(&stage);
}
END_TEST

START_TEST(it_is_stopped_by_what_it_was_started_by)
{
	static const struct stop_step two[] = { { SIGINT, 1000 }, { SIGQUIT, 1000 } };

	draft_plain("web");
	casting_stop(draft, drafted("web"), 2, two);
	open_running();
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	stage_until(&stage, 7000);
	stage_expect(&stage, "t=5000 plan: restart web, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING INT+CONT:tree\n"
	                     "t=6000 web STOPPING leftovers QUIT+CONT:tree\n"
	                     "t=7000 web STOPPING→KILLING leftovers sweep\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_shorter_stop_does_not_shorten_the_one_under_way)
{
	static const struct stop_step two[] = { { SIGINT, 1000 }, { SIGQUIT, 1000 } };

	draft_plain("web");
	casting_stop(draft, drafted("web"), 2, two);
	open_running();
	stage_stop(&stage, id("web"));
	stage_until(&stage, 6500); /* in its second step */
	stage_forget(&stage);
	draft_plain("web");
	stage_reload(&stage, draft);
	stage_until(&stage, 7000);
	stage_killed(&stage, id("web"), SIGKILL);
	stage_expect(&stage, "t=6500 plan: change web, 0 untouched\n"
	                     "t=7000 web STOPPING→KILLING leftovers sweep\n"
	                     "t=7000 web KILLING watch\n"
	                     "t=7000 web KILLING→STOPPED\n");
	ck_assert_uint_eq(stage.settings->programs[id("web")].stop->count, 1);
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(a_new_program_starts_when_what_it_requires_is_there)
{
	draft_plain("db");
	open_running();
	draft_pair();
	stage_reload(&stage, draft);
	stage_spawned(&stage, id("web"));
	stage_expect(&stage, "t=5000 plan: start web, 1 untouched\n"
	                     "t=5000 web STOPPED→WAITING\n"
	                     "t=5000 web WAITING→SPAWNING spawn\n"
	                     "t=5000 web SPAWNING→RUNNING\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_new_program_without_autostart_is_there_to_be_started)
{
	draft_plain("db");
	open_running();
	draft_plain("db web");
	drafted("web")->autostart = false;
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: add web, 1 untouched\n");
	stage_start(&stage, id("web"));
	ck_assert_int_eq(state_of("web"), LIFE_SPAWNING);
	stage_close(&stage);
}
END_TEST

START_TEST(the_order_of_the_file_means_nothing_to_what_runs)
{
	uint32_t db, web;

	draft_pair();
	open_running();
	db = id("db");
	web = id("web");
	draft_plain("web new db");
	casting_requires(draft, drafted("web"), drafted("db"), CONDITION_READY);
	draft->exit_code_from = casting_index(draft, drafted("db"));
	casting_group(draft, "both", drafted("db"), drafted("web"), NULL);
	stage_reload(&stage, draft);
	ck_assert_uint_eq(id("db"), db);
	ck_assert_uint_eq(id("web"), web);
	ck_assert_uint_eq(id("new"), 2);
	ck_assert_uint_eq(stage.settings->exit_code_from, db);
	ck_assert_uint_eq(stage.settings->programs[web].depends->items[0].program, db);
	ck_assert_uint_eq(stage.settings->groups[0].programs[0], db);
	ck_assert_uint_eq(stage.settings->groups[0].programs[1], web);
	stage_forget(&stage);
	stage_stop(&stage, db); /* S5, as before */
	stage_expect(&stage, "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_swap_of_names_is_two_restarts)
{
	draft_plain("db web");
	casting_command(draft, drafted("db"), "/bin/db");
	casting_command(draft, drafted("web"), "/bin/web");
	open_running();
	draft_plain("web db");
	casting_command(draft, drafted("web"), "/bin/db");
	casting_command(draft, drafted("db"), "/bin/web");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: restart web, restart db, 0 untouched\n"
	                     "t=5000 web RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 db RUNNING→STOPPING TERM+CONT:tree\n");
	stage_killed(&stage, id("db"), SIGTERM);
	ck_assert_str_eq(command_of("db"), "/bin/web");
	ck_assert_str_eq(command_of("web"), "/bin/web");
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert_str_eq(command_of("web"), "/bin/db");
	expect_no_past();
	stage_close(&stage);
}
END_TEST

START_TEST(a_claimed_signal_is_relayed_to_who_was_started_with_the_claim)
{
	draft_plain("web");
	casting_forward(draft, drafted("web"), SIGHUP, SIGUSR1);
	open_running();
	draft_plain("web");
	casting_command(draft, drafted("web"), "/bin/new");
	stage_reload(&stage, draft);
	ck_assert(supervisor_claims_signal(stage.sv, SIGHUP));
	stage_killed(&stage, id("web"), SIGTERM);
	ck_assert(!supervisor_claims_signal(stage.sv, SIGHUP)); /* it means reload again */
	stage_close(&stage);
}
END_TEST

/* --- instances --- */

START_TEST(instances_grow_and_shrink_without_touching_the_others)
{
	draft_plain("web:0 web:1 db");
	open_running();
	draft_plain("web:0 web:1 web:2 web:3 db");
	stage_reload(&stage, draft);
	stage_spawned(&stage, id("web:2"));
	stage_spawned(&stage, id("web:3"));
	draft_plain("web:0 db");
	stage_reload(&stage, draft);
	stage_expect(&stage, "t=5000 plan: start web:2, start web:3, 3 untouched\n"
	                     "t=5000 web:2 STOPPED→WAITING\n"
	                     "t=5000 web:3 STOPPED→WAITING\n"
	                     "t=5000 web:2 WAITING→SPAWNING spawn\n"
	                     "t=5000 web:3 WAITING→SPAWNING spawn\n"
	                     "t=5000 web:2 SPAWNING→RUNNING\n"
	                     "t=5000 web:3 SPAWNING→RUNNING\n"
	                     "t=5000 plan: stop web:1, stop web:2, stop web:3, 2 untouched\n"
	                     "t=5000 web:1 RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web:2 RUNNING→STOPPING TERM+CONT:tree\n"
	                     "t=5000 web:3 RUNNING→STOPPING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(deadlines_move_with_their_programs)
{
	draft_plain("web");
	drafted("web")->restart_delay_ms = 1000;
	stage_open(&stage, draft);
	stage_boot(&stage);
	stage_spawn_failed(&stage, 0, SPAWN_STEP_EXEC, ENOENT);
	for (int n = 0; n < 6; n++) { /* every one of them moves all that is there */
		static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

		draft_plain("web");
		drafted("web")->restart_delay_ms = 1000;
		for (int i = 0; i <= n; i++)
			draft_add(names[i])->autostart = false;
		stage_reload(&stage, draft);
	}
	stage_forget(&stage);
	stage_until(&stage, 1000);
	stage_expect(&stage, "t=1000 web BACKOFF→WAITING\n"
	                     "t=1000 web WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(thousands_come_and_go) /* S7 */
{
	enum { CROWD = 1000 };
	char name[16];

	for (int round = 0; round < 3; round++) {
		draft = casting_new(CROWD + 1);
		for (int i = round; i < CROWD; i += round + 1) {
			struct program_settings *p;

			snprintf(name, sizeof name, "p%d", i);
			p = casting_add(draft, name);
			if (draft->program_count > 1)
				casting_requires(draft, p, &draft->programs[0], CONDITION_READY);
		}
		if (round == 0) {
			stage_open(&stage, draft);
			stage_boot_all(&stage);
		} else {
			stage_reload(&stage, draft);
		}
	}
	stage_shutdown(&stage);
	for (uint32_t i = CROWD; i-- > 0;) {
		struct program_status status = stage_status(&stage, i);

		if (status.state == LIFE_SPAWNING)
			stage_spawn_failed(&stage, i, SPAWN_STEP_CANCELLED, 0);
		else if (status.state != LIFE_STOPPED)
			stage_killed(&stage, i, SIGTERM);
	}
	ck_assert_int_eq(stage_status(&stage, 0).state, LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

/* --- a program's own reload --- */

START_TEST(a_program_is_told_to_read_its_files_as_it_was_said)
{
	static char *const words[] = { (char *)"reload", NULL };
	const struct event ev = { .type = EVENT_RELOAD, .program = 0 };

	draft_plain("web");
	open_running();
	ck_assert_int_eq(stage_try(&stage, ev), -ENOTSUP);
	draft_plain("web");
	drafted("web")->reload_signal = SIGHUP;
	stage_reload(&stage, draft);
	ck_assert_int_eq(stage_try(&stage, ev), 0);
	draft_plain("web");
	drafted("web")->reload_signal = SIGHUP;
	drafted("web")->reload_command = words;
	stage_reload(&stage, draft);
	ck_assert_int_eq(stage_try(&stage, ev), 0);
	stage_expect(&stage, "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 web RUNNING HUP:main\n"
	                     "t=5000 plan: change web, 0 untouched\n"
	                     "t=5000 web RUNNING reload-command\n");
	stage_stop(&stage, 0);
	ck_assert_int_eq(stage_try(&stage, ev), -ESRCH);
	draft_plain("");
	stage_reload(&stage, draft);
	ck_assert_int_eq(stage_try(&stage, ev), -ENOENT);
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-reload");
	TCase *difference = tcase_create("difference");
	TCase *instances = tcase_create("instances");
	TCase *own = tcase_create("own");

	tcase_add_test(difference, equal_settings_touch_nobody);
	tcase_add_test(difference, what_can_change_while_it_runs_does);
	tcase_add_test(difference, what_is_started_otherwise_restarts_and_others_do_not);
	tcase_add_test(difference, it_is_stopped_by_what_it_was_started_by);
	tcase_add_test(difference, a_shorter_stop_does_not_shorten_the_one_under_way);
	tcase_add_test(difference, a_new_program_starts_when_what_it_requires_is_there);
	tcase_add_test(difference, a_new_program_without_autostart_is_there_to_be_started);
	tcase_add_test(difference, the_order_of_the_file_means_nothing_to_what_runs);
	tcase_add_test(difference, a_swap_of_names_is_two_restarts);
	tcase_add_test(difference, a_claimed_signal_is_relayed_to_who_was_started_with_the_claim);
	suite_add_tcase(s, difference);
	tcase_add_test(instances, instances_grow_and_shrink_without_touching_the_others);
	tcase_add_test(instances, deadlines_move_with_their_programs);
	tcase_add_test(instances, thousands_come_and_go);
	suite_add_tcase(s, instances);
	tcase_add_test(own, a_program_is_told_to_read_its_files_as_it_was_said);
	suite_add_tcase(s, own);
	return suite_run(s);
}
