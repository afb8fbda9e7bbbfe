/* SPDX-License-Identifier: MIT */
/* The loop's side of logs.  One epoll watches all pipes, and the loop watches that; what it tells
 * is handed to the outlet concerned. */
#include "os/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/capture_private.h"
#include "os/errand.h"
#include "os/logsocket.h"
#include "os/packer.h"
#include "os/syslogline.h"

enum {
	EVENTS_AT_ONCE = 64,
	CREW_PATIENCE_MS = 200,
};

/* how long those who write now and then are left alone after they were heard */
#define REST_SECONDS 0.004
/* how often targets are looked at while there is work */
#define WATCH_SECONDS 0.25

/* --- what threads call --- */

/* With rest_lock. */
static void wake(struct capture *c)
{
	if (c->loop)
		ev_async_send(c->loop, &c->wake);
}

static void on_news(void *context)
{
	struct capture *c = context;

	pthread_mutex_lock(&c->rest_lock);
	c->has_news = true;
	wake(c);
	pthread_mutex_unlock(&c->rest_lock);
}

static void on_rest(void *context, struct channel *channel)
{
	struct capture *c = context;

	pthread_mutex_lock(&c->rest_lock);
	if (!channel->rests) {
		channel->rests = true;
		channel->next_resting = c->resting;
		c->resting = channel;
	}
	if (!c->rest_timer_runs)
		wake(c);
	pthread_mutex_unlock(&c->rest_lock);
}

static const struct outlet_hooks hooks = { .wake = on_news, .rest = on_rest };

/* --- life --- */

struct capture *capture_new(void)
{
	struct capture *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	pthread_mutex_init(&c->rest_lock, NULL);
	c->own_fd = -1;
	c->hooks = &hooks;
	c->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->crew = crew_new(outflow_clear);
	if (c->poll_fd >= 0 && c->crew)
		return c;
	capture_free(c);
	return NULL;
}

void capture_free(struct capture *c)
{
	bool all_free = true;

	if (!c)
		return;
	/* threads that hang go with the process, and so does what they work on */
	all_free = crew_free(c->crew, CREW_PATIENCE_MS);
	while (all_free && c->targets) {
		struct target *t = c->targets;

		c->targets = t->next;
		capture_forget_room(c, t);
		outlet_abandon(t->outlet);
		all_free = outlet_free(t->outlet);
		free(t);
	}
	packer_free(c->packer);
	free(c->units);
	if (!all_free)
		return;
	fd_close(c->poll_fd);
	pthread_mutex_destroy(&c->rest_lock);
	free(c);
}

/* --- watching --- */

/* Sees to it that a target with work is looked after. */
static void watch(struct capture *c)
{
	if (!c->loop || ev_is_active(&c->watch))
		return;
	ev_now_update(c->loop);
	ev_timer_set(&c->watch, WATCH_SECONDS, WATCH_SECONDS);
	ev_timer_start(c->loop, &c->watch);
}

void capture_kick(struct capture *c, struct outlet *o)
{
	outlet_kick(o);
	watch(c);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct capture *c = w->data;

	(void)loop;
	(void)events;
	if (c->own_waits)
		capture_send_for_own(c);
}

static void start_rest(struct capture *c)
{
	if (ev_is_active(&c->rest))
		return;
	pthread_mutex_lock(&c->rest_lock);
	c->rest_timer_runs = true;
	pthread_mutex_unlock(&c->rest_lock);
	ev_now_update(c->loop);
	ev_timer_set(&c->rest, REST_SECONDS, 0.);
	ev_timer_start(c->loop, &c->rest);
}

static void on_rested(struct ev_loop *loop, ev_timer *w, int events)
{
	struct capture *c = w->data;
	struct channel *channel, *next;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&c->rest_lock);
	channel = c->resting;
	c->resting = NULL;
	c->rest_timer_runs = false;
	pthread_mutex_unlock(&c->rest_lock);
	for (; channel; channel = next) {
		struct outlet *o = channel->outlet;

		outlet_lock(o);
		next = channel->next_resting;
		channel->rests = false;
		if (!channel->gone)
			channel_arm(channel);
		outlet_unlock(o);
	}
}

/* What epoll tells of: a channel with something in it, or a target (its lowest bit set) with room.
 */
