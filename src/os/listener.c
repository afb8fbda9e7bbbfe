/* SPDX-License-Identifier: MIT */
/* Clients of a socket, and whose turn it is.
 *
 * libev calls what is pending by priority, and an idle watcher when nothing of its priority or
 * above is pending.  Clients have the lowest priority: in each round of the loop everything else
 * comes first, then a few calls.  What is left for the next round must not wait until nothing is
 * pending any more, for that moment may never come; so an idle watcher of the highest priority,
 * which runs in every round, puts the turn of the clients at the end of it.  It also keeps the loop
 * from falling asleep. */
#include "os/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/socketfile.h"

enum {
	ACCEPTS_MAX = 16,          /* in one round */
	DESCRIPTORS_KEPT_BACK = 8, /* for the work on programs, which needs some for a moment */
};

/* Descriptors are free again when somebody has closed one, and nobody tells. */
#define ACCEPT_PAUSE 0.1

struct client {
	struct listener *listener;
	void *handle; /* what `opened` returned */
	ev_io reading, writing;
	pid_t pid;
	uid_t uid;
	struct client *next; /* of those that wait for their turn */
	bool queued, input_ended, owes;
	unsigned stepped_in;     /* round of the last call */
	msec_t active_ms;        /* bytes went either way */
	msec_t partial_since_ms; /* it is amid a message; MSEC_NEVER = it is not */
	msec_t blocked_since_ms; /* it does not read; MSEC_NEVER = it does */
};

struct listener {
	struct ev_loop *loop;
	struct listener_handlers handlers;
	struct socketfile file;
	ev_io accepting;
	ev_timer accept_pause;
	ev_timer patience; /* active while somebody owes us something */
	msec_t patience_ms;
	ev_prepare turn; /* never started, only fed: runs after all other events of a round */
	ev_idle next_round;
	unsigned round;              /* of the loop, in which… */
	unsigned steps_left;         /* …that many calls may still be worked on */
	struct client *first, *last; /* who wait for their turn */
	struct client *clients[LISTENER_CLIENTS_MAX + 1]; /* owned */
	size_t client_count, owing_count;
	bool told_descriptors, told_busy;
};

/* Turns */

static void take_turn_soon(struct listener *l)
{
	ev_feed_event(l->loop, &l->turn, EV_CUSTOM);
}

static void enqueue(struct client *c)
{
	struct listener *l = c->listener;

	if (!c->queued) {
		c->queued = true;
		c->next = NULL;
		if (l->first)
			l->last->next = c;
		else
			l->first = c;
		l->last = c;
	}
	take_turn_soon(l);
}

static void leave_queue(struct client *c)
{
	struct listener *l = c->listener;
	struct client *before = NULL;

	if (!c->queued)
		return;
	for (struct client *other = l->first; other != c; other = other->next)
		before = other;
	if (before)
		before->next = c->next;
	else
		l->first = c->next;
	if (l->last == c)
		l->last = before;
	c->queued = false;
}

/* The next one whose turn it is in this round; NULL when there is none.  Whoever has only something
 * to be written does not wait for those who have calls. */
static struct client *find_next(const struct listener *l)
{
	for (struct client *c = l->first; c; c = c->next)
		if (!l->handlers.is_ready(c->handle) ||
		    (l->steps_left > 0 && c->stepped_in != l->round))
			return c;
	return NULL;
}

/* Ends */

static void cut(struct client *c)
{
	struct listener *l = c->listener;
	size_t i = 0;

	leave_queue(c);
	while (l->clients[i] != c)
		i++;
	l->clients[i] = l->clients[--l->client_count];
	l->owing_count -= c->owes;
	if (l->owing_count == 0)
		ev_timer_stop(l->loop, &l->patience);
	ev_io_stop(l->loop, &c->reading);
	ev_io_stop(l->loop, &c->writing);
	close(c->reading.fd);
	l->handlers.closed(l->handlers.context, c->handle);
	free(c);
}

static void cut_because(struct client *c, int error)
{
	log_debug(NULL, "socket %s: PID %d is cut: %s", c->listener->file.path, (int)c->pid,
	          strerror(-error));
	cut(c);
}

/* Patience */

