/* SPDX-License-Identifier: MIT */
/* What targets have come to: told in vergerd's log, to whoever asks, and at the end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/capture_private.h"

enum {
	TELL_AFTER_MS = 1000, /* of what may pass by itself */
	DRAIN_ROUND_MS = 50,
};

/* --- targets that nobody writes to --- */

void capture_forget_room(struct capture *c, struct target *t)
{
	/* what others have of it would keep it in the epoll */
	if (t->polled_fd >= 0)
		epoll_ctl(c->poll_fd, EPOLL_CTL_DEL, t->polled_fd, NULL);
	t->polled_fd = fd_close(t->polled_fd);
}

static void remove_target(struct capture *c, struct target *gone)
{
	for (struct target **t = &c->targets; *t; t = &(*t)->next) {
		if (*t != gone)
			continue;
		capture_forget_room(c, gone);
		if (!outlet_free(gone->outlet))
			return; /* another time */
		*t = gone->next;
		c->held--;
		if (c->own == gone)
			c->own = NULL;
		free(gone);
		return;
	}
}

static bool is_over(struct capture *c, struct target *t)
{
	return t != c->own && t != c->packing && (t->is_over || t->had_channels) &&
	       !outlet_has_channels(t->outlet) && outlet_is_settled(t->outlet);
}

/* --- channels --- */

static void forget_resting(struct capture *c, struct channel *gone)
{
	pthread_mutex_lock(&c->rest_lock);
	for (struct channel **at = &c->resting; *at; at = &(*at)->next_resting) {
		if (*at != gone)
			continue;
		*at = gone->next_resting;
		break;
	}
	pthread_mutex_unlock(&c->rest_lock);
}

static void free_gone(struct capture *c, struct target *t)
{
	struct channel *gone;

	while ((gone = outlet_take_gone(t->outlet))) {
		forget_resting(c, gone);
		channel_free(gone);
		c->held--;
	}
}

/* The words are taken under the lock and told without it. */
static void tell_last_words(struct capture *c, struct outlet *o)
{
	for (;;) {
		struct channel *found;
		char *words = NULL;
		size_t size = 0;
		uint32_t program = 0;

		outlet_lock(o);
		found = outlet_find_last_words(o);
		if (found) {
			program = found->program;
			words = found->last_words;
			size = found->last_words_size;
			found->last_words = NULL;
		}
		outlet_unlock(o);
		if (!found)
			return;
		if (size && c->last_words)
			c->last_words(c->context, program, words, size);
		free(words);
	}
}

/* --- trouble --- */

static const char *reason_of(const struct outlet_health *health)
{
	if (health->hangs)
		return "does not answer";
	switch (health->error) {
	case EAGAIN: return "its reader does not read";
	case ENXIO: return "nobody reads this FIFO";
	case EPIPE: return "its reader is gone";
	default: return strerror(health->error);
	}
}

static uint64_t lost_bytes(struct outlet *o)
{
	uint64_t lost = 0;

	outlet_lock(o);
	for (const struct channel *c = outlet_channels(o); c; c = c->next)
		lost += c->total_lost_bytes;
	outlet_unlock(o);
	return lost;
}

static bool is_ill(const struct outlet_health *health)
{
	return health->error || health->hangs;
}

/* A reader that is busy for a moment, a disk that writes back: they happen all the time. */
static bool may_pass(const struct outlet_health *health)
{
	return (health->hangs || health->error == EAGAIN) &&
	       clock_monotonic_ms() - health->since < TELL_AFTER_MS;
}

/* vergerd's own log can tell of itself when it is over. */
static void report_own_trouble(struct target *t, const struct outlet_health *now)
{
	const char *name = outlet_name(t->outlet);

	if (is_ill(now))
		log_error(NULL, "log %s: %s; vergerd's own lines wait", name, reason_of(now));
	else if (is_ill(&t->told))
		log_info(NULL, "log %s: takes lines again", name);
}

static void report_trouble(struct target *t, const struct outlet_health *now)
{
	const char *name = outlet_name(t->outlet);
	uint64_t lost = lost_bytes(t->outlet);

	if (is_ill(now))
		log_error(NULL,
		          "log %s: %s; what programs write waits, or is counted and dropped "
		          "(log_stalled)",
		          name, reason_of(now));
	else
		log_info(NULL, "log %s: takes output again; %llu bytes were lost", name,
		         (unsigned long long)(lost > t->lost_before ? lost - t->lost_before : 0));
}

