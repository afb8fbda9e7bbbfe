/* SPDX-License-Identifier: MIT */
/* The clock reader.  Kept apart so that a lint test can forbid every other file to read time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

msec_t clock_monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_realtime_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void clock_format_rfc3339(int64_t realtime_us, char out[CLOCK_RFC3339_SIZE])
{
	time_t sec = (time_t)(realtime_us / 1000000);
	unsigned usec = (unsigned)(realtime_us % 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_RFC3339_SIZE - n, ".%06uZ", usec);
}