static msec_t owing_since(const struct client *c)
{
	return c->partial_since_ms < c->blocked_since_ms ? c->partial_since_ms
	                                                 : c->blocked_since_ms;
}

static void arm_patience(struct listener *l)
{
	msec_t first = MSEC_NEVER, left;

	for (size_t i = 0; i < l->client_count; i++)
		if (owing_since(l->clients[i]) < first)
			first = owing_since(l->clients[i]);
	ev_timer_stop(l->loop, &l->patience);
	if (first == MSEC_NEVER)
		return;
	left = first + l->patience_ms - clock_monotonic_ms();
	ev_now_update(l->loop);
	ev_timer_set(&l->patience, left > 0 ? (double)left / 1000. : 0., 0.);
	ev_timer_start(l->loop, &l->patience);
}

/* `waits`: something is there for it to read.  What we do not want to read it cannot end. */
static void note_debt(struct client *c, bool listens, bool waits)
{
	struct listener *l = c->listener;
	msec_t now = clock_monotonic_ms();
	bool owes;

	if (!listens || !l->handlers.is_partial(c->handle))
		c->partial_since_ms = MSEC_NEVER;
	else if (c->partial_since_ms == MSEC_NEVER)
		c->partial_since_ms = now;
	if (!waits)
		c->blocked_since_ms = MSEC_NEVER;
	else if (c->blocked_since_ms == MSEC_NEVER)
		c->blocked_since_ms = now;
	owes = owing_since(c) != MSEC_NEVER;
	l->owing_count += owes;
	l->owing_count -= c->owes;
	c->owes = owes;
	if (l->owing_count == 0)
		ev_timer_stop(l->loop, &l->patience);
	else if (!ev_is_active(&l->patience))
		arm_patience(l);
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct listener *l = timer->data;
	msec_t since = clock_monotonic_ms() - l->patience_ms;

	(void)loop;
	(void)events;
	for (size_t i = l->client_count; i-- > 0;) {
		struct client *c = l->clients[i];

		if (owing_since(c) > since)
			continue;
		log_info(NULL, "socket %s: PID %d is cut: it %s", l->file.path, (int)c->pid,
		         c->blocked_since_ms <= since ? "does not read what it asked for"
		                                      : "does not end what it began to say");
		/* (puts the last into place i, which has been looked at) */
		cut(c);
	}
	arm_patience(l);
}

/* Bytes */

/* False: the client is gone. */
static bool read_some(struct client *c)
{
	const struct listener_handlers *handlers = &c->listener->handlers;
	char bytes[LISTENER_READ_SIZE];
	ssize_t got = recv(c->reading.fd, bytes, sizeof bytes, MSG_DONTWAIT);
	int r = 0;

	if (got > 0) {
		c->active_ms = clock_monotonic_ms();
		r = handlers->receive(c->handle, bytes, (size_t)got);
	} else if (got == 0) {
		c->input_ended = true;
		handlers->end_of_input(c->handle);
	} else if (errno != EAGAIN && errno != EINTR) {
		r = -errno;
	}
	if (r < 0)
		cut_because(c, r);
	return r >= 0;
}

