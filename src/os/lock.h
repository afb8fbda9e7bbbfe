/* SPDX-License-Identifier: MIT */
/* vergerd's own PID file: locked for life, so that a second vergerd on the same path is refused by
 * name. */
#pragma once

#include <sys/types.h>

struct lock {
	int fd; /* -1 = not held */
	int dir_fd;
	char *name; /* owned */
	ino_t inode;
};

#define LOCK_INIT                                                                                  \
	{                                                                                          \
		.fd = -1, .dir_fd = -1                                                             \
	}

/* Takes the lock and writes our PID; the file is never seen empty (P3).  A file that holds anything
 * but a number is left alone (-EINVAL).  0; -EWOULDBLOCK with *owner set when another process holds
 * it; or another negative errno (-ELOOP for a symlink, -EISDIR …). */
int lock_take(struct lock *l, const char *path, pid_t *owner);

/* Removes the file if it is still ours, and lets go. */
void lock_release(struct lock *l);
