/* SPDX-License-Identifier: MIT */
/* System calls on x86-64, as instructions.  Included by rawcall.h only. */
#pragma once

#include <linux/sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* Children may share our memory while they run. */
#define SYS_PARALLEL 1

CHILD_CODE static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory", "cc");
	return result;
}

/* clone3; the child calls fn(arg) on the stack named in `args` and must not return from it. */
static inline long sys_clone3_call(struct clone_args *args, size_t size, int (*fn)(void *),
                                   void *arg)
{
	register int (*child_fn)(void *) __asm__("r8") = fn;
	register void *child_arg __asm__("r9") = arg;
	long result;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "xor %%ebp, %%ebp\n\t" /* the outermost frame */
	                 "mov %[arg], %%rdi\n\t"
	                 "call *%[fn]\n\t"
	                 "hlt\n"
	                 "1:"
	                 : "=a"(result)
	                 : "a"(SYS_clone3), "D"(args),
	                   "S"(size), [fn] "r"(child_fn), [arg] "r"(child_arg)
	                 : "rcx", "r11", "memory", "cc");
	return result;
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
