/* SPDX-License-Identifier: MIT */
/* Condition variables (POSIX, pthread_cond_wait) whose deadlines are those of the rest of vergerd:
 * clock_monotonic_ms. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"

/* Makes one; pthread_cond_destroy ends it. */
void cond_init(pthread_cond_t *cond);

/* Waits with `lock` held, until it is signalled or, as POSIX allows, for no reason; false: the time
 * has come. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, msec_t until);
