/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit/suite.h"

struct heard {
	int lines;
	enum log_level level;
	char subject[64], message[8192];
};

static void hear(void *context, enum log_level level, const char *subject, const char *message)
{
	struct heard *h = context;

	h->lines++;
	h->level = level;
	snprintf(h->subject, sizeof h->subject, "%s", subject ? subject : "(none)");
	snprintf(h->message, sizeof h->message, "%s", message);
}

START_TEST(a_line_reaches_the_sink_with_level_and_subject)
{
	struct heard h = { 0 };

	log_set_sink(hear, &h);
	log_warning("web", "chdir %s: %s", "/srv", "no such directory");
	ck_assert_int_eq(h.lines, 1);
	ck_assert_int_eq(h.level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(h.subject, "web");
	ck_assert_str_eq(h.message, "chdir /srv: no such directory");
	log_error(NULL, "plain");
	ck_assert_str_eq(h.subject, "(none)");
}
END_TEST

START_TEST(lines_above_the_level_are_not_made)
{
	struct heard h = { 0 };

	log_set_sink(hear, &h);
	log_debug(NULL, "info is where it starts");
	ck_assert_int_eq(h.lines, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug(NULL, "now it is wanted");
	ck_assert_int_eq(h.lines, 1);
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert(!log_wants(LOG_LEVEL_WARNING));
	ck_assert(log_wants(LOG_LEVEL_ERROR));
	log_warning(NULL, "no");
	ck_assert_int_eq(h.lines, 1);
}
END_TEST

START_TEST(a_line_too_long_is_bounded)
{
	struct heard h = { 0 };

	log_set_sink(hear, &h);
	log_info(NULL, "%0*d", 100000, 0);
	ck_assert_int_eq(h.lines, 1);
	ck_assert_uint_gt(strlen(h.message), 1000);
	ck_assert_uint_lt(strlen(h.message), sizeof h.message - 1);
}
END_TEST

START_TEST(without_a_sink_lines_go_to_standard_error)
{
	char text[128];
	size_t size;

	ck_assert_ptr_nonnull(freopen("log.txt", "w+", stderr));
	unlink("log.txt");
	log_set_sink(NULL, NULL);
	log_info("web", "started");
	log_info(NULL, "ready");
	rewind(stderr);
	size = fread(text, 1, sizeof text - 1, stderr);
	text[size] = '\0';
	ck_assert_str_eq(text, "vergerd: web: started\nvergerd: ready\n");
}
END_TEST

START_TEST(levels_have_the_names_of_the_configuration)
{
	ck_assert_str_eq(log_level_names[LOG_LEVEL_ERROR], "error");
	ck_assert_str_eq(log_level_names[LOG_LEVEL_WARNING], "warning");
	ck_assert_str_eq(log_level_names[LOG_LEVEL_INFO], "info");
	ck_assert_str_eq(log_level_names[LOG_LEVEL_DEBUG], "debug");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *lines = tcase_create("lines");

	tcase_add_test(lines, a_line_reaches_the_sink_with_level_and_subject);
	tcase_add_test(lines, lines_above_the_level_are_not_made);
	tcase_add_test(lines, a_line_too_long_is_bounded);
	tcase_add_test(lines, without_a_sink_lines_go_to_standard_error);
	tcase_add_test(lines, levels_have_the_names_of_the_configuration);
	suite_add_tcase(s, lines);
	return suite_run(s);
}
