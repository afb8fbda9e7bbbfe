/* SPDX-License-Identifier: MIT */
/* The disturber.  A PID that has just become free is asked for again and again, so that a bystander
 * gets it within microseconds of the reap: what takes a busy machine days happens here a thousand
 * times a second. */
#include "observer/hunter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observer/sighting.h"

enum {
	BYSTANDERS = 64,
	STACK_SIZE = 4096,
	ATTEMPTS_MAX = 60,    /* to get a PID that a supervisor is about to free */
	LIFE_NS = 300 * 1000, /* of a bystander: long enough to be met, short enough to be many */
	NATURAL_DEATH_MS = 5, /* patience with programs that end by themselves */
};

struct hunter {
	struct tally *tally;
	int last_pid_fd;
	char (*stacks)[STACK_SIZE];
	pid_t bystanders[BYSTANDERS]; /* 0 = never used */
	size_t next;
};

/* Shares our memory, hence bare system calls; bears our name, which is no program's. */
static int stand_by(void *unused)
{
	const struct timespec life = { .tv_nsec = LIFE_NS };

	(void)unused;
	syscall(SYS_nanosleep, &life, NULL);
	syscall(SYS_exit, 0);
	return 0;
}

/* Makes a bystander; its PID or negative errno. */
static pid_t make_bystander(struct hunter *h)
{
	size_t slot = h->next++ % BYSTANDERS;

	if (h->bystanders[slot] > 0)
		waitpid(h->bystanders[slot], NULL, 0);
	h->bystanders[slot] =
		clone(stand_by, h->stacks[slot] + STACK_SIZE, CLONE_VM | SIGCHLD, NULL);
	return h->bystanders[slot] < 0 ? -errno : h->bystanders[slot];
}

static void take_over(struct hunter *h, pid_t pid)
{
	char text[16];
	int size = snprintf(text, sizeof text, "%d", (int)pid - 1);

	for (int i = 0; i < ATTEMPTS_MAX && !h->tally->stop; i++) {
		if (pwrite(h->last_pid_fd, text, (size_t)size, 0) < 0)
			return;
		if (make_bystander(h) == pid) {
			tally_add(&h->tally->reuses);
			return;
		}
	}
}

/* Ends the main process of a program, or sees it end.  Its PID; 0 when there was none. */
static pid_t end_program(struct hunter *h, const char *file, int dir_fd, bool by_force)
{
	_cleanup_fd_ int pidfd = -1;
	struct sighting s, again;

	sighting_take(&s, dir_fd, file);
	if (s.form != SIGHTING_PID)
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0);
	sighting_take(&again, dir_fd, file);
	if (pidfd < 0 || !sighting_is_same(&s, &again))
		return 0;
	if (by_force) {
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
			return 0;
		tally_add(&h->tally->kills);
	} else if (poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, NATURAL_DEATH_MS) <
	           1) {
		return 0;
	}
	tally_add(&h->tally->generations);
	return s.pid;
}

static unsigned pick(unsigned below)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof number, 0) < 0)
		return 0;
	return number % below;
}

static void hunt(struct hunter *h, const struct cast *cast, int dir_fd)
{
	char file[24];

	while (!h->tally->stop) {
		pid_t pid;

		snprintf(file, sizeof file, "%s.pid", cast->names[pick((unsigned)cast->count)]);
		pid = end_program(h, file, dir_fd, pick(4) != 0);
		if (pid > 0)
			take_over(h, pid);
	}
}

int hunter_run(struct tally *tally, const struct cast *cast, int dir_fd)
{
	struct hunter h = { .tally = tally };

	prctl(PR_SET_NAME,
	      "bystander"); /* before the first child, so that none is ever called otherwise */
	h.last_pid_fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (h.last_pid_fd < 0)
		return -errno;
	h.stacks = mmap(NULL, BYSTANDERS * sizeof *h.stacks, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (h.stacks == MAP_FAILED) {
		close(h.last_pid_fd);
		return -ENOMEM;
	}
	hunt(&h, cast, dir_fd);
	while (waitpid(-1, NULL, 0) > 0)
		;
	munmap(h.stacks, BYSTANDERS * sizeof *h.stacks);
	close(h.last_pid_fd);
	return 0;
}
