/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/probe.h"
#include "unit/suite.h"

START_TEST(leaves_nothing_behind)
{
	sigset_t mask;
	struct probe p;
	siginfo_t info;
	int subreaper = 1;

	probe_run(&p);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	ck_assert_int_eq(errno, ECHILD);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	ck_assert_int_eq(subreaper, 0);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ck_assert(sigisemptyset(&mask));
	probe_release(&p);
	ck_assert_ptr_null(p.cgroup_dir);
}
END_TEST

START_TEST(explains_what_is_missing)
{
	struct probe p;

	probe_run(&p);
	ck_assert((p.cgroup_dir != NULL) == p.cgroup_kill);
	ck_assert((p.cgroup_dir != NULL) == (*p.cgroup_reason == '\0'));
	ck_assert((p.spawn_mode == SPAWN_CLONE3) == (*p.spawn_reason == '\0'));
	probe_release(&p);
}
END_TEST

static const struct {
	const char *wish;
	enum spawn_mode mode;
} wishes[] = { { "clone", SPAWN_CLONE }, { "fork", SPAWN_FORK } };

START_TEST(takes_the_lesser_way_that_is_asked_for)
{
	struct probe p;

	setenv("VERGER_SPAWN", wishes[_i].wish, 1);
	setenv("VERGER_PIDFD", "no", 1);
	setenv("VERGER_CGROUP", "no", 1);
	probe_run(&p);
	ck_assert_int_ge(p.spawn_mode, wishes[_i].mode);
	ck_assert(!p.pidfd);
	ck_assert_ptr_null(p.cgroup_dir);
	ck_assert_str_ne(p.spawn_reason, "");
	ck_assert_str_ne(p.cgroup_reason, "");
	probe_release(&p);
}
END_TEST

START_TEST(prints_a_line_for_each_thing)
{
	char *text = NULL;
	size_t size = 0, lines = 0;
	FILE *out = open_memstream(&text, &size);
	struct probe p;

	probe_run(&p);
	probe_print(&p, out);
	fclose(out);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines, 6);
	free(text);
	probe_release(&p);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *probing = tcase_create("probing");

	tcase_add_test(probing, leaves_nothing_behind);
	tcase_add_test(probing, explains_what_is_missing);
	tcase_add_loop_test(probing, takes_the_lesser_way_that_is_asked_for, 0, 2);
	tcase_add_test(probing, prints_a_line_for_each_thing);
	suite_add_tcase(suite, probing);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
