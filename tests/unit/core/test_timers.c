/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <check.h>

#include "unit/suite.h"

enum { CROWD = 500 };

static struct timer timer_of[CROWD]; /* each test runs in a process of its own */
static struct timers timers;

static void open_timers(void)
{
	ck_assert_int_eq(timers_init(&timers, CROWD), 0);
}

static void close_timers(void)
{
	timers_release(&timers);
}

START_TEST(nothing_armed_is_never)
{
	ck_assert_int_eq(timers_next(&timers), MSEC_NEVER);
	ck_assert_ptr_null(timers_take_due(&timers, MSEC_NEVER - 1));
}
END_TEST

START_TEST(a_timer_is_due_at_its_deadline_and_not_before)
{
	timers_arm(&timers, &timer_of[0], 100);
	ck_assert(timer_is_armed(&timer_of[0]));
	ck_assert_int_eq(timers_next(&timers), 100);
	ck_assert_ptr_null(timers_take_due(&timers, 99));
	ck_assert_ptr_eq(timers_take_due(&timers, 100), &timer_of[0]);
	ck_assert(!timer_is_armed(&timer_of[0]));
	ck_assert_ptr_null(timers_take_due(&timers, 100));
}
END_TEST

START_TEST(equal_deadlines_come_in_the_order_of_arming)
{
	for (int i = CROWD - 1; i >= 0; i--)
		timers_arm(&timers, &timer_of[i], 7);
	timers_arm(&timers, &timer_of[CROWD - 1], 7); /* armed anew: to the end of the queue */
	for (int i = CROWD - 2; i >= 0; i--)
		ck_assert_ptr_eq(timers_take_due(&timers, 7), &timer_of[i]);
	ck_assert_ptr_eq(timers_take_due(&timers, 7), &timer_of[CROWD - 1]);
}
END_TEST

START_TEST(disarming_takes_out_the_right_one)
{
	for (int i = 0; i < CROWD; i++)
		timers_arm(&timers, &timer_of[i], i * 37 % CROWD);
	for (int i = 0; i < CROWD; i += 2)
		timers_disarm(&timers, &timer_of[i]);
	timers_disarm(&timers, &timer_of[0]); /* twice does no harm */
	for (msec_t at = 0; at < CROWD; at++) {
		struct timer *t = timers_take_due(&timers, at);

		if (t) {
			ck_assert_int_eq(t->at_ms, at);
			ck_assert_int_eq((t - timer_of) % 2, 1);
		}
	}
	ck_assert_int_eq(timers_next(&timers), MSEC_NEVER);
}
END_TEST

START_TEST(they_come_out_sorted_whatever_was_armed_and_disarmed)
{
	uint32_t random = 1;
	msec_t before = 0;
	struct timer *t;

	for (int i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		t = &timer_of[random >> 16 & 255];
		if (random & 1u << 30)
			timers_arm(&timers, t, random >> 8 & 1023);
		else
			timers_disarm(&timers, t);
	}
	while ((t = timers_take_due(&timers, 2000))) {
		ck_assert_int_ge(t->at_ms, before);
		before = t->at_ms;
	}
	for (int i = 0; i < CROWD; i++)
		ck_assert(!timer_is_armed(&timer_of[i]));
}
END_TEST

START_TEST(more_room_keeps_what_is_armed)
{
	struct timers few;
	struct timer armed[4] = { 0 };

	ck_assert_int_eq(timers_init(&few, 2), 0);
	timers_arm(&few, &armed[0], 30);
	timers_arm(&few, &armed[1], 20);
	ck_assert_int_eq(timers_reserve(&few, 4), 0);
	ck_assert_int_eq(timers_reserve(&few, 1), 0);
	timers_arm(&few, &armed[2], 10);
	timers_arm(&few, &armed[3], 40);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(timers_take_due(&few, 40)->at_ms, 10 * (i + 1));
	timers_release(&few);
}
END_TEST

START_TEST(a_timer_that_was_moved_is_found_where_it_is)
{
	struct timer moved;

	timers_arm(&timers, &timer_of[0], 10);
	timers_arm(&timers, &timer_of[1], 20);
	moved = timer_of[0];
	timers_moved(&timers, &moved);
	ck_assert_ptr_eq(timers_take_due(&timers, 20), &moved);
	ck_assert_ptr_eq(timers_take_due(&timers, 20), &timer_of[1]);
	timers_moved(&timers, &moved); /* one that is not armed is nowhere */
	ck_assert_int_eq(timers_next(&timers), MSEC_NEVER);
}
END_TEST

START_TEST(no_room_is_a_room_as_well)
{
	struct timers none;

	ck_assert_int_eq(timers_init(&none, 0), 0);
	ck_assert_int_eq(timers_next(&none), MSEC_NEVER);
	timers_release(&none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timers");
	TCase *order = tcase_create("order");

	tcase_add_checked_fixture(order, open_timers, close_timers);
	tcase_add_test(order, nothing_armed_is_never);
	tcase_add_test(order, a_timer_is_due_at_its_deadline_and_not_before);
	tcase_add_test(order, equal_deadlines_come_in_the_order_of_arming);
	tcase_add_test(order, disarming_takes_out_the_right_one);
	tcase_add_test(order, they_come_out_sorted_whatever_was_armed_and_disarmed);
	tcase_add_test(order, more_room_keeps_what_is_armed);
	tcase_add_test(order, a_timer_that_was_moved_is_found_where_it_is);
	tcase_add_test(order, no_room_is_a_room_as_well);
	suite_add_tcase(s, order);
	return suite_run(s);
}