/* Tries at once what would be possible most of the time.  False: the client is gone. */
static bool write_some(struct client *c)
{
	const struct listener_handlers *handlers = &c->listener->handlers;
	size_t size = 0;
	const char *bytes = handlers->output(c->handle, &size);
	ssize_t put;

	if (size == 0)
		return true;
	put = send(c->writing.fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (put < 0 && errno != EAGAIN && errno != EINTR) {
		cut_because(c, -errno);
		return false;
	}
	if (put > 0) {
		c->active_ms = clock_monotonic_ms();
		c->blocked_since_ms = MSEC_NEVER;
		handlers->sent(c->handle, (size_t)put);
	}
	return true;
}

static void watch(struct ev_loop *loop, ev_io *io, bool wanted)
{
	if (wanted)
		ev_io_start(loop, io);
	else
		ev_io_stop(loop, io);
}

/* After anything that may have changed what is to be done for a client, who may be gone then. */
static void settle(struct client *c)
{
	const struct listener *l = c->listener;
	bool listens, waits;
	size_t size = 0;

	if (!write_some(c))
		return;
	l->handlers.output(c->handle, &size);
	waits = size > 0;
	if (!waits && l->handlers.is_over(c->handle)) {
		cut(c);
		return;
	}
	listens = !c->input_ended && l->handlers.wants_input(c->handle);
	watch(l->loop, &c->reading, listens);
	watch(l->loop, &c->writing, waits);
	if (l->handlers.is_ready(c->handle))
		enqueue(c);
	note_debt(c, listens, waits);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *c = io->data;

	(void)loop;
	(void)events;
	if (read_some(c))
		settle(c);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	settle(io->data);
}

/* Works on one call of each as long as this round allows. */
static void on_turn(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct listener *l = watcher->data;
	struct client *c;

	(void)events;
	if (l->round != ev_iteration(loop)) {
		l->round = ev_iteration(loop);
		l->steps_left = LISTENER_STEPS;
	}
	while ((c = find_next(l))) {
		int r = 0;

		leave_queue(c);
		if (l->handlers.is_ready(c->handle)) {
			l->steps_left--;
			c->stepped_in = l->round;
			r = l->handlers.step(c->handle);
		}
		if (r < 0)
			cut_because(c, r);
		else
			settle(c);
	}
	if (l->first)
		ev_idle_start(loop, &l->next_round);
	else
		ev_idle_stop(loop, &l->next_round);
}

static void on_next_round(struct ev_loop *loop, ev_idle *watcher, int events)
{
	(void)loop;
	(void)events;
	take_turn_soon(watcher->data);
}

void listener_wake(void *connection)
{
	/* whoever calls may be amid its own clients: nobody is cut here */
	enqueue(connection);
}

/* Newcomers */

/* Asks the handlers; false: it is not wanted. */
static bool introduce(struct listener *l, struct client *c, int fd)
{
	struct peer peer;

	if (peer_read(&peer, fd) < 0)
		return false;
	c->pid = peer.pid;
	c->uid = peer.uid;
	c->handle = l->handlers.opened(l->handlers.context, &peer, c);
	peer_release(&peer);
	return c->handle != NULL;
}

static struct client *find_idlest(const struct listener *l, const struct client *newcomer,
                                  bool busy_too)
{
	struct client *idlest = NULL;

	for (size_t i = 0; i < l->client_count; i++) {
		struct client *c = l->clients[i];

		if (c == newcomer || (!busy_too && l->handlers.is_busy(c->handle)))
			continue;
		if (!idlest || c->active_ms < idlest->active_ms)
			idlest = c;
	}
	return idlest;
}

/* Whether the other end has closed: of a client whose input is not wanted nobody tells. */
static bool has_vanished(const struct client *c)
{
	struct pollfd end = { .fd = c->reading.fd };

	return poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR));
}

static void cut_vanished(struct listener *l)
{
	for (size_t i = l->client_count; i-- > 0;)
		if (has_vanished(l->clients[i]))
			cut(l->clients[i]);
}

/* Those who administer vergerd get in whoever else is there. */
static bool is_master(const struct client *c)
{
	return c->uid == 0 || c->uid == geteuid();
}

/* One has to go, and it may be the newcomer.  False if so. */
static bool make_room(struct listener *l, struct client *newcomer)
{
	struct client *victim = find_idlest(l, newcomer, false);

	if (!victim && is_master(newcomer))
		victim = find_idlest(l, newcomer, true);
	if (!victim && !l->told_busy)
		log_warning(NULL, "socket %s: all %d clients are busy: others are turned away",
		            l->file.path, LISTENER_CLIENTS_MAX);
	l->told_busy = !victim;
	cut(victim ? victim : newcomer);
	return victim != NULL;
}

/* The kernel gives the lowest number that is free: a high one says that hardly any is left. */
static bool is_among_the_last(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       (rlim_t)fd + DESCRIPTORS_KEPT_BACK >= limit.rlim_cur;
}

