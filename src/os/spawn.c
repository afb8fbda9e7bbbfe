/* SPDX-License-Identifier: MIT */
/* A ring of children between clone and exec.  Knows nothing of what a program is; child.c does the
 * work in the child.
 *
 * The kernel tells when a child is done with our memory: with CLONE_CHILD_CLEARTID it zeroes a word
 * of the slot and wakes its futex as soon as the child has exec'ed or is exiting.  Only then are
 * the slot's stack and plan used again, and only a report that names a step tells a failure from an
 * exec. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/child.h"
#include "os/rawcall.h"

enum {
	SLOTS_PER_CPU = 4, /* docs/adr/0003 */
	SLOTS_MIN = 4,
	SLOTS_MAX = 16,
	STACK_SIZE = 16 * 1024, /* a child uses less than a page of it */
	EXEC_DEADLINE_S =
		10, /* a binary on a file server that does not answer must not hold us for good */
	/* pidfds live long and are many: they stay out of the low numbers that children get a copy
	   of */
	PIDFD_FLOOR = 64,
};

struct slot {
	_Atomic uint32_t in_flight; /* zeroed by the kernel */
	struct child_report report;
	struct child_job job;
	struct spawn_plan plan;
	uint32_t program;
	pid_t pid; /* 0 = could not be made */
	int pidfd;
	int pipe_fd; /* SPAWN_FORK: closes when the child is done */
	char *stack;
};

struct spawner {
	enum spawn_mode mode;
	bool has_pidfd, has_close_range;
	spawner_done *done;
	void *context;
	uint64_t reset_signals;
	bool was_dumpable;

	struct slot *slots; /* shared with children that have a copy of our memory */
	char *stacks;
	size_t page_size, slot_count;
	size_t first, pending; /* slots in use, in the order of the starts */

	bool batch; /* signals are blocked */
	bool lost_dumpable;
	sigset_t saved_mask;
};

/* An exec keeps what is ignored; and until then no handler of ours may run in a child, which clone3
 * sees to itself. */
static uint64_t signals_to_reset(enum spawn_mode mode)
{
	uint64_t set = 0;

	for (int signo = 1; signo <= 64; signo++) {
		struct sigaction action;
		bool needed = true;

		/* it fails for two that the C library hides, and that its posix_spawn leaves
		 * ignored */
		if (sigaction(signo, NULL, &action) == 0)
			needed = mode == SPAWN_CLONE3 ? action.sa_handler == SIG_IGN
			                              : action.sa_handler != SIG_DFL;
		if (needed)
			set |= (uint64_t)1 << (signo - 1);
	}
	return set;
}

static size_t choose_slot_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) * SLOTS_PER_CPU;

	if (n < SLOTS_MIN)
		return SLOTS_MIN;
	return n > SLOTS_MAX ? SLOTS_MAX : (size_t)n;
}

/* NULL when memory is out */
static void *map_memory(size_t size, int protection, int flags)
{
	/* cppcheck-suppress invalidFunctionArg; anonymous memory has no descriptor */
	void *p = mmap(NULL, size, protection, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	return p;
}

/* every stack has a page below it that cannot be touched */
static int map_stacks(struct spawner *sp)
{
	size_t stride = sp->page_size + STACK_SIZE;

	sp->stacks = map_memory(stride * sp->slot_count, PROT_NONE,
	                        MAP_PRIVATE | MAP_STACK | MAP_NORESERVE);
	if (!sp->stacks)
		return -ENOMEM;
	for (size_t i = 0; i < sp->slot_count; i++) {
		sp->slots[i].stack = sp->stacks + stride * i + sp->page_size;
		if (mprotect(sp->slots[i].stack, STACK_SIZE, PROT_READ | PROT_WRITE) < 0)
			return -errno;
	}
	return 0;
}

static int map_slots(struct spawner *sp)
{
	sp->slots =
		map_memory(sp->slot_count * sizeof *sp->slots, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!sp->slots)
		return -ENOMEM;
	return sp->mode == SPAWN_FORK ? 0 : map_stacks(sp);
}

struct spawner *spawner_new(const struct probe *probe, spawner_done *done, void *context)
{
	struct spawner *sp = calloc(1, sizeof *sp);

	if (!sp)
		return NULL;
	sp->mode = SYS_PARALLEL ? probe->spawn_mode : SPAWN_FORK;
	sp->has_pidfd = probe->pidfd;
	sp->has_close_range = probe->close_range;
	sp->done = done;
	sp->context = context;
	sp->reset_signals = signals_to_reset(sp->mode);
	sp->was_dumpable = prctl(PR_GET_DUMPABLE) == 1;
	sp->page_size = (size_t)sysconf(_SC_PAGESIZE);
	sp->slot_count = choose_slot_count();
	if (map_slots(sp) < 0) {
		spawner_free(sp);
		return NULL;
	}
	return sp;
}

void spawner_free(struct spawner *sp)
{
	if (!sp)
		return;
	spawner_finish(sp);
	if (sp->stacks)
		munmap(sp->stacks, (sp->page_size + STACK_SIZE) * sp->slot_count);
	if (sp->slots)
		munmap(sp->slots, sp->slot_count * sizeof *sp->slots);
	free(sp);
}

static bool shares_memory(const struct spawner *sp)
{
	return sp->mode != SPAWN_FORK;
}

/* ---- making a child ---- */

/* Descriptors from here on are of no use to the child. */
static int first_useless_fd(const struct spawn_plan *plan)
{
	int max = 2;

	for (int i = 0; i < 3; i++)
		if (plan->stdio[i] > max)
			max = plan->stdio[i];
	if (plan->dir_fd > max)
		max = plan->dir_fd;
	if (plan->pidfile.dir_fd > max)
		max = plan->pidfile.dir_fd;
	if (plan->cgroup_fd > max)
		max = plan->cgroup_fd;
	return max + 1;
}

/* The descriptor table is shared when the child can get rid of it without copying all of it. */
static bool shares_descriptors(const struct spawner *sp)
{
	return shares_memory(sp) && sp->has_close_range;
}

static uint64_t clone_flags(const struct spawner *sp, const struct slot *slot)
{
	uint64_t flags = CLONE_VM | CLONE_CHILD_CLEARTID;

	if (sp->has_pidfd)
		flags |= CLONE_PIDFD;
	if (shares_descriptors(sp))
		flags |= CLONE_FILES;
	/* The kernel gives a new oom_score_adj to every process with the same memory, us included,
	 * except to the parent of a vfork. */
	if (slot->plan.program->oom_set)
		flags |= CLONE_VFORK;
	return flags;
}

/* The PID, or negative errno. */
static long make_by_clone3(const struct spawner *sp, struct slot *slot)
{
	struct clone_args args = {
		.flags = clone_flags(sp, slot) | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&slot->pidfd,
		.child_tid = (uintptr_t)&slot->in_flight,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)slot->stack,
		.stack_size = STACK_SIZE,
	};

	if (slot->plan.cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (__u64)slot->plan.cgroup_fd;
	}
	return sys_clone3_call(&args, sizeof args, child_run, &slot->job);
}

