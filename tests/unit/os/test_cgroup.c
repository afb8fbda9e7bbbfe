/* SPDX-License-Identifier: MIT */
/* Where no cgroups are to be had these tests have nothing to show and pass. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/grouptree.h"
#include "os/loop.h"

enum { PATIENCE_MS = 60000 };

static bool open_stage(struct stage *s, size_t programs)
{
	stage_open(s, programs);
	if (s->probe.cgroup_dir)
		return true;
	fprintf(stderr, "no cgroups: %s\n", s->probe.cgroup_reason);
	stage_close(s);
	return false;
}

static void base_path(const struct stage *s, char path[256], const char *rest)
{
	snprintf(path, 256, "%s/verger-%d%s", s->probe.cgroup_dir, (int)getpid(), rest);
}

START_TEST(has_one_group_per_program_and_leaves_none)
{
	char base[256], group[256];
	struct stage s;
	int fd;

	if (!open_stage(&s, 2))
		return;
	base_path(&s, base, "");
	base_path(&s, group, "/1-p1");
	ck_assert_int_eq(access(base, F_OK), 0);
	ck_assert_int_eq(access(group, F_OK), -1); /* not before it is needed */
	fd = family_cgroup(s.families, 1);
	ck_assert_int_ge(fd, 0);
	family_cgroup_release(s.families, fd);
	ck_assert_int_eq(access(group, F_OK), 0);
	family_rest(s.families, 1);
	ck_assert_int_eq(access(group, F_OK), -1);
	family_cgroup_release(s.families, family_cgroup(s.families, 0));
	stage_close(&s);
	ck_assert_int_eq(access(base, F_OK), -1);
}
END_TEST

static bool first_is_empty(struct stage *s)
{
	return s->notes[0].empty_count > 0;
}

/* A program may divide its own group, as a vergerd in a vergerd does. */
START_TEST(knows_and_kills_nested_groups)
{
	char nested[256], procs[280];
	struct stage s;
	FILE *file;
	pid_t pid;

	if (!open_stage(&s, 1))
		return;
	stage_start(&s, 0, "child setsid pid=%s/told end");
	stage_await_file(&s, "told");
	base_path(&s, nested, "/0-p0/inner");
	ck_assert_int_eq(mkdir(nested, 0755), 0);
	file = fopen(stage_path(&s, "told"), "re");
	ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
	fclose(file);
	snprintf(procs, sizeof procs, "%s/cgroup.procs", nested);
	file = fopen(procs, "we");
	fprintf(file, "%d\n", (int)pid);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_uint_eq(family_members(s.families, 0, NULL, 0), 2);
	ck_assert_int_eq(family_signal(s.families, 0, SIGCONT, SCOPE_TREE), 2);
	if (!family_sweep(s.families, 0))
		ck_assert(stage_run_until(&s, first_is_empty, PATIENCE_MS));
	ck_assert(!stage_anybody_lives(&s));
	family_rest(s.families, 0);
	ck_assert_int_eq(access(nested, F_OK), -1);
	stage_close(&s);
}
END_TEST

static void on_changed(void *context, uint32_t program)
{
	(void)context;
	(void)program;
}

START_TEST(removes_what_dead_vergerds_left)
{
	struct grouptree *tree;
	char stale[256];
	struct stage s;
	int fd;

	if (!open_stage(&s, 1))
		return;
	snprintf(stale, sizeof stale, "%s/verger-test-stale", s.probe.cgroup_dir);
	ck_assert_int_eq(mkdir(stale, 0755), 0);
	fd = family_cgroup(s.families, 0);
	ck_assert_int_eq(
		grouptree_new(&tree, s.loop, s.probe.cgroup_dir, &s.settings, on_changed, NULL), 0);
	ck_assert_int_eq(access(stale, F_OK), -1);
	base_path(&s, stale, "/0-p0"); /* a living one's stays */
	ck_assert_int_eq(access(stale, F_OK), 0);
	base_path(&s, stale, "-1");
	ck_assert_int_eq(access(stale, F_OK), 0);
	grouptree_free(tree);
	ck_assert_int_eq(access(stale, F_OK), -1);
	family_cgroup_release(s.families, fd);
	stage_close(&s);
}
END_TEST

/* Its number may be another's by the time of the signal: what is not in the group gets none. */
START_TEST(signals_members_only)
{
	struct grouptree *tree;
	struct stage s;

	if (!open_stage(&s, 1))
		return;
	ck_assert_int_eq(
		grouptree_new(&tree, s.loop, s.probe.cgroup_dir, &s.settings, on_changed, NULL), 0);
	ck_assert_int_eq(grouptree_signal(tree, 0, getppid(), SIGKILL), -ESRCH);
	ck_assert_int_eq(grouptree_signal(tree, 0, stage_start(&s, 0, ""), SIGKILL), -ESRCH);
	grouptree_free(tree);
	stage_close(&s);
}
END_TEST

START_TEST(a_group_that_is_not_there_is_empty)
{
	ck_assert_int_eq(cgroup_is_populated(AT_FDCWD, "/nonexistent"), 0);
	ck_assert_int_eq(cgroup_remove(AT_FDCWD, "/nonexistent"), 0);
	ck_assert_int_eq(cgroup_kill(AT_FDCWD, "/nonexistent"), -ENOENT);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *groups = tcase_create("groups");

	tcase_set_timeout(groups, 30);
	tcase_add_test(groups, has_one_group_per_program_and_leaves_none);
	tcase_add_test(groups, knows_and_kills_nested_groups);
	tcase_add_test(groups, removes_what_dead_vergerds_left);
	tcase_add_test(groups, signals_members_only);
	tcase_add_test(groups, a_group_that_is_not_there_is_empty);
	suite_add_tcase(suite, groups);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