static void on_event(struct capture *c, const struct epoll_event *event)
{
	uintptr_t what = (uintptr_t)event->data.ptr;
	struct channel *channel = event->data.ptr;

	if (what & 1) {
		struct target *t = (struct target *)(what & ~(uintptr_t)1);

		capture_forget_room(c, t);
		outlet_has_room(t->outlet);
		watch(c);
		return;
	}
	outlet_lock(channel->outlet);
	channel->armed = false;
	channel->ready = true;
	outlet_unlock(channel->outlet);
	capture_kick(c, channel->outlet);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct epoll_event ready[EVENTS_AT_ONCE];
	struct capture *c = w->data;
	int count = epoll_wait(c->poll_fd, ready, EVENTS_AT_ONCE, 0);

	(void)loop;
	(void)events;
	for (int i = 0; i < count; i++)
		on_event(c, &ready[i]);
	if (count > 0)
		start_rest(c);
}

static void on_watch(struct ev_loop *loop, ev_timer *w, int events)
{
	struct capture *c = w->data;
	msec_t now = clock_monotonic_ms();
	bool again = false;

	(void)events;
	for (struct target *t = c->targets; t; t = t->next)
		again |= outlet_watch(t->outlet, now);
	crew_retry(c->crew);
	capture_own_here(c);
	if (!again)
		ev_timer_stop(loop, w);
	capture_look(c); /* the last time all of them rest; and it may find new work */
}

static void on_wake(struct ev_loop *loop, ev_async *w, int events)
{
	struct capture *c = w->data;
	bool rests, has_news;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&c->rest_lock);
	rests = c->resting != NULL;
	has_news = c->has_news;
	c->has_news = false;
	pthread_mutex_unlock(&c->rest_lock);
	if (rests)
		start_rest(c);
	if (has_news)
		capture_look(c);
}

int capture_attach(struct capture *c, struct ev_loop *loop, capture_last_words *last_words,
                   void *context)
{
	ev_io_init(&c->readable, on_readable, c->poll_fd, EV_READ);
	ev_timer_init(&c->rest, on_rested, 0., 0.);
	ev_timer_init(&c->watch, on_watch, 0., 0.);
	ev_async_init(&c->wake, on_wake);
	ev_prepare_init(&c->prepare, on_prepare);
	c->readable.data = c->rest.data = c->watch.data = c->wake.data = c->prepare.data = c;
	/* requests and ends of programs come first */
	ev_set_priority(&c->readable, EV_MINPRI);
	c->last_words = last_words;
	c->context = context;
	ev_io_start(loop, &c->readable);
	ev_async_start(loop, &c->wake);
	ev_prepare_start(loop, &c->prepare);
	pthread_mutex_lock(&c->rest_lock);
	c->loop = loop;
	wake(c); /* threads may have had something to tell before */
	pthread_mutex_unlock(&c->rest_lock);
	if (c->targets)
		watch(c);
	return 0;
}

void capture_detach(struct capture *c)
{
	struct ev_loop *loop = c->loop;

	if (!loop)
		return;
	pthread_mutex_lock(&c->rest_lock);
	c->loop = NULL; /* no thread sends to it from here on */
	pthread_mutex_unlock(&c->rest_lock);
	ev_io_stop(loop, &c->readable);
	ev_timer_stop(loop, &c->rest);
	ev_timer_stop(loop, &c->watch);
	ev_async_stop(loop, &c->wake);
	ev_prepare_stop(loop, &c->prepare);
}

/* --- programs --- */

int capture_reserve(struct capture *c, size_t count)
{
	struct unit_streams *units;

	if (count <= c->unit_count)
		return 0;
	units = realloc(c->units, count * sizeof *units);
	if (!units)
		return -ENOMEM;
	memset(units + c->unit_count, 0, (count - c->unit_count) * sizeof *units);
	c->units = units;
	c->unit_count = count;
	return 0;
}

static struct logfile_policy policy_of(const struct program_settings *p)
{
	return (struct logfile_policy){
		.max_size = log_policy_max_size(&p->log),
		.max_age_ms = p->log.max_age_ms,
		.keep = p->log.keep,
		.compress = p->log.compress,
	};
}

/* Failures that are nobody's mistake and may pass: the program starts, and its log comes later. */
static bool may_pass(int error)
{
	return error == ENXIO || error == ENOSPC || error == EDQUOT || error == EIO ||
	       error == EROFS || error == ETIMEDOUT || error == EMFILE || error == ENFILE ||
	       error == ENOMEM || error == ESTALE;
}

