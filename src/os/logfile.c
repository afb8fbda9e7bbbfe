/* SPDX-License-Identifier: MIT */
/* Log files.  Knows nothing of what stands in a line but where it ends.
 *
 * The size is counted, because a call for each write would cost as much as the write, and compared
 * with the file once a second: logrotate may have cut it (copytruncate), somebody else may have
 * appended.  O_APPEND makes the writes right in between. */
#include "os/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/logfile_private.h"
#include "os/rotated.h"

enum {
	LOG_FILE_MODE = 0644, /* as a program's own file has it (os/spawn_plan.c) */
	OPEN_FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	LOOK_AGAIN_US = 1000000,
	RETRY_US = 1000000,
	US_PER_MS = 1000,
};

#define BORN_NEVER INT64_MIN
#define NOT_YET    INT64_MIN

/* at most once in `interval_us`, and whenever the clock went back */
static bool is_over(int64_t since_us, int64_t interval_us, int64_t now_us)
{
	return since_us == NOT_YET || now_us < since_us || now_us - since_us >= interval_us;
}

static bool is_same(const struct place *place, const struct stat *st)
{
	return place->dev == st->st_dev && place->ino == st->st_ino;
}

/* --- what the file is like --- */

/* When it was made, or else last written.  The former is not known everywhere. */
static int64_t birth_of(int fd, const struct stat *st)
{
	struct statx extended;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &extended) == 0 &&
	    (extended.stx_mask & STATX_BTIME))
		return extended.stx_btime.tv_sec * 1000000 + extended.stx_btime.tv_nsec / 1000;
	return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* Whether the last byte is a newline.  A file that we may not read is taken to end well. */