/* Takes the descriptor. */
static void admit(struct listener *l, int fd)
{
	struct client *c = NULL;

	/* one is always heard */
	if (l->client_count == 0 || !is_among_the_last(fd))
		c = calloc(1, sizeof *c);
	if (c)
		c->listener = l;
	if (!c || !introduce(l, c, fd)) {
		free(c);
		close(fd);
		return;
	}
	c->active_ms = clock_monotonic_ms();
	c->partial_since_ms = c->blocked_since_ms = MSEC_NEVER;
	ev_io_init(&c->reading, on_readable, fd, EV_READ);
	ev_io_init(&c->writing, on_writable, fd, EV_WRITE);
	ev_set_priority(&c->reading, EV_MINPRI);
	ev_set_priority(&c->writing, EV_MINPRI);
	c->reading.data = c->writing.data = c;
	if (l->client_count == LISTENER_CLIENTS_MAX)
		cut_vanished(l);
	l->clients[l->client_count++] = c;
	if (l->client_count > LISTENER_CLIENTS_MAX && !make_room(l, c))
		return;
	/* most have said what they want by now */
	if (read_some(c))
		settle(c);
}

/* Out of descriptors: the socket stays readable, and would keep us busy. */
static void pause_accepting(struct listener *l, int error)
{
	if (!l->told_descriptors)
		log_warning(NULL, "socket %s: %s: clients have to wait", l->file.path,
		            strerror(error));
	l->told_descriptors = true;
	ev_io_stop(l->loop, &l->accepting);
	ev_now_update(l->loop);
	ev_timer_set(&l->accept_pause, ACCEPT_PAUSE, 0.);
	ev_timer_start(l->loop, &l->accept_pause);
}

static void on_accept_pause(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct listener *l = timer->data;

	(void)events;
	ev_io_start(loop, &l->accepting);
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int events)
{
	struct listener *l = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			l->told_descriptors = false;
			admit(l, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		           errno == ENOBUFS) {
			pause_accepting(l, errno);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/* Life */

int listener_new(struct listener **out, struct ev_loop *loop, const char *path, mode_t mode,
                 const struct listener_handlers *handlers)
{
	struct listener *l = calloc(1, sizeof *l);
	int fd;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->handlers = *handlers;
	l->patience_ms = LISTENER_PATIENCE_MS;
	fd = socketfile_listen(&l->file, path, mode);
	if (fd < 0) {
		free(l);
		return fd;
	}
	ev_io_init(&l->accepting, on_acceptable, fd, EV_READ);
	ev_timer_init(&l->accept_pause, on_accept_pause, ACCEPT_PAUSE, 0.);
	ev_timer_init(&l->patience, on_patience, 0., 0.);
	ev_prepare_init(&l->turn, on_turn);
	ev_idle_init(&l->next_round, on_next_round);
	ev_set_priority(&l->accepting, EV_MINPRI);
	ev_set_priority(&l->turn, EV_MINPRI);
	ev_set_priority(&l->next_round, EV_MAXPRI);
	l->accepting.data = l->accept_pause.data = l->patience.data = l->turn.data =
		l->next_round.data = l;
	ev_io_start(loop, &l->accepting);
	*out = l;
	return 0;
}

void listener_withdraw(struct listener *l)
{
	if (l->accepting.fd < 0)
		return;
	ev_io_stop(l->loop, &l->accepting);
	socketfile_remove(&l->file);
	close(l->accepting.fd);
	ev_io_set(&l->accepting, -1, EV_READ);
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	listener_withdraw(l);
	while (l->client_count)
		if (write_some(l->clients[0]))
			cut(l->clients[0]);
	ev_timer_stop(l->loop, &l->accept_pause);
	ev_timer_stop(l->loop, &l->patience);
	ev_idle_stop(l->loop, &l->next_round);
	ev_clear_pending(l->loop, &l->turn);
	free(l);
}

bool listener_is_reachable(const struct listener *l)
{
	return socketfile_is_ours(&l->file);
}

void listener_set_mode(struct listener *l, mode_t mode)
{
	int r = socketfile_set_mode(&l->file, mode);

	if (r < 0)
		log_warning(NULL, "socket %s: its permissions cannot be changed: %s", l->file.path,
		            strerror(-r));
}

void listener_set_patience(struct listener *l, msec_t patience_ms)
{
	l->patience_ms = patience_ms;
}

size_t listener_client_count(const struct listener *l)
{
	return l->client_count;
}
