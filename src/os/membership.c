/* SPDX-License-Identifier: MIT */
/* Lists and signals the processes of a program.  How a PID is kept from meaning a stranger between
 * the list and the signal is the business of kin.c and grouptree.c. */
#include "os/membership.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int signal_main(const struct membership *m, pid_t main_pid, int signo)
{
	int pidfd = reaper_pidfd(m->reaper, m->program);

	if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0)
		return 1;
	/* our child, not reaped: the number is still its own */
	return kill(main_pid, signo) < 0 ? -errno : 1;
}

typedef bool member_filter(const struct membership *m, pid_t pid);

static bool is_anyone(const struct membership *m, pid_t pid)
{
	(void)m;
	(void)pid;
	return true;
}

static bool is_of_group(const struct membership *m, pid_t pid)
{
	pid_t group = kin_group(m->kin, m->program);

	return group && getpgid(pid) == group;
}

static bool is_stopped(const struct membership *m, pid_t pid)
{
	struct proc_stat stat;

	(void)m;
	return proc_stat_read(pid, &stat) == 0 && stat.state == 'T';
}

static int signal_grouped(const struct membership *m, int signo, member_filter *filter)
{
	struct pid_list members = PID_LIST_INIT;
	int r = grouptree_members(m->groups, m->program, &members), count = 0;

	for (size_t i = 0; i < members.count; i++)
		if (filter(m, members.items[i]))
			count += grouptree_signal(m->groups, m->program, members.items[i], signo) ==
			         0;
	pid_list_release(&members);
	return count ? count : r;
}

static int signal_kin(const struct membership *m, int signo, member_filter *filter)
{
	struct kin_members members = KIN_MEMBERS_INIT;
	int r = kin_tree(m->kin, m->program, &members), count = 0;

	for (size_t i = 0; i < members.count; i++)
		if (filter(m, members.items[i].pid))
			count += kin_signal(m->kin, m->program, &members.items[i], signo) == 0;
	kin_members_release(&members);
	return count ? count : r;
}

static int signal_members(const struct membership *m, int signo, member_filter *filter)
{
	return m->groups ? signal_grouped(m, signo, filter) : signal_kin(m, signo, filter);
}

int membership_signal(const struct membership *m, int signo, enum signal_scope scope)
{
	pid_t main_pid = kin_main(m->kin, m->program), group = kin_group(m->kin, m->program);

	switch (scope) {
	case SCOPE_MAIN:
		if (main_pid)
			return signal_main(m, main_pid, signo);
		break;
	case SCOPE_GROUP:
		if (!main_pid || !group) /* whose number it is is not sure: one by one */
			return signal_members(m, signo, is_of_group);
		return kill(-group, signo) < 0 ? -errno : 1;
	case SCOPE_TREE: break;
	}
	return signal_members(m, signo, is_anyone);
}

int membership_continue(const struct membership *m, enum signal_scope scope)
{
	pid_t main_pid = kin_main(m->kin, m->program);

	if (scope != SCOPE_MAIN || !main_pid)
		return signal_members(m, SIGCONT, is_stopped);
	return is_stopped(m, main_pid) ? signal_main(m, main_pid, SIGCONT) : 0;
}

void membership_list(const struct membership *m, struct pid_list *out)
{
	struct kin_members members = KIN_MEMBERS_INIT;

	if (m->groups) {
		grouptree_members(m->groups, m->program, out);
		return;
	}
	kin_tree(m->kin, m->program, &members);
	for (size_t i = 0; i < members.count; i++)
		pid_list_add(out, members.items[i].pid);
	kin_members_release(&members);
}

bool membership_has(const struct membership *m, pid_t pid)
{
	struct pid_list pids = PID_LIST_INIT;
	bool found = false;

	membership_list(m, &pids);
	for (size_t i = 0; i < pids.count && !found; i++)
		found = pids.items[i] == pid;
	pid_list_release(&pids);
	return found;
}

size_t membership_describe(const struct membership *m, struct family_member *out, size_t max)
{
	struct pid_list pids = PID_LIST_INIT;
	size_t count = 0;

	membership_list(m, &pids);
	for (size_t i = 0; i < pids.count; i++) {
		struct proc_stat stat;

		if (proc_stat_read(pids.items[i], &stat) || !proc_is_alive(pids.items[i], &stat))
			continue;
		if (count < max) {
			out[count] =
				(struct family_member){ .pid = pids.items[i], .state = stat.state };
			snprintf(out[count].name, sizeof out[count].name, "%s", stat.name);
		}
		count++;
	}
	pid_list_release(&pids);
	return count;
}
