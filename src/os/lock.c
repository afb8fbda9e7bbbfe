/* SPDX-License-Identifier: MIT */
/* The lock is an open file description's: it cannot be lost by closing another descriptor of the
 * file, children do not inherit it over exec, and it ends with the process however that ends.  The
 * number in the file is for people; only the lock says whether it is true. */
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
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

/* The PID in the file, 0 when there is none. */
static pid_t read_owner(int fd)
{
	char text[LOCK_TEXT_MAX];
	ssize_t got = pread(fd, text, sizeof text - 1, 0);
	int64_t pid;

	if (got <= 0)
		return 0;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_int(text, 1, INT32_MAX, &pid) ? 0 : (pid_t)pid;
}

static int set_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
}

/* A locked descriptor of what `name` is now; -EAGAIN when it was replaced meanwhile. */
static int open_locked(int dir_fd, const char *name, ino_t *inode, pid_t *owner)
{
	_cleanup_fd_ int fd =
		openat(dir_fd, name,
	               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
	struct stat ours, there;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &ours) < 0)
		return -errno;
	if (!S_ISREG(ours.st_mode))
		return -EINVAL;
	if (ours.st_nlink > 1)
		return -EMLINK; /* what we write would appear under another name as well */
	r = set_lock(fd);
	if (r == -EWOULDBLOCK)
		*owner = read_owner(fd);
	if (r)
		return r;
	/* whoever held it before may have removed the name between our open and our lock */
	if (fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0 || there.st_ino != ours.st_ino ||
	    there.st_dev != ours.st_dev)
		return -EAGAIN;
	*inode = ours.st_ino;
	r = fd;
	fd = -1;
	return r;
}

static int write_pid(int fd)
{
	char text[LOCK_TEXT_MAX];
	int length = snprintf(text, sizeof text, "%d\n", (int)getpid());

	fchmod(fd, 0644); /* whatever our umask is: anybody may ask who holds it */
	if (ftruncate(fd, 0) < 0)
		return -errno;
	if (pwrite(fd, text, (size_t)length, 0) != length)
		return errno ? -errno : -ENOSPC;
	return 0;
}

int lock_take(struct lock *l, const char *path, pid_t *owner)
{
	int r;

	*owner = 0;
	*l = (struct lock)LOCK_INIT;
	l->dir_fd = open_directory(path, &l->name);
	r = l->dir_fd < 0 ? l->dir_fd : -EAGAIN;
	for (int i = 0; r == -EAGAIN && i < LOCK_TRIES_MAX; i++)
		r = open_locked(l->dir_fd, l->name, &l->inode, owner);
	if (r >= 0) {
		l->fd = r;
		r = write_pid(l->fd);
	}
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
