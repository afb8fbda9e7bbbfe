/* SPDX-License-Identifier: MIT */
/* Writes vergerd's log.  Lines are whole or lost, and lost ones are counted: neither a full pipe
 * nor a full disk nor a reader that has gone may hold up the supervision of programs. */
#include "os/logtarget.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	LINE_MAX_BYTES = PIPE_BUF, /* so much goes into a pipe at once or not at all */
	LOST_TEXT_MAX = 64,
};

struct logtarget {
	enum log_target kind;
	char *path;   /* owned; LOG_TARGET_FILE */
	int fd;       /* owned unless it is 2; -1 = syslog */
	bool socket;  /* standard error is a socket: send, which can be told not to wait */
	bool patient; /* fd could block: ask before each line */
	bool journal; /* the journal stamps by itself and wants a priority */
	bool torn;    /* the last line was cut off by a full disk */
	size_t lost;  /* lines since the last one written */
};

static const int syslog_priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

/* A line being made; what does not fit ends in "...". */
struct line {
	char data[LINE_MAX_BYTES];
	size_t size;
	bool cut;
};

static const char cut_mark[] = "...\n";

static void line_add(struct line *line, const char *bytes, size_t size)
{
	if (line->cut || line->size + size > sizeof line->data - sizeof cut_mark) {
		line->cut = true;
		return;
	}
	memcpy(line->data + line->size, bytes, size);
	line->size += size;
}

/* Control bytes would let a program's name or an error text forge lines and move a terminal's
 * cursor. */
static void line_add_escaped(struct line *line, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char escaped[8];

		if (c >= ' ' && c != 0x7f)
			line_add(line, text, 1);
		else if (c == '\n')
			line_add(line, "\\n", 2);
		else
			line_add(line, escaped,
			         (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", c));
	}
}

static void line_end(struct line *line)
{
	const char *end = line->cut ? cut_mark : "\n";
	size_t size = strlen(end);

	memcpy(line->data + line->size, end, size);
	line->size += size;
}

static void line_begin(struct line *line, const struct logtarget *t, enum log_level level)
{
	char stamp[CLOCK_RFC3339_SIZE], head[64];
	int size;

	if (t->journal) {
		size = snprintf(head, sizeof head, "<%d>", syslog_priorities[level]);
	} else {
		clock_format_rfc3339(clock_realtime_us(), stamp);
		size = snprintf(head, sizeof head, "%s %s ", stamp, log_level_names[level]);
	}
	line_add(line, head, (size_t)size);
}

static bool would_block(int fd)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	return poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT);
}

/* One write for one line.  Whether all of it went out. */
static bool write_line(struct logtarget *t, const struct line *line)
{
	ssize_t written;

	if (t->fd < 0 || (t->patient && would_block(t->fd)))
		return false;
	if (t->socket)
		written = send(t->fd, line->data, line->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		written = write(t->fd, line->data, line->size);
	if (written > 0)
		t->torn = (size_t)written < line->size;
	return written == (ssize_t)line->size;
}

static bool tell_lost(struct logtarget *t)
{
	struct line line = { .size = 0 };
	char text[LOST_TEXT_MAX];

	if (t->torn)
		line_add(&line, "\n", 1);
	line_begin(&line, t, LOG_LEVEL_WARNING);
	snprintf(text, sizeof text, "%zu lines lost: the log could not take them", t->lost);
	line_add_escaped(&line, text);
	line_end(&line);
	return write_line(t, &line);
}

static void sink_lines(void *context, enum log_level level, const char *subject,
                       const char *message)
{
	struct logtarget *t = context;
	struct line line = { .size = 0 };

	if (t->lost > 0) {
		if (!tell_lost(t)) {
			t->lost++;
			return;
		}
		t->lost = 0;
	}
	line_begin(&line, t, level);
	if (subject) {
		line_add_escaped(&line, subject);
		line_add(&line, ": ", 2);
	}
	line_add_escaped(&line, message);
	line_end(&line);
	if (!write_line(t, &line))
		t->lost++;
}

static void sink_syslog(void *context, enum log_level level, const char *subject,
                        const char *message)
{
	(void)context;
	syslog(syslog_priorities[level], "%s%s%s", subject ? subject : "", subject ? ": " : "",
	       message);
}

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
 * a terminal can be opened a second time instead. */
static void open_stderr(struct logtarget *t)
{
	struct stat st;
	int fd;

	t->fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	t->journal = is_journal(&st);
	t->socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		t->fd = fd;
	else
		t->patient = true;
}

static int open_file(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

int logtarget_open(struct logtarget **out, enum log_target target, const char *path)
{
	struct logtarget *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	t->kind = target;
	t->fd = -1;
	switch (target) {
	case LOG_TARGET_STDERR: open_stderr(t); break;
	case LOG_TARGET_FILE:
		t->path = strdup(path);
		t->fd = t->path ? open_file(path) : -ENOMEM;
		if (t->fd < 0) {
			int r = t->fd;

			free(t->path);
			free(t);
			return r;
		}
		break;
	case LOG_TARGET_JOURNAL:
	case LOG_TARGET_SYSLOG: openlog("vergerd", LOG_PID | LOG_NDELAY, LOG_DAEMON); break;
	}
	log_set_sink(target == LOG_TARGET_SYSLOG ? sink_syslog : sink_lines, t);
	*out = t;
	return 0;
}

int logtarget_reopen(struct logtarget *t)
{
	int fd;

	if (t->kind != LOG_TARGET_FILE)
		return 0;
	fd = open_file(t->path);
	if (fd < 0)
		return fd;
	fd_close(t->fd);
	t->fd = fd;
	t->torn = false;
	return 0;
}

static void release(struct logtarget *t)
{
	if (t->kind == LOG_TARGET_SYSLOG)
		closelog();
	if (t->fd != STDERR_FILENO)
		fd_close(t->fd);
	free(t->path);
	free(t);
}

int logtarget_change(struct logtarget *t, enum log_target target, const char *path)
{
	struct logtarget *fresh, old = *t;
	int r = logtarget_open(&fresh, target, path);

	if (r < 0)
		return r;
	/* whoever holds `t` goes on holding it */
	*t = *fresh;
	*fresh = old;
	log_set_sink(t->kind == LOG_TARGET_SYSLOG ? sink_syslog : sink_lines, t);
	release(fresh);
	return 0;
}

void logtarget_close(struct logtarget *t)
{
	if (!t)
		return;
	log_set_sink(NULL, NULL);
	release(t);
}
