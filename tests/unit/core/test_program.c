/* SPDX-License-Identifier: MIT */
#include "core/program.h"

#include <check.h>
#include <errno.h>
#include <signal.h>

#include "unit/suite.h"

static struct program_settings settings; /* each test runs in a process of its own */
static struct program program;
static struct timers timers;
static struct effects out;
static uint64_t randomness = 1;
static int changes;

static void count_change(void *context, struct program *p)
{
	(void)context;
	(void)p;
	changes++;
}

static struct program_context ctx = {
	.timers = &timers, .out = &out, .random = &randomness, .on_change = count_change
};

static void open_program(void)
{
	program_settings_defaults(&settings);
	settings.name = "web";
	program_init(&program, 0, &settings);
	ck_assert_int_eq(timers_init(&timers, 1), 0);
	ck_assert_int_eq(effects_init(&out, 16), 0);
	program.wanted = true;
}

static void close_program(void)
{
	program_release(&program);
	timers_release(&timers);
	effects_release(&out);
}

static void go(enum life_event event)
{
	out.count = 0;
	ck_assert_int_eq(program_apply(&program, event, &ctx), 0);
	ck_assert_ptr_null(program_check(&program));
}

static void run(pid_t pid)
{
	go(LIFE_ON_WANT_UP);
	go(LIFE_ON_CONDITIONS_MET);
	go(program_on_spawned(&program, pid, ctx.now));
}

/* --- the door --- */

START_TEST(an_impossible_event_changes_nothing)
{
	ck_assert_int_eq(program_apply(&program, LIFE_ON_EXITED, &ctx), -EPROTO);
	ck_assert_int_eq(program.state, LIFE_STOPPED);
	ck_assert_uint_eq(out.count, 0);
	ck_assert_int_eq(changes, 0);
}
END_TEST

START_TEST(each_change_is_told_and_dated)
{
	ctx.now = 42;
	go(LIFE_ON_WANT_UP);
	ck_assert_int_eq(changes, 1);
	ck_assert_int_eq(program.since_ms, 42);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_int_eq(out.items[0].type, EFFECT_STATE);
	ck_assert_int_eq(out.items[0].from, LIFE_STOPPED);
	ck_assert_int_eq(out.items[0].to, LIFE_WAITING);
	go(LIFE_ON_WANT_UP);
	ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(a_stopped_process_is_continued_so_that_it_hears_the_signal)
{
	run(7);
	go(LIFE_ON_WANT_DOWN);
	ck_assert_uint_eq(out.count, 3);
	ck_assert_int_eq(out.items[1].signal, SIGTERM);
	ck_assert_int_eq(out.items[2].type, EFFECT_CONTINUE);
	ck_assert_int_eq(out.items[2].scope, SCOPE_TREE);
}
END_TEST

START_TEST(kill_needs_no_continuing)
{
	static const struct stop_plan plan = { .count = 1, .steps = { { SIGKILL, 100 } } };

	settings.stop = &plan;
	run(7);
	go(LIFE_ON_WANT_DOWN);
	ck_assert_uint_eq(out.count, 2);
	ck_assert_int_eq(out.items[1].signal, SIGKILL);
}
END_TEST

/* --- the deciders --- */

START_TEST(a_simple_program_is_ready_when_it_is_there)
{
	ck_assert_int_eq(program_on_spawned(&program, 7, 3), LIFE_ON_SPAWNED_READY);
	ck_assert_int_eq(program.pid, 7);
	ck_assert_int_eq(program.started_ms, 3);
	ck_assert_uint_eq(program.starts, 1);
	settings.type = PROGRAM_FORKING;
	ck_assert_int_eq(program_on_spawned(&program, 7, 3), LIFE_ON_SPAWNED);
	program.wanted = false;
	ck_assert_int_eq(program_on_spawned(&program, 7, 3), LIFE_ON_SPAWNED_UNWANTED);
}
END_TEST

START_TEST(a_cancelled_start_is_no_failure)
{
	ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_CANCELLED, 0, &ctx),
	                 LIFE_ON_SPAWN_RETRY_NOW);
	ck_assert_uint_eq(program.last_step, SPAWN_STEP_NONE);
	program.wanted = false;
	ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_CANCELLED, 0, &ctx),
	                 LIFE_ON_SPAWN_UNWANTED);
}
END_TEST

START_TEST(a_failed_start_is_given_up_at_the_limit) /* R3 */
{
	for (int i = 1; i < 10; i++)
		ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_EXEC, ENOENT, &ctx),
		                 LIFE_ON_SPAWN_RETRY);
	ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_EXEC, ENOENT, &ctx),
	                 LIFE_ON_SPAWN_GIVE_UP);
	ck_assert_int_eq(program_exit_status(&program), 127);
}
END_TEST

START_TEST(a_machine_that_refuses_is_asked_for_ever_and_slower) /* R4 */
{
	settings.restart = RESTART_NEVER;
	settings.restart_jitter_percent = 0;
	for (int i = 1; i < 1000; i++) {
		ck_assert_int_eq(
			program_on_spawn_failed(&program, SPAWN_STEP_PROCESS, EAGAIN, &ctx),
			LIFE_ON_SPAWN_RETRY);
		ck_assert_int_le(program.delay_ms, settings.restart_delay_max_ms);
	}
	ck_assert_int_eq(program.delay_ms, settings.restart_delay_max_ms);
	ck_assert_uint_eq(start_limit_count(&program.failures, 60000, 0), 0);
}
END_TEST

