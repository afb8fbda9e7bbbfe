/* SPDX-License-Identifier: MIT */
/* From a PID file to a pidfd (contract P8).
 *
 * Why it is enough to look twice: the file is removed before its process is reaped (P2), and a PID
 * is given to nobody else before that.  So if the same file with the same content is still in its
 * place after the pidfd was opened, the PID was the program's when the pidfd was opened. */
#include <verger/pidfile.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/deadline.h"

enum {
	TEXT_MAX = 32,    /* a number, and what others may have put around it */
	ATTEMPTS_MAX = 8, /* a program that restarts faster than this has no process to speak of */
};

/* what a PID file was at one moment */
struct look {
	dev_t device;
	ino_t inode;
	size_t size;
	char text[TEXT_MAX];
};

/* glibc wraps both since 2.36 only, other libraries not at all */
static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int signal_pidfd(int fd, int signo)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
}

static int read_look(int fd, struct look *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = read(fd, out->text, sizeof out->text);
	if (n < 0)
		return -errno;
	if (n == (ssize_t)sizeof out->text)
		return -EINVAL;
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->size = (size_t)n;
	return 0;
}

/* *keep stays open: an inode that is open cannot be given to another file, which would look the
 * same */
static int look_at(const char *path, struct look *out, int *keep)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us up */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return -errno;
	r = read_look(fd, out);
	if (r < 0) {
		close(fd);
		return r;
	}
	*keep = fd;
	return 0;
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       memcmp(a->text, b->text, a->size) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The one number in it, with blanks around it; -EINVAL for anything else. */
static pid_t parse_pid(const struct look *look)
{
	size_t i = 0, digits;
	int64_t pid = 0;

	while (i < look->size && is_blank(look->text[i]))
		i++;
	for (digits = i; i < look->size && look->text[i] >= '0' && look->text[i] <= '9'; i++) {
		pid = pid * 10 + (look->text[i] - '0');
		if (pid > INT_MAX)
			return -EINVAL;
	}
	if (i == digits || pid == 0)
		return -EINVAL;
	while (i < look->size && is_blank(look->text[i]))
		i++;
	return i == look->size ? (pid_t)pid : -EINVAL;
}

/* Whether the file is still the one of `before`.  1, 0, or negative errno. */
static int is_unchanged(const char *path, const struct look *before)
{
	struct look now = { 0 };
	int keep = -1, r = look_at(path, &now, &keep);

	/* gone or replaced by something else in between: not unchanged */
	if (r == -ENOENT || r == -EINVAL || r == -ELOOP)
		return 0;
	if (r < 0)
		return r;
	close(keep);
	return is_same(before, &now);
}

/* One attempt: the descriptor, -EAGAIN when the file changed meanwhile, or another errno. */
static int open_once(const char *path, pid_t *pid)
{
	struct look before = { 0 };
	int keep = -1, r, fd, open_errno;
	pid_t number;

	r = look_at(path, &before, &keep);
	if (r < 0)
		return r;
	number = parse_pid(&before);
	if (number < 0) {
		close(keep);
		return number;
	}
	fd = open_pidfd(number);
	open_errno = errno;
	r = is_unchanged(path, &before);
	close(keep);
	if (r == 1 && fd >= 0) {
		if (pid)
			*pid = number;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	if (r < 0)
		return r;
	return r == 0 ? -EAGAIN : -open_errno;
}

int verger_pidfile_open(const char *path, pid_t *pid)
{
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		int r = open_once(path, pid);

		if (r != -EAGAIN)
			return r;
	}
	return -ESRCH;
}

int verger_pidfile_signal(const char *path, int signo)
{
	int fd = verger_pidfile_open(path, NULL), r = 0;

	if (fd < 0)
		return fd;
	if (signal_pidfd(fd, signo) < 0)
		r = -errno;
	close(fd);
	return r;
}

int verger_pidfd_wait(int pidfd, int timeout_ms)
{
	int r = deadline_poll(deadline_in(timeout_ms), pidfd, POLLIN);

	if (r == -ETIMEDOUT)
		return 0;
	return r < 0 ? r : 1;
}