/* The file of a target is opened here first, so that a wrong path is a start that fails. */
static struct target *add_file(struct capture *c, const struct program_settings *p,
                               const char *path, int *error)
{
	struct logfile_policy policy = policy_of(p);
	struct logfile *file = NULL;
	struct target *t;
	int r = errand_open_logfile(c->crew, capture_lane(c, path), &file, path, &policy,
	                            ERRAND_PATIENCE_MS);

	if (r < 0 && !may_pass(-r)) {
		*error = -r;
		return NULL;
	}
	t = capture_add_target(c, OUTLET_FILE, path, -1, capture_lane(c, path));
	if (!t) {
		logfile_close(file);
		*error = ENOMEM;
		return NULL;
	}
	outlet_set_policy(t->outlet, &policy);
	if (file)
		outlet_set_file(t->outlet, file);
	else
		capture_kick(c, t->outlet); /* it is tried on, and what is wrong is told */
	return t;
}

static struct target *get_socket(struct capture *c, enum outlet_kind kind, const char *path)
{
	struct target *t = capture_find_target(c, kind, path);

	return t ? t : capture_add_target(c, kind, path, -1, CREW_PROMPT);
}

/* The target of a stream; NULL with *error. */
static struct target *get_target(struct capture *c, const struct program_settings *p, int fd,
                                 int *error)
{
	const struct stream *stream = program_stream(p, fd);
	struct target *t = NULL;

	*error = ENOMEM;
	switch (stream->kind) {
	case STREAM_FILE:
		t = capture_find_target(c, OUTLET_FILE, stream->path);
		return t ? t : add_file(c, p, stream->path, error);
	case STREAM_INHERIT:
		return capture_get_stream(c, p->stderr_stream.kind == STREAM_STDOUT ? 1 : fd);
	case STREAM_SYSLOG: return get_socket(c, OUTLET_SYSLOG, LOGSOCKET_SYSLOG);
	case STREAM_JOURNAL: return get_socket(c, OUTLET_JOURNAL, LOGSOCKET_JOURNAL);
	case STREAM_NULL:
	case STREAM_STDOUT: break;
	}
	*error = EINVAL;
	return NULL;
}

/* Nobody will write there any more but who has it already. */
static void part_with(struct capture *c, struct channel *channel)
{
	struct outlet *o = channel->outlet;

	outlet_lock(o);
	channel_end_life(channel);
	channel->leaving = channel->ready = true;
	outlet_unlock(o);
	capture_kick(c, o);
}

static size_t line_max(const struct outlet *o)
{
	return outlet_kind(o) == OUTLET_SYSLOG ? SYSLOGLINE_MAX : LINECUT_MAX;
}

/* The channel of a stream; one of both if they go to the same target, so that their order stays. */
static struct channel *get_channel(struct capture *c, const struct program_settings *p, uint32_t id,
                                   int stream, struct target *t)
{
	struct channel **streams = c->units[id].streams;
	struct channel *mine = streams[stream - 1], *other = streams[2 - stream];
	bool shares = stream == 2 && other && other->outlet == t->outlet;

	if (mine && mine->outlet == t->outlet && (shares ? mine == other : mine->stream == stream))
		return mine;
	if (mine && mine != other)
		part_with(c, mine);
	streams[stream - 1] = shares ? other : NULL;
	if (shares)
		return other;
	streams[stream - 1] = channel_new(p, id, stream, line_max(t->outlet), c->poll_fd);
	if (!streams[stream - 1])
		return NULL;
	c->held++;
	outlet_add(t->outlet, streams[stream - 1]);
	t->had_channels = true;
	return streams[stream - 1];
}

/* What of the settings may change while the program writes. */
static void set_policy(struct channel *channel, const struct program_settings *p, int fd)
{
	const struct stream *stream = program_stream(p, fd);
	struct logfile_policy policy = policy_of(p);

	outlet_lock(channel->outlet);
	channel_set_policy(channel, p);
	outlet_unlock(channel->outlet);
	if (stream->kind == STREAM_FILE && !strcmp(outlet_name(channel->outlet), stream->path))
		outlet_set_policy(channel->outlet, &policy);
}

