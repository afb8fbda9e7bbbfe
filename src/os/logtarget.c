/* SPDX-License-Identifier: MIT */
/* Writes vergerd's log.  Lines are whole or lost, and lost ones are counted: neither a full pipe
 * nor a full disk nor a reader that has gone may hold up the supervision of programs.
 *
 * A pipe, a terminal or a socket can be told not to wait, and is written to at once.  A file
 * cannot: a thread does it (os/capture.h), and so it does for a stream that programs are captured
 * to. */
#include "os/logtarget.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/repeat.h"
#include "os/capture.h"
#include "os/logline.h"
#include "os/logsocket.h"

enum {
	NOTE_MAX = 80,
	RECONNECT_MS = 1000,
};

/* The way to a target. */
struct route {
	enum log_target target;
	enum logline_form form;
	bool threaded;  /* a thread writes, always */
	int fd;         /* owned unless it is 2; -1 = none */
	bool is_socket; /* standard error is one: send, which can be told not to wait */
	bool patient;   /* fd could block: ask before each line */
	bool torn;      /* the last line was cut off by a full disk */
	msec_t tried;   /* to connect, the last time */
};

struct logtarget {
	struct logtarget_world world;
	struct route route;
	size_t lost; /* lines since the last one written */
	struct repeat repeat;
};

struct logtarget_world logtarget_world(struct capture *capture)
{
	return (struct logtarget_world){
		.capture = capture,
		.syslog = LOGSOCKET_SYSLOG,
		.journal = LOGSOCKET_JOURNAL,
		.now = clock_monotonic_ms,
	};
}

struct logtarget_wish logtarget_wish(const struct settings *settings)
{
	return (struct logtarget_wish){
		.target = settings->log_target,
		.path = settings->log_path,
		.json = settings->log_json,
	};
}

const char *logtarget_name(const struct logtarget_wish *wish)
{
	switch (wish->target) {
	case LOG_TARGET_FILE: return wish->path;
	case LOG_TARGET_SYSLOG: return "syslog";
	case LOG_TARGET_JOURNAL: return "journal";
	case LOG_TARGET_STDERR: break;
	}
	return "standard error";
}

/* --- daemons --- */

static const char *socket_path(const struct logtarget_world *world, enum log_target target)
{
	return target == LOG_TARGET_JOURNAL ? world->journal : world->syslog;
}

/* 0 or negative errno; not more often than once a second, however many lines there are. */
static int connect_route(struct route *r, const struct logtarget_world *world)
{
	msec_t now = world->now();

	if (now - r->tried < RECONNECT_MS)
		return -EAGAIN;
	r->tried = now;
	r->fd = logsocket_open(socket_path(world, r->target));
	return r->fd < 0 ? r->fd : 0;
}

/* Whether it was taken. */
static bool send_record(struct logtarget *t, const struct logline *line)
{
	struct route *r = &t->route;

	for (;;) {
		if (r->fd < 0 && connect_route(r, &t->world) < 0)
			return false;
		if (send(r->fd, line->data, line->size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE)
			return false;
		/* it may have been started anew, under the same name */
		r->fd = fd_close(r->fd);
	}
}

/* --- streams --- */

static bool would_block(int fd)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	return poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT);
}

/* One write for one line.  Whether all of it went out. */
static bool write_line(struct route *r, const struct logline *line)
{
	ssize_t written;

	if (r->fd < 0 || (r->patient && would_block(r->fd)))
		return false;
	if (r->is_socket)
		written = send(r->fd, line->data, line->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		written = write(r->fd, line->data, line->size);
	if (written > 0)
		r->torn = (size_t)written < line->size;
	return written == (ssize_t)line->size;
}

/* The rest of a line that was cut off ends here. */
static bool mend(struct route *r)
{
	struct logline newline;

	if (!r->torn)
		return true;
	newline.data[0] = '\n';
	newline.size = 1;
	return write_line(r, &newline);
}

/* --- lines --- */

static bool put(struct logtarget *t, const struct logline_event *event)
{
	struct logline line;

	logline_make(&line, t->route.form, event);
	if (t->route.threaded || capture_wants_own(t->world.capture))
		return capture_say(t->world.capture, line.data, line.size);
	switch (t->route.target) {
	case LOG_TARGET_SYSLOG:
	case LOG_TARGET_JOURNAL: return send_record(t, &line);
	case LOG_TARGET_STDERR:
	case LOG_TARGET_FILE: break;
	}
	return mend(&t->route) && write_line(&t->route, &line);
}

/* What the log says of itself. */
static bool put_note(struct logtarget *t, const char *message)
{
	return put(t, &(struct logline_event){
			      .level = LOG_LEVEL_WARNING,
			      .message = message,
			      .time_us = clock_realtime_us(),
			      .pid = getpid(),
		      });
}

/* Whether there is no gap before the next line. */
static bool tell_lost(struct logtarget *t)
{
	char text[NOTE_MAX];

	if (t->lost == 0)
		return true;
	snprintf(text, sizeof text, "%zu line%s lost: the log could not take %s", t->lost,
	         t->lost == 1 ? "" : "s", t->lost == 1 ? "it" : "them");
	if (!put_note(t, text))
		return false;
	t->lost = 0;
	return true;
}

/* Tells of lines that were left out and are followed by no equal one that could. */
static void tell_hushed(struct logtarget *t, msec_t now)
{
	unsigned hushed = repeat_settle(&t->repeat, now);
	char text[NOTE_MAX];

	if (hushed == 0)
		return;
	snprintf(text, sizeof text, "%u line%s equal to earlier ones left out", hushed,
	         hushed == 1 ? "" : "s");
	t->lost += !tell_lost(t) || !put_note(t, text);
}

/* What a program does is told each time: delays between its starts are what limits it. */
static bool is_limited(enum log_level level, const char *subject)
{
	return !subject || level <= LOG_LEVEL_WARNING;
}

static void sink(void *context, enum log_level level, const char *subject, const char *message)
{
	struct logtarget *t = context;
	msec_t now = t->world.now();
	struct logline_event event = {
		.level = level,
		.subject = subject,
		.message = message,
		.time_us = clock_realtime_us(),
		.pid = getpid(),
	};

	if (is_limited(level, subject) &&
	    repeat_judge(&t->repeat, subject, message, now, &event.hushed) == REPEAT_HUSH)
		return;
	tell_hushed(t, now);
	t->lost += !tell_lost(t) || !put(t, &event);
}

/* --- opening --- */

/* Whether standard error goes to the journal, which names its socket for that purpose. */
static bool is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];

	snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long)st->st_dev,
	         (unsigned long long)st->st_ino);
	return stream && strcmp(stream, ours) == 0;
}

