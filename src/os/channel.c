/* SPDX-License-Identifier: MIT */
/* Pipes of programs.  Knows where bytes come from and not where they go. */
#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	WIDE_PIPE = 256 * 1024, /* what stays in the cache of a processor; more is slower */
	END_PATH_SIZE = 32,
};

/* Opens another description of the pipe behind `fd`: flags belong to descriptions, and only ours is
 * not to wait. */
static int open_again(int fd, int flags)
{
	char path[END_PATH_SIZE];
	int again;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

static int make_pipe(void)
{
	int ends[2], fd;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fd = open_again(ends[0], O_RDWR | O_NONBLOCK);
	close(ends[0]);
	close(ends[1]);
	return fd;
}

static bool watch(struct channel *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = c };

	c->armed = epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, c->fd, &event) == 0;
	return c->armed;
}

void channel_arm(struct channel *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = c };

	c->armed = true;
	epoll_ctl(c->poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void free_but_errno(struct channel *c)
{
	int error = errno;

	channel_free(c);
	errno = error;
}

struct channel *channel_new(const struct program_settings *program, uint32_t id, int stream,
                            size_t line_max, int poll_fd)
{
	struct channel *c = calloc(1, sizeof *c);
	int fd = c ? make_pipe() : -ENOMEM;

	if (fd < 0) {
		free(c);
		errno = -fd;
		return NULL;
	}
	c->program = id;
	c->stream = stream;
	c->instance = program->instance;
	c->fd = fd;
	c->uid = geteuid();
	c->poll_fd = poll_fd;
	c->name = strdup(program->name);
	linecut_init(&c->cut, line_max);
	channel_set_policy(c, program);
	if (c->name && watch(c))
		return c;
	errno = c->name ? errno : ENOMEM;
	free_but_errno(c);
	return NULL;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	/* a child that has not exec'ed yet has the pipe as well, and would keep it in the epoll */
	epoll_ctl(c->poll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	fd_close(c->fd);
	linecut_release(&c->cut);
	logring_release(&c->ring);
	free(c->last_words);
	free(c->input);
	free(c->name);
	free(c);
}

void channel_set_policy(struct channel *c, const struct program_settings *program)
{
	c->format = program->log.format;
	c->stalled = program->log.stalled;
	if (c->memory == program->log.memory)
		return;
	c->memory = program->log.memory;
	logring_release(&c->ring);
	logring_init(&c->ring, c->memory);
}

int channel_open_end(struct channel *c, const struct credentials *who)
{
	/* a server may open /dev/stdout by that name after it has changed its user */
	if (who && who->set_user && who->uid != c->uid && fchown(c->fd, who->uid, (gid_t)-1) == 0)
		c->uid = who->uid;
	return open_again(c->fd, O_RDWR);
}

/* --- lives --- */

void channel_begin_life(struct channel *c)
{
	bool several = c->life_count == CHANNEL_LIVES_MAX;

	channel_end_life(c);
	/* what is too much to be told apart is taken for one */
	c->life_count += !several;
	c->lives[c->life_count - 1] =
		(struct life){ .end = UINT64_MAX, .starting = true, .several = several };
}

void channel_set_pid(struct channel *c, pid_t pid)
{
	struct life *last = c->life_count ? &c->lives[c->life_count - 1] : NULL;

	if (!last)
		return;
	last->pid = last->several ? 0 : pid;
	last->starting = false;
	c->ready |= c->awaits_pid;
	c->awaits_pid = false;
}

void channel_end_life(struct channel *c)
{
	struct life *last = c->life_count ? &c->lives[c->life_count - 1] : NULL;

	if (!last || last->end != UINT64_MAX)
		return;
	last->end = c->taken + channel_waiting(c);
	last->starting = false;
}

bool channel_at_life_end(const struct channel *c)
{
	return c->life_count && c->lives[0].end <= c->taken;
}

void channel_next_life(struct channel *c)
{
	size_t said = c->said < c->ring.size ? c->said : c->ring.size;

	c->life_count--;
	memmove(c->lives, c->lives + 1, c->life_count * sizeof *c->lives);
	free(c->last_words);
	c->last_words_size = 0;
	c->last_words = said ? malloc(said) : NULL;
	if (c->last_words)
		c->last_words_size = logring_copy(&c->ring, c->last_words, said);
	/* what the next life says begins a line */
	if (c->last_words_size && c->last_words[c->last_words_size - 1] != '\n')
		logring_add(&c->ring, "\n", 1);
	c->said = 0;
	c->in_lost_line = false; /* the next life begins a line */
}

pid_t channel_pid(const struct channel *c)
{
	return c->life_count ? c->lives[0].pid : 0;
}

/* --- reading --- */

size_t channel_waiting(const struct channel *c)
{
	int waiting = 0;

	return ioctl(c->fd, FIONREAD, &waiting) < 0 || waiting < 0 ? 0 : (size_t)waiting;
}

ssize_t channel_read(struct channel *c, char *buffer, size_t size)
{
	ssize_t got;

	if (c->life_count) {
		const struct life *life = &c->lives[0];

		if (life->starting || life->end <= c->taken)
			return 0;
		if (life->end - c->taken < size)
			size = (size_t)(life->end - c->taken);
	}
	got = read(c->fd, buffer, size);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	c->taken += (uint64_t)got;
	return got;
}

void channel_note(struct channel *c, const char *bytes, size_t size)
{
	logring_add(&c->ring, bytes, size);
	c->said += size;
}

void channel_widen(struct channel *c)
{
	/* who may not have it is not asked again: users have a limit for all their pipes */
	if (!c->wide)
		fcntl(c->fd, F_SETPIPE_SZ, WIDE_PIPE);
	c->wide = true;
}

/* --- dropping --- */

/* A line counts as lost once, with the first byte of it that is. */
static void count_lost(struct channel *c, const char *bytes, size_t size)
{
	uint64_t lines = 0;

	c->lost_bytes += size;
	c->total_lost_bytes += size;
	for (const char *end = bytes + size; bytes < end;) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

		lines += !c->in_lost_line;
		c->in_lost_line = !newline;
		bytes = newline ? newline + 1 : end;
	}
	c->lost_lines += lines;
	c->total_lost_lines += lines;
}

bool channel_drop(struct channel *c, char *buffer, size_t size, int reason)
{
	uint64_t until = c->taken + CHANNEL_DROP_MAX;

	while (c->taken < until) {
		ssize_t got = channel_read(c, buffer, size);

		if (got > 0) {
			c->gap = c->ready = true; /* to be told of */
			c->lost_for = reason;
			channel_note(c, buffer, (size_t)got);
			count_lost(c, buffer, (size_t)got);
		} else if (got == 0 && channel_at_life_end(c)) {
			c->cut_is_over |= !c->gap;
			channel_next_life(c);
		} else {
			return false;
		}
	}
	return true;
}

bool channel_close_gap(struct channel *c, const char **bytes, size_t *size)
{
	const char *newline;
	size_t rest;

	if (!c->in_lost_line)
		return true;
	newline = memchr(*bytes, '\n', *size);
	rest = newline ? (size_t)(newline + 1 - *bytes) : *size;
	count_lost(c, *bytes, rest);
	*bytes += rest;
	*size -= rest;
	return newline != NULL;
}
