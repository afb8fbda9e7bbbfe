/* SPDX-License-Identifier: MIT */
/* The right order: while its zombie is there a PID cannot be given to another process, so
 * everything that tells it to others goes first. */
#include "os/reap.h"

#include <errno.h>
#include <sys/wait.h>

int reap_in_order(pid_t pid, siginfo_t *info, void (*before_reap)(void *context, uint32_t program),
                  void *context, uint32_t program)
{
	before_reap(context, program);
	return waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG) < 0 ? -errno : 0;
}
