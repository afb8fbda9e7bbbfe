/* SPDX-License-Identifier: MIT */
/* Reads logs from their end.  Knows lines and files, not whose they are.
 *
 * inotify tells that something has changed (through ev_stat); what it was is found out by looking,
 * at the only moment when it matters: when the file that is open has been read to its end.
 *
 * Files are opened before the folder is listed: what is rotated in between is in the list then, and
 * known by its inode. */
#include "os/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/logseek.h"
#include "os/logfile.h"
#include "os/rotated.h"

enum { TWINS_MAX = 16 }; /* rotations between two looks that are told apart by their inodes */

enum phase {
	PHASE_TIME, /* looks for the first line of a time, in the oldest file that may have it */
	PHASE_BACK, /* counts lines back */
	PHASE_READ,
};

struct logtail {
	struct ev_loop *loop; /* NULL = the log is not followed */
	void (*grown)(void *context, struct logtail *t);
	void *context;
	char *path;     /* owned */
	char *resolved; /* what it leads to, if that is something else; owned */
	ev_stat change; /* of the file it leads to: growth shows there and not in a link */

	/* the chain: rotated files, and the file itself (number chain.count) */
	struct strv chain;
	int head_fd; /* the file itself; -1: it is not there, or handed over to `fd` */
	off_t head_size;
	int64_t newest_us; /* when the last rotation was that is known; INT64_MIN = none */

	enum phase phase;
	struct logtail_wish wish;
	struct logseek_time time;
	struct logseek_back back;
	size_t floor; /* in the chain: no older file is wanted */
	off_t floor_offset;
	size_t place;     /* in the chain: looked at, and then to be read next */
	off_t budget;     /* how far back may be counted yet */
	size_t unread_to; /* in the chain: those before, from `place` on, are told, not read… */
	unsigned unread_lines; /* …and so many lines of them are wanted */

	int fd;            /* of the file that is looked at or read; -1 = none */
	bool is_head;      /* it is the file itself, or was when it was opened */
	off_t offset, end; /* where to read next, and no further (not followed) */
	size_t first, filled;
	bool drained; /* logtail_next has returned 0: `grown` may be called */
	bool cut;     /* the line taken last had no end yet */
	char chunk[LOGTAIL_LINE_MAX];
};

/* Files */

/* Opens a regular file, and nothing else: neither a FIFO that would wait nor a device that would
 * act on it.  The descriptor, or negative errno. */