static void report_rotation(const struct target *t, const struct outlet_health *now)
{
	const char *name = outlet_name(t->outlet);

	if (now->rotation)
		log_warning(NULL, "log %s: cannot be rotated, and grows on: %s", name,
		            strerror(now->rotation));
	else
		log_info(NULL, "log %s: can be rotated again", name);
}

static bool is_same_health(const struct outlet_health *a, const struct outlet_health *b)
{
	return a->error == b->error && a->hangs == b->hangs;
}

static void report(struct target *t, const struct outlet_health *now)
{
	/* a full disk answers with the same error again and again, and hangs a little now and then
	 */
	if (t->told.rotation != now->rotation)
		report_rotation(t, now);
	t->told.rotation = now->rotation;
	if (is_ill(now) && may_pass(now))
		return;
	/* what passed by itself is told of if it has cost something */
	if (outlet_has_channels(t->outlet) &&
	    (!is_same_health(&t->told, now) ||
	     (!is_ill(now) && lost_bytes(t->outlet) > t->lost_before)))
		report_trouble(t, now);
	else if (!is_same_health(&t->told, now))
		report_own_trouble(t, now);
	t->told = *now;
	if (!is_ill(now))
		t->lost_before = lost_bytes(t->outlet);
}

static void report_reopening(struct target *t)
{
	int error;

	if (!t->reopens || outlet_is_reopening(t->outlet, &error))
		return;
	t->reopens = false;
	if (error)
		log_error(NULL, "log %s cannot be opened again: %s", outlet_name(t->outlet),
		          strerror(error));
}

/* A pipe or socket tells when it has room. */
static void await_room(struct capture *c, struct target *t)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT };
	int fd = t->polled_fd < 0 ? outlet_room_fd(t->outlet) : -1;

	if (fd < 0)
		return;
	event.data.ptr = (char *)t + 1;
	t->polled_fd = epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? fd : fd_close(fd);
}

void capture_look(struct capture *c)
{
	struct outlet_health health;

	for (struct target *t = c->targets, *next; t; t = next) {
		next = t->next;
		free_gone(c, t);
		if (outlet_take_news(t->outlet, &health))
			tell_last_words(c, t->outlet);
		report(t, &health);
		report_reopening(t);
		capture_pack(c, t);
		if (!health.error)
			capture_forget_room(c, t);
		await_room(c, t);
		if (is_over(c, t))
			remove_target(c, t);
	}
}

/* --- whoever asks --- */

void capture_reopen(struct capture *c)
{
	for (struct target *t = c->targets; t; t = t->next) {
		t->reopens = outlet_kind(t->outlet) == OUTLET_FILE;
		outlet_reopen(t->outlet);
		capture_kick(c, t->outlet);
	}
}

size_t capture_reopening(struct capture *c, const char **path, int *error)
{
	size_t count = 0;

	*path = NULL;
	*error = 0;
	for (struct target *t = c->targets; t; t = t->next) {
		int failed;

		count += outlet_is_reopening(t->outlet, &failed);
		if (!failed)
			continue;
		*path = outlet_name(t->outlet);
		*error = failed;
	}
	return count;
}

/* How bad it is. */
static int weigh(const struct capture_trouble *t)
{
	return t->error ? 3 : (t->rotation ? 2 : (t->lost_bytes ? 1 : 0));
}

static void judge(struct channel *channel, struct capture_trouble *out)
{
	struct outlet_health health;

	outlet_get_health(channel->outlet, &health);
	*out = (struct capture_trouble){
		.error = health.hangs ? ETIMEDOUT : health.error,
		.reason = reason_of(&health),
		.rotation = health.rotation,
		.since = health.since,
	};
	snprintf(out->target, sizeof out->target, "%s", outlet_name(channel->outlet));
	outlet_lock(channel->outlet);
	out->drops = channel->stalled == LOG_STALLED_DROP;
	out->lost_lines = channel->total_lost_lines;
	out->lost_bytes = channel->total_lost_bytes;
	outlet_unlock(channel->outlet);
}

