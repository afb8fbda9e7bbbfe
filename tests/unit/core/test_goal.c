/* SPDX-License-Identifier: MIT */
/* Every cell of the table, and what the record adds to it.  The states are set by hand: how they
 * come about is tests/sim. */
#include "core/goal.h"

#include <check.h>
#include <stdio.h>

#include "core/supervisor_private.h"
#include "sim/casting.h"
#include "unit/suite.h"

enum { WEB, DB };

static struct supervisor *sv; /* each test runs in a process of its own */
static struct settings *settings;
static struct program *web, *db;

static void open_goals(void)
{
	settings = casting_new(2);
	casting_add(settings, "web");
	casting_add(settings, "db");
	sv = supervisor_new(settings, 1);
	ck_assert_ptr_nonnull(sv);
	web = &sv->programs[WEB];
	db = &sv->programs[DB];
}

static void close_goals(void)
{
	supervisor_free(sv);
	settings_free(settings);
}

/* a program as it is seldom seen, and yet may be */
static void put(struct program *p, enum life_state state, bool wanted, bool again)
{
	p->state = (uint8_t)state;
	p->wanted = wanted;
	p->again = again;
}

static void expect(const struct goal_watch *watch, enum goal_verdict verdict)
{
	ck_assert_msg(goal_judge(sv, watch) == verdict, "goal %d in %s: %d instead of %d",
	              watch->goal, life_state_symbol(sv->programs[watch->program].state),
	              goal_judge(sv, watch), verdict);
	ck_assert_msg((verdict == GOAL_MISSED) == (goal_explain(sv, watch) != NULL),
	              "a goal is missed without a reason, or the other way round");
}

enum { P = GOAL_PENDING, R = GOAL_REACHED, M = GOAL_MISSED };

/* rows: a program that is wanted where it can be, with one start since the request */
static const int ordinary[GOAL_COUNT][LIFE_STATE_COUNT] = {
	[GOAL_UP] = {
		[LIFE_STOPPED] = M, [LIFE_WAITING] = P, [LIFE_SPAWNING] = P, [LIFE_STARTING] = P,
		[LIFE_LAUNCHED] = P, [LIFE_RUNNING] = R, [LIFE_STOPPING] = P, [LIFE_CLEARING] = P,
		[LIFE_KILLING] = P, [LIFE_BACKOFF] = P, [LIFE_EXITED] = M, [LIFE_FAILED] = M,
	},
	[GOAL_RENEWED] = {
		[LIFE_STOPPED] = M, [LIFE_WAITING] = P, [LIFE_SPAWNING] = P, [LIFE_STARTING] = P,
		[LIFE_LAUNCHED] = P, [LIFE_RUNNING] = R, [LIFE_STOPPING] = P, [LIFE_CLEARING] = P,
		[LIFE_KILLING] = P, [LIFE_BACKOFF] = P, [LIFE_EXITED] = M, [LIFE_FAILED] = M,
	},
	[GOAL_DOWN] = {
		[LIFE_STOPPED] = R, [LIFE_WAITING] = M, [LIFE_SPAWNING] = M, [LIFE_STARTING] = M,
		[LIFE_LAUNCHED] = M, [LIFE_RUNNING] = M, [LIFE_STOPPING] = M, [LIFE_CLEARING] = M,
		[LIFE_KILLING] = M, [LIFE_BACKOFF] = M, [LIFE_EXITED] = R, [LIFE_FAILED] = R,
	},
	[GOAL_GONE] = {
		[LIFE_STOPPED] = M, [LIFE_WAITING] = M, [LIFE_SPAWNING] = M, [LIFE_STARTING] = M,
		[LIFE_LAUNCHED] = M, [LIFE_RUNNING] = M, [LIFE_STOPPING] = M, [LIFE_CLEARING] = M,
		[LIFE_KILLING] = M, [LIFE_BACKOFF] = M, [LIFE_EXITED] = M, [LIFE_FAILED] = M,
	},
	[GOAL_STATE] = {
		[LIFE_STOPPED] = P, [LIFE_WAITING] = P, [LIFE_SPAWNING] = R, [LIFE_STARTING] = R,
		[LIFE_LAUNCHED] = R, [LIFE_RUNNING] = P, [LIFE_STOPPING] = P, [LIFE_CLEARING] = P,
		[LIFE_KILLING] = P, [LIFE_BACKOFF] = P, [LIFE_EXITED] = P, [LIFE_FAILED] = P,
	},
};

