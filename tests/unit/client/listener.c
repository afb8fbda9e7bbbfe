/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void enter_folders(const char *first, size_t depth, char *path)
{
	char name[101];

	ck_assert_int_eq(chdir(first), 0);
	path += sprintf(path, "%s", first);
	memset(name, 'd', 100);
	name[100] = '\0';
	for (size_t i = 0; i < depth; i++) {
		ck_assert_int_eq(mkdir(name, 0700), 0);
		ck_assert_int_eq(chdir(name), 0);
		path += sprintf(path, "/%s", name);
	}
	sprintf(path, "/s");
}

void listener_open(struct listener *l, size_t depth)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
	int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	memset(l, 0, sizeof *l);
	strcpy(l->folder, "/tmp/verger-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->folder));
	enter_folders(l->folder, depth, l->path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(l->fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(l->fd, 4), 0);
	ck_assert_int_eq(fchdir(before), 0);
	close(before);
}

void listener_close(struct listener *l)
{
	siginfo_t info;

	if (l->player) {
		kill(l->player, SIGKILL);
		waitid(P_PID, (id_t)l->player, &info, WEXITED);
	}
	if (l->fd >= 0)
		close(l->fd);
	unlink(l->path);
	while (strlen(l->path) > strlen(l->folder)) {
		*strrchr(l->path, '/') = '\0';
		rmdir(l->path);
	}
}

static void send_all(int fd, const char *bytes, size_t size, size_t piece)
{
	while (size > 0) {
		size_t n = size < piece ? size : piece;
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0)
			_exit(1);
		bytes += sent;
		size -= (size_t)sent;
	}
}

void listener_play(struct listener *l, const char *bytes, size_t size, size_t piece, int keeps)
{
	l->player = fork();
	ck_assert_int_ge(l->player, 0);
	if (l->player == 0) {
		int fd = accept(l->fd, NULL, NULL);
		char c = 'x';

		while (c && read(fd, &c, 1) == 1)
			;
		send_all(fd, bytes, size, piece);
		if (keeps)
			pause();
		_exit(0);
	}
}
