/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/proc.h"

static const char *mark_with_neighbours(struct stage *s, uint32_t program)
{
	(void)s;
	(void)program;
	return "a b";
}

START_TEST(reads_stat_of_names_with_blanks_and_parentheses)
{
	struct proc_stat stat;

	prctl(PR_SET_NAME, "a) R 1 (b c");
	ck_assert_int_eq(proc_stat_read(getpid(), &stat), 0);
	ck_assert_str_eq(stat.name, "a) R 1 (b c");
	ck_assert_int_eq(stat.parent, getppid());
	ck_assert_int_eq(stat.session, getsid(0));
	ck_assert_int_eq(stat.group, getpgrp());
	ck_assert_int_eq(stat.state, 'R');
	ck_assert(stat.has_memory);
	ck_assert_uint_gt(stat.start_ticks, 0);
}
END_TEST

START_TEST(says_that_nobody_is_there)
{
	struct pid_list children = PID_LIST_INIT;
	struct proc_stat stat;
	char value[8];

	ck_assert_int_eq(proc_stat_read(0x3ffffff, &stat), -ESRCH);
	ck_assert_int_eq(proc_environ_find(0x3ffffff, "A", value, sizeof value), -ESRCH);
	ck_assert_int_eq(proc_children(0x3ffffff, true, &children), 0);
	ck_assert_uint_eq(children.count, 0);
}
END_TEST

/* With the kernel's list and without. */
START_TEST(lists_children_in_order)
{
	struct pid_list children = PID_LIST_INIT;
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			pause();
			_exit(0);
		}
	}
	ck_assert_int_eq(proc_children(getpid(), _i == 0, &children), 0);
	ck_assert_uint_eq(children.count, 3);
	pid_list_make_unique(&children);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(children.items[i], pids[i]);
		kill(pids[i], SIGKILL);
	}
	pid_list_release(&children);
}
END_TEST

START_TEST(reads_lists_that_span_reads)
{
	struct pid_list list = PID_LIST_INIT;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "12 345\n6 0 78", 13), 13);
	close(ends[1]);
	ck_assert_int_eq(pid_list_read(&list, ends[0]), 0);
	ck_assert_uint_eq(list.count, 4); /* 0 is nobody we could name */
	ck_assert_int_eq(list.items[1], 345);
	ck_assert_int_eq(list.items[3], 78);
	ck_assert_int_eq(pid_list_add(&list, 345), 0);
	pid_list_make_unique(&list);
	ck_assert_uint_eq(list.count, 4);
	ck_assert_int_eq(list.items[0], 6);
	pid_list_release(&list);
}
END_TEST

START_TEST(finds_variables_of_another_process)
{
	char value[16];
	struct stage s;
	pid_t pid;

	stage_open(&s, 1);
	s.choose_mark = mark_with_neighbours;
	pid = stage_start(&s, 0, "");
	ck_assert_int_eq(proc_environ_find(pid, "VERGER_FAMILY", value, sizeof value), 3);
	ck_assert_str_eq(value, "a b");
	ck_assert_int_eq(proc_environ_find(pid, "VERGER_FAMILY", value, 3), 2);
	ck_assert_str_eq(value, "a ");
	ck_assert_int_eq(proc_environ_find(pid, "VERGER_FAMIL", value, sizeof value), -ENOENT);
	ck_assert_int_eq(proc_environ_find(pid, "ERGER_FAMILY", value, sizeof value), -ENOENT);
	ck_assert_int_eq(proc_environ_find(pid, "VERGER_FAMILYX", value, sizeof value), -ENOENT);
	stage_close(&s);
}
END_TEST

START_TEST(tells_zombies_from_ended_leaders)
{
	struct proc_stat stat;
	struct stage s;
	pid_t zombie, leader;

	stage_open(&s, 1);
	zombie = stage_spawn(&s, 0, "exit=0");
	leader = stage_spawn(&s, 0, "leader-exits=20000");
	do
		ck_assert_int_eq(proc_stat_read(zombie, &stat), 0);
	while (stat.state != 'Z');
	ck_assert(!proc_is_alive(zombie, &stat));
	do
		ck_assert_int_eq(proc_stat_read(leader, &stat), 0);
	while (stat.state != 'Z');
	ck_assert(proc_is_alive(leader, &stat));
	stage_close(&s);
}
END_TEST

/* The counter of the machine: it is there on any kernel since 4.13, and never goes back. */
START_TEST(counts_kills_for_memory)
{
	int64_t kills = proc_oom_kills();

	ck_assert_int_ge(kills, 0);
	ck_assert_int_ge(proc_oom_kills(), kills);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("proc");
	TCase *reading = tcase_create("reading");
	TCase *processes = tcase_create("processes");

	tcase_add_test(reading, reads_stat_of_names_with_blanks_and_parentheses);
	tcase_add_test(reading, says_that_nobody_is_there);
	tcase_add_test(reading, reads_lists_that_span_reads);
	tcase_add_test(reading, counts_kills_for_memory);
	suite_add_tcase(suite, reading);
	tcase_add_loop_test(processes, lists_children_in_order, 0, 2);
	tcase_add_test(processes, finds_variables_of_another_process);
	tcase_add_test(processes, tells_zombies_from_ended_leaders);
	suite_add_tcase(suite, processes);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