/* the same once nobody wants it any more */
static const int unwanted[GOAL_COUNT][LIFE_STATE_COUNT] = {
	[GOAL_UP] = { [LIFE_SPAWNING] = M,
	              [LIFE_STARTING] = M,
	              [LIFE_LAUNCHED] = M,
	              [LIFE_RUNNING] = M,
	              [LIFE_STOPPING] = M,
	              [LIFE_CLEARING] = M,
	              [LIFE_KILLING] = M },
	[GOAL_RENEWED] = { [LIFE_SPAWNING] = M,
	                   [LIFE_STARTING] = M,
	                   [LIFE_LAUNCHED] = M,
	                   [LIFE_RUNNING] = M,
	                   [LIFE_STOPPING] = M,
	                   [LIFE_CLEARING] = M,
	                   [LIFE_KILLING] = M },
	[GOAL_DOWN] = { [LIFE_SPAWNING] = P,
	                [LIFE_STARTING] = P,
	                [LIFE_LAUNCHED] = P,
	                [LIFE_RUNNING] = P,
	                [LIFE_STOPPING] = P,
	                [LIFE_CLEARING] = P,
	                [LIFE_KILLING] = P },
};

static struct goal_watch begin(enum goal goal)
{
	struct goal_watch watch = goal_watch_begin(sv, goal, WEB);

	watch.state_name = "starting";
	return watch;
}

START_TEST(each_state_has_its_verdict)
{
	struct goal_watch watch = begin((enum goal)_i);

	web->starts++;
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		put(web, state, !life_state_is_settled(state), false);
		expect(&watch, (enum goal_verdict)ordinary[_i][state]);
	}
}
END_TEST

START_TEST(each_state_that_somebody_else_has_turned_has_its_verdict)
{
	struct goal_watch watch = begin((enum goal)_i);

	web->starts++;
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		put(web, state, false, false);
		if (life_state_is_active(state))
			expect(&watch, (enum goal_verdict)unwanted[_i][state]);
	}
}
END_TEST

START_TEST(a_start_that_follows_a_stop_is_waited_for)
{
	struct goal_watch up = begin(GOAL_UP), renewed = begin(GOAL_RENEWED);
	struct goal_watch down = begin(GOAL_DOWN);

	web->failed++; /* what was there before does not matter */
	web->starts++;
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		if (!life_state_is_active(state))
			continue;
		put(web, state, true, true);
		expect(&up, GOAL_PENDING);
		expect(&renewed, GOAL_PENDING);
		expect(&down, GOAL_MISSED);
	}
}
END_TEST

START_TEST(a_renewal_is_another_process)
{
	struct goal_watch renewed = begin(GOAL_RENEWED), up = begin(GOAL_UP);

	put(web, LIFE_RUNNING, true, false);
	expect(&renewed, GOAL_PENDING);
	expect(&up, GOAL_REACHED);
	web->starts++;
	expect(&renewed, GOAL_REACHED);
}
END_TEST

START_TEST(a_failed_start_is_told_even_if_it_is_tried_again)
{
	static const enum life_state tried[] = { LIFE_BACKOFF,  LIFE_WAITING,  LIFE_SPAWNING,
		                                 LIFE_STARTING, LIFE_LAUNCHED, LIFE_CLEARING };
	struct goal_watch up = begin(GOAL_UP), renewed = begin(GOAL_RENEWED);

	put(web, LIFE_BACKOFF, true, false);
	expect(&up, GOAL_PENDING); /* the failures before the request were others */
	web->failed++;
	for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
		put(web, tried[i], true, false);
		expect(&up, GOAL_MISSED);
		expect(&renewed, GOAL_MISSED);
	}
	put(web, LIFE_RUNNING, true, false);
	expect(&up, GOAL_REACHED);
}
END_TEST

