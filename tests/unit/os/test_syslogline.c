/* SPDX-License-Identifier: MIT */
#include "os/syslogline.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "os/linecut.h"
#include "os/lineformat.h"
#include "scarce.h"
#include "unit/suite.h"

#define WHEN "Nov 30 08:15:00"

static struct outbuf out;
static struct line_facts facts = { "web", 0, "stdout", 123, 0 };

static void teardown(void)
{
	scarce_set(false);
	outbuf_release(&out);
}

static void expect(struct line line, int priority, const char *text)
{
	ck_assert_int_eq(syslogline_add(&out, &facts, priority, WHEN, &line), 0);
	ck_assert_uint_eq(out.size, strlen(text));
	ck_assert_mem_eq(out.data, text, out.size);
	out.size = 0;
}

START_TEST(a_message_is_what_syslog_writes)
{
	expect((struct line){ "hello: world", 12, false, false }, LOG_DAEMON | LOG_INFO,
	       "<30>" WHEN " web[123]: hello: world");
	facts.pid = 0;
	expect((struct line){ "", 0, false, false }, LOG_KERN | LOG_EMERG, "<0>" WHEN " web: ");
	expect((struct line){ "x", 1, false, false }, LOG_LOCAL7 | LOG_DEBUG,
	       "<191>" WHEN " web: x");
}
END_TEST

START_TEST(an_instance_has_no_colon_in_its_tag)
{
	facts.program = "web:12";
	facts.instance = 12;
	expect((struct line){ "a:b", 3, false, false }, LOG_DAEMON | LOG_ERR,
	       "<27>" WHEN " web/12[123]: a:b");
}
END_TEST

START_TEST(bytes_pass_but_for_nul)
{
	expect((struct line){ "a\0\xFF\x1b\t\r\0", 7, false, false }, LOG_DAEMON | LOG_INFO,
	       "<30>" WHEN " web[123]: a \xFF\x1b\t\r ");
}
END_TEST

START_TEST(marks_show_where_a_line_was_cut)
{
	expect((struct line){ "one", 3, .partial = true }, LOG_DAEMON | LOG_INFO,
	       "<30>" WHEN " web[123]: one [...]");
	expect((struct line){ "two", 3, .begun = true, .partial = true }, LOG_DAEMON | LOG_INFO,
	       "<30>" WHEN " web[123]: [...] two [...]");
	expect((struct line){ "three", 5, .begun = true }, LOG_DAEMON | LOG_INFO,
	       "<30>" WHEN " web[123]: [...] three");
}
END_TEST

START_TEST(the_longest_piece_of_the_longest_name_fits)
{
	static char bytes[SYSLOGLINE_MAX];
	char name[256];
	struct line line = { bytes, sizeof bytes, .begun = true, .partial = true };

	memset(name, 'n', 255);
	name[255] = '\0';
	facts.program = name;
	facts.pid = 1 << 22;
	ck_assert_int_eq(syslogline_add(&out, &facts, LOG_LOCAL7 | LOG_DEBUG, WHEN, &line), 0);
	ck_assert_uint_le(out.size, 8096);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	struct line line = { "x", 1, false, false };

	scarce_set(true);
	ck_assert_int_eq(syslogline_add(&out, &facts, LOG_INFO, WHEN, &line), -ENOMEM);
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("syslogline");
	TCase *tc = tcase_create("message");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_message_is_what_syslog_writes);
	tcase_add_test(tc, an_instance_has_no_colon_in_its_tag);
	tcase_add_test(tc, bytes_pass_but_for_nul);
	tcase_add_test(tc, marks_show_where_a_line_was_cut);
	tcase_add_test(tc, the_longest_piece_of_the_longest_name_fits);
	tcase_add_test(tc, without_memory_nothing_is_added);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