static long make_by_clone(const struct spawner *sp, struct slot *slot)
{
	int flags = (int)clone_flags(sp, slot) | SIGCHLD;
	int pid = clone(child_run, slot->stack + STACK_SIZE, flags, &slot->job, &slot->pidfd, NULL,
	                &slot->in_flight);

	return pid < 0 ? -errno : pid;
}

static long make_by_fork(const struct spawner *sp, struct slot *slot)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child_run(&slot->job);
	slot->pipe_fd = ends[0];
	if (pid < 0) {
		pid = -errno;
		slot->pipe_fd = fd_close(ends[0]);
	} else if (sp->has_pidfd) {
		slot->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	}
	close(ends[1]);
	return pid;
}

static long make_child(const struct spawner *sp, struct slot *slot)
{
	switch (sp->mode) {
	case SPAWN_CLONE3: return make_by_clone3(sp, slot);
	case SPAWN_CLONE: return make_by_clone(sp, slot);
	case SPAWN_FORK: return make_by_fork(sp, slot);
	}
	return -ENOSYS;
}

static void fill_slot(const struct spawner *sp, struct slot *slot, uint32_t program,
                      struct spawn_plan *plan)
{
	bool parallel = shares_memory(sp);

	slot->plan = *plan;
	*plan = (struct spawn_plan){ .dir_fd = -1, .cgroup_fd = -1, .pidfile.dir_fd = -1 };
	slot->report = (struct child_report){ 0 };
	slot->job = (struct child_job){
		.plan = &slot->plan,
		.report = &slot->report,
		.reset_signals = sp->reset_signals,
		.writes_pidfile = slot->plan.pidfile.dir_fd >= 0,
		.joins_cgroup = sp->mode != SPAWN_CLONE3 && slot->plan.cgroup_fd >= 0,
		.has_close_range = sp->has_close_range,
		.shared_fds_from = shares_descriptors(sp) ? first_useless_fd(&slot->plan) : 0,
	};
	slot->program = program;
	slot->pidfd = -1;
	slot->pipe_fd = -1;
	atomic_store_explicit(&slot->in_flight, parallel, memory_order_relaxed);
}

/* EAGAIN and ENOMEM speak of processes; anything else clone3 says of a cgroup it was given. */
static enum spawn_step refused_step(const struct spawner *sp, const struct slot *slot, int error)
{
	bool cgroup = sp->mode == SPAWN_CLONE3 && slot->plan.cgroup_fd >= 0;

	return cgroup && error != EAGAIN && error != ENOMEM ? SPAWN_STEP_CGROUP
	                                                    : SPAWN_STEP_PROCESS;
}

static void launch(struct spawner *sp, struct slot *slot)
{
	long pid = make_child(sp, slot);

	if (slot->plan.changes_ids && shares_memory(sp))
		sp->lost_dumpable = true;
	slot->pid = pid < 0 ? 0 : (pid_t)pid;
	if (pid > 0)
		return;
	slot->report.error = (int)-pid;
	slot->report.step = refused_step(sp, slot, (int)-pid);
	slot->pidfd = -1;
	atomic_store_explicit(&slot->in_flight, 0, memory_order_relaxed);
}

