/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/proc.h"
#include "os/signals.h"

enum { PATIENCE_MS = 60000, MANY = 200 };

static const char *const pidfd_wishes[] = { "yes", "no" };

/* Every case runs with pidfds and without. */
static void open_stage(struct stage *s, int wish, size_t programs)
{
	setenv("VERGER_PIDFD", pidfd_wishes[wish], 1);
	setenv("VERGER_CGROUP", "no", 1);
	stage_open(s, programs);
	ck_assert_int_eq(s->probe.pidfd, wish == 0);
}

static bool first_has_exited(struct stage *s)
{
	return s->notes[0].exit_count > 0;
}

static bool first_has_settled(struct stage *s)
{
	return s->notes[0].exit_count > 0 && s->settled_count > 0;
}

static bool all_have_exited(struct stage *s)
{
	return s->exit_count == s->settings.program_count;
}

static bool a_third_has_exited(struct stage *s)
{
	return s->exit_count == (s->settings.program_count + 2) / 3;
}

static bool only_the_main_process_is_left(struct stage *s)
{
	return s->orphan_count >= 2 && stage_child_count() == 1;
}

START_TEST(tells_exit_codes)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "exit=7");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit.code, 7);
	ck_assert_int_eq(s.notes[0].exit.signal, 0);
	ck_assert_int_eq(s.notes[0].exit.pid, s.notes[0].pid);
	stage_close(&s);
}
END_TEST

START_TEST(tells_signals)
{
	struct stage s;

	open_stage(&s, _i, 1);
	kill(stage_start(&s, 0, ""), SIGKILL);
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit.signal, SIGKILL);
	stage_close(&s);
}
END_TEST

/* P2: at the time of before_reap the zombie still holds its PID, so that no other process can have
 * it. */
START_TEST(pid_is_taken_before_reap)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "exit=0");
	ck_assert(stage_run_until(&s, first_has_settled, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].before_count, 1);
	ck_assert(s.notes[0].zombie_was_there);
	ck_assert_int_eq(kill(s.notes[0].pid, 0), -1); /* and afterwards it is free */
	stage_close(&s);
}
END_TEST

START_TEST(hears_of_all_of_many_deaths_at_once)
{
	struct stage s;

	open_stage(&s, _i, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		stage_start(&s, i, "");
	for (uint32_t i = 0; i < MANY; i++)
		kill(s.notes[i].pid, SIGKILL);
	ck_assert(stage_run_until(&s, all_have_exited, PATIENCE_MS));
	for (uint32_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(s.notes[i].exit_count, 1);
		ck_assert(s.notes[i].zombie_was_there);
		ck_assert_uint_eq(reaper_find(s.reaper, s.notes[i].pid), NO_PROGRAM);
	}
	ck_assert_uint_eq(stage_child_count(), 0);
	stage_close(&s);
}
END_TEST

START_TEST(finds_programs_by_pid)
{
	struct stage s;

	open_stage(&s, _i, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		stage_start(&s, i, i % 3 ? "" : "exit=0");
	ck_assert(stage_run_until(&s, a_third_has_exited, PATIENCE_MS));
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(reaper_find(s.reaper, s.notes[i].pid), i % 3 ? i : NO_PROGRAM);
	ck_assert_uint_eq(reaper_find(s.reaper, 1), NO_PROGRAM);
	stage_close(&s);
}
END_TEST

/* X3 */
START_TEST(reaps_orphans_and_leaves_no_zombie)
{
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "child hop setsid hop wait=20 exit=3 end child exit=0 end wait=60000");
	ck_assert(stage_run_until(&s, only_the_main_process_is_left, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit_count, 0);
	stage_close(&s);
}
END_TEST

START_TEST(takes_no_ended_leader_for_dead)
{
	struct proc_stat leader;
	struct stage s;

	open_stage(&s, _i, 1);
	stage_start(&s, 0, "leader-exits=%s/go");
	do
		stage_run(&s, 5);
	while (proc_stat_read(s.notes[0].pid, &leader) == 0 && leader.state != 'Z');
	stage_run(&s, 150);
	ck_assert_int_eq(s.notes[0].exit_count, 0);
	stage_touch(&s, "go");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit.code, 5);
	stage_close(&s);
}
END_TEST

/* The same program again from its own `exited`, as a restart without delay does. */
START_TEST(watches_the_next_process_of_a_program)
{
	struct stage s;

	open_stage(&s, _i, 1);
	for (int i = 1; i <= 20; i++) {
		s.notes[0].exit_count = 0;
		stage_start(&s, 0, "exit=0");
		ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	}
	ck_assert_int_eq(s.notes[0].before_count, 20);
	stage_close(&s);
}
END_TEST

/* What nohup-like parents and careless shells hand down. */
START_TEST(learns_of_exits_although_the_parent_ignored_sigchld)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct stage s;

	sigaction(SIGCHLD, &ignore, NULL);
	open_stage(&s, _i, 1); /* calls signals_reset, as main does */
	stage_start(&s, 0, "exit=9");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit.code, 9);
	stage_close(&s);
}
END_TEST