bool capture_trouble(struct capture *c, uint32_t id, struct capture_trouble *out)
{
	*out = (struct capture_trouble){ 0 };
	for (size_t i = 0; id < c->unit_count && i < 2; i++) {
		struct channel *channel = c->units[id].streams[i];
		struct capture_trouble one;

		if (!channel)
			continue;
		judge(channel, &one);
		if (weigh(&one) > weigh(out))
			*out = one;
	}
	return weigh(out) > 0;
}

size_t capture_recent(struct capture *c, uint32_t id, char *out, size_t size)
{
	size_t filled = 0;

	for (size_t i = 0; id < c->unit_count && i < 2; i++) {
		struct channel *channel = c->units[id].streams[i];

		if (!channel || (i == 1 && channel == c->units[id].streams[0]))
			continue;
		outlet_lock(channel->outlet);
		filled += logring_copy(&channel->ring, out + filled, size - filled);
		outlet_unlock(channel->outlet);
	}
	return filled;
}

/* --- the end --- */

/* Whether a target that takes nothing is worth waiting for: somebody's output is to be kept. */
static bool is_wanted(struct outlet *o)
{
	bool wanted = outlet_waiting(o) > 0;

	outlet_lock(o);
	for (const struct channel *c = outlet_channels(o); c; c = c->next)
		wanted &= c->stalled == LOG_STALLED_BLOCK;
	outlet_unlock(o);
	return wanted;
}

/* Programs write there, and not only vergerd. */
static bool is_shared(const struct capture *c, const struct target *t)
{
	return t != c->own || outlet_has_channels(t->outlet);
}

static bool is_draining(const struct capture *c, const struct target *t, bool own)
{
	bool is_meant = own ? t == c->own : is_shared(c, t);

	return is_meant && !t->given_up && !outlet_is_settled(t->outlet);
}

/* The reader of a pipe that vergerd was given is gone, and nobody can come in its place. */
static bool is_hopeless(const struct outlet *o, const struct outlet_health *health)
{
	return health->error == EPIPE && outlet_kind(o) == OUTLET_STREAM;
}

/* Waits for a target; whether it takes nothing. */
static bool await_one(struct target *t, msec_t until)
{
	struct outlet_health health;

	if (!outlet_await_rest(t->outlet, until))
		return false;
	outlet_get_health(t->outlet, &health);
	t->given_up = health.error && (!is_wanted(t->outlet) || is_hopeless(t->outlet, &health));
	return health.error && !t->given_up;
}

/* Has all of them write at the same time: one that hangs costs the others nothing. */
static void drain(struct capture *c, bool own, msec_t until)
{
	bool again = true;

	for (struct target *t = c->targets; t; t = t->next)
		t->given_up = false;
	while (again && clock_monotonic_ms() < until) {
		msec_t round = clock_monotonic_ms() + DRAIN_ROUND_MS;
		bool refused = false;

		again = false;
		for (struct target *t = c->targets; t; t = t->next)
			if (is_draining(c, t, own))
				outlet_end(t->outlet);
		crew_retry(c->crew);
		capture_own_here(c);
		for (struct target *t = c->targets; t; t = t->next) {
			if (!is_draining(c, t, own))
				continue;
			refused |= await_one(t, round);
			again |= is_draining(c, t, own);
		}
		if (refused)
			poll(NULL, 0, DRAIN_ROUND_MS);
	}
}

void capture_drain(struct capture *c, msec_t patience_ms)
{
	drain(c, false, clock_monotonic_ms() + patience_ms);
	for (struct target *t = c->targets; t; t = t->next)
		if (t != c->own && !outlet_is_settled(t->outlet))
			log_error(NULL, "log %s: %zu bytes could not be written",
			          outlet_name(t->outlet), outlet_waiting(t->outlet));
}

void capture_drain_own(struct capture *c)
{
	struct outlet_health health;
	msec_t patience = CAPTURE_DRAIN_MS;

	if (!c->own)
		return;
	outlet_get_health(c->own->outlet, &health);
	if (health.hangs || health.error) /* it has been waited for */
		patience = OUTLET_RETRY_MS;
	drain(c, true, clock_monotonic_ms() + patience);
}
