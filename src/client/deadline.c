/* SPDX-License-Identifier: MIT */
#include "client/deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#define NEVER INT64_MAX

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* lint: allow clock_gettime: stands alone */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

deadline_t deadline_in(int timeout_ms)
{
	return timeout_ms < 0 ? NEVER : now_ms() + timeout_ms;
}

/* Milliseconds for poll(2); 0 when the moment has passed. */
static int time_left(deadline_t deadline)
{
	int64_t left;

	if (deadline == NEVER)
		return -1;
	left = deadline - now_ms();
	if (left < 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

int deadline_poll(deadline_t deadline, int fd, short events)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, time_left(deadline));

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}
