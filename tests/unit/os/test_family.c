/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/proc.h"

enum { PATIENCE_MS = 60000 };

/* Every case runs in each of these surroundings. */
static const struct {
	const char *cgroup, *pidfd;
	bool ordinary_user;
} surroundings[] = {
	{ "yes", "yes", false },
	{ "no", "yes", false },
	{ "no", "no", false },
	{ "no", "yes", true },
};

enum { WITH_CGROUPS = 0, WITHOUT = 1, SURROUNDINGS_COUNT = 4 };

static void open_stage(struct stage *s, int where, size_t programs)
{
	if (surroundings[where].ordinary_user && getuid() == 0) {
		ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
		prctl(PR_SET_DUMPABLE, 1); /* as for one who was born so */
	}
	setenv("VERGER_CGROUP", surroundings[where].cgroup, 1);
	setenv("VERGER_PIDFD", surroundings[where].pidfd, 1);
	stage_open(s, programs);
}

static bool first_is_empty(struct stage *s)
{
	return s->notes[0].empty_count > 0;
}

static bool first_has_exited(struct stage *s)
{
	return s->notes[0].exit_count > 0;
}

static bool second_has_exited(struct stage *s)
{
	return s->notes[1].exit_count > 0;
}

/* Processes on the way to their end are members until they are there. */
static bool first_has_one_member(struct stage *s)
{
	return family_members(s->families, 0, NULL, 0) == 1;
}

static bool nobody_is_in_first(struct stage *s)
{
	return family_is_empty(s->families, 0);
}

static bool second_has_one_member(struct stage *s)
{
	return family_members(s->families, 1, NULL, 0) == 1;
}

static bool first_has_four_members(struct stage *s)
{
	return family_members(s->families, 0, NULL, 0) == 4;
}

static bool there_is_one_stray(struct stage *s)
{
	return families_signal_strays(s->families, 0) == 1;
}

/* Runs the loop until `done` says yes, and looks often: what it asks for may be no event of ours.
 */
static void wait_until(struct stage *s, bool (*done)(struct stage *s))
{
	msec_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!done(s)) {
		ck_assert_msg(clock_monotonic_ms() < end, "it never came");
		stage_run(s, 5);
	}
}

static bool all_are_empty(struct stage *s)
{
	for (size_t i = 0; i < s->settings.program_count; i++)
		if (!s->notes[i].empty_count)
			return false;
	return true;
}

static void sweep_and_check(struct stage *s)
{
	if (!family_sweep(s->families, 0))
		ck_assert(stage_run_until(s, first_is_empty, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(s));
	ck_assert(family_is_empty(s->families, 0));
	ck_assert_int_le(s->notes[0].empty_count, 1);
}

/* S3: a program that double-forks, calls setsid and ignores TERM, with grandchildren. */
START_TEST(sweeps_a_daemon_that_ignores_term)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0,
	            "ignore=15 child hop setsid hop child setsid touch=%s/a end touch=%s/b end "
	            "touch=%s/c");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	stage_await_file(&s, "c");
	sweep_and_check(&s);
	stage_close(&s);
}
END_TEST

/* A control group that was killed kills whatever is started in it from then on (Linux 6.18). */
START_TEST(starts_again_after_a_sweep)
{
	struct stage s;

	open_stage(&s, _i, 1);
	for (int life = 0; life < 3; life++) {
		const char *mark = life % 2 ? "odd" : "even";

		stage_start(&s, 0, life % 2 ? "touch=%s/odd" : "touch=%s/even");
		stage_await_file(&s, mark);
		unlink(stage_path(&s, mark));
		s.notes[0].empty_count = 0;
		sweep_and_check(&s);
	}
	stage_close(&s);
}
END_TEST

/* S3: processes that fork and end without pause, a third of them leaving the session each time. */
START_TEST(sweeps_hopping_fork_bombs)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "ignore=15 bomb=20 touch=%s/a");
	stage_await_file(&s, "a");
	stage_run(&s, 100);
	sweep_and_check(&s);
	stage_close(&s);
}
END_TEST

