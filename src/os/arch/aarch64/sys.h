/* SPDX-License-Identifier: MIT */
/* System calls on 64-bit ARM, as instructions.  Included by rawcall.h only. */
#pragma once

#include <linux/sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* Children may share our memory while they run. */
#define SYS_PARALLEL 1

CHILD_CODE static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	                 : "memory", "cc");
	return x0;
}

/* clone3; the child calls fn(arg) on the stack named in `args` and must not return from it. */
static inline long sys_clone3_call(struct clone_args *args, size_t size, int (*fn)(void *),
                                   void *arg)
{
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = (long)size;
	register int (*child_fn)(void *) __asm__("x2") = fn;
	register void *child_arg __asm__("x3") = arg;

	__asm__ volatile("svc #0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "mov x29, xzr\n\t" /* the outermost frame */
	                 "mov x0, %[arg]\n\t"
	                 "blr %[fn]\n\t"
	                 "brk #1\n"
	                 "1:"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), [fn] "r"(child_fn), [arg] "r"(child_arg)
	                 : "memory", "cc");
	return x0;
}

CHILD_CODE static inline long sys_setgroups(size_t count, const gid_t *groups)
{
	return sys_call6(SYS_setgroups, (long)count, (long)groups, 0, 0, 0, 0);
}

CHILD_CODE static inline long sys_setresgid(gid_t gid)
{
	return sys_call6(SYS_setresgid, (long)gid, (long)gid, (long)gid, 0, 0, 0);
}

CHILD_CODE static inline long sys_setresuid(uid_t uid)
{
	return sys_call6(SYS_setresuid, (long)uid, (long)uid, (long)uid, 0, 0, 0);
}
