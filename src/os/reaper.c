/* SPDX-License-Identifier: MIT */
/* Watches main processes by pidfd and everything else by SIGCHLD.  It knows processes and indices
 * of programs, not what a program is.
 *
 * Signals are never counted: two hundred deaths may be one SIGCHLD.  Nothing is reaped before its
 * status has been seen with WNOWAIT and it is clear whose process it was, so that a main process
 * found by way of SIGCHLD takes the same path as one found by its pidfd. */
#include "os/reaper.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/settings.h"
#include "os/proc.h"
#include "os/reap.h"

enum {
	CHUNK_SIZE = 64, /* watches in one piece; libev wants them never to move */
	HASH_SIZE_MIN = 16,
	COLLECT_ROUNDS_MAX = 8, /* looks for orphans in one wake-up */
};

/* Orphans may lie that long: reaping them at each SIGCHLD would cost a look at all children (35 µs
 * for 1000). */
#define COLLECT_DELAY_S 0.05

/* The main process of one program. */
struct watch {
	ev_io io;  /* io.data = reaper; io.fd = pidfd or -1 */
	pid_t pid; /* 0 = none */
	uint32_t program;
};

/* Watches in one piece. */
struct chunk {
	struct watch *watches; /* CHUNK_SIZE of them; owned; NULL = none needed yet */
};

struct reaper {
	struct ev_loop *loop;
	struct reaper_handlers handlers;
	ev_signal sigchld;
	ev_timer collect_later;
	ev_prepare settle; /* never started, only fed: runs after all other events of a wake-up */
	struct chunk *chunks; /* by program / CHUNK_SIZE; owned */
	size_t chunk_count;
	uint32_t *hash; /* programs by PID, linear probing; NO_PROGRAM = free; owned */
	size_t hash_size, watched_count;
	uint64_t generation;
	bool pidfds, children_file, urgent;
};

/* Of a program that was watched before. */
static struct watch *get_watch(const struct reaper *r, uint32_t program)
{
	return &r->chunks[program / CHUNK_SIZE].watches[program % CHUNK_SIZE];
}

static struct watch *find_watch(const struct reaper *r, uint32_t program)
{
	size_t chunk = program / CHUNK_SIZE;

	if (chunk >= r->chunk_count || !r->chunks[chunk].watches)
		return NULL;
	return get_watch(r, program);
}

/* Makes room for the watch of `program`; 0 or -ENOMEM. */
static int reach(struct reaper *r, uint32_t program)
{
	size_t chunk = program / CHUNK_SIZE;

	if (chunk >= r->chunk_count) {
		struct chunk *chunks = reallocarray(r->chunks, chunk + 1, sizeof *chunks);

		if (!chunks)
			return -ENOMEM;
		memset(chunks + r->chunk_count, 0, (chunk + 1 - r->chunk_count) * sizeof *chunks);
		r->chunks = chunks;
		r->chunk_count = chunk + 1;
	}
	if (!r->chunks[chunk].watches)
		r->chunks[chunk].watches = calloc(CHUNK_SIZE, sizeof(struct watch));
	return r->chunks[chunk].watches ? 0 : -ENOMEM;
}

/* PIDs are handed out in sequence: spread them a little, keep neighbours apart. */
static size_t hash_home(const struct reaper *r, pid_t pid)
{
	return ((uint32_t)pid * 2654435769u >> 7) & (r->hash_size - 1);
}

/* The slot that holds `pid`, or the free one where it would go. */
static size_t hash_slot(const struct reaper *r, pid_t pid)
{
	size_t slot = hash_home(r, pid);

	while (r->hash[slot] != NO_PROGRAM && get_watch(r, r->hash[slot])->pid != pid)
		slot = (slot + 1) & (r->hash_size - 1);
	return slot;
}

/* Room for one more at a load of at most one half. */
static int hash_grow(struct reaper *r)
{
	size_t old_size = r->hash_size, size = old_size ? old_size * 2 : HASH_SIZE_MIN;
	uint32_t *old = r->hash, *hash;

	if ((r->watched_count + 1) * 2 <= old_size)
		return 0;
	hash = malloc(size * sizeof *hash);
	if (!hash)
		return -ENOMEM;
	memset(hash, 0xff, size * sizeof *hash); /* NO_PROGRAM */
	r->hash = hash;
	r->hash_size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i] != NO_PROGRAM)
			hash[hash_slot(r, get_watch(r, old[i])->pid)] = old[i];
	free(old);
	return 0;
}

