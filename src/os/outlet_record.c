/* SPDX-License-Identifier: MIT */
/* The thread's side of an outlet: lines become records, and records are written.  Knows nothing of
 * where lines come from. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/journalentry.h"
#include "os/logsocket.h"
#include "os/outlet_private.h"
#include "os/syslogline.h"

enum {
	OUT_FULL = 128 * 1024, /* so much is written at once */
	ROOM_WAIT_MS = 20,     /* for a reader that is about to read */
};

/* --- the target --- */

int outlet_open_target(struct outlet *o, const struct logfile_policy *policy)
{
	switch (o->kind) {
	case OUTLET_FILE: return o->file ? 0 : logfile_open(&o->file, o->name, policy);
	case OUTLET_STREAM: return 0;
	case OUTLET_SYSLOG:
	case OUTLET_JOURNAL:
		if (o->fd < 0)
			o->fd = logsocket_open(o->name);
		return o->fd < 0 ? o->fd : 0;
	}
	return -EINVAL;
}

void outlet_close_target(struct outlet *o)
{
	logfile_close(o->file);
	o->file = NULL;
	if (o->kind == OUTLET_SYSLOG || o->kind == OUTLET_JOURNAL)
		o->fd = fd_close(o->fd);
}

/* Waits a moment for a reader that is only busy.  0 or -EAGAIN. */
static int await_room(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	return poll(&room, 1, ROOM_WAIT_MS) == 1 ? 0 : -EAGAIN;
}

static ssize_t write_stream(const struct outlet *o, const char *bytes, size_t size)
{
	ssize_t written;
	int r = await_room(o->fd);

	if (r < 0)
		return r;
	written = write(o->fd, bytes, size);
	return written < 0 ? -errno : written;
}

static ssize_t send_once(const struct outlet *o, const char *bytes, size_t size)
{
	ssize_t sent = send(o->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent < 0 ? -errno : sent;
}

static ssize_t send_datagram(struct outlet *o, const char *bytes, size_t size)
{
	ssize_t r = send_once(o, bytes, size);

	if (r == -EAGAIN && await_room(o->fd) == 0)
		r = send_once(o, bytes, size);
	if (r >= 0 || r == -EAGAIN || r == -ENOBUFS || r == -EMSGSIZE)
		return r;
	/* its reader may have been started anew, under the same name */
	fd_close(o->fd);
	o->fd = logsocket_open(o->name);
	if (o->fd >= 0)
		return send_once(o, bytes, size);
	r = o->fd;
	o->fd = -1;
	return r;
}

/* Some of it; negative errno: it takes nothing. */
ssize_t outlet_write_some(struct outlet *o, const char *bytes, size_t size)
{
	ssize_t r = -EINTR;

	while (r == -EINTR) {
		switch (o->kind) {
		case OUTLET_FILE:
			r = logfile_write(o->file, bytes, size, clock_realtime_us());
			if (r == -EAGAIN && await_room(logfile_fd(o->file)) == 0)
				r = -EINTR;
			break;
		case OUTLET_STREAM: r = write_stream(o, bytes, size); break;
		case OUTLET_SYSLOG:
		case OUTLET_JOURNAL: r = send_datagram(o, bytes, size); break;
		}
	}
	return r;
}

/* How much of it goes into one write: of a stream a line, which nobody else then cuts. */
static size_t one_write(const struct outlet *o, const char *bytes, size_t size)
{
	const char *newline = o->kind == OUTLET_STREAM ? memchr(bytes, '\n', size) : NULL;

	return newline ? (size_t)(newline + 1 - bytes) : size;
}

/* Writes what was made.  0 or negative errno; the rest is kept then. */
int outlet_flush(struct outlet *o)
{
	while (o->out_first < o->out.size) {
		const char *bytes = o->out.data + o->out_first;
		size_t size = one_write(o, bytes, o->out.size - o->out_first);
		ssize_t written = outlet_write_some(o, bytes, size);

		if (written < 0)
			return (int)written;
		o->out_first += (size_t)written;
	}
	o->out.size = o->out_first = 0;
	return 0;
}

/* --- records --- */

static void update_local_time(struct outlet *o, int64_t now_us)
{
	time_t second = (time_t)(now_us / 1000000);
	struct tm tm;

	if (second == o->local_second || !localtime_r(&second, &tm))
		return;
	/* the C locale is what vergerd runs in */
	strftime(o->local_time, sizeof o->local_time, "%b %e %H:%M:%S", &tm);
	o->local_second = second;
}

/* What a program writes is information, on whichever stream; that some of it is missing is not. */
static int priority_of(const struct line_facts *facts)
{
	return !strcmp(facts->stream, "verger") ? LOG_WARNING : LOG_INFO;
}

/* A line in the middle of which another program's would begin is ended: it goes on in the next. */
int outlet_end_unfinished(struct outlet *o, const struct channel *c)
{
	bool foreign = o->torn || (o->unfinished && o->unfinished != c);

	o->unfinished = NULL;
	o->torn = false;
	return foreign ? outbuf_add(&o->out, "\n", 1) : 0;
}

static int add_record(struct outlet *o, enum log_format format, const struct line_facts *facts,
                      const struct line *line)
{
	switch (o->kind) {
	case OUTLET_FILE:
	case OUTLET_STREAM: return lineformat_add(&o->out, format, &o->stamp, facts, line);
	case OUTLET_SYSLOG:
		update_local_time(o, facts->time_us);
		return syslogline_add(&o->out, facts, LOG_DAEMON | priority_of(facts),
		                      o->local_time, line);
	case OUTLET_JOURNAL: return journalentry_add(&o->out, facts, priority_of(facts), line);
	}
	return -EINVAL;
}

/* A line that can be written nowhere. */
static void lose(struct outlet *o, struct channel *c, const struct line *line, int error)
{
	outlet_lock(o);
	c->lost_for = error;
	c->lost_lines++;
	c->total_lost_lines++;
	c->lost_bytes += line->size;
	c->total_lost_bytes += line->size;
	outlet_unlock(o);
}

/* A line is on its way when this returns: written, or kept in outlet.out with a negative errno. */
int outlet_emit(struct outlet *o, struct channel *c, enum log_format format,
                const struct line_facts *facts, const struct line *line)
{
	int r = outlet_end_unfinished(o, format == LOG_FORMAT_RAW ? c : NULL);

	if (r == 0)
		r = add_record(o, format, facts, line);
	if (r == 0 && (o->kind != OUTLET_FILE || o->out.size >= OUT_FULL)) {
		r = outlet_flush(o);
		if (r != -EMSGSIZE)
			return r;
		o->out.size = o->out_first = 0;
	}
	if (r < 0) /* there is no memory for it, or no datagram is so large */
		lose(o, c, line, -r);
	return 0;
}
