/* SPDX-License-Identifier: MIT */
#include "core/conditions.h"

#include <check.h>

#include "sim/casting.h"
#include "unit/suite.h"

enum { DB, WEB, JOB, COUNT };

static struct settings *settings; /* each test runs in a process of its own */
static struct program_settings *db, *web, *job;
static struct program programs[COUNT];
static struct dependents dependents;

static void raise_programs(void)
{
	size_t edges = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		if (settings->programs[i].depends)
			edges += settings->programs[i].depends->count;
	ck_assert_int_eq(dependents_init(&dependents, COUNT, edges), 0);
	for (uint32_t i = 0; i < COUNT; i++)
		program_init(&programs[i], i, &settings->programs[i]);
	dependents_fill(&dependents, programs, COUNT);
}

static void open_settings(void)
{
	settings = casting_new(COUNT);
	db = casting_add(settings, "db");
	web = casting_add(settings, "web");
	job = casting_add(settings, "job");
}

static void close_settings(void)
{
	dependents_release(&dependents);
	settings_free(settings);
}

START_TEST(the_edges_are_known_from_both_ends)
{
	size_t count;
	const uint32_t *items;

	casting_requires(settings, web, db, CONDITION_READY);
	casting_requires(settings, job, db, CONDITION_READY);
	casting_after(settings, job, web, CONDITION_STARTED);
	raise_programs();
	items = dependents_of(&dependents, DB, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(items[0], WEB);
	ck_assert_uint_eq(items[1], JOB);
	items = dependents_of(&dependents, WEB, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(items[0], JOB);
	dependents_of(&dependents, JOB, &count);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(without_edges_nobody_waits)
{
	size_t count;

	raise_programs();
	ck_assert_ptr_null(dependents_of(&dependents, DB, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(conditions_missing(&programs[WEB], programs), NO_PROGRAM);
	ck_assert(conditions_may_stop(&dependents, DB, programs));
}
END_TEST

START_TEST(what_is_required_is_waited_for_whether_wanted_or_not)
{
	casting_requires(settings, web, db, CONDITION_READY);
	raise_programs();
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		programs[DB].state = (uint8_t)state;
		programs[DB].wanted = !life_state_is_settled(state);
		ck_assert_uint_eq(conditions_missing(&programs[WEB], programs),
		                  state == LIFE_RUNNING ? NO_PROGRAM : DB);
	}
}
END_TEST

START_TEST(what_is_about_to_go_is_nothing_to_rely_on) /* S5 */
{
	casting_requires(settings, web, db, CONDITION_READY);
	raise_programs();
	programs[DB].state = LIFE_RUNNING;
	programs[DB].wanted = false; /* its stop waits for those that depend on it */
	ck_assert_uint_eq(conditions_missing(&programs[WEB], programs), DB);
}
END_TEST

START_TEST(what_is_only_ordered_is_waited_for_while_it_is_on_its_way)
{
	casting_after(settings, web, db, CONDITION_READY);
	raise_programs();
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		bool on_its_way = state != LIFE_RUNNING && !life_state_is_settled(state);

		programs[DB].state = (uint8_t)state;
		programs[DB].wanted = false;
		ck_assert_uint_eq(conditions_missing(&programs[WEB], programs), NO_PROGRAM);
		programs[DB].wanted = true;
		ck_assert_uint_eq(conditions_missing(&programs[WEB], programs),
		                  on_its_way ? DB : NO_PROGRAM);
	}
}
END_TEST

START_TEST(the_first_that_is_missing_is_named)
{
	casting_requires(settings, job, db, CONDITION_STARTED);
	casting_requires(settings, job, web, CONDITION_DONE);
	raise_programs();
	ck_assert_uint_eq(conditions_missing(&programs[JOB], programs), DB);
	programs[DB].state = LIFE_STARTING;
	programs[DB].wanted = true;
	ck_assert_uint_eq(conditions_missing(&programs[JOB], programs), WEB);
	programs[WEB].state = LIFE_EXITED;
	programs[WEB].last_success = true;
	ck_assert_uint_eq(conditions_missing(&programs[JOB], programs), NO_PROGRAM);
}
END_TEST

START_TEST(nothing_stops_while_a_dependent_has_a_process) /* S5 */
{
	casting_requires(settings, web, db, CONDITION_READY);
	raise_programs();
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		programs[WEB].state = (uint8_t)state;
		if (life_state_is_active(state))
			ck_assert(!conditions_may_stop(&dependents, DB, programs));
		if (life_state_is_settled(state))
			ck_assert(conditions_may_stop(&dependents, DB, programs));
	}
}
END_TEST

/* web was started for db, and will be for job */
static void raise_pending(struct program_settings *pending, enum life_state state)
{
	*pending = *web;
	pending->depends = NULL;
	casting_requires(settings, pending, job, CONDITION_READY);
	casting_requires(settings, web, db, CONDITION_READY);
	for (uint32_t i = 0; i < COUNT; i++)
		program_init(&programs[i], i, &settings->programs[i]);
	programs[WEB].pending = pending;
	programs[WEB].state = (uint8_t)state;
	ck_assert_int_eq(dependents_init(&dependents, COUNT, 2), 0);
	dependents_fill(&dependents, programs, COUNT);
}

START_TEST(what_it_will_require_takes_it_down_and_what_it_does_require_waits)
{
	struct program_settings pending;

	raise_pending(&pending, LIFE_STOPPING);
	programs[WEB].told = true;
	ck_assert(conditions_requires(&programs[WEB], JOB));
	ck_assert(!conditions_requires(&programs[WEB], DB));
	ck_assert(!conditions_may_stop(&dependents, DB, programs));
	ck_assert(conditions_may_stop(&dependents, JOB, programs));
	programs[WEB].state = LIFE_STOPPED;
	ck_assert(conditions_may_stop(&dependents, DB, programs));
}
END_TEST

START_TEST(an_edge_that_was_dropped_binds_only_who_waits_for_nobody)
{
	struct program_settings pending;

	raise_pending(&pending, LIFE_RUNNING); /* it is to go, when its own dependents have */
	ck_assert(conditions_may_stop(&dependents, DB, programs));
	programs[WEB].state = LIFE_SPAWNING;
	ck_assert(!conditions_may_stop(&dependents, DB, programs));
	programs[WEB].state = LIFE_CLEARING;
	ck_assert(!conditions_may_stop(&dependents, DB, programs));
}
END_TEST

START_TEST(who_stays_holds_nobody_up)
{
	casting_requires(settings, web, db, CONDITION_READY);
	raise_programs();
	programs[WEB].state = LIFE_RUNNING;
	programs[WEB].wanted = true;
	ck_assert(conditions_may_stop(&dependents, DB, programs));
	programs[WEB].again = true;
	ck_assert(!conditions_may_stop(&dependents, DB, programs));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conditions");
	TCase *edges = tcase_create("edges");

	tcase_add_checked_fixture(edges, open_settings, close_settings);
	tcase_add_test(edges, the_edges_are_known_from_both_ends);
	tcase_add_test(edges, without_edges_nobody_waits);
	tcase_add_test(edges, what_is_required_is_waited_for_whether_wanted_or_not);
	tcase_add_test(edges, what_is_about_to_go_is_nothing_to_rely_on);
	tcase_add_test(edges, what_is_only_ordered_is_waited_for_while_it_is_on_its_way);
	tcase_add_test(edges, the_first_that_is_missing_is_named);
	tcase_add_test(edges, nothing_stops_while_a_dependent_has_a_process);
	tcase_add_test(edges, what_it_will_require_takes_it_down_and_what_it_does_require_waits);
	tcase_add_test(edges, an_edge_that_was_dropped_binds_only_who_waits_for_nobody);
	tcase_add_test(edges, who_stays_holds_nobody_up);
	suite_add_tcase(s, edges);
	return suite_run(s);
}
