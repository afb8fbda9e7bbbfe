/* SPDX-License-Identifier: MIT */
/* requires, after, groups: what programs say of each other. */
#include <check.h>
#include <stdlib.h>

#include "base/text.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

/* the dependencies of the last program as "name:condition", with '?' behind those of after */
static void check_depends(const char *line, const char *expected)
{
	char text[1000];
	struct loaded l;
	const struct program_settings *last;
	struct text out;

	snprintf(text, sizeof text,
	         "[program:db]\ncommand = x\ninstances = 2\n[program:job]\ncommand = x\ntype = "
	         "oneshot\n"
	         "[program:ready]\ncommand = x\n[program:web]\ncommand = x\n%s\n",
	         line);
	l = load_good(text);
	last = &l.settings->programs[l.settings->program_count - 1];
	text_init(&out, 1000);
	for (size_t i = 0; last->depends && i < last->depends->count; i++) {
		const struct dependency *d = &last->depends->items[i];

		text_add_format(&out, "%s%s:%s%s", i ? " " : "",
		                l.settings->programs[d->program].name,
		                condition_names[d->condition], d->required ? "" : "?");
	}
	ck_assert_str_eq(text_get(&out), expected);
	text_release(&out);
	loaded_release(&l);
}

START_TEST(names_mean_all_instances_or_one)
{
	check_depends("requires = db", "db:0:ready db:1:ready");
	check_depends("requires = db:1", "db:1:ready");
	check_depends("requires = db:0:started", "db:0:started");
	check_depends("requires = db:started", "db:0:started db:1:started");
	check_depends("requires = ready", "ready:ready");
	check_depends("requires = ready:done", "ready:done");
	check_depends("requires =", "");
}
END_TEST

START_TEST(a_oneshot_is_waited_for_until_it_is_done)
{
	check_depends("requires = job", "job:done");
	check_depends("requires = job:started", "job:started");
	check_depends("requires = job\nafter = db:0", "job:done db:0:ready?");
}
END_TEST

START_TEST(unknown_and_disabled_programs_are_told)
{
	check_faults("[program:web]\ncommand = x\nrequires = databse\n[program:database]\ncommand "
	             "= x\nafter = web:3\n"
	             "[program:off]\ncommand = x\nenabled = no\n[program:z]\ncommand = x\nrequires "
	             "= off\n",
	             "t.ini:3: [program:web] requires: there is no program 'databse'; did you mean "
	             "'database'?\n"
	             "t.ini:6: [program:database] after: there is no program 'web:3'; did you mean "
	             "'web'?\n"
	             "t.ini:12: [program:z] requires: program 'off' is not enabled\n");
}
END_TEST

START_TEST(circles_are_named)
{
	check_faults(
		"[program:a]\ncommand = x\nrequires = b\n[program:b]\ncommand = x\nafter = c\n"
		"[program:c]\ncommand = x\nrequires = a\n[program:d]\ncommand = x\nrequires = d\n",
		"t.ini:3: [program:a] requires: programs wait for each other in a circle: a waits "
		"for b, which "
		"waits for c, which waits for a\n"
		"t.ini:12: [program:d] requires: programs wait for each other in a circle: d waits "
		"for d\n");
}
END_TEST

START_TEST(a_long_chain_is_no_circle)
{
	struct text text;
	struct loaded l;

	text_init(&text, 10 * 1000 * 1000);
	for (int i = 0; i < 10000; i++)
		text_add_format(&text, "[program:p%d]\ncommand = x\n%s%d\n", i,
		                i < 9999 ? "requires = p" : "nice = ", i < 9999 ? i + 1 : 1);
	l = load_good(text_get(&text));
	ck_assert_uint_eq(l.settings->programs[0].depends->items[0].program, 1);
	loaded_release(&l);
	text_release(&text);
}
END_TEST

START_TEST(groups_have_their_programs_in_order)
{
	struct loaded l =
		load_good("[group:g]\nprograms = b a:1 off\n[group:empty]\nprograms =\n"
	                  "[program:a]\ncommand = x\ninstances = 2\n[program:b]\ncommand = x\n"
	                  "on_failure = stop-group\n[program:off]\ncommand = x\nenabled = no\n");
	const struct settings *s = l.settings;

	ck_assert_uint_eq(s->group_count, 2);
	ck_assert_uint_eq(s->groups[0].count, 2);
	ck_assert_uint_eq(s->groups[0].programs[0], 2);
	ck_assert_uint_eq(s->groups[0].programs[1], 1);
	ck_assert_uint_eq(s->programs[1].group, 0);
	ck_assert_uint_eq(s->programs[0].group, NO_GROUP);
	ck_assert_uint_eq(s->groups[1].count, 0);
	loaded_release(&l);
}
END_TEST

START_TEST(faults_of_groups_are_told)
{
	check_faults("[group:g]\nprograms = a nobody\n[group:h]\nprograms = "
	             "a\n[group:i]\n[program:a]\ncommand = x\n"
	             "[program:b]\ncommand = x\non_exit = stop-group\n",
	             "t.ini:2: [group:g] programs: there is no program 'nobody'\n"
	             "t.ini:4: [group:h] programs: 'a' is in group 'g' already\n"
	             "t.ini:5: [group:i] programs: a group needs this key\n"
	             "t.ini:8: [program:b] on_exit: stop-group: 'b' is in no group\n");
}
END_TEST

START_TEST(the_exit_code_comes_from_one_program)
{
	check_faults("[verger]\nexit_code_from = a\n[program:a]\ncommand = x\ninstances = 2\n",
	             "t.ini:2: [verger] exit_code_from: 'a' means 2 instances; name one, such as "
	             "'a:0'\n");
	check_faults("[verger]\nexit_code_from = a b\n",
	             "t.ini:2: [verger] exit_code_from: expected one program, got 2\n");
	check_faults("[verger]\nexit_code_from = a\n[program:a]\ncommand = x\nenabled = no\n",
	             "t.ini:2: [verger] exit_code_from: program 'a' is not enabled\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("depends");
	TCase *depends = tcase_create("depends");
	TCase *groups = tcase_create("groups");

	tcase_add_test(depends, names_mean_all_instances_or_one);
	tcase_add_test(depends, a_oneshot_is_waited_for_until_it_is_done);
	tcase_add_test(depends, unknown_and_disabled_programs_are_told);
	tcase_add_test(depends, circles_are_named);
	tcase_add_test(depends, a_long_chain_is_no_circle);
	tcase_add_test(groups, groups_have_their_programs_in_order);
	tcase_add_test(groups, faults_of_groups_are_told);
	tcase_add_test(groups, the_exit_code_comes_from_one_program);
	suite_add_tcase(suite, depends);
	suite_add_tcase(suite, groups);
	return suite_run(suite);
}