static bool ends_in_newline(const struct logfile *f, off_t size)
{
	_cleanup_fd_ int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	char last;

	if (fd < 0 || fstat(fd, &st) < 0 || !is_same(&f->file, &st))
		return true;
	return pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

static void note_size(struct logfile *f, const struct stat *st)
{
	f->size = (uint64_t)st->st_size;
	f->at_line_end = st->st_size == 0 || ends_in_newline(f, st->st_size);
	if (st->st_size == 0)
		f->born_us = BORN_NEVER;
	else if (f->born_us == BORN_NEVER)
		f->born_us = birth_of(f->fd, st);
}

/* Compares what we know with the file. */
static void look(struct logfile *f, int64_t now_us)
{
	struct stat st;

	f->looked_us = now_us;
	if (fstat(f->fd, &st) < 0 || (uint64_t)st.st_size == f->size)
		return;
	/* cut: what stands in it was written since */
	if ((uint64_t)st.st_size < f->size)
		f->born_us = now_us;
	note_size(f, &st);
}

static struct place directory_of(const char *path)
{
	size_t n = (size_t)(rotated_base(path) - path);
	_cleanup_free_ char *dir = n ? strndup(path, n) : strdup(".");
	struct place place = { 0 };
	struct stat st;

	if (dir && stat(dir, &st) == 0)
		place = (struct place){ .dev = st.st_dev, .ino = st.st_ino };
	return place;
}

/* Takes an open file as ours.  The same one again has the age it had. */
static void adopt(struct logfile *f, int fd, const struct stat *st)
{
	if (f->fd < 0 || !is_same(&f->file, st))
		f->born_us = BORN_NEVER;
	fd_close(f->fd);
	f->fd = fd;
	f->file = (struct place){ .dev = st->st_dev, .ino = st->st_ino };
	f->directory = directory_of(f->path);
	f->regular = S_ISREG(st->st_mode);
	f->size = 0;
	f->at_line_end = true;
	f->looked_us = NOT_YET;
	f->displaced = false;
	f->missing = 0;
	if (f->regular)
		note_size(f, st);
}

/* --- opening --- */

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Goes on with a file that was just opened, if it was: 0 or negative errno with nothing changed. */
static int go_on_with(struct logfile *f, int fd)
{
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	adopt(f, fd, &st);
	return 0;
}

/* Opens by path; `extra` are flags.  0 or negative errno with nothing changed. */
static int open_by_path(struct logfile *f, int extra, mode_t mode)
{
	return go_on_with(f, open(f->path, OPEN_FLAGS | O_CREAT | extra, mode));
}

/* the mode of the file that is open, for the one that takes its place */
static mode_t current_mode(const struct logfile *f)
{
	struct stat st;

	return f->regular && fstat(f->fd, &st) == 0 ? st.st_mode & 0777 : LOG_FILE_MODE;
}

int logfile_open(struct logfile **out, const char *path, const struct logfile_policy *policy)
{
	struct logfile *f = calloc(1, sizeof *f);
	int r;

	if (!f)
		return -ENOMEM;
	*f = (struct logfile){
		.path = strdup(path),
		.fd = -1,
		.policy = *policy,
		.refused_us = NOT_YET,
		.checked_us = NOT_YET,
		.may_pack = true,
	};
	r = f->path ? open_by_path(f, 0, LOG_FILE_MODE) : -ENOMEM;
	if (r < 0) {
		logfile_close(f);
		return r;
	}
	f->through_link = is_link(path);
	*out = f;
	return 0;
}

void logfile_close(struct logfile *f)
{
	if (!f)
		return;
	fd_close(f->fd);
	free(f->next_to_pack);
	free(f->path);
	free(f);
}

void logfile_set_policy(struct logfile *f, const struct logfile_policy *policy)
{
	if (policy->compress != f->policy.compress) {
		f->may_pack = true;
		f->packed_us = 0;
	}
	f->policy = *policy;
	f->looked_us = NOT_YET;
	f->refused_us = NOT_YET;
	f->trouble = 0;
}

int logfile_reopen(struct logfile *f)
{
	int r = open_by_path(f, 0, current_mode(f));

	if (r < 0)
		return r;
	f->through_link = is_link(f->path);
	f->trouble = 0;
	return 0;
}

/* Nobody has asked for it: a link that was put in the place of a file is not followed. */
static int open_anew(struct logfile *f)
{
	return open_by_path(f, f->through_link ? 0 : O_NOFOLLOW, current_mode(f));
}

bool logfile_is_regular(const struct logfile *f)
{
	return f->regular;
}

int logfile_fd(const struct logfile *f)
{
	return f->fd;
}

int logfile_trouble(const struct logfile *f)
{
	return f->trouble;
}

/* --- is it still there? --- */

static bool has_vanished(const struct logfile *f)
{
	struct place directory;
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return errno == ESTALE;
	if (st.st_nlink == 0)
		return true;
	directory = directory_of(f->path);
	return directory.dev != f->directory.dev || directory.ino != f->directory.ino;
}

int logfile_check(struct logfile *f, int64_t now_us)
{
	if (!is_over(f->checked_us, LOOK_AGAIN_US, now_us))
		return f->missing;
	f->checked_us = now_us;
	if (f->missing || has_vanished(f))
		f->missing = open_anew(f);
	return f->missing;
}

/* --- rotation --- */

/* Renames unless the new name is taken; where the file system cannot do that, by what was seen in
 * its directory. */
static int rename_in(int dir_fd, const char *from, const char *to)
{
	if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (faccessat(dir_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : 0;
}

/* The file that follows one that was rotated, with its owner and mode. */
static int open_successor(struct logfile *f, int dir_fd, const struct stat *like)
{
	int fd = openat(dir_fd, logfile_base(f), OPEN_FLAGS | O_CREAT | O_EXCL, 0600);

	if (fd >= 0) {
		rotated_dress(fd, like);
	} else if (errno == EEXIST) {
		/* somebody was quicker */
		fd = openat(dir_fd, logfile_base(f), OPEN_FLAGS | O_NOFOLLOW);
	}
	return go_on_with(f, fd);
}

/* Moves the file away and opens the next one.  On failure everything is as before. */
static int change_files(struct logfile *f, int dir_fd, int64_t time_us, const struct stat *st)
{
	char name[ROTATED_NAME_SIZE];
	int r = rotated_format(name, logfile_base(f), time_us, LOG_COMPRESS_NO);

	if (r == 0)
		r = rename_in(dir_fd, logfile_base(f), name);
	if (r < 0)
		return r;
	r = open_successor(f, dir_fd, st);
	/* if it cannot go back it is written to under its new name */
	if (r < 0)
		f->displaced = rename_in(dir_fd, name, logfile_base(f)) < 0;
	return r;
}

/* Whether our file is the one at its path. */
static int find_at_path(const struct logfile *f, int dir_fd, struct stat *st)
{
	if (fstatat(dir_fd, logfile_base(f), st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return is_same(&f->file, st);
}

/* Keeps as many as it should: `newest_us` is not in the list. */
static int prune(struct logfile *f, int dir_fd, const struct rotated_list *list, int64_t newest_us)
{
	const struct rotated newest = { .time_us = newest_us, .forms = 1u << LOG_COMPRESS_NO };
	unsigned keep = f->policy.keep;

	if (keep == 0) {
		int r = rotated_remove(dir_fd, logfile_base(f), &newest);

		if (r < 0)
			return r;
	}
	return rotated_prune(dir_fd, logfile_base(f), list, keep ? keep - 1 : 0);
}

static void rotate_in(struct logfile *f, int dir_fd, const struct rotated_list *list,
                      int64_t now_us)
{
	int64_t time_us = now_us > list->last_us ? now_us : list->last_us + 1;
	struct stat st;
	int r = find_at_path(f, dir_fd, &st);

	/* if somebody has moved it away already, that was the rotation */
	if (r == 0)
		f->trouble = open_anew(f);
	else
		f->trouble = r < 0 ? r : change_files(f, dir_fd, time_us, &st);
	if (f->trouble) {
		f->refused_us = now_us;
		return;
	}
	f->may_pack = true;
	f->packed_us = 0;
	if (r > 0)
		f->trouble = prune(f, dir_fd, list, time_us);
}

static void rotate(struct logfile *f, int64_t now_us)
{
	struct rotated_list list;
	int dir_fd = logfile_read_rotated(f, &list);

	logfile_forget_next(f);
	f->refused_us = NOT_YET;
	if (dir_fd < 0) {
		f->trouble = dir_fd;
		f->refused_us = now_us;
		return;
	}
	rotate_in(f, dir_fd, &list, now_us);
	rotated_list_release(&list);
	close(dir_fd);
}

/* --- writing --- */

static bool is_old(struct logfile *f, int64_t now_us)
{
	if (f->policy.max_age_ms == MSEC_NEVER || f->born_us == BORN_NEVER)
		return false;
	/* an age that the clock has taken back is counted anew */
	if (f->born_us > now_us)
		f->born_us = now_us;
	return (now_us - f->born_us) / US_PER_MS >= f->policy.max_age_ms;
}

static size_t first_line(const char *bytes, size_t size)
{
	const char *end = memchr(bytes, '\n', size);

	return end ? (size_t)(end - bytes) + 1 : size;
}

/* How much of it goes into this file.  0: nothing, it is to be rotated. */
static size_t measure(struct logfile *f, const char *bytes, size_t size, int64_t now_us)
{
	uint64_t max = f->policy.max_size;
	uint64_t room = f->size < max ? max - f->size : 0;
	bool fresh = f->size == 0;
	const char *end;

	if (!fresh && is_old(f, now_us))
		return f->at_line_end ? 0 : first_line(bytes, size);
	if (max == LOG_SIZE_NONE || size <= room)
		return size;
	end = memrchr(bytes, '\n', (size_t)room);
	if (end)
		return (size_t)(end - bytes) + 1;
	return f->at_line_end && !fresh ? 0 : first_line(bytes, size);
}

static bool is_limited(const struct logfile *f)
{
	return logfile_may_rotate(f) &&
	       (f->policy.max_size != LOG_SIZE_NONE || f->policy.max_age_ms != MSEC_NEVER);
}

/* Makes the file ready to take `bytes` and says how many. */
static size_t prepare(struct logfile *f, const char *bytes, size_t size, int64_t now_us)
{
	size_t n;

	if (!is_limited(f) || !is_over(f->refused_us, RETRY_US, now_us))
		return size;
	if (is_over(f->looked_us, LOOK_AGAIN_US, now_us))
		look(f, now_us);
	n = measure(f, bytes, size, now_us);
	if (n > 0)
		return n;
	look(f, now_us);
	n = measure(f, bytes, size, now_us);
	if (n > 0)
		return n;
	rotate(f, now_us);
	if (!is_limited(f) || f->refused_us != NOT_YET)
		return size;
	n = measure(f, bytes, size, now_us);
	return n > 0 ? n : size;
}

static ssize_t write_once(int fd, const char *bytes, size_t size)
{
	ssize_t n;

	do
		n = write(fd, bytes, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static bool is_full(ssize_t r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

/* The disk is full: what is oldest goes first. */
static ssize_t write_for_room(struct logfile *f, const char *bytes, size_t size, ssize_t reason)
{
	struct rotated_list list;
	int dir_fd = logfile_read_rotated(f, &list);
	ssize_t r = reason;

	if (dir_fd < 0)
		return reason;
	for (size_t i = 0; i < list.count && is_full(r); i++) {
		logfile_forget_next(f);
		if (rotated_remove(dir_fd, logfile_base(f), &list.items[i]) == 0)
			r = write_once(f->fd, bytes, size);
	}
	rotated_list_release(&list);
	close(dir_fd);
	return r;
}

ssize_t logfile_write(struct logfile *f, const char *bytes, size_t size, int64_t now_us)
{
	size_t n = prepare(f, bytes, size, now_us);
	ssize_t r = write_once(f->fd, bytes, n);

	/* one that could not go back would be the first to go */
	if (is_full(r) && logfile_may_rotate(f) && !f->displaced)
		r = write_for_room(f, bytes, n, r);
	if (r > 0) {
		if (f->born_us == BORN_NEVER)
			f->born_us = now_us;
		f->size += (uint64_t)r;
		f->at_line_end = bytes[r - 1] == '\n';
	}
	return r;
}
