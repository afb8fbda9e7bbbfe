/* SPDX-License-Identifier: MIT */
/* Going to the background (`vergerd --daemon`): the starter waits until the daemon says how its
 * start went. */
#pragma once

/* Makes descriptors 0, 1, 2 exist (on /dev/null where they were closed), so that no file we open
 * lands there. */
int daemonize_ensure_stdio(void);

/* Forks.  In the starter it never returns: it prints what the daemon reports to standard error and
 * exits with the status reported (1 if the daemon died without a report).  In the daemon, in a
 * session of its own, with / as working directory unless `keep_directory`, it returns a descriptor
 * for daemonize_report; negative errno when fork failed. */
int daemonize_start(int keep_directory);

/* Reports once; closes the descriptor.  After a good report standard streams go to /dev/null,
 * except standard error when `keep_stderr`. */
void daemonize_report(int fd, int status, const char *message, int keep_stderr);
