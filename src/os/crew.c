/* SPDX-License-Identifier: MIT */
/* One queue, one lock.  A thread takes the first job whose lane has room.
 *
 * As long as a job may be begun somebody is on the way to the queue, and whoever takes one sends
 * for the next: so there are never more threads than work for them. */
#include "os/crew.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "os/cond.h"

enum {
	STACK_SIZE = 256 * 1024, /* what is not touched costs nothing */
	IDLE_MS = 500,           /* how long a thread waits for more to do */
	BRIEF_IDLE_MS = 10,
};

struct lane {
	uint64_t id;
	unsigned running; /* 0 = this place is free */
	msec_t moved;     /* when a job was last begun or ended */
};

/* A thread that waits for work. */
struct sleeper {
	struct sleeper *next; /* crew.sleepers */
	pthread_cond_t wake;
	bool called; /* it is not among them any more */
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct sleeper *sleepers; /* the one that worked last is called first: its memory is in a
	                             cache */
	struct crew_job *first, *last; /* the queue */
	struct lane lanes[CREW_THREADS_MAX];
	unsigned threads;
	unsigned called;         /* have not woken up yet */
	unsigned fresh;          /* made, and not yet at the queue */
	bool lacking;            /* one could not be made that was needed */
	unsigned at_risk;        /* working in a lane that may hang */
	msec_t moved;            /* when one of these was last begun or ended */
	bool closing, abandoned; /* abandoned: the last thread frees it */
	void (*clear)(void *bench);
};

struct crew *crew_new(void (*clear)(void *bench))
{
	struct crew *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->clear = clear;
	pthread_mutex_init(&c->lock, NULL);
	cond_init(&c->ended);
	/* an arena for each thread would keep what its threads have given back */
	mallopt(M_ARENA_MAX, 1);
	return c;
}

static void destroy(struct crew *c)
{
	pthread_cond_destroy(&c->ended);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- lanes --- */

static struct lane *find_lane(struct crew *c, uint64_t id)
{
	struct lane *place = c->lanes;

	for (size_t i = 0; i < CREW_THREADS_MAX; i++) {
		if (c->lanes[i].running && c->lanes[i].id == id)
			return &c->lanes[i];
		if (!c->lanes[i].running)
			place = &c->lanes[i];
	}
	return place; /* a free one, which there is: every other stands for a thread at least */
}

static bool has_room(struct crew *c, uint64_t id)
{
	if (id == CREW_PROMPT)
		return true;
	if (c->at_risk >= CREW_THREADS_MAX - CREW_PROMPT_THREADS)
		return false;
	return find_lane(c, id)->running < CREW_LANE_THREADS;
}

static void enter_lane(struct crew *c, uint64_t id)
{
	struct lane *lane = find_lane(c, id);

	lane->id = id;
	lane->running++;
	if (id == CREW_PROMPT)
		return;
	c->at_risk++;
	c->moved = lane->moved = clock_monotonic_ms();
}

static void leave_lane(struct crew *c, uint64_t id)
{
	struct lane *lane = find_lane(c, id);

	lane->running--;
	if (id == CREW_PROMPT)
		return;
	c->at_risk--;
	c->moved = lane->moved = clock_monotonic_ms();
}

/* --- the queue --- */

static void take_out(struct crew *c, struct crew_job *job, struct crew_job *before)
{
	if (before)
		before->next = job->next;
	else
		c->first = job->next;
	if (c->last == job)
		c->last = before;
	job->next = NULL;
}

/* The first job that may be begun, or NULL; *before is the one in front of it. */
static struct crew_job *find_job(struct crew *c, struct crew_job **before)
{
	*before = NULL;
	for (struct crew_job *job = c->first; job; *before = job, job = job->next)
		if (has_room(c, job->lane))
			return job;
	return NULL;
}

static bool has_job(struct crew *c)
{
	struct crew_job *before;

	return find_job(c, &before) != NULL;
}

static void append(struct crew *c, struct crew_job *job)
{
	job->next = NULL;
	if (c->last)
		c->last->next = job;
	else
		c->first = job;
	c->last = job;
}

/* --- threads --- */

static void *thread_main(void *arg);

/* Signals are the loop's: a thread that took one would keep it from there. */
static void make_thread(struct crew *c)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->lacking = pthread_create(&thread, &attributes, thread_main, c) != 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	c->threads += !c->lacking;
	c->fresh += !c->lacking;
}

/* Calls the first of the sleepers; locked, as its memory goes with it. */
static void call(struct crew *c, struct sleeper *first)
{
	c->sleepers = first->next;
	first->called = true;
	c->called++;
	pthread_cond_signal(&first->wake);
}

