/* SPDX-License-Identifier: MIT */
/* Waiting in tests that have threads: for a condition, as long as a busy machine may need. */
#pragma once

#include <check.h>
#include <poll.h>

#include "base/clock.h"

enum { PATIENCE_MS = 30 * 1000 };

/* Goes on as soon as the condition holds; looks every millisecond. */
#define AWAIT(condition)                                                                           \
	for (msec_t end_ = clock_monotonic_ms() + PATIENCE_MS; !(condition); poll(NULL, 0, 1))     \
	ck_assert_msg(clock_monotonic_ms() < end_, "never: %s", #condition)
