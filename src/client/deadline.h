/* SPDX-License-Identifier: MIT */
/* Waits that end.  libverger stands alone, so it reads the clock itself. */
#pragma once

#include <stdint.h>

/* A moment of CLOCK_MONOTONIC in milliseconds; INT64_MAX = never. */
typedef int64_t deadline_t;

/* The moment `timeout_ms` from now; a negative one is never. */
deadline_t deadline_in(int timeout_ms);

/* Waits until one of the poll(2) `events` is there on `fd`.  0, or negative errno: -ETIMEDOUT. */
int deadline_poll(deadline_t deadline, int fd, short events);