/* Takes `pid` out and moves those behind it up, so that no search stops at the hole. */
static void hash_remove(struct reaper *r, pid_t pid)
{
	size_t mask = r->hash_size - 1, hole = hash_slot(r, pid);

	for (size_t slot = (hole + 1) & mask; r->hash[slot] != NO_PROGRAM;
	     slot = (slot + 1) & mask) {
		size_t home = hash_home(r, get_watch(r, r->hash[slot])->pid);

		if (((slot - home) & mask) < ((slot - hole) & mask))
			continue;
		r->hash[hole] = r->hash[slot];
		hole = slot;
	}
	r->hash[hole] = NO_PROGRAM;
}

uint32_t reaper_find(const struct reaper *r, pid_t pid)
{
	return r->hash_size ? r->hash[hash_slot(r, pid)] : NO_PROGRAM;
}

int reaper_pidfd(const struct reaper *r, uint32_t program)
{
	const struct watch *w = find_watch(r, program);

	return w && w->pid ? w->io.fd : -1;
}

bool reaper_is_alive(const struct reaper *r, uint32_t program)
{
	const struct watch *w = find_watch(r, program);
	siginfo_t info = { 0 };

	if (!w || !w->pid)
		return false;
	/* by PID: it is our child and not reaped, so that the number is its own */
	return waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

uint64_t reaper_generation(const struct reaper *r)
{
	return r->generation;
}

static void forget(struct reaper *r, struct watch *w)
{
	hash_remove(r, w->pid);
	r->watched_count--;
	w->pid = 0;
	ev_io_stop(r->loop, &w->io);
	w->io.fd = fd_close(w->io.fd);
}

static void settle_soon(struct reaper *r)
{
	ev_feed_event(r->loop, &r->settle, EV_CUSTOM);
}

static struct reaper_exit exit_of(pid_t pid, const siginfo_t *info)
{
	struct reaper_exit exit = { .pid = pid };

	if (info->si_code == CLD_EXITED) {
		exit.code = info->si_status;
	} else {
		exit.signal = info->si_status;
		exit.core_dumped = info->si_code == CLD_DUMPED;
	}
	return exit;
}

/* The main process `w` is dead and not reaped.  The handler may watch another one for the same
 * program. */
static void main_ended(struct reaper *r, struct watch *w, siginfo_t *info)
{
	uint32_t program = w->program;
	struct reaper_exit exit = exit_of(w->pid, info);
	int error =
		reap_in_order(w->pid, info, r->handlers.before_reap, r->handlers.context, program);

	if (error)
		log_error(NULL, "process %d: cannot be reaped: %s", (int)exit.pid,
		          strerror(-error));
	r->generation++;
	forget(r, w);
	settle_soon(r);
	r->handlers.exited(r->handlers.context, program, &exit);
}

/* Somebody else has reaped it: a fault, but its program must not wait for ever. */
static void main_lost(struct reaper *r, struct watch *w)
{
	siginfo_t info = { .si_code = CLD_EXITED };

	log_error(NULL, "process %d: gone, and its status with it: somebody else has reaped it",
	          (int)w->pid);
	info.si_status = 255;
	main_ended(r, w, &info);
}

static void on_pidfd(struct ev_loop *loop, ev_io *io, int events)
{
	struct watch *w = (struct watch *)io;
	struct reaper *r = io->data;
	siginfo_t info = { 0 };

	(void)loop;
	(void)events;
	/* by PID: it is our child and nobody but us can free its number */
	if (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		main_lost(r, w);
	else if (info.si_pid == w->pid)
		main_ended(r, w, &info);
}

/* Reaps the child `pid` if it is dead. */
static bool reap_orphan(struct reaper *r, pid_t pid)
{
	siginfo_t info = { 0 };
	struct reaper_exit exit;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid != pid)
		return false;
	r->generation++;
	exit = exit_of(pid, &info);
	r->handlers.orphan(r->handlers.context, &exit);
	return true;
}

/* All dead orphans in one pass: looking at the first dead child again and again would pass over all
 * the living ones before it each time. */
static bool reap_orphans_in_list(struct reaper *r)
{
	struct pid_list children = PID_LIST_INIT;
	bool reaped = false;

	if (proc_children(getpid(), true, &children) == 0)
		for (size_t i = 0; i < children.count; i++)
			if (reaper_find(r, children.items[i]) == NO_PROGRAM)
				reaped = reap_orphan(r, children.items[i]) || reaped;
	pid_list_release(&children);
	return reaped;
}

/* Looks at the first dead child and does what it needs.  False: there is none. */
static bool collect_one(struct reaper *r)
{
	siginfo_t info = { 0 };
	uint32_t program;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return false;
	program = reaper_find(r, info.si_pid);
	if (program != NO_PROGRAM)
		main_ended(r, get_watch(r, program), &info);
	else if (!r->children_file || !reap_orphans_in_list(r))
		reap_orphan(r, info.si_pid);
	return true;
}

static void arm_collect(struct reaper *r)
{
	if (ev_is_active(&r->collect_later))
		return;
	ev_now_update(r->loop);
	ev_timer_set(&r->collect_later, r->urgent ? 0.001 : COLLECT_DELAY_S, 0.);
	ev_timer_start(r->loop, &r->collect_later);
}

static void collect(struct reaper *r)
{
	size_t rounds = COLLECT_ROUNDS_MAX + (r->pidfds ? 0 : r->watched_count);

	ev_timer_stop(r->loop, &r->collect_later);
	while (rounds > 0 && collect_one(r))
		rounds--;
	if (rounds == 0)
		arm_collect(r); /* let others have their turn */
	settle_soon(r);
}

void reaper_drain(struct reaper *r, msec_t wait_ms)
{
	msec_t end = clock_monotonic_ms() + wait_ms;
	siginfo_t info;

	for (;;) {
		collect(r);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    clock_monotonic_ms() >= end)
			return;
		poll(NULL, 0, 1);
	}
}