static int open_regular(const char *path, int flags, struct stat *st)
{
	int fd;

	if (stat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	fd = open(path, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* A file that the log was rotated to.  Who may write to its folder could put a link there. */
static int open_rotated(const char *path, off_t *size)
{
	struct stat st;
	int fd = rotated_is_packed(path) ? -ENOEXEC : open_regular(path, O_NOFOLLOW, &st);

	if (fd >= 0)
		*size = st.st_size;
	return fd;
}

static void leave_file(struct logtail *t)
{
	t->fd = fd_close(t->fd);
	t->is_head = false;
}

/* Hands the file itself over to be read.  False: it is not there. */
static bool enter_head(struct logtail *t)
{
	leave_file(t);
	t->fd = t->head_fd;
	t->head_fd = -1;
	t->is_head = true;
	t->end = t->head_size;
	return t->fd >= 0;
}

static bool is_file(const char *path, const struct stat *st)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_ino == st->st_ino && there.st_dev == st->st_dev;
}

/* Drops the entries from `count` on, or those before `first`. */
static void keep_chain(struct strv *v, size_t first, size_t count)
{
	for (size_t i = 0; i < v->count; i++)
		if (i < first || i >= count)
			free(v->items[i]);
	if (first > count)
		first = count;
	v->count = count - first;
	if (v->items) {
		memmove(v->items, v->items + first, v->count * sizeof *v->items);
		v->items[v->count] = NULL;
	}
}

static int64_t rotated_at(const struct logtail *t, size_t i)
{
	enum log_compress form;
	int64_t us = INT64_MIN;

	rotated_parse(rotated_base(t->chain.items[i]), rotated_base(t->path), &us, &form, NULL);
	return us;
}

/* Lists what was rotated since the rotation that is known, up to the file that is in `head_fd`:
 * whatever is newer than that is found when it has been read.  Without memory, or when the folder
 * cannot be read, the chain ends early. */
static void list_chain(struct logtail *t)
{
	size_t first = 0, count;
	struct stat st;

	keep_chain(&t->chain, 0, 0);
	logfile_list(t->path, &t->chain);
	count = t->chain.count;
	if (t->head_fd >= 0 && fstat(t->head_fd, &st) == 0)
		for (size_t i = 0; i < TWINS_MAX && i < t->chain.count; i++)
			if (is_file(t->chain.items[t->chain.count - 1 - i], &st))
				count = t->chain.count - 1 - i;
	while (first < count && rotated_at(t, first) <= t->newest_us)
		first++;
	if (count > first)
		t->newest_us = rotated_at(t, count - 1);
	keep_chain(&t->chain, first, count);
}

/* The size of a file of the chain and a descriptor of it, which stays ours; negative errno when it
 * cannot be read here. */
static int look_at(struct logtail *t, size_t place, off_t *size)
{
	leave_file(t);
	*size = t->head_size;
	if (place == t->chain.count)
		return t->head_fd;
	t->fd = open_rotated(t->chain.items[place], size);
	if (t->fd == -ENOENT && rotated_find_packed(&t->chain.items[place]))
		t->fd = -ENOEXEC;
	return t->fd;
}

/* Finding the place to begin at */

/* Reads on from `offset` of the file that was looked at; if none is open, from the start of the
 * next one. */
static void begin_reading(struct logtail *t, off_t offset)
{
	t->phase = PHASE_READ;
	t->offset = offset;
	if (t->place == t->chain.count && !enter_head(t))
		t->offset = 0;
	if (t->fd >= 0)
		t->place++;
	else
		t->fd = -1;
}

/* Begins to count back in the file `place`.  False: it cannot be read. */
static bool begin_back(struct logtail *t, size_t place, unsigned lines)
{
	off_t size;
	int fd = look_at(t, place, &size);

	if (fd < 0 && fd != -ENOENT && place < t->chain.count)
		return false;
	t->place = place;
	t->end = size;
	logseek_back_init(&t->back, place == t->floor ? t->floor_offset : 0, fd < 0 ? 0 : size,
	                  lines);
	return true;
}

/* The oldest line that is wanted is known. */
static void begin_at_floor(struct logtail *t)
{
	t->phase = PHASE_BACK;
	t->budget = LOGTAIL_BACK_MAX + (off_t)t->wish.lines * LOGTAIL_BACK_LINE;
	if (t->wish.lines != LOGTAIL_ALL)
		begin_back(t, t->chain.count, t->wish.lines);
	else
		begin_reading(t, t->floor_offset);
}

static bool is_older(int fd, int64_t us)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000 < us;
}

static void begin(struct logtail *t)
{
	off_t size;
	int fd;

	t->place = t->chain.count;
	if (t->wish.lines == 0) {
		begin_reading(t, t->head_size);
		return;
	}
	while (t->floor < t->chain.count && rotated_at(t, t->floor) < t->wish.since_us)
		t->floor++;
	t->place = t->floor;
	fd = t->wish.since_us == INT64_MIN ? -1 : look_at(t, t->floor, &size);
	if (fd < 0) {
		begin_at_floor(t);
		return;
	}
	if (t->floor == t->chain.count && is_older(fd, t->wish.since_us)) {
		t->floor_offset = size;
		begin_at_floor(t);
		return;
	}
	t->end = size;
	t->phase = PHASE_TIME;
	logseek_time_init(&t->time, fd, size, t->wish.since_us);
}

/* Counting has come to the start of a file, and `lines` are missing. */
static void go_back(struct logtail *t, unsigned lines)
{
	size_t place = t->place;

	if (place == t->floor) {
		begin_reading(t, t->back.at);
		return;
	}
	if (begin_back(t, place - 1, lines))
		return;
	/* what is older is for somebody who can read this one */
	t->fd = -1;
	t->place = t->floor;
	t->unread_to = place;
	t->unread_lines = lines;
	t->phase = PHASE_READ;
}

static void count_back(struct logtail *t)
{
	int fd = t->place == t->chain.count ? t->head_fd : t->fd;
	off_t before = t->back.at;
	enum logseek_result result = logseek_back(&t->back, fd);

	t->budget -= before - t->back.at;
	switch (result) {
	case LOGSEEK_FOUND: begin_reading(t, t->back.at); break;
	case LOGSEEK_END: go_back(t, t->back.lines); break;
	case LOGSEEK_ON: break;
	}
}

bool logtail_seek(struct logtail *t)
{
	int fd = t->place == t->chain.count ? t->head_fd : t->fd;

	switch (t->phase) {
	case PHASE_TIME:
		if (logseek_time(&t->time, fd) == LOGSEEK_FOUND) {
			t->floor_offset = t->time.at;
			begin_at_floor(t);
		}
		break;
	case PHASE_BACK:
		if (t->budget > 0)
			count_back(t);
		else
			begin_reading(t, logseek_line(fd, t->back.at));
		break;
	case PHASE_READ: break;
	}
	return t->phase == PHASE_READ;
}

/* Following */

enum fate { FATE_SAME, FATE_TRUNCATED, FATE_REPLACED };

/* What has become of the file that is open.  One whose path leads nowhere may still be written to.
 */
static enum fate look(const struct logtail *t)
{
	struct stat ours, there;

	if (t->fd >= 0 && fstat(t->fd, &ours) < 0)
		return FATE_SAME;
	if (t->fd >= 0 && ours.st_size < t->offset)
		return FATE_TRUNCATED;
	if (stat(t->path, &there) < 0 || !S_ISREG(there.st_mode))
		return FATE_SAME;
	return t->fd >= 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev
	               ? FATE_SAME
	               : FATE_REPLACED;
}

static bool has_grown(const struct logtail *t)
{
	struct stat st;

	return t->fd >= 0 && fstat(t->fd, &st) == 0 && st.st_size > t->offset;
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

/* Of files that came after the one that is open: how many are that one itself, or older. */
static size_t count_known(const struct logtail *t)
{
	struct stat ours;

	if (t->fd < 0 || fstat(t->fd, &ours) < 0)
		return 0;
	for (size_t i = 0; i < TWINS_MAX && i < t->chain.count; i++)
		if (is_file(t->chain.items[i], &ours))
			return i + 1;
	if (fstat(t->fd, &ours) < 0 || ours.st_nlink > 0 || t->chain.count == 0)
		return 0;
	/* it was packed, maybe since the folder was listed, and is the one that was rotated first
	 */
	return rotated_is_packed(t->chain.items[0]) || access(t->chain.items[0], F_OK) < 0;
}

/* Goes on with what came after the file that was open: what was rotated meanwhile, and the file
 * that stands under the path now.  False: there is nothing that can be read, or not yet. */
static bool open_replacement(struct logtail *t)
{
	int64_t newest_us = t->newest_us;
	struct stat st;

	t->head_fd = open_regular(t->path, 0, &st);
	t->head_size = 0;
	list_chain(t);
	keep_chain(&t->chain, count_known(t), t->chain.count);
	if (t->head_fd < 0 && t->chain.count == 0) {
		t->newest_us = newest_us;
		return false;
	}
	leave_file(t);
	t->place = t->unread_to = 0;
	watch_file(t);
	return true;
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
		room = t->end > t->offset ? (size_t)(t->end - t->offset) : 0;
	if (room == 0 || t->fd < 0)
		return 0;
	got = pread(t->fd, t->chunk + t->filled, room, t->offset);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	t->filled += (size_t)got;
	t->offset += got;
	return got;
}

/* Opens the next file of the chain that can be read: LOGTAIL_LINE, though it may be empty;
 * LOGTAIL_UNREAD when its path is to be told instead; LOGTAIL_NOTHING when there is none. */
static int enter_next(struct logtail *t, struct logtail_piece *piece)
{
	t->offset = 0;
	t->cut = false;
	while (t->place < t->chain.count) {
		size_t place = t->place++;
		bool is_unread = place < t->unread_to;
		off_t size;
		int fd = is_unread ? -ENOEXEC : look_at(t, place, &size);

		if (fd >= 0) {
			t->end = size;
			return LOGTAIL_LINE;
		}
		leave_file(t);
		if (fd == -ENOENT) /* the oldest are removed as time goes by */
			continue;
		*piece = (struct logtail_piece){
			.bytes = t->chain.items[place],
			.size = strlen(t->chain.items[place]),
			.lines = is_unread ? t->unread_lines : LOGTAIL_ALL,
		};
		return LOGTAIL_UNREAD;
	}
	if (t->place > t->chain.count)
		return LOGTAIL_NOTHING;
	t->place++;
	return enter_head(t) ? LOGTAIL_LINE : LOGTAIL_NOTHING;
}

/* All of the file was taken: finds another place to read from; as enter_next. */
static int find_more(struct logtail *t, enum fate fate, struct logtail_piece *piece)
{
	if (!t->is_head) {
		int news = enter_next(t, piece);

		if (news != LOGTAIL_NOTHING)
			return news;
	}
	switch (fate) {
	case FATE_SAME: break;
	case FATE_TRUNCATED:
		t->offset = 0;
		t->cut = false;
		return LOGTAIL_LINE;
	case FATE_REPLACED: return open_replacement(t) ? LOGTAIL_LINE : LOGTAIL_NOTHING;
	}
	return LOGTAIL_NOTHING;
}

int logtail_next(struct logtail *t, struct logtail_piece *piece)
{
	for (;;) {
		enum fate fate;
		ssize_t got;
		int news;

		if (take_line(t, &piece->bytes, &piece->size))
			return LOGTAIL_LINE;
		got = fill(t);
		if (got < 0)
			return (int)got;
		if (got > 0)
			continue;
		fate = t->loop && (t->is_head || t->fd < 0) ? look(t) : FATE_SAME;
		/* what was written between that look and the rotation is read as well */
		if (fate == FATE_REPLACED && fill(t) > 0)
			continue;
		/* what a file says last is a line if nothing can follow */
		if ((!t->loop || !t->is_head || fate != FATE_SAME) &&
		    take_rest(t, &piece->bytes, &piece->size))
			return LOGTAIL_LINE;
		news = find_more(t, fate, piece);
		if (news == LOGTAIL_LINE)
			continue;
		t->drained = news == LOGTAIL_NOTHING;
		return news;
	}
}

/* Life */

static int open_log(struct logtail *t, const char *path)
{
	struct stat st;
	int r = 0;

	t->path = strdup(path);
	if (!t->path)
		return -ENOMEM;
	t->head_fd = open_regular(path, 0, &st);
	if (t->head_fd < 0)
		r = t->head_fd;
	else
		t->head_size = st.st_size;
	if (r == 0 || r == -ENOENT)
		list_chain(t);
	/* it is rotated at this moment, or was and nothing has been written since */
	return r == -ENOENT && t->chain.count > 0 ? 0 : r;
}

int logtail_open(struct logtail **out, const char *path, const struct logtail_wish *wish,
                 struct ev_loop *loop, void (*grown)(void *context, struct logtail *t),
                 void *context)
{
	struct logtail *t = malloc(sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	/* (a compound literal would write to the chunk) */
	memset(t, 0, offsetof(struct logtail, chunk));
	t->grown = grown;
	t->context = context;
	t->wish = *wish;
	t->fd = t->head_fd = -1;
	t->newest_us = INT64_MIN;
	ev_stat_init(&t->change, on_change, "", 0.);
	t->change.data = t;
	r = open_log(t, path);
	if (r < 0) {
		logtail_close(t);
		return r;
	}
	begin(t);
	t->loop = loop;
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
	fd_close(t->head_fd);
	strv_release(&t->chain);
	free(t->resolved);
	free(t->path);
	free(t);
}

ssize_t logtail_read_end(const char *path, off_t from, char *out, size_t size)
{
	struct stat st;
	_cleanup_fd_ int fd = open_regular(path, 0, &st);
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
