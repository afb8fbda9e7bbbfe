/* SPDX-License-Identifier: MIT */
/* Tries what the kernel and the sandbox allow, on children that are thrown away at once.  All
 * signals are blocked meanwhile: some of these children share our memory. */
#include "os/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup.h"
#include "os/rawcall.h"

/* Newer than the headers verger is built with. */
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { PROBE_STACK_SIZE = 64 * 1024, PROBE_PATIENCE_MS = 1000 };

static const char *const mode_names[] = {
	[SPAWN_CLONE3] = "clone3",
	[SPAWN_CLONE] = "clone",
	[SPAWN_FORK] = "fork",
};

CHILD_CODE static int leave_at_once(void *unused)
{
	(void)unused;
	sys_call(SYS_exit, 0);
	return 0;
}

/* Waits to be killed, and not for ever. */
CHILD_CODE static int linger(void *unused)
{
	struct timespec patience = { .tv_sec = PROBE_PATIENCE_MS / 1000 };

	sys_call(SYS_ppoll, 0, 0, &patience, 0, 0);
	return leave_at_once(unused);
}

/* Makes a child on `stack`; its PID or negative errno. */
static long try_clone3(void *stack, uint64_t flags, int cgroup_fd, int (*run)(void *))
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_CLEAR_SIGHAND | flags,
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = PROBE_STACK_SIZE,
		.cgroup = (unsigned)cgroup_fd,
	};

	return sys_clone3_call(&args, sizeof args, run, NULL);
}

static long try_clone(void *stack)
{
	int pid = clone(leave_at_once, (char *)stack + PROBE_STACK_SIZE, CLONE_VM | SIGCHLD, NULL);

	return pid < 0 ? -errno : pid;
}

static enum spawn_mode mode_asked_for(void)
{
	const char *name = getenv("VERGER_SPAWN");

	for (enum spawn_mode mode = SPAWN_CLONE3; name && mode <= SPAWN_FORK; mode++)
		if (strcmp(name, mode_names[mode]) == 0)
			return mode;
	return SPAWN_CLONE3;
}

/* Finds the best way to make children.  The last child made, not reaped yet; negative errno when
 * there is none. */
static pid_t probe_spawn(struct probe *p, void *stack)
{
	long pid = -ENOSYS;

	p->spawn_mode = mode_asked_for();
	if (p->spawn_mode != SPAWN_CLONE3)
		snprintf(p->spawn_reason, sizeof p->spawn_reason, "VERGER_SPAWN asks for it");
	if (!SYS_PARALLEL && p->spawn_mode != SPAWN_FORK) {
		p->spawn_mode = SPAWN_FORK;
		snprintf(p->spawn_reason, sizeof p->spawn_reason,
		         "verger has no system calls of its own for this machine");
	}
	if (p->spawn_mode == SPAWN_CLONE3) {
		pid = try_clone3(stack, 0, 0, leave_at_once);
		if (pid > 0)
			return (pid_t)pid;
		p->spawn_mode = SPAWN_CLONE;
		snprintf(p->spawn_reason, sizeof p->spawn_reason, "clone3 is refused: %s",
		         strerror((int)-pid));
	}
	if (p->spawn_mode == SPAWN_CLONE) {
		pid = try_clone(stack);
		if (pid > 0)
			return (pid_t)pid;
		p->spawn_mode = SPAWN_FORK;
		snprintf(p->spawn_reason, sizeof p->spawn_reason,
		         "children that share our memory are refused: %s", strerror((int)-pid));
	}
	pid = fork();
	if (pid == 0)
		_exit(0);
	return pid < 0 ? -errno : (pid_t)pid;
}

/* Whether a pidfd of `pid`, a child that is about to end, can be had, waited for and signalled by.
 */
static bool probe_pidfd(pid_t pid)
{
	const char *wish = getenv("VERGER_PIDFD");
	_cleanup_fd_ int fd = -1;
	struct pollfd readable;
	siginfo_t info = { 0 };

	if (wish && strcmp(wish, "no") == 0)
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return false;
	readable = (struct pollfd){ .fd = fd, .events = POLLIN };
	return poll(&readable, 1, PROBE_PATIENCE_MS) == 1 &&
	       waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;
}

