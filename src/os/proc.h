/* SPDX-License-Identifier: MIT */
/* Readers of /proc: what a process is, what is below it, one variable of its environment.  They
 * tell what was true a moment ago; whoever signals by it has to know why the PID still means the
 * same process (see kin.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* PIDs in the order found. */
struct pid_list {
	pid_t *items; /* owned */
	size_t count;
	/* private */
	size_t capacity;
};

#define PID_LIST_INIT                                                                              \
	{                                                                                          \
		0                                                                                  \
	}

void pid_list_release(struct pid_list *list);
/* 0 or -ENOMEM. */
int pid_list_add(struct pid_list *list, pid_t pid);

/* Appends the numbers in a file of PIDs (children, cgroup.procs).  0 or negative errno. */
int pid_list_read(struct pid_list *list, int fd);

/* Orders them and leaves each once. */
void pid_list_make_unique(struct pid_list *list);

struct proc_stat {
	pid_t parent, group, session;
	char state;      /* R S D T Z … */
	char name[16];   /* comm */
	bool has_memory; /* false for one that is on its way out (and for threads of the kernel) */
	uint64_t start_ticks; /* since boot, in units of sysconf(_SC_CLK_TCK) */
};

/* 0, -ESRCH when there is no such process, or another negative errno. */
int proc_stat_read(pid_t pid, struct proc_stat *out);

/* Whether it still runs.  A leader in state Z lives on as long as one of its threads does. */
bool proc_is_alive(pid_t pid, const struct proc_stat *stat);

/* Appends the children of all threads of `pid`.  `by_file`: the kernel lists them (probe.children),
 * else all of /proc is searched.  0 or negative errno; a process that has gone has none. */
int proc_children(pid_t pid, bool by_file, struct pid_list *out);

/* How many processes the kernel has killed since boot because memory was out, on this machine; -1
 * when it does not tell (before 4.13, or without /proc). */
int64_t proc_oom_kills(void);

/* The value of `name` in the environment `pid` was exec'ed with, cut to `size`.  Its length,
 * -ENOENT when it is not there, or another negative errno (-EACCES, -ESRCH). */
int proc_environ_find(pid_t pid, const char *name, char *value, size_t size);
