/* SPDX-License-Identifier: MIT */
#include "client/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* a listener that takes nobody for so long is stuck */
enum { CONNECT_SECONDS = 10 };

/* connect(2) through a short name; -ETIMEDOUT as the header says. */
static int connect_short(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path) + 1);
	while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		if (errno == EINTR)
			continue;
		/* what SO_SNDTIMEO makes of a full queue */
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	return 0;
}

/* A path that sockaddr_un has no room for is reached through a descriptor of the socket's file. */
static int connect_long(int fd, const char *path)
{
	char short_path[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	int file = open(path, O_PATH | O_CLOEXEC), r;

	if (file < 0)
		return -errno;
	snprintf(short_path, sizeof short_path, "/proc/self/fd/%d", file);
	r = connect_short(fd, short_path);
	close(file);
	return r;
}

/* connect(2) says ECONNREFUSED for files that are no sockets, too. */
static int tell_refusals_apart(const char *path, int r)
{
	struct stat st;

	if (r == -ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return r;
}

int socket_connect(const char *path)
{
	const struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	bool fits = strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path;
	int fd, r;

	if (!*path)
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* connect(2) to a local socket heeds it; everything later is sent with MSG_DONTWAIT */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	r = fits ? connect_short(fd, path) : connect_long(fd, path);
	if (r < 0) {
		close(fd);
		return tell_refusals_apart(path, r);
	}
	return fd;
}

int socket_send(int fd, const char *bytes, size_t size, deadline_t deadline)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			bytes += n;
			size -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			return -ECONNRESET;
		if (errno != EAGAIN)
			return -errno;
		r = deadline_poll(deadline, fd, POLLOUT);
		if (r < 0)
			return r;
	}
	return 0;
}

ssize_t socket_receive(int fd, char *bytes, size_t size, deadline_t deadline)
{
	for (;;) {
		ssize_t n = recv(fd, bytes, size, MSG_DONTWAIT);
		int r;

		if (n > 0)
			return n;
		if (n == 0)
			return -ECONNRESET;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = deadline_poll(deadline, fd, POLLIN);
		if (r < 0)
			return r;
	}
}
