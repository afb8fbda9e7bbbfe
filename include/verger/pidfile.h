/* SPDX-License-Identifier: MIT */
/* libverger: from a PID file to the process it names, without a race (contract P8).
 *
 * A number read from a file may have been given to another process by the time it is used.  A
 * pidfd (pidfd_open(2), Linux 5.3) cannot: opened by the recipe below it means the process the
 * file named, or nothing.  The recipe holds for files that are removed before the process is
 * reaped, as vergerd does (its contract P2); for files that other programs write it is better
 * than kill(2), but no proof. */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a pidfd (close-on-exec, owned by the caller) of the process that the PID file `path` names:
 * reads it, opens the pidfd, and looks at the path again; the same file with the same content
 * proves that the PID was the program's when the pidfd was opened.  *pid (may be NULL) gets the
 * number.
 *
 * Returns the descriptor, or negative errno:
 *   -ENOENT   there is no such file: the program does not run
 *   -ESRCH    the process is gone, or the file changed while it was looked at too often
 *   -EINVAL   it is no regular file or holds no PID
 *   -ELOOP    it is a symbolic link
 *   -ENOSYS   this kernel has no pidfds
 *   others of open(2), read(2), pidfd_open(2) */
int verger_pidfile_open(const char *path, pid_t *pid);

/* Sends `signo` (signal(7); 0 only looks) to the process of a PID file.  0, or negative errno as
 * above and of pidfd_send_signal(2) (-EPERM). */
int verger_pidfile_signal(const char *path, int signo);

/* Waits until the process of a pidfd has ended, at most timeout_ms (-1 = without end).  1 it
 * has, 0 it has not, or negative errno. */
int verger_pidfd_wait(int pidfd, int timeout_ms);

#ifdef __cplusplus
}
#endif