/* Standard error is shared with programs, so it cannot be made non-blocking for us alone; a pipe or
 * a terminal can be opened a second time instead.  0 or -ENOMEM. */
static int open_stderr(struct route *r, struct capture *capture)
{
	struct stat st;
	int fd;

	r->fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) == 0) {
		if (is_journal(&st))
			r->form = LOGLINE_PRIORITY;
		r->threaded = S_ISREG(st.st_mode);
		r->is_socket = S_ISSOCK(st.st_mode);
		if (r->threaded)
			return capture_own_stream(capture, STDERR_FILENO);
		if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
			fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
			r->fd = fd >= 0 ? fd : STDERR_FILENO;
			r->patient = fd < 0;
		}
	}
	capture_own_beside(capture, STDERR_FILENO);
	return 0;
}

static void open_socket(struct route *r, const struct logtarget_wish *wish,
                        const struct logtarget_world *world)
{
	int error;

	r->form = r->target == LOG_TARGET_JOURNAL ? LOGLINE_JOURNAL : LOGLINE_SYSLOG;
	r->tried = world->now() - RECONNECT_MS;
	error = connect_route(r, world);
	if (error < 0) /* told where the log is until now */
		log_warning(NULL, "log %s: %s: %s; lines are lost until somebody listens there",
		            logtarget_name(wish), socket_path(world, r->target), strerror(-error));
	capture_own_beside(world->capture, -1);
}

static enum logline_form plain_form(bool json)
{
	return json ? LOGLINE_JSON : LOGLINE_TEXT;
}

/* 0 or negative errno with everything as it was. */
static int open_route(struct route *r, const struct logtarget_wish *wish,
                      const struct logtarget_world *world)
{
	*r = (struct route){ .target = wish->target, .form = plain_form(wish->json), .fd = -1 };
	switch (wish->target) {
	case LOG_TARGET_STDERR: return open_stderr(r, world->capture);
	case LOG_TARGET_FILE:
		r->threaded = true;
		return capture_own_file(world->capture, wish->path);
	case LOG_TARGET_SYSLOG:
	case LOG_TARGET_JOURNAL: open_socket(r, wish, world); break;
	}
	return 0;
}

static void close_route(struct route *r)
{
	if (r->fd != STDERR_FILENO)
		r->fd = fd_close(r->fd);
}

int logtarget_open(struct logtarget **out, const struct logtarget_wish *wish,
                   const struct logtarget_world *world)
{
	struct logtarget *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	t->world = *world;
	r = open_route(&t->route, wish, world);
	if (r < 0) {
		free(t);
		return r;
	}
	log_set_sink(sink, t);
	*out = t;
	return 0;
}

int logtarget_change(struct logtarget *t, const struct logtarget_wish *wish)
{
	struct route fresh;
	int r = open_route(&fresh, wish, &t->world);

	if (r < 0)
		return r;
	close_route(&t->route);
	t->route = fresh;
	return 0;
}

void logtarget_set_json(struct logtarget *t, bool json)
{
	switch (t->route.form) {
	case LOGLINE_TEXT:
	case LOGLINE_JSON: t->route.form = plain_form(json); break;
	case LOGLINE_PRIORITY:
	case LOGLINE_SYSLOG:
	case LOGLINE_JOURNAL: break;
	}
}

void logtarget_close(struct logtarget *t)
{
	if (!t)
		return;
	tell_hushed(t, MSEC_NEVER);
	if (!tell_lost(t)) { /* too many lines wait there, for a moment perhaps */
		capture_drain_own(t->world.capture);
		tell_lost(t);
	}
	log_set_sink(NULL, NULL);
	capture_drain_own(t->world.capture);
	capture_own_beside(t->world.capture, -1);
	close_route(&t->route);
	free(t);
}
