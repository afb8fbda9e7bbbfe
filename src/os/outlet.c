/* SPDX-License-Identifier: MIT */
/* The loop's side of an outlet: requests, news, and a look at the thread that may hang. */
#include "os/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "os/cond.h"
#include "os/outlet_private.h"

struct outlet *outlet_new(struct crew *crew, enum outlet_kind kind, const char *name, int fd,
                          uint64_t lane, const struct outlet_hooks *hooks, void *context)
{
	struct outlet *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->job = (struct crew_job){ .run = outflow_run, .lane = lane };
	o->drain = (struct crew_job){ .run = outflow_drain, .lane = CREW_PROMPT };
	o->crew = crew;
	o->kind = kind;
	o->fd = fd;
	o->hooks = hooks;
	o->context = context;
	o->local_second = -1;
	o->policy = (struct logfile_policy){ .max_size = LOG_SIZE_NONE, .max_age_ms = MSEC_NEVER };
	o->name = strdup(name);
	if (!o->name) {
		free(o);
		return NULL;
	}
	pthread_mutex_init(&o->lock, NULL);
	cond_init(&o->rests);
	return o;
}

bool outlet_free(struct outlet *o)
{
	bool busy;

	if (!o)
		return true;
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	busy = o->state != OUTLET_RESTS || o->drains;
	pthread_mutex_unlock(&o->lock);
	if (busy)
		return false;
	while (o->channels) {
		struct channel *c = o->channels;

		o->channels = c->next;
		channel_free(c);
	}
	outlet_close_target(o);
	outbuf_release(&o->said);
	outbuf_release(&o->out);
	outlet_end_packing(o);
	pthread_cond_destroy(&o->rests);
	pthread_mutex_destroy(&o->lock);
	free(o->name);
	free(o);
	return true;
}

void outlet_lock(struct outlet *o)
{
	pthread_mutex_lock(&o->lock);
}

void outlet_unlock(struct outlet *o)
{
	pthread_mutex_unlock(&o->lock);
}

const char *outlet_name(const struct outlet *o)
{
	return o->name;
}

enum outlet_kind outlet_kind(const struct outlet *o)
{
	return o->kind;
}

int outlet_stream(const struct outlet *o)
{
	return o->kind == OUTLET_STREAM ? o->fd : -1;
}

/* --- work --- */

/* What the crew is to be given then (unlock_and_add); NULL = nothing.  Locked. */
static struct crew_job *kick_locked(struct outlet *o)
{
	switch (o->state) {
	case OUTLET_RESTS:
		o->state = OUTLET_WAITS;
		o->works_since = clock_monotonic_ms();
		o->job.brief = !o->channels; /* lines of vergerd's own */
		return &o->job;
	case OUTLET_WAITS: break;
	case OUTLET_WORKS: o->again = true; break;
	}
	if (!o->health.hangs || o->drains)
		return NULL;
	o->drains = true;
	return &o->drain;
}

/* In this order: a thread that wakes up for the job wants the lock. */
static void unlock_and_add(struct outlet *o, struct crew_job *job)
{
	outlet_unlock(o);
	if (job)
		crew_add(o->crew, job);
}

void outlet_kick(struct outlet *o)
{
	outlet_lock(o);
	unlock_and_add(o, kick_locked(o));
}

bool outlet_say(struct outlet *o, const char *line, size_t size)
{
	bool taken;

	outlet_lock(o);
	taken = o->said.size + size <= OUTLET_SAID_MAX && outbuf_add(&o->said, line, size) == 0;
	outlet_unlock(o);
	return taken;
}

/* --- channels --- */

void outlet_add(struct outlet *o, struct channel *c)
{
	struct channel **last;

	c->outlet = o;
	c->next = NULL;
	outlet_lock(o);
	for (last = &o->channels; *last; last = &(*last)->next)
		;
	*last = c;
	o->channel_count++;
	outlet_unlock(o);
}

struct channel *outlet_take_gone(struct outlet *o)
{
	struct channel *found = NULL;

	outlet_lock(o);
	/* the thread may be looking at any of them while it works */
	for (struct channel **c = &o->channels; *c && o->state != OUTLET_WORKS; c = &(*c)->next) {
		if (!(*c)->gone)
			continue;
		found = *c;
		*c = found->next;
		o->channel_count--;
		if (o->cursor == found)
			o->cursor = NULL;
		if (o->unfinished == found)
			o->unfinished = NULL;
		break;
	}
	outlet_unlock(o);
	return found;
}

bool outlet_has_channels(const struct outlet *o)
{
	return o->channels != NULL;
}

struct channel *outlet_channels(const struct outlet *o)
{
	return o->channels;
}

struct channel *outlet_find_last_words(const struct outlet *o)
{
	struct channel *c = o->channels;

	while (c && !c->last_words)
		c = c->next;
	return c;
}

/* --- requests --- */

void outlet_has_room(struct outlet *o)
{
	outlet_lock(o);
	o->retry_at = 0;
	unlock_and_add(o, kick_locked(o));
}

void outlet_end(struct outlet *o)
{
	outlet_lock(o);
	for (struct channel *c = o->channels; c; c = c->next)
		c->leaving = c->ready = true;
	o->retry_at = 0;
	unlock_and_add(o, kick_locked(o));
}