START_TEST(a_machine_that_refuses_gets_a_rest_even_without_restart_delay) /* R4 */
{
	settings.restart_delay_ms = 0;
	ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_PROCESS, ENOMEM, &ctx),
	                 LIFE_ON_SPAWN_RETRY);
	ck_assert_int_gt(program.delay_ms, 0);
}
END_TEST

START_TEST(a_program_that_is_not_restarted_gets_one_try)
{
	settings.restart = RESTART_NEVER;
	ck_assert_int_eq(program_on_spawn_failed(&program, SPAWN_STEP_DIRECTORY, ENOENT, &ctx),
	                 LIFE_ON_SPAWN_GIVE_UP);
}
END_TEST

START_TEST(an_exit_is_noted_as_it_was)
{
	program_on_exited(&program, 0, SIGSEGV, true);
	ck_assert(program.exit_known && program.last_core && !program.last_success);
	ck_assert_int_eq(program_exit_status(&program), 128 + SIGSEGV);
	program_on_exited(&program, 255, 0, false);
	ck_assert_int_eq(program_exit_status(&program), 255);
	ck_assert(!program.last_core);
}
END_TEST

START_TEST(a_failure_is_never_passed_on_as_success) /* X1 */
{
	program.state = LIFE_FAILED; /* as after ten short lives that ended with 0 */
	ck_assert_int_eq(program_exit_status(&program), 1);
	program_on_exited(&program, 0, 0, false);
	ck_assert_int_eq(program_exit_status(&program), 1);
	program.state = LIFE_EXITED;
	ck_assert_int_eq(program_exit_status(&program), 0);
}
END_TEST

START_TEST(what_dependents_may_count_on)
{
	program.settings = &settings;
	program.state = LIFE_LAUNCHED;
	ck_assert(program_meets(&program, CONDITION_STARTED));
	ck_assert(!program_meets(&program, CONDITION_READY));
	program.state = LIFE_RUNNING;
	ck_assert(program_meets(&program, CONDITION_READY));
	ck_assert(!program_meets(&program, CONDITION_DONE));
	program.state = LIFE_STOPPING;
	ck_assert(!program_meets(&program, CONDITION_STARTED));
	program.state = LIFE_EXITED;
	program.last_success = true;
	ck_assert(!program_meets(&program, CONDITION_STARTED));
	ck_assert(program_meets(&program, CONDITION_DONE));
	settings.type = PROGRAM_ONESHOT;
	ck_assert(program_meets(&program, CONDITION_STARTED));
	ck_assert(program_meets(&program, CONDITION_READY));
}
END_TEST

/* --- the invariants --- */

START_TEST(a_broken_record_is_noticed)
{
	ck_assert_ptr_null(program_check(&program));
	program.pid = 7;
	ck_assert_int_eq(program_check(&program)[0], '1');
	program.state = LIFE_BACKOFF;
	ck_assert_int_eq(program_check(&program)[0], '2');
	program.state = LIFE_WAITING;
	ck_assert_int_eq(program_check(&program)[0], '3');
	program.state = LIFE_RUNNING;
	ck_assert_ptr_null(program_check(&program));
	program.pid = 0;
	ck_assert_int_eq(program_check(&program)[0], '3');
	program.state = LIFE_WAITING;
	program.wanted = false;
	ck_assert_int_eq(program_check(&program)[0], '4');
}
END_TEST

int main(void)
{
	Suite *s = suite_create("program");
	TCase *door = tcase_create("door");
	TCase *deciders = tcase_create("deciders");
	TCase *invariants = tcase_create("invariants");

	tcase_add_checked_fixture(door, open_program, close_program);
	tcase_add_test(door, an_impossible_event_changes_nothing);
	tcase_add_test(door, each_change_is_told_and_dated);
	tcase_add_test(door, a_stopped_process_is_continued_so_that_it_hears_the_signal);
	tcase_add_test(door, kill_needs_no_continuing);
	suite_add_tcase(s, door);
	tcase_add_checked_fixture(deciders, open_program, close_program);
	tcase_add_test(deciders, a_simple_program_is_ready_when_it_is_there);
	tcase_add_test(deciders, a_cancelled_start_is_no_failure);
	tcase_add_test(deciders, a_failed_start_is_given_up_at_the_limit);
	tcase_add_test(deciders, a_machine_that_refuses_is_asked_for_ever_and_slower);
	tcase_add_test(deciders, a_machine_that_refuses_gets_a_rest_even_without_restart_delay);
	tcase_add_test(deciders, a_program_that_is_not_restarted_gets_one_try);
	tcase_add_test(deciders, an_exit_is_noted_as_it_was);
	tcase_add_test(deciders, a_failure_is_never_passed_on_as_success);
	tcase_add_test(deciders, what_dependents_may_count_on);
	suite_add_tcase(s, deciders);
	tcase_add_checked_fixture(invariants, open_program, close_program);
	tcase_add_test(invariants, a_broken_record_is_noticed);
	suite_add_tcase(s, invariants);
	return suite_run(s);
}
