/* SPDX-License-Identifier: MIT */
#include "ctl/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <verger/client.h>

#include "base/cleanup.h"
#include "ctl/connection.h"
#include "ctl/exits.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };

static void fill_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(set, signals[i]);
}

int stream_init(struct stream *s, struct ctl *ctl)
{
	sigset_t set;

	fill_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*s = (struct stream){ .ctl = ctl, .signal_fd = signalfd(-1, &set, SFD_CLOEXEC) };
	if (s->signal_fd >= 0)
		return 0;
	screen_complain("signalfd: %s", strerror(errno));
	return EXIT_FAILED;
}

void stream_release(struct stream *s)
{
	sigset_t set;

	s->signal_fd = fd_close(s->signal_fd);
	fill_set(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int take_signal(struct stream *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
		return STREAM_TIME;
	s->signo = (int)info.ssi_signo;
	if (s->signo == SIGWINCH)
		return STREAM_RESIZED;
	return s->signo == SIGTSTP ? STREAM_SUSPENDED : STREAM_INTERRUPTED;
}

static int take_key(struct stream *s)
{
	if (read(STDIN_FILENO, &s->key, 1) == 1)
		return STREAM_KEY;
	s->has_keys = false; /* nobody is there to type */
	return STREAM_TIME;
}

/* A reply that is here already; -ETIMEDOUT when none is. */
static int take_reply(struct stream *s, json_t **reply)
{
	int r;

	verger_client_set_timeout(s->ctl->client, 0);
	r = verger_next(s->ctl->client, reply);
	verger_client_set_timeout(s->ctl->client, CONNECTION_PATIENCE_MS);
	return r;
}

int stream_next(struct stream *s, json_t **reply, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = verger_client_fd(s->ctl->client), .events = POLLIN },
		{ .fd = s->has_keys ? STDIN_FILENO : -1, .events = POLLIN },
	};
	int r = take_reply(s, reply);

	if (r != -ETIMEDOUT)
		return r;
	/* what was printed is to be seen while nothing else happens */
	if (screen_flush() < 0)
		return -EPIPE;
	r = poll(fds, ARRAY_SIZE(fds), timeout_ms);
	if (r < 0)
		return errno == EINTR ? STREAM_TIME : -errno;
	if (fds[0].revents)
		return take_signal(s);
	if (fds[2].revents)
		return take_key(s);
	if (!fds[1].revents)
		return STREAM_TIME;
	r = take_reply(s, reply);
	return r == -ETIMEDOUT ? STREAM_TIME : r;
}

int stream_signalled(struct stream *s)
{
	struct pollfd fd = { .fd = s->signal_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 ? take_signal(s) : STREAM_TIME;
}

void stream_suspend(struct stream *s)
{
	(void)s;
	kill(getpid(), SIGSTOP);
}

int stream_exit_status(const struct stream *s)
{
	return 128 + s->signo;
}