static bool probe_close_range(void)
{
	return syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool probe_subreaper(void)
{
	int before = 0;

	if (getpid() == 1)
		return true;
	if (prctl(PR_GET_CHILD_SUBREAPER, &before, 0, 0, 0) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return false;
	prctl(PR_SET_CHILD_SUBREAPER, before, 0, 0, 0);
	return true;
}

static bool probe_children(void)
{
	char path[64];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* Starts a child in the group and kills it through the group.  0 or negative errno. */
static int try_group(int dir_fd, const char *name, void *stack)
{
	_cleanup_fd_ int fd = cgroup_open(dir_fd, name);
	siginfo_t info = { 0 };
	long pid;
	int r;

	if (fd < 0)
		return fd;
	pid = try_clone3(stack, CLONE_INTO_CGROUP, fd, linger);
	if (pid < 0)
		return (int)pid;
	r = cgroup_kill(dir_fd, name);
	if (r)
		kill((pid_t)pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED);
	return r;
}

static void probe_cgroup(struct probe *p, void *stack)
{
	const char *wish = getenv("VERGER_CGROUP");
	_cleanup_free_ char *own = NULL;
	_cleanup_fd_ int dir_fd = -1;
	char name[CGROUP_NAME_MAX];
	int r;

	if (wish && strcmp(wish, "no") == 0) {
		snprintf(p->cgroup_reason, sizeof p->cgroup_reason, "VERGER_CGROUP forbids it");
		return;
	}
	if (p->spawn_mode != SPAWN_CLONE3) {
		/* moving a process costs it a wait of 6 to 20 ms for the kernel's readers */
		snprintf(p->cgroup_reason, sizeof p->cgroup_reason,
		         "without clone3 nothing can be started inside of one");
		return;
	}
	own = cgroup_own(p->cgroup_reason);
	if (!own)
		return;
	snprintf(name, sizeof name, "verger-probe-%d", (int)getpid());
	dir_fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir_fd < 0 ? -errno : cgroup_make(dir_fd, name);
	if (!r) {
		r = try_group(dir_fd, name, stack);
		cgroup_remove(dir_fd, name);
	}
	if (r) {
		snprintf(p->cgroup_reason, sizeof p->cgroup_reason, "%.100s: %s", own,
		         strerror(-r));
		return;
	}
	p->cgroup_kill = true;
	p->cgroup_dir = own;
	own = NULL;
}

void probe_run(struct probe *p)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
	/* cppcheck-suppress invalidFunctionArg; anonymous memory has no descriptor */
	void *stack = mmap(NULL, PROBE_STACK_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	sigset_t all, before;
	siginfo_t info;
	pid_t pid;

	*p = (struct probe){ .spawn_mode = SPAWN_FORK };
	if (stack == MAP_FAILED)
		return;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = probe_spawn(p, stack);
	if (pid > 0) {
		p->pidfd = probe_pidfd(pid);
		waitid(P_PID, (id_t)pid, &info, WEXITED);
	}
	probe_cgroup(p, stack);
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(stack, PROBE_STACK_SIZE);
	p->close_range = probe_close_range();
	p->subreaper = probe_subreaper();
	p->children = probe_children();
}

void probe_release(struct probe *p)
{
	free(p->cgroup_dir);
	p->cgroup_dir = NULL;
}

static void print_line(FILE *out, const char *what, bool found, const char *yes, const char *no)
{
	fprintf(out, "%-14s %-4s %s\n", what, found ? "yes" : "no", found ? yes : no);
}

void probe_print(const struct probe *p, FILE *out)
{
	static const char *const mode_meanings[] = {
		[SPAWN_CLONE3] = "programs are started in parallel, without copying memory",
		[SPAWN_CLONE] = "programs are started in parallel, by the older call",
		[SPAWN_FORK] = "programs are started one after the other",
	};

	fprintf(out, "%-14s %s: %s%s%s\n", "start", mode_names[p->spawn_mode],
	        mode_meanings[p->spawn_mode], *p->spawn_reason ? "; " : "", p->spawn_reason);
	print_line(out, "pidfd", p->pidfd, "exits are told by the process itself",
	           "exits are found by looking at all children after SIGCHLD");
	print_line(out, "close_range", p->close_range,
	           "descriptors are closed for programs in one call",
	           "descriptors are closed for programs one by one");
	print_line(out, "subreaper", p->subreaper, "orphans of programs come to vergerd",
	           "orphans of programs are lost to PID 1 and cannot be stopped");
	print_line(out, "children file", p->children, "children are listed by the kernel",
	           "children are found by searching all of /proc");
	if (p->cgroup_dir)
		fprintf(out, "%-14s yes  one per program below %s; killed as a whole\n",
		        "control group", p->cgroup_dir);
	else
		fprintf(out, "%-14s no   families are followed process by process; %s\n",
		        "control group", p->cgroup_reason);
}
