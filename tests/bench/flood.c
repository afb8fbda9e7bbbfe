/* SPDX-License-Identifier: MIT */
/* A client that asks too much: calls per second on the control socket, for a number of seconds, all
 * answers read.  Says how many were answered:
 *   flood SOCKET RATE SECONDS METHOD PARAMETERS   →  answered COUNT
 * PARAMETERS is a JSON object. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum { STATUS_USAGE = 64, CALL_MAX = 4096, BATCH_MS = 2, READ_SIZE = 1 << 18 };

struct flood {
	int fd;
	char call[CALL_MAX];
	size_t call_size;
	int64_t rate, seconds;
	int64_t sent, answered; /* calls */
	size_t part;            /* bytes of the call under way that are written */
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		fd = fd_close(fd);
	return fd < 0 ? -errno : fd;
}

/* Writes until `due` calls are sent or the socket is full. */
static void write_calls(struct flood *f, int64_t due)
{
	while (f->sent < due) {
		ssize_t n = send(f->fd, f->call + f->part, f->call_size - f->part,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			return;
		f->part += (size_t)n;
		if (f->part == f->call_size) {
			f->part = 0;
			f->sent++;
		}
	}
}

/* Counts the ends of messages; false when the connection is cut. */
static bool read_answers(struct flood *f)
{
	static char buffer[READ_SIZE];
	ssize_t n = recv(f->fd, buffer, sizeof buffer, MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		f->answered += buffer[i] == '\0';
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool run(struct flood *f)
{
	int64_t start = now_us(), elapsed;

	while ((elapsed = now_us() - start) < f->seconds * 1000000) {
		struct pollfd fd = { .fd = f->fd, .events = POLLIN };

		write_calls(f, elapsed * f->rate / 1000000 + 1);
		poll(&fd, 1, BATCH_MS);
		if (fd.revents && !read_answers(f))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct flood f = { .fd = -1 };
	bool good = argc == 6 && parse_int(argv[2], 1, 1000000, &f.rate) == 0 &&
	            parse_int(argv[3], 1, 60, &f.seconds) == 0;

	if (!good) {
		fputs("usage: flood SOCKET RATE SECONDS METHOD PARAMETERS\n", stderr);
		return STATUS_USAGE;
	}
	f.call_size = (size_t)snprintf(f.call, sizeof f.call,
	                               "{\"method\":\"%s\",\"parameters\":%s}", argv[4], argv[5]) +
	              1;
	f.fd = open_socket(argv[1]);
	if (f.fd < 0 || f.call_size > sizeof f.call) {
		fprintf(stderr, "flood: %s: %s\n", argv[1], strerror(-f.fd));
		return EXIT_FAILURE;
	}
	good = run(&f);
	printf("answered %lld\n", (long long)f.answered);
	close(f.fd);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
