/* SPDX-License-Identifier: MIT */
/* Finds the daemon that a launcher left behind.  The kernel is asked, not the file: a number that
 * somebody wrote is no more than a hint whom to ask about. */
#include "os/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/pidfile.h"

enum {
	GUESS_MS = 50, /* a daemon is guessed after having been the only candidate that long */
	STAMP_SLACK_US = 20000, /* file systems stamp with a clock that ticks coarsely */
};

enum verdict { IS_MAIN, NOT_YET, IS_STRANGER };

/* Whether the number that a file tells may be believed. */
static enum verdict judge(const struct membership *m, pid_t pid)
{
	siginfo_t info = { 0 };
	struct proc_stat stat;

	if (pid <= 1 || pid == getpid() || reaper_find(m->reaper, pid) != NO_PROGRAM)
		return IS_STRANGER;
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		/* not our child: a stranger, unless a parent in between is only about to end */
		return membership_has(m, pid) ? NOT_YET : IS_STRANGER;
	if (info.si_pid == pid || proc_stat_read(pid, &stat))
		return NOT_YET; /* dead already: another may follow */
	if (stat.start_ticks < kin_start_ticks(m->kin, m->program))
		return IS_STRANGER;
	return kin_may_belong(m->kin, pid, m->program) ? IS_MAIN : IS_STRANGER;
}

/* The number in the file; 0 while there is none that was written since the start. */
static pid_t read_told(const struct launch *l, const char *main_pid_file)
{
	struct stat st;
	pid_t pid;

	if (stat(main_pid_file, &st) < 0 ||
	    st.st_mtim.tv_sec * 1000000LL + st.st_mtim.tv_nsec / 1000 <
	            l->started_us - STAMP_SLACK_US)
		return 0;
	pid = pidfile_read(AT_FDCWD, main_pid_file);
	return pid < 0 ? 0 : pid;
}

struct candidates {
	uint32_t program;
	pid_t pid;
	size_t count;
};

static bool on_candidate(void *context, pid_t pid, uint32_t program)
{
	struct candidates *candidates = context;

	if (program == candidates->program) {
		candidates->pid = pid;
		candidates->count++;
	}
	return true;
}

/* The only child of ours that is of the program, once it has been that for a moment: in between a
 * double fork the process that is about to end is the only one as well. */
static pid_t guess_main(struct launch *l, const struct membership *m)
{
	struct candidates candidates = { .program = m->program };
	msec_t now = clock_monotonic_ms();

	if (!kin_look(m->kin, on_candidate, &candidates) || candidates.count != 1) {
		l->guess = 0;
		return 0;
	}
	if (l->guess != candidates.pid) {
		l->guess = candidates.pid;
		l->guessed_ms = now;
		return 0;
	}
	return now - l->guessed_ms >= GUESS_MS ? l->guess : 0;
}

pid_t launch_find_main(struct launch *l, const struct membership *m, const char *main_pid_file,
                       pid_t *told)
{
	pid_t pid = main_pid_file ? read_told(l, main_pid_file) : guess_main(l, m);

	*told = pid;
	if (!pid)
		return 0;
	switch (judge(m, pid)) {
	case IS_MAIN: return pid;
	case IS_STRANGER: return -EPERM;
	case NOT_YET: break;
	}
	return 0;
}
