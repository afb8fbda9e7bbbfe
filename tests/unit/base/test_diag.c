/* SPDX-License-Identifier: MIT */
#include "base/diag.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

/* what diags_print writes; to be freed */
static char *printed(const struct diags *d)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	diags_print(d, out);
	fclose(out);
	return text;
}

START_TEST(faults_are_printed_with_place_section_and_key_in_the_order_found) /* B1 */
{
	struct diags d = DIAGS_INIT;
	char *text;

	diags_add(&d, DIAG_ERROR, "a.ini", 12, "program:web", "retries",
	          "expected a count, got '%s'", "many");
	diags_add(&d, DIAG_WARNING, "b.ini", 3, "verger", NULL, "is empty");
	diags_add(&d, DIAG_ERROR, "c.ini", 0, NULL, NULL, "no such file");
	text = printed(&d);
	ck_assert_str_eq(text, "a.ini:12: [program:web] retries: expected a count, got 'many'\n"
	                       "b.ini:3: warning: [verger] is empty\n"
	                       "c.ini: no such file\n");
	free(text);
	diags_release(&d);
}
END_TEST

START_TEST(warnings_are_no_errors)
{
	struct diags d = DIAGS_INIT;

	diags_add(&d, DIAG_WARNING, "a.ini", 1, NULL, NULL, "hm");
	ck_assert_uint_eq(d.count, 1);
	ck_assert_uint_eq(d.error_count, 0);
	diags_add(&d, DIAG_ERROR, "a.ini", 2, NULL, NULL, "no");
	ck_assert_uint_eq(d.error_count, 1);
	diags_release(&d);
	ck_assert_uint_eq(d.count, 0);
}
END_TEST

START_TEST(what_is_past_the_maximum_is_counted_and_said) /* B2: nothing is cut silently */
{
	struct diags d = DIAGS_INIT;
	char *text;

	for (int i = 0; i < DIAGS_MAX + 5; i++)
		diags_add(&d, DIAG_ERROR, "a.ini", 1, NULL, NULL, "fault %d", i);
	ck_assert_uint_eq(d.count, DIAGS_MAX);
	ck_assert_uint_eq(d.error_count, DIAGS_MAX + 5);
	text = printed(&d);
	ck_assert_ptr_nonnull(strstr(text, "\nand 5 more\n"));
	free(text);
	diags_release(&d);
}
END_TEST

START_TEST(a_fault_of_any_length_stays_readable)
{
	struct diags d = DIAGS_INIT;
	size_t size = 100000;
	char *value = malloc(size + 1);

	memset(value, 'x', size);
	value[size] = '\0';
	diags_add(&d, DIAG_ERROR, "a.ini", 1, "program:web", "command", "unknown '%s'", value);
	ck_assert_uint_lt(strlen(d.items[0].text), 10000);
	ck_assert_int_eq(strncmp(d.items[0].text, "[program:web] command: unknown 'xxx", 35), 0);
	ck_assert_str_eq(d.items[0].text + strlen(d.items[0].text) - 4, "x...");
	free(value);
	diags_release(&d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("diag");
	TCase *print = tcase_create("print");
	TCase *bounds = tcase_create("bounds");

	tcase_add_test(print, faults_are_printed_with_place_section_and_key_in_the_order_found);
	tcase_add_test(print, warnings_are_no_errors);
	suite_add_tcase(s, print);
	tcase_add_test(bounds, what_is_past_the_maximum_is_counted_and_said);
	tcase_add_test(bounds, a_fault_of_any_length_stays_readable);
	suite_add_tcase(s, bounds);
	return suite_run(s);
}
