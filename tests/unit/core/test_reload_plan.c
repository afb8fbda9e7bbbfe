/* SPDX-License-Identifier: MIT */
/* What a reload plans for each state and each difference, and that it changes all or nothing.  The
 * states are set by hand: how they come about, and what follows, is tests/sim. */
#include "core/reload.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "core/supervisor_private.h"
#include "sim/casting.h"
#include "unit/suite.h"

enum { WEB, DB };

/* --- memory that runs out: the allocator is wrapped by the linker --- */

static long allocations_left = -1; /* -1 = no end of them */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);

static bool runs_out(void)
{
	if (allocations_left > 0)
		allocations_left--;
	return allocations_left == 0;
}

void *__wrap_malloc(size_t size)
{
	return runs_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return runs_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return runs_out() ? NULL : __real_reallocarray(p, count, size);
}

/* --- the plan --- */

static struct supervisor *sv; /* each test runs in a process of its own */
static struct settings *settings, *fresh;
static struct program *web;
static struct reload_plan plan;
static enum reload_difference difference;

static struct settings *cast_two(const char *first, const char *second)
{
	struct settings *s = casting_new(3);

	casting_add(s, first);
	casting_add(s, second);
	return s;
}

static void open_plan(void)
{
	settings = cast_two("web", "db");
	fresh = cast_two("web", "db");
	sv = supervisor_new(settings, 1);
	ck_assert_ptr_nonnull(sv);
	web = &sv->programs[WEB];
}

static void close_plan(void)
{
	reload_plan_release(&plan);
	supervisor_free(sv);
	settings_free(settings);
	settings_free(fresh);
}

/* what the test says of web; db is as it was */
static enum reload_difference compare(void *context, const struct program_settings *held,
                                      const struct program_settings *next)
{
	(void)context;
	(void)held;
	return next == &fresh->programs[WEB] ? difference : RELOAD_EQUAL;
}

static void make_plan(void)
{
	reload_plan_release(&plan);
	ck_assert_int_eq(reload_plan_make(&plan, sv, fresh, compare, NULL), 0);
}

/* what becomes of web: the one step there is, or -1 */
static int planned(enum life_state state, bool wanted, bool again, enum reload_difference d)
{
	web->state = (uint8_t)state;
	web->wanted = wanted;
	web->again = again;
	web->told = state == LIFE_STOPPING || state == LIFE_KILLING;
	difference = d;
	make_plan();
	ck_assert_uint_eq(plan.count + plan.untouched, 2);
	return plan.count ? (int)plan.steps[0].action : -1;
}

enum { NONE = -1, CHG = RELOAD_CHANGE, RST = RELOAD_RESTART, STA = RELOAD_START };

static const struct {
	bool wanted, again, autostart;
	int actions[LIFE_STATE_COUNT]; /* for a difference that needs a restart */
} restarts[] = {
	{ true,
	  false,
	  true,
	  { [LIFE_STOPPED] = CHG,
	    [LIFE_WAITING] = CHG,
	    [LIFE_SPAWNING] = RST,
	    [LIFE_STARTING] = RST,
	    [LIFE_LAUNCHED] = RST,
	    [LIFE_RUNNING] = RST,
	    [LIFE_STOPPING] = STA,
	    [LIFE_CLEARING] = STA,
	    [LIFE_KILLING] = STA,
	    [LIFE_BACKOFF] = STA,
	    [LIFE_EXITED] = STA,
	    [LIFE_FAILED] = STA } },
	{ true,
	  false,
	  false,
	  { [LIFE_STOPPED] = CHG,
	    [LIFE_WAITING] = CHG,
	    [LIFE_SPAWNING] = RST,
	    [LIFE_STARTING] = RST,
	    [LIFE_LAUNCHED] = RST,
	    [LIFE_RUNNING] = RST,
	    [LIFE_STOPPING] = CHG,
	    [LIFE_CLEARING] = CHG,
	    [LIFE_KILLING] = CHG,
	    [LIFE_BACKOFF] = CHG,
	    [LIFE_EXITED] = CHG,
	    [LIFE_FAILED] = CHG } },
	{ true,
	  true,
	  true,
	  { [LIFE_STOPPED] = CHG,
	    [LIFE_WAITING] = CHG,
	    [LIFE_SPAWNING] = CHG,
	    [LIFE_STARTING] = CHG,
	    [LIFE_LAUNCHED] = CHG,
	    [LIFE_RUNNING] = CHG,
	    [LIFE_STOPPING] = CHG,
	    [LIFE_CLEARING] = CHG,
	    [LIFE_KILLING] = CHG,
	    [LIFE_BACKOFF] = STA,
	    [LIFE_EXITED] = STA,
	    [LIFE_FAILED] = STA } },
	{ false,
	  false,
	  true,
	  { [LIFE_STOPPED] = CHG,
	    [LIFE_WAITING] = CHG,
	    [LIFE_SPAWNING] = CHG,
	    [LIFE_STARTING] = CHG,
	    [LIFE_LAUNCHED] = CHG,
	    [LIFE_RUNNING] = CHG,
	    [LIFE_STOPPING] = CHG,
	    [LIFE_CLEARING] = CHG,
	    [LIFE_KILLING] = CHG,
	    [LIFE_BACKOFF] = STA,
	    [LIFE_EXITED] = STA,
	    [LIFE_FAILED] = STA } },
};

START_TEST(each_state_has_its_action)
{
	bool wanted = restarts[_i].wanted, again = restarts[_i].again;

	fresh->programs[WEB].autostart = restarts[_i].autostart;
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		int action = planned(state, wanted, again, RELOAD_NEEDS_RESTART);

		ck_assert_msg(action == restarts[_i].actions[state], "%s: %d instead of %d",
		              life_state_symbol(state), action, restarts[_i].actions[state]);
		ck_assert_int_eq(planned(state, wanted, again, RELOAD_DIFFERS), CHG);
		ck_assert_int_eq(planned(state, wanted, again, RELOAD_EQUAL), NONE);
	}
}
END_TEST

