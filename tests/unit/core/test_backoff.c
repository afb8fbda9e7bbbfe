/* SPDX-License-Identifier: MIT */
#include "core/backoff.h"

#include <check.h>

#include "base/cleanup.h"
#include "unit/suite.h"

struct delay_case {
	unsigned level;
	msec_t first, max, delay;
};

static const struct delay_case delay_cases[] = {
	{ 0, 100, 30000, 0 },
	{ 1, 100, 30000, 100 },
	{ 2, 100, 30000, 200 },
	{ 3, 100, 30000, 400 },
	{ 9, 100, 30000, 25600 },
	{ 10, 100, 30000, 30000 },
	{ 40, 100, 30000, 30000 },
	{ 5, 0, 30000, 0 },
	{ 1, 500, 200, 200 },
	{ 7, 100, 100, 100 },
	{ BACKOFF_LEVEL_MAX, 1, MSEC_NEVER / 2, (msec_t)1 << 39 },
};

START_TEST(the_delay_doubles_with_each_level_up_to_its_maximum) /* R2 */
{
	const struct delay_case *c = &delay_cases[_i];

	ck_assert_int_eq(backoff_delay(c->level, c->first, c->max), c->delay);
}
END_TEST

START_TEST(the_delay_never_shrinks_with_the_level) /* R2 */
{
	for (unsigned level = 1; level <= BACKOFF_LEVEL_MAX; level++)
		ck_assert_int_ge(backoff_delay(level, 70, 316224000000),
		                 backoff_delay(level - 1, 70, 316224000000));
}
END_TEST

struct level_case {
	unsigned level;
	msec_t uptime;
	unsigned after;
};

/* min_uptime 1 s, delays 100 ms to 30 s */
static const struct level_case level_cases[] = {
	{ 0, 0, 1 },    { 0, 999, 1 },      { 0, 1000, 0 },    { 3, 999, 4 },     { 1, 1000, 1 },
	{ 1, 1099, 1 }, { 1, 1100, 0 },     { 2, 1200, 1 },    { 2, 2299, 1 },    { 2, 2300, 0 },
	{ 40, 0, 40 },  { 40, 3600000, 0 }, { 40, 30999, 40 }, { 40, 31000, 39 },
};

START_TEST(a_short_life_goes_up_and_each_long_stretch_down) /* R2 */
{
	const struct level_case *c = &level_cases[_i];

	ck_assert_uint_eq(backoff_level_after(c->level, c->uptime, 1000, 100, 30000), c->after);
}
END_TEST

START_TEST(jitter_shortens_by_at_most_its_share_and_never_lengthens) /* R2 */
{
	bool shortest = false, longest = false;

	for (uint64_t random = 0; random < 5000; random++) {
		msec_t delay = backoff_jitter(1000, 10, random * 2654435761u);

		ck_assert_int_ge(delay, 900);
		ck_assert_int_le(delay, 1000);
		shortest |= delay == 900;
		longest |= delay == 1000;
	}
	ck_assert(shortest && longest);
}
END_TEST

START_TEST(jitter_of_nothing_is_nothing)
{
	ck_assert_int_eq(backoff_jitter(0, 10, 12345), 0);
	ck_assert_int_eq(backoff_jitter(1000, 0, 12345), 1000);
	ck_assert_int_ge(backoff_jitter(1000, 100, UINT64_MAX), 0);
	ck_assert_int_ge(backoff_jitter(316224000000, 100, UINT64_MAX), 0);
}
END_TEST

START_TEST(the_count_within_the_window_is_the_limit) /* R3 */
{
	struct start_limit l = { 0 };

	ck_assert(!start_limit_hit(&l, 3, 1000, 0));
	ck_assert(!start_limit_hit(&l, 3, 1000, 500));
	ck_assert(start_limit_hit(&l, 3, 1000, 1000));
	ck_assert_uint_eq(start_limit_count(&l, 1000, 1000), 3);
	ck_assert_uint_eq(start_limit_count(&l, 1000, 1001), 2);
	start_limit_release(&l);
}
END_TEST

START_TEST(failures_far_apart_are_never_too_many) /* R3 */
{
	struct start_limit l = { 0 };

	for (msec_t now = 0; now < 100000; now += 600)
		ck_assert(!start_limit_hit(&l, 3, 1000, now));
	start_limit_release(&l);
}
END_TEST

START_TEST(a_limit_of_one_gives_up_at_once_and_none_never) /* R3 */
{
	struct start_limit l = { 0 };

	for (msec_t now = 0; now < 100; now++)
		ck_assert(!start_limit_hit(&l, 0, 1000, now));
	ck_assert_ptr_null(l.times);
	ck_assert(start_limit_hit(&l, 1, 1000, 100));
	start_limit_release(&l);
}
END_TEST

START_TEST(a_reset_forgets) /* R3: a manual start clears the count */
{
	struct start_limit l = { 0 };

	start_limit_hit(&l, 2, 1000, 0);
	start_limit_reset(&l);
	ck_assert_uint_eq(start_limit_count(&l, 1000, 0), 0);
	ck_assert(!start_limit_hit(&l, 2, 1000, 1));
	ck_assert(start_limit_hit(&l, 2, 1000, 2));
	start_limit_release(&l);
}
END_TEST

START_TEST(any_count_that_can_be_configured_is_counted_to)
{
	static const unsigned counts[] = { 2, 10, 999, 1000 };
	unsigned count = counts[_i];
	struct start_limit l = { 0 };

	for (unsigned i = 1; i < count; i++)
		ck_assert(!start_limit_hit(&l, count, 1000, 0));
	ck_assert(start_limit_hit(&l, count, 1000, 0));
	ck_assert(!start_limit_hit(&l, count, 1000, 1001)); /* the others are past the window */
	start_limit_release(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backoff");
	TCase *delay = tcase_create("delay");
	TCase *limit = tcase_create("limit");

	tcase_add_loop_test(delay, the_delay_doubles_with_each_level_up_to_its_maximum, 0,
	                    ARRAY_SIZE(delay_cases));
	tcase_add_test(delay, the_delay_never_shrinks_with_the_level);
	tcase_add_loop_test(delay, a_short_life_goes_up_and_each_long_stretch_down, 0,
	                    ARRAY_SIZE(level_cases));
	tcase_add_test(delay, jitter_shortens_by_at_most_its_share_and_never_lengthens);
	tcase_add_test(delay, jitter_of_nothing_is_nothing);
	suite_add_tcase(s, delay);
	tcase_add_test(limit, the_count_within_the_window_is_the_limit);
	tcase_add_test(limit, failures_far_apart_are_never_too_many);
	tcase_add_test(limit, a_limit_of_one_gives_up_at_once_and_none_never);
	tcase_add_test(limit, a_reset_forgets);
	tcase_add_loop_test(limit, any_count_that_can_be_configured_is_counted_to, 0, 4);
	suite_add_tcase(s, limit);
	return suite_run(s);
}