/* S3: the escalation does not end because the leader exited first. */
START_TEST(sweeps_what_the_main_process_left)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0,
	            "child setsid ignore=15 touch=%s/a end child touch=%s/b end bomb=5 "
	            "wait=100 exit=0");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_is_empty(s.families, 0));
	sweep_and_check(&s);
	stage_close(&s);
}
END_TEST

/* Neither session nor mark tells of the one without environment: that it was seen below the main
 * process does. */
START_TEST(sweeps_those_that_cleared_their_environment)
{
	struct stage s;

	open_stage(&s, _i, 2);
	stage_start(&s, 1, "");
	stage_start(&s, 0,
	            "child setsid clear-env touch=%s/a end child setsid clear-env child "
	            "setsid touch=%s/b end end");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	if (!family_sweep(s.families, 0))
		ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	ck_assert_int_eq(kill(s.notes[1].pid, 0), 0);
	kill(s.notes[1].pid, SIGKILL);
	ck_assert(stage_run_until(&s, second_has_exited, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(&s));
	stage_close(&s);
}
END_TEST

START_TEST(sweeps_one_program_and_not_the_other)
{
	struct stage s;

	open_stage(&s, _i, 2);
	for (uint32_t i = 0; i < 2; i++)
		stage_start(&s, i,
		            i ? "child hop setsid hop touch=%s/a end exit=0"
		              : "child hop setsid hop touch=%s/b end exit=0");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	wait_until(&s, first_has_exited);
	wait_until(&s, second_has_exited);
	wait_until(&s, second_has_one_member);
	ck_assert(!family_is_empty(s.families, 0));
	if (!family_sweep(s.families, 0))
		ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	ck_assert(family_is_empty(s.families, 0));
	ck_assert(!family_is_empty(s.families, 1));
	ck_assert_uint_eq(family_members(s.families, 1, NULL, 0), 1);
	stage_close(&s);
}
END_TEST

START_TEST(sweeps_many_at_once)
{
	struct stage s;

	open_stage(&s, _i, 50);
	for (uint32_t i = 0; i < 50; i++)
		stage_start(&s, i, "child setsid end");
	stage_run(&s, 100);
	for (uint32_t i = 0; i < 50; i++)
		family_sweep(s.families, i);
	ck_assert(stage_run_until(&s, all_are_empty, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(&s));
	stage_close(&s);
}
END_TEST

START_TEST(tells_when_the_last_has_ended)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child setsid touch=%s/a await=%s/go exit=0 end wait=20 exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_watch(s.families, 0));
	stage_run(&s, 100);
	ck_assert_int_eq(s.notes[0].empty_count, 0);
	stage_touch(&s, "go");
	ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(&s));
	stage_run(&s, 50);
	ck_assert_int_eq(s.notes[0].empty_count, 1);
	stage_close(&s);
}
END_TEST

START_TEST(says_at_once_that_nobody_is_left)
{
	struct stage s;

	open_stage(&s, _i, 2);
	stage_start(&s, 1, "");
	stage_start(&s, 0, "exit=0");
	ck_assert(!family_is_empty(s.families, 0));
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(family_watch(s.families, 0));
	stage_run(&s, 50);
	ck_assert_int_eq(s.notes[0].empty_count, 0);
	stage_close(&s);
}
END_TEST

START_TEST(counts_an_ended_leader_with_threads_as_living)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child setsid leader-exits=%s/go end touch=%s/a wait=50 exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_watch(s.families, 0));
	stage_run(&s, 100);
	ck_assert_int_eq(s.notes[0].empty_count, 0);
	stage_touch(&s, "go");
	ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(&s));
	stage_close(&s);
}
END_TEST

/* I1: what waits for a family waits without a clock. */
START_TEST(waits_without_waking_up)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child touch=%s/a end exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_watch(s.families, 0));
	ck_assert(stage_comes_to_rest(&s));
	stage_close(&s);
}
END_TEST

