/* SPDX-License-Identifier: MIT */
/* Going to the background.  The report travels as one byte of status and a text; the end of the
 * pipe without a byte means that the daemon died. */
#include "os/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int daemonize_ensure_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int opened;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		opened = open("/dev/null", O_RDWR);
		if (opened < 0)
			opened = open(
				"/",
				O_PATH | O_DIRECTORY); /* takes the number; reads and writes fail */
		if (opened < 0)
			return -errno;
	}
	return 0;
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		size -= (size_t)written;
	}
}

/* The starter's part: passes on what the daemon has to say. */
static void wait_for_report(int fd) __attribute__((noreturn));

static void wait_for_report(int fd)
{
	static const char died[] = "vergerd: ended before it was ready\n";
	char buffer[512];
	unsigned char status = 1;
	ssize_t got;

	do {
		got = read(fd, &status, 1);
	} while (got < 0 && errno == EINTR);
	if (got != 1) {
		write_all(STDERR_FILENO, died, sizeof died - 1);
		_exit(1);
	}
	while ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			write_all(STDERR_FILENO, buffer, (size_t)got);
	_exit(status);
}

int daemonize_start(int keep_directory)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL); /* or both processes would write what is buffered */
	pid = fork();
	if (pid < 0) {
		int r = -errno;

		fd_close(ends[0]);
		fd_close(ends[1]);
		return r;
	}
	if (pid > 0) {
		fd_close(ends[1]);
		wait_for_report(ends[0]);
	}
	fd_close(ends[0]);
	setsid(); /* cannot fail: we have just been born */
	if (!keep_directory && chdir("/") < 0) {
		/* keeps some file system busy, no more */
	}
	return ends[1];
}

static void to_null(int keep_stderr)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (!keep_stderr)
		dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		fd_close(fd);
}

void daemonize_report(int fd, int status, const char *message, int keep_stderr)
{
	char byte = (char)status;

	write_all(fd, &byte, 1);
	if (message && *message) {
		write_all(fd, message, strlen(message));
		write_all(fd, "\n", 1);
	}
	if (status == 0)
		to_null(keep_stderr);
	fd_close(fd);
}
