/* SPDX-License-Identifier: MIT */
/* The order of the last two steps of a main process's life.  Two files define this function:
 * reap-last.c, and reap-first.c, which is wrong on purpose and linked by a test only, so that the
 * test of promise P2 can be seen to fail. */
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls before_reap(context, program) and reaps the dead child `pid`, whose status goes to *info.
 * 0 or negative errno. */
int reap_in_order(pid_t pid, siginfo_t *info, void (*before_reap)(void *context, uint32_t program),
                  void *context, uint32_t program);