static off_t size_of(struct stage *s, const char *name)
{
	struct stat st;

	return stat(stage_path(s, name), &st) < 0 ? -1 : st.st_size;
}

/* Waits until so many signals have been counted in a file. */
static void await_size(struct stage *s, const char *name, off_t size)
{
	msec_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (size_of(s, name) < size) {
		ck_assert_msg(clock_monotonic_ms() < end, "%s: a signal never came", name);
		stage_run(s, 5);
	}
}

/* G2 */
START_TEST(signals_each_of_the_tree_exactly_once)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0,
	            "count=10:%s/a child count=10:%s/b child setsid count=10:%s/c end end "
	            "child hop setsid hop count=10:%s/d touch=%s/ready end");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	stage_await_file(&s, "c");
	stage_await_file(&s, "ready");
	wait_until(&s, first_has_four_members);
	ck_assert_int_eq(family_signal(s.families, 0, SIGUSR1, SCOPE_TREE), 4);
	for (const char *name = "a\0b\0c\0d\0"; *name; name += 2)
		await_size(&s, name, 1);
	stage_run(&s, 100);
	for (const char *name = "a\0b\0c\0d\0"; *name; name += 2)
		ck_assert_int_eq(size_of(&s, name), 1);
	stage_close(&s);
}
END_TEST

START_TEST(signals_main_and_group)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "count=10:%s/a child count=10:%s/b end child setsid count=10:%s/c end");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	stage_await_file(&s, "c");
	ck_assert_int_eq(family_signal(s.families, 0, SIGUSR1, SCOPE_MAIN), 1);
	await_size(&s, "a", 1);
	stage_run(&s, 100);
	ck_assert_int_eq(size_of(&s, "a"), 1);
	ck_assert_int_eq(size_of(&s, "b"), 0);
	ck_assert_int_eq(family_signal(s.families, 0, SIGUSR1, SCOPE_GROUP), 1);
	await_size(&s, "a", 2);
	await_size(&s, "b", 1);
	stage_run(&s, 100);
	ck_assert_int_eq(size_of(&s, "a"), 2);
	ck_assert_int_eq(size_of(&s, "b"), 1);
	ck_assert_int_eq(size_of(&s, "c"), 0);
	stage_close(&s);
}
END_TEST

START_TEST(signals_what_is_left_of_a_group)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0,
	            "child count=10:%s/b end child setsid count=10:%s/c end wait=100 exit=0");
	stage_await_file(&s, "b");
	stage_await_file(&s, "c");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(family_signal(s.families, 0, SIGUSR1, SCOPE_GROUP), 1);
	await_size(&s, "b", 1);
	stage_run(&s, 100);
	ck_assert_int_eq(size_of(&s, "b"), 1);
	ck_assert_int_eq(size_of(&s, "c"), 0);
	ck_assert_int_eq(family_signal(s.families, 0, SIGUSR1, SCOPE_MAIN), 2);
	await_size(&s, "b", 2);
	await_size(&s, "c", 1);
	stage_run(&s, 100);
	ck_assert_int_eq(size_of(&s, "b"), 2);
	ck_assert_int_eq(size_of(&s, "c"), 1);
	stage_close(&s);
}
END_TEST

static bool one_was_continued(struct stage *s)
{
	return family_continue(s->families, 0, SCOPE_TREE) == 1;
}

START_TEST(continues_only_what_is_stopped)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child touch=%s/ready stop touch=%s/went-on end count=18:%s/a");
	stage_await_file(&s, "a");
	stage_await_file(&s, "ready");
	wait_until(&s, one_was_continued); /* it stops itself a moment after it is ready */
	stage_await_file(&s, "went-on");
	stage_run(&s, 50);
	ck_assert_int_eq(size_of(&s, "a"), 0);
	stage_close(&s);
}
END_TEST

/* S4 */
START_TEST(names_the_members)
{
	struct family_member members[1];
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child setsid touch=%s/a end");
	stage_await_file(&s, "a");
	ck_assert_uint_eq(family_members(s.families, 0, members, 1), 2);
	ck_assert_int_eq(members[0].pid, s.notes[0].pid);
	ck_assert_str_ne(members[0].name, "");
	stage_close(&s);
}
END_TEST

