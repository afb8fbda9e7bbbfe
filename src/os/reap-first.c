/* SPDX-License-Identifier: MIT */
/* The wrong order, as most supervisors have it: from the reap to the end of before_reap the PID may
 * already belong to another process while the file still names it.  Never part of a release. */
#include "os/reap.h"

#include <errno.h>
#include <sys/wait.h>

int reap_in_order(pid_t pid, siginfo_t *info, void (*before_reap)(void *context, uint32_t program),
                  void *context, uint32_t program)
{
	int r = waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG) < 0 ? -errno : 0;

	before_reap(context, program);
	return r;
}
