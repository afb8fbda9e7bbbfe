/* SPDX-License-Identifier: MIT */
/* Datagram sockets of logging daemons. */
#include "os/logsocket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

/* what the kernel lets a sender have waiting; large enough for bursts */
enum { SEND_BUFFER = 1024 * 1024 };

int logsocket_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int size = SEND_BUFFER, fd, r;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return fd;
}
