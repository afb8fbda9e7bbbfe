/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a unix socket, as the kernel noted it when the connection was made
 * (unix(7) SO_PEERCRED, SO_PEERGROUPS). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary groups; owned */
	size_t group_count;
};

/* 0 or negative errno.  Groups that cannot be told are none. */
int peer_read(struct peer *p, int fd);
void peer_release(struct peer *p);
