/* SPDX-License-Identifier: MIT */
#include "core/effects.h"

#include <check.h>

#include "unit/suite.h"

START_TEST(effects_keep_their_order)
{
	struct effects fx;

	ck_assert_int_eq(effects_init(&fx, 3), 0);
	ck_assert_uint_eq(fx.count, 0);
	for (uint32_t i = 0; i < 3; i++)
		effects_add(&fx, (struct effect){ .type = EFFECT_SPAWN, .program = i });
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(fx.items[i].program, i);
	ck_assert_uint_eq(fx.capacity, 3);
	effects_release(&fx);
	ck_assert_uint_eq(fx.count, 0);
}
END_TEST

START_TEST(a_list_without_room_grows)
{
	struct effects fx = { 0 };

	for (uint32_t i = 0; i < 1000; i++)
		effects_add(&fx, (struct effect){ .type = EFFECT_SWEEP, .program = i });
	ck_assert_uint_eq(fx.count, 1000);
	ck_assert_uint_eq(fx.items[999].program, 999);
	effects_release(&fx);
}
END_TEST

START_TEST(reserved_room_is_enough_and_keeps_what_is_there)
{
	struct effects fx;
	const struct effect *items;

	ck_assert_int_eq(effects_init(&fx, 1), 0);
	effects_add(&fx, (struct effect){ .type = EFFECT_SPAWN, .program = 7 });
	ck_assert_int_eq(effects_reserve(&fx, 50), 0);
	ck_assert_int_eq(effects_reserve(&fx, 2), 0);
	ck_assert_uint_eq(fx.capacity, 50);
	items = fx.items;
	while (fx.count < 50)
		effects_add(&fx, (struct effect){ .type = EFFECT_SWEEP });
	ck_assert_ptr_eq(fx.items, items);
	ck_assert_uint_eq(fx.items[0].program, 7);
	effects_release(&fx);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("effects");
	TCase *list = tcase_create("list");

	tcase_add_test(list, effects_keep_their_order);
	tcase_add_test(list, a_list_without_room_grows);
	tcase_add_test(list, reserved_room_is_enough_and_keeps_what_is_there);
	suite_add_tcase(s, list);
	return suite_run(s);
}
