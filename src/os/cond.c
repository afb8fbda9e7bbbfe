/* SPDX-License-Identifier: MIT */
#include "os/cond.h"

#include <errno.h>
#include <time.h>

void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, msec_t until)
{
	struct timespec at = { .tv_sec = (time_t)(until / 1000),
		               .tv_nsec = (long)(until % 1000) * 1000000 };

	return pthread_cond_timedwait(cond, lock, &at) != ETIMEDOUT;
}