START_TEST(what_is_kept_is_what_a_process_lives_by)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		bool stopping =
			state == LIFE_STOPPING || state == LIFE_CLEARING || state == LIFE_KILLING;

		planned(state, true, false, RELOAD_NEEDS_RESTART);
		ck_assert_int_eq(plan.places[WEB].kept, life_state_is_active(state));
		planned(state, true, false, RELOAD_DIFFERS);
		ck_assert_int_eq(plan.places[WEB].kept, stopping);
		planned(state, true, false, RELOAD_EQUAL);
		ck_assert(!plan.places[WEB].kept);
	}
	web->state = LIFE_STOPPED;
}
END_TEST

START_TEST(names_decide_and_removals_come_first)
{
	settings_free(fresh);
	fresh = cast_two("new", "web");
	casting_add(fresh, "other")->autostart = false;
	make_plan();
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_int_eq(plan.steps[0].action, RELOAD_STOP);
	ck_assert_uint_eq(plan.steps[0].program, DB);
	ck_assert_uint_eq(plan.steps[0].fresh, NO_PROGRAM);
	ck_assert_int_eq(plan.steps[1].action, RELOAD_START);
	ck_assert_uint_eq(plan.steps[1].program, 2);
	ck_assert_uint_eq(plan.steps[1].fresh, 0);
	ck_assert_int_eq(plan.steps[2].action, RELOAD_ADD);
	ck_assert_uint_eq(plan.steps[2].program, 3);
	ck_assert_uint_eq(plan.untouched, 1);
	ck_assert_uint_eq(plan.place_count, 4);
	ck_assert_str_eq(reload_action_names[plan.steps[2].action], "add");
}
END_TEST

START_TEST(a_plan_changes_nothing)
{
	planned(LIFE_STOPPED, false, false, RELOAD_NEEDS_RESTART);
	ck_assert_uint_eq(settings->generation, 0);
	ck_assert_ptr_null(supervisor_check(sv));
	ck_assert_str_eq(fresh->programs[DB].name, "db");
}
END_TEST

/* --- all or nothing --- */

/* web is to restart, db to go, two are new */
static void open_change(void)
{
	struct effects out;

	open_plan();
	settings_free(fresh);
	fresh = cast_two("new", "web");
	casting_add(fresh, "other");
	casting_requires(fresh, &fresh->programs[1], &fresh->programs[0], CONDITION_READY);
	casting_group(fresh, "all", &fresh->programs[0], &fresh->programs[1], NULL);
	ck_assert_int_eq(effects_init(&out, 64), 0);
	ck_assert_int_eq(supervisor_apply(sv, &(struct event){ .type = EVENT_BOOT }, 0, &out), 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct event spawned = { .type = EVENT_SPAWNED, .program = i, .pid = 100 };

		ck_assert_int_eq(supervisor_apply(sv, &spawned, 0, &out), 0);
	}
	effects_release(&out);
}

static enum reload_difference restart_all(void *context, const struct program_settings *held,
                                          const struct program_settings *next)
{
	(void)context;
	(void)held;
	(void)next;
	return RELOAD_NEEDS_RESTART;
}

/* with room for so many allocations */
static int reload(long room)
{
	struct effects out = { 0 };
	size_t count;
	int r;

	allocations_left = room;
	r = reload_plan_make(&plan, sv, fresh, restart_all, NULL);
	if (r == 0)
		r = supervisor_reload(sv, fresh, &plan, 0, &out);
	allocations_left = -1; /* the test itself needs memory */
	count = out.count;
	effects_release(&out);
	reload_plan_release(&plan);
	if (r == 0)
		fresh = NULL;
	else
		ck_assert_uint_eq(count, 0);
	return r;
}

START_TEST(memory_that_runs_out_changes_nothing)
{
	long room = 0;
	int r;

	do {
		r = reload(++room);
		ck_assert_ptr_null(supervisor_check(sv));
		if (r == 0)
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_uint_eq(settings->program_count, 2);
		ck_assert_uint_eq(settings->generation, 0);
		ck_assert_ptr_null(settings->past);
		ck_assert_uint_eq(fresh->programs[1].depends->items[0].program, 0);
	} while (room < 100);
	ck_assert_int_eq(r, 0);
	ck_assert_int_gt(room, 10); /* as many places in which it can end */
	ck_assert_uint_eq(settings->program_count, 4);
	ck_assert_uint_eq(settings->programs[WEB].name[0], 'w');
	ck_assert_uint_eq(sv->programs[WEB].pending->depends->items[0].program, 2);
	ck_assert_uint_eq(settings->groups[0].programs[0], 2);
	ck_assert_uint_eq(settings->groups[0].programs[1], WEB);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reload-plan");
	TCase *actions = tcase_create("actions");
	TCase *memory = tcase_create("memory");

	tcase_add_checked_fixture(actions, open_plan, close_plan);
	tcase_add_loop_test(actions, each_state_has_its_action, 0,
	                    sizeof restarts / sizeof restarts[0]);
	tcase_add_test(actions, what_is_kept_is_what_a_process_lives_by);
	tcase_add_test(actions, names_decide_and_removals_come_first);
	tcase_add_test(actions, a_plan_changes_nothing);
	suite_add_tcase(s, actions);
	tcase_add_checked_fixture(memory, open_change, close_plan);
	tcase_add_test(memory, memory_that_runs_out_changes_nothing);
	suite_add_tcase(s, memory);
	return suite_run(s);
}
