/* SPDX-License-Identifier: MIT */
/* A stream socket to a path, and bytes through it with a deadline.  Knows nothing of what they
 * mean. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "client/deadline.h"

/* Connects to the socket at `path`, which may be of any length (longer ones than sockaddr_un takes
 * need /proc).  A close-on-exec descriptor owned by the caller, or negative errno: -ENOENT,
 * -ECONNREFUSED, -EACCES, -ENOTSOCK, -ETIMEDOUT (the queue of the listener is full and stays so).
 */
int socket_connect(const char *path);

/* Sends all of it.  0, or negative errno: -ETIMEDOUT, -ECONNRESET. */
int socket_send(int fd, const char *bytes, size_t size, deadline_t deadline);

/* Receives something.  The number of bytes, or negative errno: -ETIMEDOUT, -ECONNRESET (also when
 * the other side has ended the connection in peace). */
ssize_t socket_receive(int fd, char *bytes, size_t size, deadline_t deadline);
