/* SPDX-License-Identifier: MIT */
/* Reads log files from their end.  Knows lines and files, not whose they are.
 *
 * inotify tells that something has changed (through ev_stat); what it was is found out by looking,
 * at the only moment when it matters: when the file that is open has been read to its end. */
#include "os/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { BACK_CHUNK = 4096 };

struct logtail {
	struct ev_loop *loop; /* NULL = the file is not followed */
	void (*grown)(void *context, struct logtail *t);
	void *context;
	char *path;     /* owned */
	char *resolved; /* what it leads to, if that is something else; owned */
	ev_stat change; /* of the file it leads to: growth shows there and not in a link */
	int fd;
	off_t offset, end; /* where to read next, and no further (not followed) */
	size_t first, filled;
	bool drained; /* logtail_next has returned 0: `grown` may be called */
	bool cut;     /* the line taken last had no end yet */
	char chunk[LOGTAIL_LINE_MAX];
};

/* Opens a regular file, and nothing else: neither a FIFO that would wait nor a device that would
 * act on it.  The descriptor, or negative errno. */
static int open_regular(const char *path, struct stat *st)
{
	int fd;

	if (stat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* Finding the last lines */

/* Where the line begins before which `lines` newlines were counted from the end; -1 = not in this
 * chunk. */
static ssize_t count_back(const char *chunk, size_t size, unsigned *lines)
{
	while (size > 0) {
		const char *newline = memrchr(chunk, '\n', size);

		if (!newline)
			return -1;
		size = (size_t)(newline - chunk);
		if ((*lines)-- == 0)
			return (ssize_t)size + 1;
	}
	return -1;
}

/* The start of the next line, if it is near. */
static off_t skip_line(int fd, off_t at)
{
	char chunk[BACK_CHUNK];
	ssize_t got = pread(fd, chunk, sizeof chunk, at);
	const char *newline = got > 0 ? memchr(chunk, '\n', (size_t)got) : NULL;

	return newline ? at + (newline + 1 - chunk) : at;
}

/* Where the last `lines` lines of the first `size` bytes begin. */
static off_t find_lines(int fd, off_t size, unsigned lines)
{
	off_t limit = size > LOGTAIL_BACK_MAX ? size - LOGTAIL_BACK_MAX : 0;
	off_t at = size > 0 ? size - 1 : 0; /* a newline at the very end begins no line */
	char chunk[BACK_CHUNK];

	if (lines == 0)
		return size;
	lines--;
	while (at > limit) {
		size_t want = at - limit > BACK_CHUNK ? BACK_CHUNK : (size_t)(at - limit);
		ssize_t got = pread(fd, chunk, want, at - (off_t)want), start;

		if (got != (ssize_t)want)
			break;
		start = count_back(chunk, want, &lines);
		if (start >= 0)
			return at - (off_t)want + start;
		at -= (off_t)want;
	}
	return limit > 0 ? skip_line(fd, limit) : 0;
}

/* Following */

enum fate { FATE_SAME, FATE_TRUNCATED, FATE_REPLACED };

/* What has become of the file that is open.  One whose path leads nowhere may still be written to.
 */
static enum fate look(const struct logtail *t)
{
	struct stat ours, there;

	if (fstat(t->fd, &ours) < 0)
		return FATE_SAME;
	if (ours.st_size < t->offset)
		return FATE_TRUNCATED;
	if (stat(t->path, &there) < 0 || !S_ISREG(there.st_mode))
		return FATE_SAME;
	return ours.st_ino == there.st_ino && ours.st_dev == there.st_dev ? FATE_SAME
	                                                                  : FATE_REPLACED;
}

static bool has_grown(const struct logtail *t)
{
	struct stat st;

	return fstat(t->fd, &st) == 0 && st.st_size > t->offset;
}

static void on_change(struct ev_loop *loop, ev_stat *watcher, int events)
{
	struct logtail *t = watcher->data;

	(void)loop;
	(void)events;
	if (!t->drained || (!has_grown(t) && look(t) == FATE_SAME))
		return;
	t->drained = false;
	t->grown(t->context, t);
}

/* Asks for changes of what the path leads to now. */
static void watch_file(struct logtail *t)
{
	char *resolved = realpath(t->path, NULL);

	if (resolved && t->resolved && strcmp(resolved, t->resolved) == 0) {
		free(resolved);
		return;
	}
	ev_stat_stop(t->loop, &t->change);
	free(t->resolved);
	t->resolved = resolved;
	ev_stat_set(&t->change, resolved ? resolved : t->path, 0.);
	ev_stat_start(t->loop, &t->change);
}

/* Goes on with the file that stands under the path now.  False: it cannot be read, or not yet. */
static bool open_replacement(struct logtail *t)
{
	struct stat st;
	int fd = open_regular(t->path, &st);

	if (fd < 0)
		return false;
	close(t->fd);
	t->fd = fd;
	t->offset = 0;
	watch_file(t);
	return true;
}

/* At the end of the open file, all of which was taken: finds another place to read from. */
static bool find_more(struct logtail *t, enum fate fate)
{
	if (fate != FATE_SAME)
		t->cut = false;
	switch (fate) {
	case FATE_SAME: return false;
	case FATE_TRUNCATED: t->offset = 0; return true;
	case FATE_REPLACED: return open_replacement(t);
	}
	return false;
}

/* Lines */

/* Takes the rest of what was read as a line; false when there is nothing. */
static bool take_rest(struct logtail *t, const char **bytes, size_t *size)
{
	if (t->first == t->filled)
		return false;
	*bytes = t->chunk + t->first;
	*size = t->filled - t->first;
	t->first = t->filled;
	return true;
}

static bool take_line(struct logtail *t, const char **bytes, size_t *size)
{
	const char *start, *newline;

	/* the end of a line whose pieces fill whole chunks is no empty line */
	if (t->cut && t->first < t->filled) {
		t->first += t->chunk[t->first] == '\n';
		t->cut = false;
	}
	start = t->chunk + t->first;
	newline = memchr(start, '\n', t->filled - t->first);
	if (!newline) {
		if (t->filled - t->first < sizeof t->chunk)
			return false;
		t->cut = true;
		return take_rest(t, bytes, size);
	}
	*bytes = start;
	*size = (size_t)(newline - start);
	t->first += *size + 1;
	return true;
}

/* Reads on behind what is there.  The count; 0 at the end; negative errno. */
static ssize_t fill(struct logtail *t)
{
	size_t room;
	ssize_t got;

	memmove(t->chunk, t->chunk + t->first, t->filled - t->first);
	t->filled -= t->first;
	t->first = 0;
	room = sizeof t->chunk - t->filled;
	if (!t->loop && t->end - t->offset < (off_t)room)
		room = (size_t)(t->end - t->offset);
	if (room == 0)
		return 0;
	got = pread(t->fd, t->chunk + t->filled, room, t->offset);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	t->filled += (size_t)got;
	t->offset += got;
	return got;
}

int logtail_next(struct logtail *t, const char **bytes, size_t *size)
{
	for (;;) {
		enum fate fate;
		ssize_t got;

		if (take_line(t, bytes, size))
			return 1;
		got = fill(t);
		if (got < 0)
			return (int)got;
		if (got > 0)
			continue;
		fate = t->loop ? look(t) : FATE_SAME;
		/* what the file says last is a line if nothing can follow */
		if ((!t->loop || fate != FATE_SAME) && take_rest(t, bytes, size))
			return 1;
		if (!find_more(t, fate)) {
			t->drained = true;
			return 0;
		}
	}
}

/* Life */

int logtail_open(struct logtail **out, const char *path, unsigned lines, struct ev_loop *loop,
                 void (*grown)(void *context, struct logtail *t), void *context)
{
	struct logtail *t;
	struct stat st;
	int fd = open_regular(path, &st);

	if (fd < 0)
		return fd;
	t = malloc(sizeof *t);
	if (!t) {
		close(fd);
		return -ENOMEM;
	}
	/* (a compound literal would write to the chunk) */
	memset(t, 0, offsetof(struct logtail, chunk));
	t->loop = loop;
	t->grown = grown;
	t->context = context;
	t->fd = fd;
	t->end = st.st_size;
	t->offset = find_lines(fd, st.st_size, lines);
	ev_stat_init(&t->change, on_change, "", 0.);
	t->change.data = t;
	t->path = strdup(path);
	if (!t->path) {
		logtail_close(t);
		return -ENOMEM;
	}
	if (loop)
		watch_file(t);
	*out = t;
	return 0;
}

void logtail_close(struct logtail *t)
{
	if (!t)
		return;
	if (t->loop)
		ev_stat_stop(t->loop, &t->change);
	fd_close(t->fd);
	free(t->resolved);
	free(t->path);
	free(t);
}

ssize_t logtail_read_end(const char *path, off_t from, char *out, size_t size)
{
	struct stat st;
	_cleanup_fd_ int fd = open_regular(path, &st);
	const char *newline;
	off_t start = from;
	ssize_t got;

	if (fd < 0)
		return fd;
	if (start < 0 || start > st.st_size)
		start = 0; /* it was emptied since: all of it is newer */
	from = start;
	if (st.st_size - start > (off_t)size)
		start = st.st_size - (off_t)size;
	got = pread(fd, out, size, start);
	if (got < 0)
		return -errno;
	newline = start > from ? memchr(out, '\n', (size_t)got) : NULL;
	if (!newline || newline + 1 == out + got)
		return got;
	got -= newline + 1 - out;
	memmove(out, newline + 1, (size_t)got);
	return got;
}
