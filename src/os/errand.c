/* SPDX-License-Identifier: MIT */
/* Calls with a deadline.  Whoever comes last, the thread or the one who waits, frees the errand. */
#include "os/errand.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/cond.h"
#include "os/logfile.h"

struct errand {
	struct crew_job job;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done, given_up;
	char *path; /* owned */
	int flags;
	mode_t mode;
	bool logs; /* a logfile is wanted */
	struct logfile_policy policy;
	struct logfile *file;
	int result;
};

static void errand_free(struct errand *e)
{
	pthread_cond_destroy(&e->over);
	pthread_mutex_destroy(&e->lock);
	free(e->path);
	free(e);
}

/* Nobody wants the result any more. */
static void discard(struct errand *e)
{
	if (e->logs)
		logfile_close(e->file);
	else if (e->result >= 0)
		close(e->result);
	errand_free(e);
}

static void run(struct crew_job *job, void **bench)
{
	struct errand *e = (struct errand *)job; /* its first member */
	bool given_up;

	(void)bench;
	if (e->logs) {
		e->result = logfile_open(&e->file, e->path, &e->policy);
	} else {
		e->result = open(e->path, e->flags | O_CLOEXEC, e->mode);
		if (e->result < 0)
			e->result = -errno;
	}
	pthread_mutex_lock(&e->lock);
	e->done = true;
	given_up = e->given_up;
	pthread_cond_signal(&e->over);
	pthread_mutex_unlock(&e->lock);
	if (given_up)
		discard(e);
}

static struct errand *errand_new(const char *path, uint64_t lane)
{
	struct errand *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->job = (struct crew_job){ .run = run, .lane = lane, .brief = true };
	pthread_mutex_init(&e->lock, NULL);
	cond_init(&e->over);
	e->path = strdup(path);
	if (e->path)
		return e;
	errand_free(e);
	return NULL;
}

/* Whether it was done in time; if not, it is the thread's, or was never begun. */
static bool await(struct crew *crew, struct errand *e, msec_t patience_ms)
{
	msec_t until = clock_monotonic_ms() + patience_ms;
	bool done, in_time = true;

	pthread_mutex_lock(&e->lock);
	while (!e->done && in_time)
		in_time = cond_wait_until(&e->over, &e->lock, until);
	done = e->done;
	e->given_up = !done;
	pthread_mutex_unlock(&e->lock);
	if (!done && crew_cancel(crew, &e->job))
		errand_free(e);
	return done;
}

/* Whether it was done. */
static bool send(struct crew *crew, struct errand *e, msec_t patience_ms)
{
	if (patience_ms > ERRAND_LITTLE_PATIENCE_MS && crew_is_full(crew, e->job.lane))
		patience_ms = ERRAND_LITTLE_PATIENCE_MS;
	crew_add(crew, &e->job);
	/* nothing hangs as often as there is no thread to be had: both at once is no case */
	if (crew_is_empty(crew) && crew_cancel(crew, &e->job)) {
		run(&e->job, NULL);
		return true;
	}
	return await(crew, e, patience_ms);
}

int errand_open(struct crew *crew, uint64_t lane, const char *path, int flags, mode_t mode,
                msec_t patience_ms)
{
	struct errand *e = errand_new(path, lane);
	int r;

	if (!e)
		return -ENOMEM;
	e->flags = flags;
	e->mode = mode;
	if (!send(crew, e, patience_ms))
		return -ETIMEDOUT;
	r = e->result;
	errand_free(e);
	return r;
}

int errand_open_logfile(struct crew *crew, uint64_t lane, struct logfile **out, const char *path,
                        const struct logfile_policy *policy, msec_t patience_ms)
{
	struct errand *e = errand_new(path, lane);
	int r;

	if (!e)
		return -ENOMEM;
	e->logs = true;
	e->policy = *policy;
	if (!send(crew, e, patience_ms))
		return -ETIMEDOUT;
	r = e->result;
	if (r == 0)
		*out = e->file;
	errand_free(e);
	return r;
}