void reaper_set_urgent(struct reaper *r, bool urgent)
{
	r->urgent = urgent;
}

static void on_collect_later(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	collect(timer->data);
}

static void on_sigchld(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct reaper *r = watcher->data;

	(void)loop;
	(void)events;
	if (r->urgent || !r->pidfds)
		collect(r);
	else
		arm_collect(r);
}

static void on_settle(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct reaper *r = watcher->data;

	(void)loop;
	(void)events;
	r->handlers.settled(r->handlers.context);
}

struct reaper *reaper_new(struct ev_loop *loop, const struct probe *probe,
                          const struct reaper_handlers *handlers)
{
	struct reaper *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->loop = loop;
	r->handlers = *handlers;
	r->pidfds = probe->pidfd;
	r->children_file = probe->children;
	if (probe->subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	ev_timer_init(&r->collect_later, on_collect_later, COLLECT_DELAY_S, 0.);
	r->collect_later.data = r;
	ev_prepare_init(&r->settle, on_settle);
	ev_set_priority(&r->settle, EV_MINPRI);
	r->settle.data = r;
	ev_signal_init(&r->sigchld, on_sigchld, SIGCHLD);
	r->sigchld.data = r;
	ev_signal_start(loop, &r->sigchld);
	return r;
}

void reaper_free(struct reaper *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->chunk_count * CHUNK_SIZE; i++) {
		struct watch *w = find_watch(r, (uint32_t)i);

		if (w && w->pid)
			forget(r, w);
	}
	ev_signal_stop(r->loop, &r->sigchld);
	ev_timer_stop(r->loop, &r->collect_later);
	ev_clear_pending(r->loop, &r->settle);
	for (size_t i = 0; i < r->chunk_count; i++)
		free(r->chunks[i].watches);
	free(r->chunks);
	free(r->hash);
	free(r);
}

int reaper_watch(struct reaper *r, uint32_t program, pid_t pid, int pidfd)
{
	struct watch *w;
	int error = reach(r, program);

	if (!error)
		error = hash_grow(r);
	if (!error && r->pidfds && pidfd < 0) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		error = pidfd < 0 && errno == ESRCH ? -ESRCH : 0;
	}
	if (error) {
		fd_close(pidfd);
		return error;
	}
	w = get_watch(r, program);
	assert(!w->pid);
	r->hash[hash_slot(r, pid)] = program;
	r->watched_count++;
	*w = (struct watch){ .pid = pid, .program = program };
	ev_io_init(&w->io, on_pidfd, pidfd, EV_READ);
	w->io.data = r;
	/* out of descriptors: SIGCHLD tells of this one, a little later */
	if (r->pidfds && pidfd >= 0)
		ev_io_start(r->loop, &w->io);
	return 0;
}
