/* SPDX-License-Identifier: MIT */
/* The lock is an open file description's: it cannot be lost by closing another descriptor of the
 * file, children do not inherit it over exec, and it ends with the process however that ends.  The
 * number in the file is for people; only the lock says whether it is true.
 *
 * The file is made, locked and written beside its place and linked there, so that nobody sees it
 * empty (P3).  One that a dead vergerd has left is locked first: whoever holds that lock is the
 * only one who may put another in its place. */
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum { LOCK_TRIES_MAX = 10, LOCK_TEXT_MAX = 32 };

static int open_directory(const char *path, char **name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd;

	*name = strdup(slash ? slash + 1 : path);
	if (!directory || !*name)
		return -ENOMEM;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The PID in the file; 0 when it is empty; -EINVAL when it holds anything else. */
static pid_t read_owner(int fd)
{
	char text[LOCK_TEXT_MAX];
	ssize_t got = pread(fd, text, sizeof text - 1, 0);
	int64_t pid;

	if (got <= 0)
		return 0;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_int(text, 0, INT32_MAX, &pid) ? -EINVAL : (pid_t)pid;
}

static int set_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
}

static bool is_still_there(int dir_fd, const char *name, const struct stat *ours)
{
	struct stat there;

	return fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       there.st_ino == ours->st_ino && there.st_dev == ours->st_dev;
}

/* Locks what stands at `name` already, if it is a PID file that nobody holds.  The descriptor;
 * -ENOENT when nothing is there; -EAGAIN when it was replaced meanwhile. */
static int lock_stale(int dir_fd, const char *name, pid_t *owner)
{
	_cleanup_fd_ int fd =
		openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat ours;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &ours) < 0)
		return -errno;
	if (!S_ISREG(ours.st_mode))
		return -EINVAL;
	r = set_lock(fd);
	*owner = read_owner(fd);
	if (r == -EWOULDBLOCK && *owner < 0)
		*owner = 0;
	if (r)
		return r;
	if (*owner < 0)
		return -EINVAL; /* somebody's file, and no PID file */
	/* whoever held it before may have removed the name between our open and our lock */
	if (!is_still_there(dir_fd, name, &ours))
		return -EAGAIN;
	r = fd;
	fd = -1;
	return r;
}

static int write_pid(int fd)
{
	char text[LOCK_TEXT_MAX];
	int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
	ssize_t written = pwrite(fd, text, (size_t)length, 0);

	fchmod(fd, 0644); /* whatever our umask is: anybody may ask who holds it */
	if (written < 0)
		return -errno;
	return written == length ? 0 : -ENOSPC;
}

/* A locked file that holds our PID, under a name of its own. */
static int make_locked(int dir_fd, const char *temp_name, ino_t *inode)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	unlinkat(dir_fd, temp_name, 0);
	fd = openat(dir_fd, temp_name, flags, 0644);
	if (fd < 0)
		return -errno;
	r = set_lock(fd);
	if (r == 0)
		r = write_pid(fd);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r) {
		unlinkat(dir_fd, temp_name, 0);
		return r;
	}
	*inode = st.st_ino;
	r = fd;
	fd = -1;
	return r;
}

/* 0; -EAGAIN when somebody else was there first. */
static int put_in_place(const struct lock *l, const char *temp_name, pid_t *owner)
{
	_cleanup_fd_ int stale = lock_stale(l->dir_fd, l->name, owner);
	int r;

	if (stale >= 0)
		return renameat(l->dir_fd, temp_name, l->dir_fd, l->name) < 0 ? -errno : 0;
	if (stale != -ENOENT)
		return stale;
	r = linkat(l->dir_fd, temp_name, l->dir_fd, l->name, 0) < 0 ? -errno : 0;
	if (r == 0)
		unlinkat(l->dir_fd, temp_name, 0);
	return r == -EEXIST ? -EAGAIN : r;
}

static int take(struct lock *l, pid_t *owner)
{
	_cleanup_free_ char *temp_name = NULL;
	int r = -EAGAIN;

	if (asprintf(&temp_name, ".%s.%d", l->name, (int)getpid()) < 0)
		return -ENOMEM;
	l->fd = make_locked(l->dir_fd, temp_name, &l->inode);
	if (l->fd < 0)
		return l->fd;
	for (int i = 0; r == -EAGAIN && i < LOCK_TRIES_MAX; i++)
		r = put_in_place(l, temp_name, owner);
	if (r < 0) {
		unlinkat(l->dir_fd, temp_name, 0);
		l->fd = fd_close(l->fd);
	}
	return r;
}

int lock_take(struct lock *l, const char *path, pid_t *owner)
{
	int r;

	*owner = 0;
	*l = (struct lock)LOCK_INIT;
	l->dir_fd = open_directory(path, &l->name);
	r = l->dir_fd < 0 ? l->dir_fd : take(l, owner);
	if (r < 0)
		lock_release(l);
	return r;
}

void lock_release(struct lock *l)
{
	struct stat there;

	/* the name goes while we still hold the lock: nobody can have taken it over */
	if (l->fd >= 0 && fstatat(l->dir_fd, l->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    there.st_ino == l->inode)
		unlinkat(l->dir_fd, l->name, 0);
	l->fd = fd_close(l->fd);
	l->dir_fd = fd_close(l->dir_fd);
	free(l->name);
	l->name = NULL;
}