/* ---- waiting for it ---- */

/* 0, or -ETIMEDOUT. */
static int wait_for_word(struct slot *slot, const struct timespec *timeout)
{
	while (atomic_load_explicit(&slot->in_flight, memory_order_acquire))
		if (syscall(SYS_futex, &slot->in_flight, FUTEX_WAIT, 1, timeout, NULL, 0) < 0 &&
		    errno == ETIMEDOUT)
			return -ETIMEDOUT;
	return 0;
}

static int wait_for_pipe(struct slot *slot, int timeout_ms)
{
	struct pollfd end = { .fd = slot->pipe_fd };
	int n;

	do
		n = poll(&end, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n == 0 ? -ETIMEDOUT : 0;
}

/* Waits until the child has exec'ed or is gone, and kills it when that takes too long. */
static void wait_for_exec(const struct spawner *sp, struct slot *slot)
{
	const struct timespec deadline = { .tv_sec = EXEC_DEADLINE_S };
	bool forked = sp->mode == SPAWN_FORK;
	int r;

	if (!slot->pid)
		return;
	r = forked ? wait_for_pipe(slot, EXEC_DEADLINE_S * 1000) : wait_for_word(slot, &deadline);
	if (r == -ETIMEDOUT) {
		kill(slot->pid, SIGKILL);
		(void)(forked ? wait_for_pipe(slot, -1) : wait_for_word(slot, NULL));
		slot->report.step = SPAWN_STEP_EXEC;
		slot->report.error = ETIMEDOUT;
	}
	slot->pipe_fd = fd_close(slot->pipe_fd);
}

/* A failed child leaves nothing: first its PID file goes, then the process (P2). */
static void bury(struct slot *slot)
{
	siginfo_t info;

	if (slot->report.pidfile.inode)
		(void)pidfile_remove(slot->plan.pidfile.dir_fd, slot->plan.pidfile.name,
		                     &slot->report.pidfile);
	slot->report.pidfile = (struct pidfile_identity){ 0 };
	if (slot->pid)
		while (waitid(P_PID, (id_t)slot->pid, &info, WEXITED) < 0 && errno == EINTR)
			;
	slot->pidfd = fd_close(slot->pidfd);
	slot->pid = 0;
}

static int lift(int fd)
{
	int lifted;

	if (fd < 0 || fd >= PIDFD_FLOOR)
		return fd;
	lifted = fcntl(fd, F_DUPFD_CLOEXEC, PIDFD_FLOOR);
	if (lifted < 0)
		return fd;
	close(fd);
	return lifted;
}

/* Delivers the result of the oldest start. */
static void settle_first(struct spawner *sp)
{
	struct slot *slot = &sp->slots[sp->first];
	struct spawn_result result;

	wait_for_exec(sp, slot);
	result.detail[0] = '\0';
	if (slot->report.step != SPAWN_STEP_NONE) {
		bury(slot);
		spawn_plan_explain(&slot->plan, slot->report.step, slot->report.error,
		                   result.detail);
	}
	result.program = slot->program;
	result.pid = slot->pid;
	result.pidfd = shares_descriptors(sp) ? lift(slot->pidfd) : slot->pidfd;
	result.step = slot->report.step;
	result.error = slot->report.error;
	result.pidfile = slot->report.pidfile;
	spawn_plan_release(&slot->plan);
	sp->first = (sp->first + 1) % sp->slot_count;
	sp->pending--;
	sp->done(sp->context, &result);
}

/* ---- batches ---- */

/* A signal that arrives while a child shares our memory must find neither a handler of ours in the
 * child nor be lost. */
static void begin_batch(struct spawner *sp)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &sp->saved_mask);
	if (sp->mode != SPAWN_CLONE3)
		sp->reset_signals =
			signals_to_reset(sp->mode); /* handlers come and go with watchers */
	sp->batch = true;
}

void spawner_start(struct spawner *sp, uint32_t program, struct spawn_plan *plan)
{
	struct slot *slot;

	if (!sp->batch)
		begin_batch(sp);
	if (sp->pending == sp->slot_count)
		settle_first(sp);
	slot = &sp->slots[(sp->first + sp->pending) % sp->slot_count];
	fill_slot(sp, slot, program, plan);
	sp->pending++;
	launch(sp, slot);
}

void spawner_finish(struct spawner *sp)
{
	if (!sp->batch)
		return;
	while (sp->pending)
		settle_first(sp);
	sp->first = 0; /* few starts touch few slots */
	if (sp->lost_dumpable && sp->was_dumpable)
		prctl(PR_SET_DUMPABLE,
		      1); /* a change of ids in shared memory has cleared it: no core dumps of us */
	sp->lost_dumpable = false;
	sp->batch = false;
	sigprocmask(SIG_SETMASK, &sp->saved_mask, NULL);
}
