/* SPDX-License-Identifier: MIT */
#include "os/journalentry.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "os/linecut.h"
#include "os/lineformat.h"
#include "scarce.h"
#include "unit/suite.h"

static struct outbuf out;
static struct line_facts facts = { "web:1", 1, "stderr", 123, 0 };

static void teardown(void)
{
	scarce_set(false);
	outbuf_release(&out);
}

static void expect(int priority, struct line line, const char *bytes, size_t size)
{
	ck_assert_int_eq(journalentry_add(&out, &facts, priority, &line), 0);
	ck_assert_uint_eq(out.size, size);
	ck_assert_mem_eq(out.data, bytes, size);
	out.size = 0;
}

/* literals with NUL bytes in them */
#define EXPECT(priority, line, bytes) expect(priority, line, bytes, sizeof(bytes) - 1)
#define LINE(literal)                 ((struct line){ literal, sizeof(literal) - 1, false, false })

START_TEST(an_entry_has_the_facts)
{
	EXPECT(LOG_DAEMON | LOG_INFO, LINE("a line"),
	       "MESSAGE\n\6\0\0\0\0\0\0\0a line\nPRIORITY=6\nSYSLOG_FACILITY=3\n"
	       "SYSLOG_IDENTIFIER=web:1\nVERGER_PROGRAM=web:1\nVERGER_INSTANCE=1\n"
	       "VERGER_STREAM=stderr\nSYSLOG_PID=123\nOBJECT_PID=123\n");
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	facts = (struct line_facts){ .program = "web" };
	EXPECT(LOG_EMERG, LINE(""),
	       "MESSAGE\n\0\0\0\0\0\0\0\0\nPRIORITY=0\nSYSLOG_IDENTIFIER=web\n"
	       "VERGER_PROGRAM=web\n");
	facts.program = NULL;
	EXPECT(LOG_ERR, LINE("x"), "MESSAGE\n\1\0\0\0\0\0\0\0x\nPRIORITY=3\n");
	facts.program = facts.stream = "";
	EXPECT(LOG_ERR, LINE("x"), "MESSAGE\n\1\0\0\0\0\0\0\0x\nPRIORITY=3\n");
}
END_TEST

START_TEST(a_message_is_any_bytes)
{
	facts = (struct line_facts){ 0 };
	EXPECT(LOG_INFO, LINE("\0\n\xFF=\nPRIORITY=0"),
	       "MESSAGE\n\17\0\0\0\0\0\0\0\0\n\xFF=\nPRIORITY=0\nPRIORITY=6\n");
}
END_TEST

START_TEST(a_value_with_a_newline_makes_no_field)
{
	facts = (struct line_facts){ .stream = "a\nPRIORITY=0" };
	EXPECT(LOG_INFO, LINE(""),
	       "MESSAGE\n\0\0\0\0\0\0\0\0\nPRIORITY=6\n"
	       "VERGER_STREAM\n\14\0\0\0\0\0\0\0a\nPRIORITY=0\n");
}
END_TEST

START_TEST(a_long_message_has_its_length)
{
	static char bytes[0x12345];
	struct line line = { bytes, sizeof bytes, false, false };

	facts = (struct line_facts){ 0 };
	ck_assert_int_eq(journalentry_add(&out, &facts, LOG_INFO, &line), 0);
	ck_assert_mem_eq(out.data + 8, "\x45\x23\x01\0\0\0\0\0", 8);
	ck_assert_uint_eq(out.size, 8 + 8 + sizeof bytes + 1 + 11);
}
END_TEST

START_TEST(a_piece_that_goes_on_says_so)
{
	facts = (struct line_facts){ 0 };
	EXPECT(LOG_INFO, ((struct line){ "x", 1, .begun = true, .partial = true }),
	       "MESSAGE\n\1\0\0\0\0\0\0\0x\nPRIORITY=6\nVERGER_PARTIAL=1\n");
	EXPECT(LOG_INFO, ((struct line){ "y", 1, .begun = true }),
	       "MESSAGE\n\1\0\0\0\0\0\0\0y\nPRIORITY=6\n");
}
END_TEST

START_TEST(the_longest_facts_find_room)
{
	static char
		bytes[3000]; /* some of them fill the buffer to its end, where a sanitizer looks */
	char name[256];
	struct line line = { bytes, sizeof bytes, .partial = true };

	memset(name, '\n', 255);
	name[255] = '\0';
	facts = (struct line_facts){ name, UINT32_MAX, name, INT32_MAX, 0 };
	for (line.size = 0; line.size < sizeof bytes; line.size++) {
		outbuf_release(&out);
		ck_assert_int_eq(journalentry_add(&out, &facts, LOG_LOCAL7 | LOG_DEBUG, &line), 0);
		ck_assert_uint_le(out.size, out.capacity);
	}
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	struct line line = LINE("x");

	scarce_set(true);
	ck_assert_int_eq(journalentry_add(&out, &facts, LOG_INFO, &line), -ENOMEM);
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journalentry");
	TCase *tc = tcase_create("entry");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, an_entry_has_the_facts);
	tcase_add_test(tc, what_is_not_known_is_left_out);
	tcase_add_test(tc, a_message_is_any_bytes);
	tcase_add_test(tc, a_value_with_a_newline_makes_no_field);
	tcase_add_test(tc, a_long_message_has_its_length);
	tcase_add_test(tc, a_piece_that_goes_on_says_so);
	tcase_add_test(tc, the_longest_facts_find_room);
	tcase_add_test(tc, without_memory_nothing_is_added);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
