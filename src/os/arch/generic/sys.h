/* SPDX-License-Identifier: MIT */
/* System calls through the C library, for machines without a file of their own here.  They touch
 * errno, so children get memory of their own (fork).  Included by rawcall.h only. */
#pragma once

#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SYS_PARALLEL 0

static inline long sys_result(long result)
{
	return result < 0 ? -errno : result;
}

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	return sys_result(syscall(nr, a, b, c, d, e, f));
}

static inline long sys_clone3_call(struct clone_args *args, size_t size, int (*fn)(void *),
                                   void *arg)
{
	(void)args, (void)size, (void)fn, (void)arg;
	return -ENOSYS;
}

/* Not as bare calls: on some machines those take 16-bit ids. */
static inline long sys_setgroups(size_t count, const gid_t *groups)
{
	return sys_result(setgroups(count, groups));
}

static inline long sys_setresgid(gid_t gid)
{
	return sys_result(setresgid(gid, gid, gid));
}

static inline long sys_setresuid(uid_t uid)
{
	return sys_result(setresuid(uid, uid, uid));
}
