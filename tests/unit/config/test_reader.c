/* SPDX-License-Identifier: MIT */
#include "config/reader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

/* what the reader tells, as lines "3 key=value" and "2 [section]" */
static FILE *trace;

static void on_section(void *context, const char *title, unsigned line)
{
	(void)context;
	fprintf(trace, "%u [%s]\n", line, title);
}

static void on_entry(void *context, const char *key, const char *value, unsigned line)
{
	(void)context;
	fprintf(trace, "%u %s=%s\n", line, key, value);
}

static void check_bytes(const char *bytes, size_t size, const char *expected)
{
	const struct reader_handler handler = { .on_section = on_section, .on_entry = on_entry };
	struct diags diags = DIAGS_INIT;
	char *text = NULL;
	size_t text_size;

	trace = open_memstream(&text, &text_size);
	ck_assert_int_eq(reader_parse(bytes, size, "t", &handler, &diags), 0);
	diags_print(&diags, trace);
	fclose(trace);
	ck_assert_str_eq(text, expected);
	free(text);
	diags_release(&diags);
}

static void check_text(const char *text, const char *expected)
{
	check_bytes(text, strlen(text), expected);
}

START_TEST(every_entry_has_its_line)
{
	check_text("\n[a]\nk = v\n\n; c\n l\nm=w\n[b]\n", "2 [a]\n3 k=v l\n7 m=w\n8 [b]\n");
}
END_TEST

START_TEST(an_indented_line_continues_with_one_space)
{
	check_text("[a]\nk = a\n\t  b  \n   c\n", "1 [a]\n2 k=a b c\n");
	check_text("[a]\nk =\n  a\n", "1 [a]\n2 k=a\n");
	check_text("[a]\nk = a\n  [b]\n  c = d\n", "1 [a]\n2 k=a [b] c = d\n");
}
END_TEST

START_TEST(comments_start_after_white_space_outside_quotes)
{
	check_text("[a] ; x\n# c\nk = a;b #c\nl = \"a ; b\" ; c\nm = 'a # b'\t# c\nn = ;\n",
	           "1 [a]\n3 k=a;b\n4 l=\"a ; b\"\n5 m='a # b'\n6 n=\n");
	check_text("[a]\nk = a \\; b\nl = \"\\\" ; \" ; c\nm = '\\' ; c\n",
	           "1 [a]\n2 k=a \\; b\n3 l=\"\\\" ; \"\n4 m='\\'\n");
}
END_TEST

START_TEST(a_quote_goes_on_in_the_continuation)
{
	check_text("[a]\nk = sh -c 'a\n  b ; c\n  ; comment\n  d' ; e\nl = a ; b\n",
	           "1 [a]\n2 k=sh -c 'a b ; c d'\n6 l=a\n");
}
END_TEST

/* B2: Debian's inih cuts at 200 bytes and takes the rest for a line of its own */
START_TEST(b2_long_lines_and_comments_stay_whole)
{
	size_t size = 100 * 1000;
	char *text = malloc(size + 100), *expected = malloc(size + 100);
	char *p = stpcpy(text, "[a]\n# "), *q = stpcpy(expected, "1 [a]\n3 k=");

	memset(p, 'x', 300);
	p = stpcpy(p + 300, " rm -rf = /\nk = ");
	memset(p, 'v', size - 1000);
	memset(q, 'v', size - 1000);
	stpcpy(p + size - 1000, "\n");
	stpcpy(q + size - 1000, "\n");
	check_text(text, expected);
	free(text);
	free(expected);
}
END_TEST

START_TEST(b2_a_value_past_the_maximum_is_refused)
{
	size_t size = READER_VALUE_MAX + 100;
	char *text = malloc(size + 100);
	char *p = stpcpy(text, "[a]\nk = ");

	memset(p, 'v', size);
	stpcpy(p + size, "\nl = w\n");
	check_text(text, "1 [a]\n3 l=w\nt:2: [a] k: the value is longer than 1048576 bytes\n");
	free(text);
}
END_TEST

