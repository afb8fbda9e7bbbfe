/* SPDX-License-Identifier: MIT */
/* Random walks: many seeds, each a cast of programs with random settings in a system that does its
 * worst.  VERGER_SIM_SEEDS sets how many per walker, VERGER_SIM_SEED plays one and shows it. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "sim/world.h"
#include "unit/suite.h"

enum { WALKERS = 8, SEEDS = 400, VERBS = 60 };

static int64_t number_from(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t number;

	return text && parse_int(text, 0, INT64_MAX, &number) == 0 ? number : otherwise;
}

START_TEST(whatever_happens_every_promise_holds) /* R1 S3 S4 S5 S6 X1 X2 X3 I1 */
{
	int64_t one = number_from("VERGER_SIM_SEED", -1);
	int64_t seeds = number_from("VERGER_SIM_SEEDS", SEEDS);
	struct world_result sum = { 0 };

	if (one >= 0) {
		if (_i == 0)
			world_play((uint64_t)one, VERBS, 1, &sum);
		return;
	}
	for (int64_t i = 0; i < seeds; i++)
		world_play((uint64_t)(i * WALKERS + _i), VERBS, 0, &sum);
	/* a walk that goes nowhere proves nothing */
	ck_assert_uint_eq(sum.quits, (unsigned long)seeds);
	ck_assert_uint_gt(sum.events, 50 * (unsigned long)seeds);
	ck_assert_uint_gt(sum.spawns, 5 * (unsigned long)seeds);
	ck_assert_uint_gt(sum.reloads, 2 * (unsigned long)seeds);
	if (getenv("VERGER_SIM_SEEDS"))
		fprintf(stderr, "walker %d: %lu events, %lu starts, %lu reloads\n", _i, sum.events,
		        sum.spawns, sum.reloads);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-walk");
	TCase *walk = tcase_create("walk");

	tcase_set_timeout(walk, 60);
	tcase_add_loop_test(walk, whatever_happens_every_promise_holds, 0, WALKERS);
	suite_add_tcase(s, walk);
	return suite_run(s);
}