int capture_open(struct capture *c, const struct program_settings *program, uint32_t id, int stream,
                 char *detail, size_t size)
{
	struct channel *channel;
	struct target *t;
	int error, fd;

	t = get_target(c, program, stream, &error);
	if (!t) {
		snprintf(detail, size, "%s", strerror(error));
		return -error;
	}
	t->is_over = false;
	channel = get_channel(c, program, id, stream, t);
	if (channel)
		set_policy(channel, program, stream); /* it may be that of its last life */
	fd = channel ? channel_open_end(channel, program->credentials) : -errno;
	if (fd < 0)
		snprintf(detail, size, "pipe: %s", strerror(-fd));
	return fd;
}

int capture_open_direct(struct capture *c, const char *path, int flags, mode_t mode)
{
	return errand_open(c->crew, capture_lane(c, path), path, flags, mode, ERRAND_PATIENCE_MS);
}

bool capture_answers(struct capture *c, const char *path)
{
	int fd = capture_open_direct(c, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd >= 0)
		close(fd);
	return fd != -ETIMEDOUT;
}

/* Does something to each channel of a program, locked, and has its outlet look. */
static void for_channels(struct capture *c, uint32_t id, pid_t pid,
                         void (*act)(struct channel *channel, pid_t pid))
{
	for (size_t i = 0; id < c->unit_count && i < 2; i++) {
		struct channel *channel = c->units[id].streams[i];
		bool ready;

		if (!channel || (i == 1 && channel == c->units[id].streams[0]))
			continue;
		outlet_lock(channel->outlet);
		act(channel, pid);
		ready = channel->ready;
		outlet_unlock(channel->outlet);
		if (ready)
			capture_kick(c, channel->outlet);
	}
}

static void begin_life(struct channel *channel, pid_t pid)
{
	(void)pid;
	channel_begin_life(channel);
}

static void end_life(struct channel *channel, pid_t pid)
{
	(void)pid;
	channel_end_life(channel);
	channel->ready = true;
}

static void start_life(struct channel *channel, pid_t pid)
{
	channel_set_pid(channel, pid);
	if (!pid)
		end_life(channel, 0);
}

size_t capture_held(const struct capture *c)
{
	return c->held;
}

/* Pipes of earlier lives, of a program that has its files itself from now on. */
static void part_with_unused(struct capture *c, const struct program_settings *program, uint32_t id)
{
	struct channel **streams = c->units[id].streams;

	for (int i = 0; i < 2; i++) {
		struct channel *unused = streams[i];

		if (!unused || program_is_captured(program, i + 1))
			continue;
		streams[i] = NULL;
		if (unused != streams[1 - i])
			part_with(c, unused);
	}
}

void capture_on_start(struct capture *c, const struct program_settings *program, uint32_t id)
{
	if (id < c->unit_count)
		part_with_unused(c, program, id);
	for_channels(c, id, 0, begin_life);
}

void capture_on_started(struct capture *c, uint32_t id, pid_t pid)
{
	for_channels(c, id, pid, start_life);
}

void capture_on_empty(struct capture *c, uint32_t id)
{
	for_channels(c, id, 0, end_life);
}

void capture_forget(struct capture *c, uint32_t id)
{
	if (id >= c->unit_count)
		return;
	for (size_t i = 0; i < 2; i++) {
		struct channel *channel = c->units[id].streams[i];

		if (channel && (i == 0 || channel != c->units[id].streams[0]))
			part_with(c, channel);
	}
	c->units[id] = (struct unit_streams){ 0 };
}

/* What holds for a program now; where it writes to changes at its next start. */
static void follow(struct capture *c, const struct program_settings *p, uint32_t id)
{
	for (int i = 0; i < 2; i++) {
		struct channel *channel = c->units[id].streams[i];

		if (channel && program_is_captured(p, i + 1))
			set_policy(channel, p, i + 1);
	}
}

void capture_on_reload(struct capture *c, const struct settings *settings)
{
	for (uint32_t i = 0; i < settings->program_count && i < c->unit_count; i++)
		if (*settings->programs[i].name)
			follow(c, &settings->programs[i], i);
}

size_t capture_descriptors(const struct settings *settings)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->program_count; i++)
		for (int fd = 1; fd <= 2; fd++) /* the pipe, and perhaps a file */
			count += program_is_captured(&settings->programs[i], fd) ? 2 : 0;
	return count;
}