/* Sees to it that somebody comes for a job that may be begun. */
static void rouse(struct crew *c)
{
	if (c->called + c->fresh > 0)
		return; /* who comes will look for the next one, too */
	if (c->sleepers)
		call(c, c->sleepers);
	else if (c->threads < CREW_THREADS_MAX)
		make_thread(c);
}

/* Takes a job to begin it, and sends for the next. */
static struct crew_job *take(struct crew *c)
{
	struct crew_job *before, *job = find_job(c, &before);

	if (!job)
		return NULL;
	take_out(c, job, before);
	enter_lane(c, job->lane);
	if (has_job(c))
		rouse(c);
	return job;
}

static void leave_sleepers(struct crew *c, const struct sleeper *me)
{
	for (struct sleeper **at = &c->sleepers; *at; at = &(*at)->next) {
		if (*at != me)
			continue;
		*at = me->next;
		return;
	}
}

/* Waits to be called; false when nobody has called in time. */
static bool sleep_until(struct crew *c, struct sleeper *me, msec_t until)
{
	bool in_time = true;

	me->called = false;
	me->next = c->sleepers;
	c->sleepers = me;
	while (!me->called && in_time)
		in_time = cond_wait_until(&me->wake, &c->lock, until);
	if (me->called)
		c->called--;
	else
		leave_sleepers(c, me);
	return me->called;
}

/* The next job, waiting for it a while; NULL: it is time to end. */
static struct crew_job *await_job(struct crew *c, struct sleeper *me, msec_t idle_ms)
{
	msec_t until = clock_monotonic_ms() + idle_ms;

	for (;;) {
		struct crew_job *job = c->closing ? NULL : take(c);

		if (job || c->closing)
			return job;
		if (!sleep_until(c, me, until))
			return c->closing ? NULL : take(c);
	}
}

static void *thread_main(void *arg)
{
	struct crew *c = arg;
	struct sleeper me = { .called = false };
	struct crew_job *job;
	msec_t idle_ms = IDLE_MS;
	void *bench = NULL;
	bool is_last;

	pthread_mutex_lock(&c->lock);
	cond_init(&me.wake);
	c->fresh--;
	while ((job = await_job(c, &me, idle_ms))) {
		uint64_t lane = job->lane; /* the job may be gone when it has run */

		idle_ms = job->brief ? BRIEF_IDLE_MS : IDLE_MS;
		pthread_mutex_unlock(&c->lock);
		job->run(job, &bench);
		pthread_mutex_lock(&c->lock);
		leave_lane(c, lane);
	}
	/* locked, so that nobody counts on a thread that is leaving */
	pthread_cond_destroy(&me.wake);
	if (bench && c->clear)
		c->clear(bench);
	is_last = --c->threads == 0 && c->abandoned;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
	if (is_last)
		destroy(c);
	return NULL;
}

void crew_add(struct crew *c, struct crew_job *job)
{
	pthread_mutex_lock(&c->lock);
	append(c, job);
	if (!c->closing && has_room(c, job->lane))
		rouse(c);
	pthread_mutex_unlock(&c->lock);
}

bool crew_cancel(struct crew *c, struct crew_job *job)
{
	struct crew_job *before = NULL, *at;

	pthread_mutex_lock(&c->lock);
	for (at = c->first; at && at != job; at = at->next)
		before = at;
	if (at)
		take_out(c, job, before);
	pthread_mutex_unlock(&c->lock);
	return at != NULL;
}

bool crew_is_full(struct crew *c, uint64_t lane)
{
	bool full;

	pthread_mutex_lock(&c->lock);
	full = !has_room(c, lane);
	pthread_mutex_unlock(&c->lock);
	return full;
}

msec_t crew_moved(struct crew *c, uint64_t lane)
{
	const struct lane *found;
	msec_t moved;

	pthread_mutex_lock(&c->lock);
	found = find_lane(c, lane);
	moved = found && found->running ? found->moved : c->moved;
	pthread_mutex_unlock(&c->lock);
	return moved;
}

bool crew_is_empty(struct crew *c)
{
	bool is_empty;

	pthread_mutex_lock(&c->lock);
	is_empty = c->threads == 0;
	pthread_mutex_unlock(&c->lock);
	return is_empty;
}

void crew_retry(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->lacking && !c->closing && has_job(c))
		make_thread(c);
	pthread_mutex_unlock(&c->lock);
}

bool crew_free(struct crew *c, msec_t patience_ms)
{
	msec_t until = clock_monotonic_ms() + patience_ms;
	bool all_ended;

	if (!c)
		return true;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	while (c->sleepers)
		call(c, c->sleepers);
	while (c->threads && cond_wait_until(&c->ended, &c->lock, until))
		;
	all_ended = c->threads == 0;
	c->abandoned = !all_ended;
	pthread_mutex_unlock(&c->lock);
	if (all_ended)
		destroy(c);
	return all_ended;
}
