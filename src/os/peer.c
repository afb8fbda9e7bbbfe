/* SPDX-License-Identifier: MIT */
/* Asks the kernel about the other end. */
#include "os/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The kernel takes 65536 groups at most. */
enum { GROUPS_SIZE_MAX = 65536 * sizeof(gid_t) };

static void read_groups(struct peer *p, int fd)
{
	socklen_t size = 0;
	gid_t none;

	/* with no room at all it says how much is needed */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &none, &size) == 0 || errno != ERANGE ||
	    size > GROUPS_SIZE_MAX)
		return;
	p->groups = malloc(size);
	if (p->groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &size) == 0)
		p->group_count = size / sizeof *p->groups;
}

int peer_read(struct peer *p, int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;

	*p = (struct peer){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -errno;
	p->pid = who.pid;
	p->uid = who.uid;
	p->gid = who.gid;
	read_groups(p, fd);
	return 0;
}

void peer_release(struct peer *p)
{
	free(p->groups);
	*p = (struct peer){ 0 };
}
