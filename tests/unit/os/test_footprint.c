/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "os/footprint.h"
#include "unit/suite.h"

static int counter = 7; /* data, which must not be given back */

/* kB of file pages that we have mapped */
static int64_t mapped_file_kb(void)
{
	char line[256], *value;
	FILE *status = fopen("/proc/self/status", "re");
	int64_t kb = -1;

	while (fgets(line, sizeof line, status)) {
		if (strncmp(line, "RssFile:", 8) != 0)
			continue;
		value = line + 8 + strspn(line + 8, " \t");
		value[strcspn(value, " ")] = '\0';
		ck_assert_int_eq(parse_int(value, 0, INT64_MAX, &kb), 0);
	}
	fclose(status);
	return kb;
}

/* I2 */
START_TEST(gives_code_back_and_keeps_data)
{
	int64_t before = mapped_file_kb(), after;
	char *heap = strdup("kept");

	counter = 8;
	footprint_trim();
	after = mapped_file_kb();
	ck_assert_int_lt(after, before);
	ck_assert_int_eq(counter, 8);
	ck_assert_str_eq(heap, "kept");
	free(heap);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("footprint");
	TCase *trim = tcase_create("trim");

	tcase_add_test(trim, gives_code_back_and_keeps_data);
	suite_add_tcase(suite, trim);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