START_TEST(b2_names_of_255_bytes_are_told_apart)
{
	char text[1200], expected[1200], name[300];

	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(text, sizeof text, "[program:%sa]\n%s = 1\n[program:%sb]\n", name, name, name);
	snprintf(expected, sizeof expected, "1 [program:%sa]\n2 %s=1\n3 [program:%sb]\n", name,
	         name, name);
	check_text(text, expected);
	snprintf(text, sizeof text, "[s]\n%sxxx = 1\n", name);
	snprintf(expected, sizeof expected,
	         "1 [s]\nt:2: [s] a key of 258 bytes is longer than 255: '%.40s...'\n", name);
	check_text(text, expected);
}
END_TEST

START_TEST(b2_a_section_name_past_the_maximum_is_refused)
{
	char text[800] = "[";

	memset(text + 1, 's', 600);
	stpcpy(text + 601, "]\nk = v\n[b]\n");
	check_text(text, "3 [b]\nt:1: a section name of 600 bytes is longer than 512\n");
}
END_TEST

START_TEST(byte_order_mark_and_crlf_are_fine)
{
	check_text("\xef\xbb\xbf[a]\r\nk = v\r\n  w\r\n\r\nl = \r\n", "1 [a]\n2 k=v w\n5 l=\n");
}
END_TEST

START_TEST(a_last_line_without_end_counts)
{
	check_text("[a]\nk = v", "1 [a]\n2 k=v\n");
	check_text("", "");
}
END_TEST

START_TEST(a_nul_byte_is_refused_with_its_line)
{
	check_bytes("[a]\nk = v\nl = \0w\nm = n\n", 22,
	            "1 [a]\n2 k=v\nt:3: there is a NUL byte in this line: not a text file (or one "
	            "in UTF-16)\n");
}
END_TEST

START_TEST(what_is_no_entry_is_refused)
{
	check_text(
		"[a]\nword\nk: v\n= v\n",
		"1 [a]\n"
		"t:2: [a] expected 'key = value', got 'word'\n"
		"t:3: [a] expected 'key = value', got 'k: v' (a key ends with '=', not with ':')\n"
		"t:4: [a] there is no key before the '='\n");
}
END_TEST

START_TEST(entries_before_any_section_are_refused_once)
{
	check_text("k = v\n  w\nl = m\n[a]\n", "4 [a]\nt:1: 'k' stands before any [section]\n");
}
END_TEST

START_TEST(an_indented_line_without_a_value_above_is_refused)
{
	check_text("[a]\n  k = v\n  l = w\n", "1 [a]\nt:2: [a] this line is indented, but there is "
	                                      "no value above that it could continue: "
	                                      "sections and keys start in the first column\n");
}
END_TEST

START_TEST(what_is_below_a_broken_section_is_left_out)
{
	check_text("[a]\nk = v\n[b\nl = w\n  x\n[]\n[c]d\n[e]\nm = n\n",
	           "1 [a]\n2 k=v\n8 [e]\n9 m=n\n"
	           "t:3: 'b' has no ']' at its end\n"
	           "t:6: a section without a name\n"
	           "t:7: 'd' stands behind the ']' of a section\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reader");
	TCase *syntax = tcase_create("reader_syntax");
	TCase *limits = tcase_create("reader_limits");
	TCase *faults = tcase_create("reader_faults");

	tcase_add_test(syntax, every_entry_has_its_line);
	tcase_add_test(syntax, an_indented_line_continues_with_one_space);
	tcase_add_test(syntax, comments_start_after_white_space_outside_quotes);
	tcase_add_test(syntax, a_quote_goes_on_in_the_continuation);
	tcase_add_test(syntax, byte_order_mark_and_crlf_are_fine);
	tcase_add_test(syntax, a_last_line_without_end_counts);
	tcase_add_test(limits, b2_long_lines_and_comments_stay_whole);
	tcase_add_test(limits, b2_a_value_past_the_maximum_is_refused);
	tcase_add_test(limits, b2_names_of_255_bytes_are_told_apart);
	tcase_add_test(limits, b2_a_section_name_past_the_maximum_is_refused);
	tcase_add_test(faults, a_nul_byte_is_refused_with_its_line);
	tcase_add_test(faults, what_is_no_entry_is_refused);
	tcase_add_test(faults, entries_before_any_section_are_refused_once);
	tcase_add_test(faults, an_indented_line_without_a_value_above_is_refused);
	tcase_add_test(faults, what_is_below_a_broken_section_is_left_out);
	suite_add_tcase(suite, syntax);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, faults);
	return suite_run(suite);
}