static const char *outer_mark(struct stage *s, uint32_t program)
{
	static char mark[4096];

	snprintf(mark, sizeof mark, "%s 99.deadbeef/p1 inner/x", family_mark(s->families, program));
	return mark;
}

/* A vergerd in a vergerd adds its mark to ours; the family stays ours as well. */
START_TEST(knows_its_mark_among_those_of_other_vergerds)
{
	struct stage s;

	setenv("VERGER_FAMILY", "1.00000000/p1", 1);
	open_stage(&s, _i, 2);
	ck_assert_int_eq(strncmp(family_mark(s.families, 0), "1.00000000/p1 ", 14), 0);
	s.choose_mark = outer_mark;
	stage_start(&s, 1, "");
	stage_start(&s, 0, "child hop setsid hop touch=%s/a end touch=%s/b exit=0");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_is_empty(s.families, 0));
	ck_assert_uint_eq(family_members(s.families, 1, NULL, 0), 1);
	stage_close(&s);
}
END_TEST

/* What was there before us is nobody's. */
START_TEST(leaves_inherited_children_alone)
{
	pid_t inherited = fork();
	struct stage s;

	if (inherited == 0) {
		setsid();
		pause();
		_exit(0);
	}
	open_stage(&s, WITHOUT, 1);
	stage_start(&s, 0, "exit=0");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(family_watch(s.families, 0));
	ck_assert_uint_eq(families_signal_strays(s.families, SIGKILL), 0);
	ck_assert_int_eq(kill(inherited, 0), 0);
	stage_close(&s);
}
END_TEST

static bool no_strays(struct stage *s)
{
	return families_signal_strays(s->families, SIGKILL) == 0;
}

static bool no_child_is_left(struct stage *s)
{
	(void)s;
	return stage_child_count() == 0;
}

/* X3: what belongs to no program is told to end with vergerd. */
START_TEST(sweeps_strays_at_the_end)
{
	struct stage s;

	open_stage(&s, WITHOUT, 2);
	stage_start(&s, 1, "exit=0");
	stage_start(&s, 0,
	            "child hop setsid clear-env touch=%s/a end child touch=%s/b wait=200 "
	            "exit=0 end exit=0");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	/* with two programs nothing tells whose the daemon without environment is */
	if (!family_watch(s.families, 0))
		ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	wait_until(&s, there_is_one_stray);
	wait_until(&s, no_strays);
	wait_until(&s, no_child_is_left);
	ck_assert(!stage_anybody_lives(&s));
	stage_close(&s);
}
END_TEST

/* X3: those too that come to us when others have ended, and nobody twice. */
/* Those that have hopped away are reaped. */
static bool only_outer_is_left(struct stage *s)
{
	return second_has_exited(s) && stage_child_count() == 1 && there_is_one_stray(s);
}

START_TEST(tells_each_stray_once)
{
	struct stage s;
	size_t orphans;

	open_stage(&s, WITHOUT, 2);
	stage_start(&s, 1, "exit=0");
	stage_start(&s, 0,
	            "child hop setsid clear-env child setsid count=15:%s/inner touch=%s/b end "
	            "count=15:%s/outer touch=%s/a end exit=0");
	stage_await_file(&s, "a");
	stage_await_file(&s, "b");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	wait_until(&s, only_outer_is_left);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(families_signal_strays(s.families, SIGTERM), 1);
		stage_run(&s, 20);
	}
	await_size(&s, "outer", 1);
	ck_assert_int_eq(size_of(&s, "outer"), 1);
	ck_assert_int_eq(size_of(&s, "inner"), 0);
	orphans = s.orphan_count;
	ck_assert_uint_eq(families_signal_strays(s.families, SIGKILL), 1);
	while (s.orphan_count == orphans)
		stage_run(&s, 5);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(families_signal_strays(s.families, SIGTERM), 1);
		stage_run(&s, 20);
	}
	await_size(&s, "inner", 1);
	ck_assert_int_eq(size_of(&s, "inner"), 1);
	stage_close(&s);
}
END_TEST

