/* SPDX-License-Identifier: MIT */
/* What verger is measured against: a loop that makes only the system calls that cannot be left out.
 *   bare N COMMAND            N times vfork and execve, then waits
 *   bare --parallel …         children that share memory but do not suspend us (CLONE_VM), two for
 *                             each processor at once
 *   bare --session …          each child takes a session of its own, as S2 asks for
 *   bare --pidfiles DIR …     each child writes DIR/NUMBER.pid beside it and renames it; the file
 *                             goes before its process is reaped
 * A child that ends is started again at once; SIGTERM ends all and us.  No configuration, no log,
 * no family, no descriptor or signal hygiene: a lower bound, not a supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

extern char **environ;

enum { STATUS_USAGE = 64, PROGRAMS_MAX = 30000, STACK_SIZE = 16 * 1024, STACKS = 16 };

struct bare {
	char **command;
	size_t count;
	pid_t *pids;
	int dir_fd; /* of the PID files; -1 = none */
	bool parallel, session;
	size_t stack_count, next_stack;
	char (*stacks)[STACK_SIZE];
	struct child *children; /* one for each stack */
};

struct child {
	const struct bare *bare;
	size_t number;
	_Atomic int in_flight; /* its TID until it has exec'ed; zeroed by the kernel */
};

static volatile sig_atomic_t asked_to_stop;

static void on_term(int signo)
{
	(void)signo;
	asked_to_stop = 1;
}

/* --- in the child, which shares our memory --- */

static void write_pidfile(const struct bare *b, size_t number)
{
	char name[32], temp[40], text[16];
	int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
	int fd;

	snprintf(name, sizeof name, "%zu.pid", number);
	snprintf(temp, sizeof temp, ".%s", name);
	fd = openat(b->dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)size) != size || close(fd) < 0 ||
	    renameat(b->dir_fd, temp, b->dir_fd, name) < 0)
		_exit(126);
}

static void become(const struct bare *b, size_t number)
{
	if (b->session)
		setsid();
	if (b->dir_fd >= 0)
		write_pidfile(b, number);
	execve(b->command[0], b->command, environ);
	_exit(127);
}

static int become_child(void *argument)
{
	const struct child *child = argument;

	become(child->bare, child->number);
	return 0;
}

/* --- in the parent --- */

static pid_t start_parallel(struct bare *b, size_t number)
{
	size_t slot = b->next_stack++ % b->stack_count;
	struct child *child = &b->children[slot];
	int tid;

	while ((tid = child->in_flight) != 0)
		syscall(SYS_futex, &child->in_flight, FUTEX_WAIT, tid, NULL, NULL, 0);
	child->bare = b;
	child->number = number;
	child->in_flight = 1;
	return clone(become_child, b->stacks[slot] + STACK_SIZE,
	             CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, child, NULL, NULL,
	             &child->in_flight);
}

static void start(struct bare *b, size_t number)
{
	pid_t pid = b->parallel ? start_parallel(b, number) : vfork();

	if (pid == 0)
		become(b, number);
	if (pid < 0) {
		fprintf(stderr, "bare: %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
	b->pids[number] = pid;
}

static void drop_pidfile(const struct bare *b, size_t number)
{
	char name[32];

	if (b->dir_fd < 0)
		return;
	snprintf(name, sizeof name, "%zu.pid", number);
	unlinkat(b->dir_fd, name, 0);
}

/* Waits for the end of a child and reaps it.  Its number; -1 when none is left or a signal came. */
static ssize_t reap(struct bare *b)
{
	size_t number = 0;
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0)
		return -1;
	while (number < b->count && b->pids[number] != info.si_pid)
		number++;
	if (number < b->count)
		drop_pidfile(b, number);
	waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
	return (ssize_t)number;
}

static void run(struct bare *b)
{
	for (size_t i = 0; i < b->count; i++)
		start(b, i);
	while (!asked_to_stop) {
		ssize_t number = reap(b);

		if (number >= 0 && (size_t)number < b->count && !asked_to_stop)
			start(b, (size_t)number);
	}
	for (size_t i = 0; i < b->count; i++)
		kill(b->pids[i], SIGTERM);
	while (reap(b) >= 0)
		;
}

static int prepare(struct bare *b)
{
	struct sigaction action = { .sa_handler = on_term };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	b->stack_count = processors * 2 > STACKS ? STACKS : (size_t)processors * 2;
	b->pids = calloc(b->count, sizeof *b->pids);
	b->children = calloc(b->stack_count, sizeof *b->children);
	b->stacks = mmap(NULL, b->stack_count * sizeof *b->stacks, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (!b->pids || !b->children || b->stacks == MAP_FAILED)
		return -ENOMEM;
	return sigaction(SIGTERM, &action, NULL) < 0 ? -errno : 0;
}

static bool parse_options(struct bare *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "parallel", no_argument, NULL, 'P' },
		{ "session", no_argument, NULL, 's' },
		{ "pidfiles", required_argument, NULL, 'p' },
		{ 0 },
	};
	int64_t count;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'P')
			b->parallel = true;
		else if (option == 's')
			b->session = true;
		else if (option == 'p')
			b->dir_fd = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (option == '?' || (option == 'p' && b->dir_fd < 0))
			return false;
	}
	if (argc - optind < 2 || parse_int(argv[optind], 1, PROGRAMS_MAX, &count) < 0)
		return false;
	b->count = (size_t)count;
	b->command = argv + optind + 1;
	return true;
}

int main(int argc, char **argv)
{
	struct bare b = { .dir_fd = -1 };

	if (!parse_options(&b, argc, argv)) {
		fputs("usage: bare [--parallel] [--session] [--pidfiles DIR] N COMMAND [ARG...]\n",
		      stderr);
		return STATUS_USAGE;
	}
	if (prepare(&b) < 0)
		return EXIT_FAILURE;
	run(&b);
	return 0;
}
