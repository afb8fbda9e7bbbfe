/* SPDX-License-Identifier: MIT */
/* The main function of a test program, in one call.  Each test runs in a process of its own
 * (check's fork mode), so that a crash is one failed test and leaves no state behind. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs the suite and frees it: 0 when all passed.  A run that found nothing to run, as after a
 * renamed CK_RUN_CASE, has failed. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int run, failed;

	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (run == 0) {
		fputs("no test was run: is CK_RUN_CASE a name that exists?\n", stderr);
		return EXIT_FAILURE;
	}
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
