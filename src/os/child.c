/* SPDX-License-Identifier: MIT */
/* The child between clone and exec.  Decides nothing: the plan is complete.
 *
 * It shares memory, thread-local storage (errno!) and at first the descriptor table with a parent
 * and siblings that go on running.  So: raw system calls only, no call into the C library, no
 * writing but to its own stack and report, and nothing that can block. */
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "os/rawcall.h"

enum { SIGNAL_SET_SIZE = _NSIG / 8, NUMBER_TEXT_MAX = 16 };

/* a kernel signal set without members, a kernel sigaction that says SIG_DFL */
static const unsigned long zeroes[16];

/* With thousands of open descriptors a copy of the table would cost more than all the rest of a
 * start. */
CHILD_CODE static long own_descriptors(const struct child_job *job)
{
	long r = 0;

	if (job->shared_fds_from > 0)
		r = sys_call(SYS_close_range, job->shared_fds_from, ~0u, CLOSE_RANGE_UNSHARE);
	if (r == 0 && job->has_close_range)
		r = sys_call(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	return r;
}

CHILD_CODE static long reset_signals(const struct child_job *job)
{
	long r = 0;

	for (int signo = 1; signo <= 64 && r == 0; signo++)
		if (job->reset_signals >> (signo - 1) & 1)
			r = sys_call(SYS_rt_sigaction, signo, zeroes, NULL, SIGNAL_SET_SIZE);
	return r;
}

CHILD_CODE static long join_cgroup(const struct child_job *job)
{
	long fd, r;

	if (!job->joins_cgroup)
		return 0;
	fd = sys_call(SYS_openat, job->plan->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	r = sys_call(SYS_write, fd, "0", 1);
	sys_call(SYS_close, fd);
	return r < 0 ? r : 0;
}

/* SIGTTOU is blocked, so a process outside the foreground group may take the terminal. */
CHILD_CODE static long take_terminal(void)
{
	long r = sys_call(SYS_setpgid, 0, 0);
	int group = (int)sys_call(SYS_getpid);

	if (r == 0)
		sys_call(SYS_ioctl, 0, TIOCSPGRP, &group); /* not a terminal: nothing to take */
	return r;
}

CHILD_CODE static long start_session(const struct child_job *job)
{
	long r;

	if (job->plan->program->take_terminal)
		return take_terminal();
	r = sys_call(SYS_setsid);
	return r < 0 ? r : 0;
}

CHILD_CODE static long publish_pid(const struct child_job *job)
{
	if (!job->writes_pidfile)
		return 0;
	return pidfile_write(&job->plan->pidfile, (pid_t)sys_call(SYS_getpid),
	                     &job->report->pidfile);
}

/* A source below 3 that an earlier stream has replaced by the time it is needed. */
CHILD_CODE static bool is_overwritten(const int stdio[3], int target)
{
	int source = stdio[target];

	return source >= 0 && source < target && stdio[source] != source;
}

CHILD_CODE static long set_streams(const struct child_job *job)
{
	int source[3];
	long r;

	for (int i = 0; i < 3; i++) {
		r = job->plan->stdio[i];
		if (is_overwritten(job->plan->stdio, i))
			r = sys_call(SYS_fcntl, r, F_DUPFD_CLOEXEC, 3);
		if (r < 0)
			return r;
		source[i] = (int)r;
	}
	for (int i = 0; i < 3; i++) {
		if (source[i] == i)
			r = sys_call(SYS_fcntl, i, F_SETFD, 0);
		else
			r = sys_call(SYS_dup3, source[i], i, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

CHILD_CODE static long set_umask(const struct child_job *job)
{
	if (job->plan->program->umask_value >= 0)
		sys_call(SYS_umask, job->plan->program->umask_value);
	return 0;
}

CHILD_CODE static long set_nice(const struct child_job *job)
{
	if (!job->plan->program->nice_set)
		return 0;
	return sys_call(SYS_setpriority, PRIO_PROCESS, 0, job->plan->program->nice_value);
}

CHILD_CODE static long set_oom_score(const struct child_job *job)
{
	int value = job->plan->program->oom_score_adj;
	char text[NUMBER_TEXT_MAX];
	char *p = text + sizeof text;
	long fd, r;

	if (!job->plan->program->oom_set)
		return 0;
	for (int rest = value < 0 ? -value : value; p == text + sizeof text || rest; rest /= 10)
		*--p = (char)('0' + rest % 10);
	if (value < 0)
		*--p = '-';
	fd = sys_call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	r = sys_call(SYS_write, fd, p, text + sizeof text - p);
	sys_call(SYS_close, fd);
	return r < 0 ? r : 0;
}

CHILD_CODE static long set_limits(const struct child_job *job)
{
	const struct limits *limits = job->plan->program->limits;
	long r = 0;

	if (job->plan->nofile)
		r = sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, job->plan->nofile, NULL);
	for (size_t i = 0; limits && i < limits->count && r == 0; i++) {
		const struct limit *limit = &limits->items[i];
		uint64_t pair[2]; /* struct rlimit64 */

		pair[0] = limit->soft;
		pair[1] = limit->hard_given ? limit->hard : limit->soft;
		r = sys_call(SYS_prlimit64, 0, limit->resource, pair, NULL);
	}
	return r;
}

CHILD_CODE static long set_groups(const struct child_job *job)
{
	const struct credentials *who = job->plan->program->credentials;

	return job->plan->changes_ids ? sys_setgroups(who->group_count, who->groups) : 0;
}

CHILD_CODE static long set_group(const struct child_job *job)
{
	const struct credentials *who = job->plan->program->credentials;

	return job->plan->changes_ids && who->set_group ? sys_setresgid(who->gid) : 0;
}

CHILD_CODE static long set_user(const struct child_job *job)
{
	const struct credentials *who = job->plan->program->credentials;

	return job->plan->changes_ids && who->set_user ? sys_setresuid(who->uid) : 0;
}

/* With the ids of the program: it must be allowed to be there. */
CHILD_CODE static long enter_directory(const struct child_job *job)
{
	return job->plan->dir_fd < 0 ? 0 : sys_call(SYS_fchdir, job->plan->dir_fd);
}

CHILD_CODE static long renounce_privileges(const struct child_job *job)
{
	return job->plan->program->no_new_privs
	               ? sys_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	               : 0;
}

/* What was sent meanwhile takes effect here, by default dispositions. */
CHILD_CODE static long unblock_signals(const struct child_job *job)
{
	(void)job;
	return sys_call(SYS_rt_sigprocmask, SIG_SETMASK, zeroes, NULL, SIGNAL_SET_SIZE);
}

CHILD_CODE static long become_program(const struct child_job *job)
{
	return sys_call(SYS_execve, job->plan->path, job->plan->argv, job->plan->envp);
}

static const struct {
	enum spawn_step step;
	long (*run)(const struct child_job *job); /* 0 or negative errno */
} steps[] = {
	{ SPAWN_STEP_PROCESS, own_descriptors },
	{ SPAWN_STEP_PROCESS, reset_signals },
	{ SPAWN_STEP_CGROUP, join_cgroup },
	{ SPAWN_STEP_SESSION, start_session },
	{ SPAWN_STEP_PIDFILE, publish_pid },
	{ SPAWN_STEP_STDIN, set_streams },
	{ SPAWN_STEP_PROCESS, set_umask },
	{ SPAWN_STEP_NICE, set_nice },
	{ SPAWN_STEP_OOM, set_oom_score },
	{ SPAWN_STEP_LIMITS, set_limits },
	{ SPAWN_STEP_GROUPS, set_groups },
	{ SPAWN_STEP_GROUP, set_group },
	{ SPAWN_STEP_USER, set_user },
	{ SPAWN_STEP_DIRECTORY, enter_directory },
	{ SPAWN_STEP_NO_NEW_PRIVS, renounce_privileges },
	{ SPAWN_STEP_PROCESS, unblock_signals },
	{ SPAWN_STEP_EXEC, become_program },
};

CHILD_CODE int child_run(void *argument)
{
	const struct child_job *job = argument;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		long r = steps[i].run(job);

		if (r < 0) {
			job->report->error = (int)-r;
			job->report->step = steps[i].step;
			break;
		}
	}
	for (;;)
		sys_call(SYS_exit_group, 127);
}