START_TEST(guesses_when_only_one_program_can_have_made_an_orphan)
{
	struct stage s;

	open_stage(&s, WITHOUT, 2);
	stage_start(&s, 0, "child hop setsid clear-env touch=%s/a end wait=100 exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_is_empty(s.families, 0));
	sweep_and_check(&s);
	stage_close(&s);
}
END_TEST

/* --- reload --- */

/* Ids past the count at the start. */
START_TEST(makes_room_for_new_programs)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child hop setsid touch=%s/a end touch=%s/b exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(!family_watch(s.families, 0)); /* what is known of it moves with it */
	ck_assert_int_eq(families_reserve(s.families, 200), 0);
	ck_assert_int_eq(families_reserve(s.families, 7), 0);
	stage_add_programs(&s, 199);
	stage_start(&s, 199, "child hop setsid touch=%s/c end exit=0");
	stage_await_file(&s, "c");
	wait_until(&s, first_has_one_member);
	if (!family_sweep(s.families, 199))
		while (!s.notes[199].empty_count)
			stage_run(&s, 10);
	ck_assert(!family_is_empty(s.families, 0));
	sweep_and_check(&s);
	stage_close(&s);
}
END_TEST

/* The id comes back under another name, in a group and with a mark of its own. */
START_TEST(forgets_a_removed_program)
{
	static const char *const names[] = { "other", "third", "fourth" };
	struct stage s;
	char mark[256];

	open_stage(&s, _i, 2);
	for (int life = 0; life < 3; life++) {
		snprintf(mark, sizeof mark, "%s", family_mark(s.families, 0));
		s.notes[0] = (struct stage_notes){ 0 };
		stage_start(&s, 0, "child hop setsid touch=%s/a end exit=0");
		stage_await_file(&s, "a");
		unlink(stage_path(&s, "a"));
		ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
		if (!family_sweep(s.families, 0))
			ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
		s.programs[0].name = "";
		family_forget(s.families, 0);
		/* whoever is half way out of his group is nobody's for a moment, and might be this
		 * one's */
		wait_until(&s, nobody_is_in_first);
		s.programs[0].name = names[life];
		ck_assert_str_ne(family_mark(s.families, 0), mark);
	}
	/* removed with a callback on its way: it is not told any more */
	s.notes[0] = (struct stage_notes){ 0 };
	stage_start(&s, 0, "exit=0");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	family_watch(s.families, 0);
	family_forget(s.families, 0);
	stage_run(&s, 50);
	ck_assert_int_eq(s.notes[0].empty_count, 0);
	stage_close(&s);
}
END_TEST

/* What removed programs have left is not taken for another's, though that is the only one now. */
START_TEST(gives_nobody_what_removed_programs_left)
{
	struct stage s;

	open_stage(&s, WITHOUT, 3);
	stage_start(&s, 1, "exit=0");
	stage_start(&s, 2,
	            "child hop setsid clear-env touch=%s/a await=%s/go hop touch=%s/b end "
	            "exit=0");
	stage_await_file(&s, "a");
	for (uint32_t i = 1; i <= 2; i++) {
		while (!s.notes[i].exit_count)
			stage_run(&s, 10);
		if (!family_sweep(s.families, i))
			while (!s.notes[i].empty_count)
				stage_run(&s, 10);
		family_rest(s.families, i);
		family_forget(s.families, i);
	}
	stage_start(&s, 0, "");
	stage_touch(&s, "go");
	stage_await_file(&s, "b");
	wait_until(&s, there_is_one_stray);
	stage_run(&s, 100);
	ck_assert_uint_eq(family_members(s.families, 0, NULL, 0), 1);
	ck_assert_uint_eq(families_signal_strays(s.families, 0), 1);
	stage_close(&s);
}
END_TEST

