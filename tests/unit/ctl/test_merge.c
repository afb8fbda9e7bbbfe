/* SPDX-License-Identifier: MIT */
#include "ctl/merge.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/suite.h"

#define AT(seconds) "2026-11-30T08:15:" seconds "Z "

static const struct {
	const char *logs[3]; /* up to NULL */
	const char *expected;
} merges[] = {
	{ { NULL }, "" },
	{ { "" }, "" },
	{ { "a\nb\n", "", "c\n" }, "a b c " },
	/* by time, whoever is first where it is the same */
	{ { AT("01") "a\n" AT("03") "c\n", AT("02") "b\n" AT("03") "d\n" }, "a b c d " },
	{ { AT("03") "c\n", AT("01") "a\n" AT("02") "b\n" }, "a b c " },
	{ { "{\"time\":\"2026-11-30T08:15:02Z\"} b\n", AT("01") "a\n" }, "a b " },
	{ { AT("01.5") "b\n", AT("01.499999") "a\n", AT("01.500001") "c\n" }, "a b c " },
	/* what has no time stays behind the line before */
	{ { AT("01") "a\nb\n" AT("04") "f\n", AT("01") "c\nd\n" AT("03") "e\n" }, "a b c d e f " },
	/* or before the first one that has */
	{ { "b\nc\n" AT("02") "d\n", AT("01") "a\n" AT("03") "e\n" }, "a b c d e " },
	/* and is first without any */
	{ { AT("01") "c\n", "a\nb\n" }, "a b c " },
	/* a clock that was set back hides no line */
	{ { AT("05") "b\n" AT("01") "c\n", AT("02") "a\n" AT("06") "d\n" }, "a b c d " },
	/* an end without a newline */
	{ { AT("02") "b", AT("01") "a\n" }, "a b " },
	{ { "\n\nb\n" }, "  b " },
};

START_TEST(lines_come_in_the_order_of_their_times)
{
	struct merge_log logs[3] = { 0 };
	struct merge_line line;
	struct merge merge;
	char seen[256] = "";
	size_t count = 0;

	for (; count < 3 && merges[_i].logs[count]; count++) {
		logs[count].at = merges[_i].logs[count];
		logs[count].end = logs[count].at + strlen(logs[count].at);
	}
	merge_init(&merge, logs, count);
	while (merge_next(&merge, &line)) {
		const char *blank = memrchr(line.bytes, ' ', line.size);
		const char *word = blank ? blank + 1 : line.bytes;
		size_t size = strlen(seen);

		snprintf(seen + size, sizeof seen - size, "%.*s ",
		         (int)(line.bytes + line.size - word), word);
	}
	ck_assert_str_eq(seen, merges[_i].expected);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("merge");
	TCase *tcase = tcase_create("merge");

	tcase_add_loop_test(tcase, lines_come_in_the_order_of_their_times, 0,
	                    (int)ARRAY_SIZE(merges));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