START_TEST(a_oneshot_is_there_when_its_work_is_done)
{
	struct goal_watch up = begin(GOAL_UP), renewed = begin(GOAL_RENEWED);

	settings->programs[WEB].type = PROGRAM_ONESHOT;
	web->last_success = true;
	put(web, LIFE_EXITED, false, false);
	expect(&up, GOAL_REACHED);
	expect(&renewed, GOAL_MISSED); /* that was before */
	web->starts++;
	put(web, LIFE_RUNNING, true, false);
	expect(&up, GOAL_PENDING);
	expect(&renewed, GOAL_PENDING);
	put(web, LIFE_EXITED, false, false);
	expect(&renewed, GOAL_REACHED);
	web->last_success = false;
	expect(&up, GOAL_MISSED);
}
END_TEST

START_TEST(waiting_for_what_rests_is_no_waiting)
{
	struct goal_watch up = begin(GOAL_UP);

	casting_requires(settings, &settings->programs[WEB], &settings->programs[DB],
	                 CONDITION_READY);
	put(web, LIFE_WAITING, true, false);
	put(db, LIFE_SPAWNING, true, false);
	expect(&up, GOAL_PENDING);
	put(db, LIFE_BACKOFF, true, false);
	expect(&up, GOAL_PENDING);
	put(db, LIFE_STOPPING, false, false);
	expect(&up, GOAL_PENDING); /* it may be on its way back when it has stopped */
	put(db, LIFE_FAILED, false, false);
	expect(&up, GOAL_MISSED);
	put(db, LIFE_STOPPED, false, false);
	expect(&up, GOAL_MISSED);
}
END_TEST

START_TEST(a_removal_is_waited_for_until_it_is_forgotten)
{
	struct goal_watch gone = begin(GOAL_GONE), up = begin(GOAL_UP);

	web->removed = true;
	put(web, LIFE_STOPPING, false, false);
	expect(&gone, GOAL_PENDING);
	expect(&up, GOAL_MISSED);
	ck_assert_str_eq(goal_explain(sv, &up), "was removed");
	put(web, LIFE_STOPPED, false, false);
	expect(&gone, GOAL_PENDING);
	web->removed = false; /* named again */
	expect(&gone, GOAL_MISSED);
}
END_TEST

static void expect_vanished(void)
{
	struct goal_watch watch;

	for (int goal = 0; goal < GOAL_COUNT; goal++) {
		watch = begin((enum goal)goal);
		settings->programs[WEB].name = "";
		expect(&watch, goal == GOAL_DOWN || goal == GOAL_GONE ? GOAL_REACHED : GOAL_MISSED);
		settings->programs[WEB].name = "another";
		web->born++;
		expect(&watch, goal == GOAL_DOWN || goal == GOAL_GONE ? GOAL_REACHED : GOAL_MISSED);
	}
}

START_TEST(who_is_gone_is_gone_even_if_its_id_is_somebody_elses)
{
	put(web, LIFE_RUNNING, true, false);
	expect_vanished();
	settings->programs[WEB].name = "";
	ck_assert_int_eq(goal_watch_begin(sv, GOAL_UP, WEB).born, 0);
	settings->programs[WEB].name = "web";
	ck_assert_int_eq(goal_watch_begin(sv, GOAL_UP, 77).born, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("goal");
	TCase *table = tcase_create("table");
	TCase *record = tcase_create("record");

	tcase_add_checked_fixture(table, open_goals, close_goals);
	tcase_add_loop_test(table, each_state_has_its_verdict, 0, GOAL_COUNT);
	tcase_add_loop_test(table, each_state_that_somebody_else_has_turned_has_its_verdict, 0,
	                    GOAL_GONE);
	suite_add_tcase(s, table);
	tcase_add_checked_fixture(record, open_goals, close_goals);
	tcase_add_test(record, a_start_that_follows_a_stop_is_waited_for);
	tcase_add_test(record, a_renewal_is_another_process);
	tcase_add_test(record, a_failed_start_is_told_even_if_it_is_tried_again);
	tcase_add_test(record, a_oneshot_is_there_when_its_work_is_done);
	tcase_add_test(record, waiting_for_what_rests_is_no_waiting);
	tcase_add_test(record, a_removal_is_waited_for_until_it_is_forgotten);
	tcase_add_test(record, who_is_gone_is_gone_even_if_its_id_is_somebody_elses);
	suite_add_tcase(s, record);
	return suite_run(s);
}
