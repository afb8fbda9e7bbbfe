/* SPDX-License-Identifier: MIT */
#include "config/accounts.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/suite.h"

static struct arena *arena;
static struct accounts *accounts;
static struct fault fault;

static void setup(void)
{
	arena = arena_new();
	accounts = accounts_new(arena, true);
}

static void teardown(void)
{
	accounts_free(accounts);
	arena_free(arena);
}

/* Root's tests say nothing to an ordinary user, and his can be run by root, who becomes one. */
static bool become(uid_t uid)
{
	if (geteuid() == uid)
		return true;
	return geteuid() == 0 && setresgid(65534, 65534, 65534) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

START_TEST(a_user_brings_his_groups_and_names)
{
	const struct credentials *c = NULL;

	if (!become(0))
		return;
	ck_assert_int_eq(accounts_credentials(accounts, "root", NULL, &c, &fault), 0);
	ck_assert(c->set_user && c->set_group && c->uid == 0 && c->gid == 0);
	ck_assert_str_eq(c->user_name, "root");
	ck_assert_str_eq(c->home, "/root");
	ck_assert_uint_ge(c->group_count, 1);
}
END_TEST

START_TEST(a_number_without_entry_is_its_own_group)
{
	const struct credentials *c = NULL;

	if (!become(0))
		return;
	ck_assert_int_eq(accounts_credentials(accounts, "4242424", NULL, &c, &fault), 0);
	ck_assert(c->set_user && c->set_group && c->uid == 4242424 && c->gid == 4242424);
	ck_assert_ptr_null(c->user_name);
	ck_assert_uint_eq(c->group_count, 0);
	ck_assert_int_eq(accounts_credentials(accounts, "4242424", "7", &c, &fault), 0);
	ck_assert_uint_eq(c->gid, 7);
}
END_TEST

START_TEST(a_group_alone_leaves_the_user)
{
	const struct credentials *c = NULL;

	if (!become(0))
		return;
	ck_assert_int_eq(accounts_credentials(accounts, "", "7", &c, &fault), 0);
	ck_assert(!c->set_user && c->set_group && c->gid == 7);
}
END_TEST

START_TEST(the_same_question_has_the_same_answer)
{
	const struct credentials *first, *second;
	char own[32];

	snprintf(own, sizeof own, "%u", (unsigned)geteuid());
	ck_assert_int_eq(accounts_credentials(accounts, own, NULL, &first, &fault), 0);
	ck_assert_int_eq(accounts_credentials(accounts, own, NULL, &second, &fault), 0);
	ck_assert_ptr_eq(first, second);
}
END_TEST

START_TEST(strangers_are_refused)
{
	const struct credentials *c;
	uid_t uid;
	gid_t gid;

	ck_assert_int_eq(accounts_credentials(accounts, "no-such-user", NULL, &c, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "there is no user 'no-such-user'");
	ck_assert_int_eq(accounts_credentials(accounts, NULL, "no-such-group", &c, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "there is no group 'no-such-group'");
	ck_assert_int_eq(accounts_credentials(accounts, "-1", NULL, &c, &fault), FAULTY);
	/* the number that means "leave it" to the kernel */
	ck_assert_int_eq(accounts_credentials(accounts, "4294967295", NULL, &c, &fault), FAULTY);
	ck_assert_int_eq(accounts_owner(accounts, "no-such-user:0", &uid, &gid, &fault), FAULTY);
}
END_TEST

START_TEST(an_ordinary_user_can_only_name_himself)
{
	const struct credentials *c = NULL;
	uid_t uid;
	gid_t gid;

	if (!become(54321))
		return;
	ck_assert_int_eq(accounts_credentials(accounts, "54321", NULL, &c, &fault), 0);
	ck_assert(!c->set_user && !c->set_group);
	ck_assert_int_eq(accounts_credentials(accounts, "root", NULL, &c, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "only root can run a program as another user ('root')");
	ck_assert_int_eq(accounts_credentials(accounts, NULL, "0", &c, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "only root can run a program in another group ('0')");
	ck_assert_int_eq(accounts_owner(accounts, "0", &uid, &gid, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "only root can give a file to another user ('0')");
}
END_TEST

START_TEST(a_group_is_a_name_or_a_number)
{
	gid_t gid = 99;

	ck_assert_int_eq(accounts_group(accounts, "root", &gid, &fault), 0);
	ck_assert_uint_eq(gid, 0);
	ck_assert_int_eq(accounts_group(accounts, "4242", &gid, &fault), 0);
	ck_assert_uint_eq(gid, 4242);
	ck_assert_int_eq(accounts_group(accounts, "no-such-group", &gid, &fault), FAULTY);
	ck_assert_str_eq(fault.text, "there is no group 'no-such-group'");
	ck_assert_uint_eq(gid, 4242);
}
END_TEST

START_TEST(an_owner_is_a_user_a_group_or_both)
{
	uid_t uid;
	gid_t gid;

	if (!become(0))
		return;
	ck_assert_int_eq(accounts_owner(accounts, "root:7", &uid, &gid, &fault), 0);
	ck_assert(uid == 0 && gid == 7);
	ck_assert_int_eq(accounts_owner(accounts, ":7", &uid, &gid, &fault), 0);
	ck_assert(uid == (uid_t)-1 && gid == 7);
	ck_assert_int_eq(accounts_owner(accounts, "5", &uid, &gid, &fault), 0);
	ck_assert(uid == 5 && gid == (gid_t)-1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("accounts");
	TCase *root = tcase_create("accounts_of_root");
	TCase *others = tcase_create("accounts_of_others");

	tcase_add_checked_fixture(root, setup, teardown);
	tcase_add_checked_fixture(others, setup, teardown);
	tcase_add_test(root, a_user_brings_his_groups_and_names);
	tcase_add_test(root, a_number_without_entry_is_its_own_group);
	tcase_add_test(root, a_group_alone_leaves_the_user);
	tcase_add_test(root, an_owner_is_a_user_a_group_or_both);
	tcase_add_test(others, the_same_question_has_the_same_answer);
	tcase_add_test(others, a_group_is_a_name_or_a_number);
	tcase_add_test(others, strangers_are_refused);
	tcase_add_test(others, an_ordinary_user_can_only_name_himself);
	suite_add_tcase(suite, root);
	suite_add_tcase(suite, others);
	return suite_run(suite);
}