void outlet_abandon(struct outlet *o)
{
	outlet_lock(o);
	if (o->state == OUTLET_WAITS)
		o->state = OUTLET_RESTS;
	o->drains = false;
	outlet_unlock(o);
}

void outlet_set_file(struct outlet *o, struct logfile *file)
{
	o->file = file;
}

static bool is_same_policy(const struct logfile_policy *a, const struct logfile_policy *b)
{
	return a->max_size == b->max_size && a->max_age_ms == b->max_age_ms && a->keep == b->keep &&
	       a->compress == b->compress;
}

void outlet_set_policy(struct outlet *o, const struct logfile_policy *policy)
{
	outlet_lock(o);
	o->policy_is_new |= !is_same_policy(&o->policy, policy);
	o->policy = *policy;
	outlet_unlock(o);
}

void outlet_reopen(struct outlet *o)
{
	if (o->kind != OUTLET_FILE)
		return;
	outlet_lock(o);
	o->reopens_wanted++;
	o->retry_at = 0;
	unlock_and_add(o, kick_locked(o));
}

bool outlet_is_reopening(struct outlet *o, int *error)
{
	bool is;

	outlet_lock(o);
	is = o->reopens_wanted != o->reopens_done;
	*error = o->reopen_error;
	outlet_unlock(o);
	return is;
}

struct packing *outlet_packing(struct outlet *o)
{
	return &o->packing;
}

enum packing_phase outlet_packing_phase(struct outlet *o)
{
	enum packing_phase phase;

	outlet_lock(o);
	phase = o->packing.phase;
	outlet_unlock(o);
	return phase;
}

void outlet_set_packing_phase(struct outlet *o, enum packing_phase phase)
{
	outlet_lock(o);
	o->packing.phase = phase;
	unlock_and_add(o, phase == PACKING_OPENS || phase == PACKING_ENDS || phase == PACKING_NONE
	                          ? kick_locked(o)
	                          : NULL);
}

/* --- news --- */

bool outlet_take_news(struct outlet *o, struct outlet_health *health)
{
	bool news;

	outlet_lock(o);
	news = o->news;
	o->news = false;
	*health = o->health;
	outlet_unlock(o);
	return news;
}

void outlet_get_health(struct outlet *o, struct outlet_health *health)
{
	outlet_lock(o);
	*health = o->health;
	outlet_unlock(o);
}

/* Since when nothing has happened.  In a queue it is others that hang, or only have much to do. */
static msec_t stands_since(const struct outlet *o)
{
	msec_t moved;

	if (o->state != OUTLET_WAITS)
		return o->works_since;
	moved = crew_moved(o->crew, o->job.lane);
	return moved > o->works_since ? moved : o->works_since;
}

/* The thread has been away for too long: those that must not wait for it are served by another.  It
 * takes two looks: if all of us stood still, the thread had no time either. */
static struct crew_job *judge_hang(struct outlet *o, msec_t now)
{
	msec_t since;
	bool seen;

	if (o->state == OUTLET_RESTS || o->health.hangs)
		return NULL;
	since = stands_since(o);
	seen = o->seen_since == since;
	o->seen_since = since;
	if (!seen || now - since < OUTLET_HANGS_MS)
		return NULL;
	o->health.hangs = true;
	o->health.since = since;
	o->news = true;
	return kick_locked(o);
}

bool outlet_watch(struct outlet *o, msec_t now)
{
	struct crew_job *job;
	bool again;

	outlet_lock(o);
	job = judge_hang(o, now);
	if (o->health.error && o->state == OUTLET_RESTS && now >= o->retry_at)
		job = kick_locked(o);
	again = o->state != OUTLET_RESTS || o->health.error;
	unlock_and_add(o, job);
	return again;
}

int outlet_room_fd(struct outlet *o)
{
	int fd = -1;

	outlet_lock(o);
	/* while a thread works, its descriptors are its own */
	if (o->wants_room && o->state == OUTLET_RESTS) {
		fd = fcntl(o->file ? logfile_fd(o->file) : o->fd, F_DUPFD_CLOEXEC, 0);
		o->wants_room = false;
	}
	outlet_unlock(o);
	return fd;
}

size_t outlet_waiting(struct outlet *o)
{
	size_t waiting;

	outlet_lock(o);
	waiting = o->said.size;
	if (o->state != OUTLET_WORKS) /* else these are the thread's */
		waiting += o->out.size - o->out_first;
	for (const struct channel *c = o->channels; c; c = c->next)
		waiting += (c->gone ? 0 : channel_waiting(c)) +
		           (o->state != OUTLET_WORKS ? c->input_end - c->input_first : 0);
	outlet_unlock(o);
	return waiting;
}

bool outlet_await_rest(struct outlet *o, msec_t until)
{
	bool rests, in_time = true;

	outlet_lock(o);
	while ((o->state != OUTLET_RESTS || o->drains) && in_time)
		in_time = cond_wait_until(&o->rests, &o->lock, until);
	rests = o->state == OUTLET_RESTS && !o->drains;
	outlet_unlock(o);
	return rests;
}

bool outlet_is_settled(struct outlet *o)
{
	bool rests;

	outlet_lock(o);
	rests = o->state == OUTLET_RESTS && !o->drains;
	outlet_unlock(o);
	return rests && outlet_waiting(o) == 0;
}