START_TEST(refuses_what_is_no_process)
{
	struct stage s;

	open_stage(&s, 0, 1);
	ck_assert_int_lt(reaper_watch(s.reaper, 0, 0x3ffffff, -1), 0);
	stage_close(&s);
}
END_TEST

/* R4: without descriptors left a death is told by SIGCHLD. */
START_TEST(does_without_pidfds_when_descriptors_are_out)
{
	struct rlimit few = { 64, 64 };
	struct stage s;
	pid_t pid;
	int fds[64];
	size_t count = 0;

	setrlimit(RLIMIT_NOFILE, &few);
	open_stage(&s, 0, 1);
	pid = stage_spawn(&s, 0, "await=%s/go exit=4");
	s.notes[0].pid = pid;
	while ((fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		count++;
	ck_assert_int_eq(reaper_watch(s.reaper, 0, pid, -1), 0);
	ck_assert_int_eq(reaper_pidfd(s.reaper, 0), -1);
	while (count > 0)
		close(fds[--count]);
	stage_touch(&s, "go");
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit.code, 4);
	stage_close(&s);
}
END_TEST

/* I1 */
START_TEST(sleeps_while_nothing_happens)
{
	struct stage s;

	open_stage(&s, _i, 10);
	for (uint32_t i = 0; i < 10; i++)
		stage_start(&s, i, "");
	ck_assert(stage_comes_to_rest(&s));
	stage_close(&s);
}
END_TEST

/* P8: it may have died and nobody has heard of it yet. */
START_TEST(knows_who_is_alive_at_this_moment)
{
	siginfo_t info;
	struct stage s;
	pid_t pid;

	stage_open(&s, 2);
	ck_assert(!reaper_is_alive(s.reaper, 0));
	ck_assert(!reaper_is_alive(s.reaper, 12345)); /* never watched */
	pid = stage_start(&s, 0, "");
	ck_assert(reaper_is_alive(s.reaper, 0));
	ck_assert(!reaper_is_alive(s.reaper, 1));
	kill(pid, SIGSTOP);
	ck_assert(reaper_is_alive(s.reaper, 0));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert(!reaper_is_alive(s.reaper, 0));
	ck_assert_int_eq(s.notes[0].exit_count, 0);
	ck_assert(stage_run_until(&s, first_has_exited, PATIENCE_MS));
	ck_assert_int_eq(s.notes[0].exit_count, 1); /* looking has taken nothing away */
	ck_assert(!reaper_is_alive(s.reaper, 0));
	stage_close(&s);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("reaper");
	TCase *exits = tcase_create("exits");
	TCase *orphans = tcase_create("orphans");
	TCase *adversity = tcase_create("adversity");

	tcase_set_timeout(exits, 30);
	tcase_add_loop_test(exits, tells_exit_codes, 0, 2);
	tcase_add_loop_test(exits, tells_signals, 0, 2);
	tcase_add_loop_test(exits, pid_is_taken_before_reap, 0, 2);
	tcase_add_loop_test(exits, hears_of_all_of_many_deaths_at_once, 0, 2);
	tcase_add_loop_test(exits, finds_programs_by_pid, 0, 2);
	tcase_add_loop_test(exits, watches_the_next_process_of_a_program, 0, 2);
	tcase_add_loop_test(exits, sleeps_while_nothing_happens, 0, 2);
	suite_add_tcase(suite, exits);
	tcase_set_timeout(orphans, 30);
	tcase_add_loop_test(orphans, reaps_orphans_and_leaves_no_zombie, 0, 2);
	suite_add_tcase(suite, orphans);
	tcase_set_timeout(adversity, 30);
	tcase_add_loop_test(adversity, takes_no_ended_leader_for_dead, 0, 2);
	tcase_add_loop_test(adversity, learns_of_exits_although_the_parent_ignored_sigchld, 0, 2);
	tcase_add_test(adversity, refuses_what_is_no_process);
	tcase_add_test(adversity, knows_who_is_alive_at_this_moment);
	tcase_add_test(adversity, does_without_pidfds_when_descriptors_are_out);
	suite_add_tcase(suite, adversity);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