/* P7 */
static bool main_was_found(struct stage *s)
{
	pid_t told;
	pid_t pid = family_find_main(s->families, 0, s->programs[0].main_pid_file, &told);

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		s->notes[1].pid = pid;
	return pid > 0;
}

static void on_nudge(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

/* Asks again every ten milliseconds, as vergerd does. */
static bool run_asking(struct stage *s, bool (*done)(struct stage *s))
{
	ev_timer nudge;
	bool found;

	ev_timer_init(&nudge, on_nudge, 0.01, 0.01);
	ev_timer_start(s->loop, &nudge);
	found = stage_run_until(s, done, PATIENCE_MS);
	ev_timer_stop(s->loop, &nudge);
	return found;
}

static void open_forking_stage(struct stage *s, int where)
{
	open_stage(s, where, 2);
	s->programs[0].type = PROGRAM_FORKING;
}

static void tell_and_find(struct stage *s, const char *text, pid_t expected)
{
	FILE *file = fopen(stage_path(s, "told"), "we");
	pid_t told;

	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(family_find_main(s->families, 0, stage_path(s, "told"), &told), expected);
}

START_TEST(finds_the_daemon_by_its_file)
{
	struct stage s;
	char text[32] = { 0 };
	pid_t told;
	int fd;

	open_forking_stage(&s, _i);
	stage_start(&s, 0,
	            "child hop setsid hop child touch=%s/worker end await=%s/go pid=%s/told end "
	            "exit=0");
	s.programs[0].main_pid_file = strdup(stage_path(&s, "told"));
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(family_find_main(s.families, 0, s.programs[0].main_pid_file, &told), 0);
	stage_touch(&s, "go");
	stage_await_file(&s, "told");
	ck_assert(run_asking(&s, main_was_found));
	fd = open(stage_path(&s, "told"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
	close(fd);
	ck_assert_int_eq(strtol(text, NULL, 10), s.notes[1].pid);
	free((char *)s.programs[0].main_pid_file);
	stage_close(&s);
}
END_TEST

static bool main_was_guessed(struct stage *s)
{
	pid_t told;

	s->notes[1].pid = family_find_main(s->families, 0, NULL, &told);
	return s->notes[1].pid > 0;
}

START_TEST(finds_the_daemon_that_is_the_only_one)
{
	struct stage s;

	open_forking_stage(&s, _i);
	/* the process in between lingers: it is the only one for a moment and must not be taken */
	stage_start(&s, 0, "child hop wait=20 setsid hop child end pid=%s/is end exit=0");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert(run_asking(&s, main_was_guessed));
	tell_and_find(&s, "", 0);
	stage_await_file(&s, "is");
	stage_close(&s);
}
END_TEST

START_TEST(says_when_no_daemon_was_left)
{
	struct stage s;
	pid_t told;

	open_forking_stage(&s, _i);
	stage_start(&s, 0, "exit=0");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(family_find_main(s.families, 0, NULL, &told), -ESRCH);
	ck_assert_int_eq(family_find_main(s.families, 0, "/nonexistent/pid", &told), -ESRCH);
	stage_close(&s);
}
END_TEST

START_TEST(believes_no_number_that_is_not_ours)
{
	char text[32];
	struct stage s;
	pid_t stranger;

	open_forking_stage(&s, _i);
	stage_start(&s, 1, "");
	stranger = stage_spawn(&s, 1, "");
	stage_start(&s, 0, "child setsid touch=%s/a end wait=50 exit=0");
	stage_await_file(&s, "a");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	tell_and_find(&s, "", 0);
	tell_and_find(&s, "0\n", 0);
	tell_and_find(&s, "-1\n", 0);
	tell_and_find(&s, "x\n", 0);
	tell_and_find(&s, "1\n", -EPERM);
	snprintf(text, sizeof text, "%d\n", (int)getpid());
	tell_and_find(&s, text, -EPERM);
	snprintf(text, sizeof text, "%d\n", (int)getppid());
	tell_and_find(&s, text, -EPERM);
	snprintf(text, sizeof text, "%d\n",
	         (int)s.notes[1].pid); /* another program's main process */
	tell_and_find(&s, text, -EPERM);
	snprintf(text, sizeof text, "%d\n",
	         (int)stranger); /* a child of ours, older than the start */
	tell_and_find(&s, text, -EPERM);
	stage_close(&s);
}
END_TEST

/* A file that was there before the start says nothing about it. */
START_TEST(waits_for_a_file_newer_than_the_start)
{
	struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	struct stage s;
	pid_t told;

	open_forking_stage(&s, WITHOUT);
	stage_start(&s, 0, "child setsid touch=%s/a end wait=50 exit=0");
	stage_await_file(&s, "a");
	tell_and_find(&s, "1\n", -EPERM);
	utimensat(AT_FDCWD, stage_path(&s, "told"), long_ago, 0);
	ck_assert_int_eq(family_find_main(s.families, 0, stage_path(&s, "told"), &told), 0);
	stage_close(&s);
}
END_TEST

static void add_everywhere(TCase *tcase, const TTest *test)
{
	_tcase_add_test(tcase, test, 0, 0, 0, SURROUNDINGS_COUNT);
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("family");
	TCase *sweep = tcase_create("sweep");
	TCase *watch = tcase_create("watch");
	TCase *signals = tcase_create("signals");
	TCase *belonging = tcase_create("belonging");
	TCase *reload = tcase_create("reload");
	TCase *daemons = tcase_create("daemons");

	tcase_set_timeout(sweep, 60);
	add_everywhere(sweep, sweeps_a_daemon_that_ignores_term);
	add_everywhere(sweep, starts_again_after_a_sweep);
	add_everywhere(sweep, sweeps_hopping_fork_bombs);
	add_everywhere(sweep, sweeps_what_the_main_process_left);
	add_everywhere(sweep, sweeps_those_that_cleared_their_environment);
	add_everywhere(sweep, sweeps_one_program_and_not_the_other);
	add_everywhere(sweep, sweeps_many_at_once);
	suite_add_tcase(suite, sweep);
	tcase_set_timeout(watch, 60);
	add_everywhere(watch, tells_when_the_last_has_ended);
	add_everywhere(watch, says_at_once_that_nobody_is_left);
	add_everywhere(watch, counts_an_ended_leader_with_threads_as_living);
	add_everywhere(watch, waits_without_waking_up);
	suite_add_tcase(suite, watch);
	tcase_set_timeout(signals, 60);
	add_everywhere(signals, signals_each_of_the_tree_exactly_once);
	add_everywhere(signals, signals_main_and_group);
	add_everywhere(signals, signals_what_is_left_of_a_group);
	add_everywhere(signals, continues_only_what_is_stopped);
	add_everywhere(signals, names_the_members);
	suite_add_tcase(suite, signals);
	tcase_set_timeout(belonging, 60);
	add_everywhere(belonging, knows_its_mark_among_those_of_other_vergerds);
	tcase_add_test(belonging, leaves_inherited_children_alone);
	tcase_add_test(belonging, sweeps_strays_at_the_end);
	tcase_add_test(belonging, tells_each_stray_once);
	tcase_add_test(belonging, guesses_when_only_one_program_can_have_made_an_orphan);
	suite_add_tcase(suite, belonging);
	tcase_set_timeout(reload, 60);
	add_everywhere(reload, makes_room_for_new_programs);
	add_everywhere(reload, forgets_a_removed_program);
	tcase_add_test(reload, gives_nobody_what_removed_programs_left);
	suite_add_tcase(suite, reload);
	tcase_set_timeout(daemons, 60);
	add_everywhere(daemons, finds_the_daemon_by_its_file);
	add_everywhere(daemons, finds_the_daemon_that_is_the_only_one);
	add_everywhere(daemons, says_when_no_daemon_was_left);
	add_everywhere(daemons, believes_no_number_that_is_not_ours);
	tcase_add_test(daemons, waits_for_a_file_newer_than_the_start);
	suite_add_tcase(suite, daemons);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
