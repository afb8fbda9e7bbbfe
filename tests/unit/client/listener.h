/* SPDX-License-Identifier: MIT */
/* A socket in a folder of its own, and a process that plays vergerd on it. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct listener {
	char folder[64];
	char path[512];
	int fd;
	pid_t player; /* 0 = nobody plays */
};

/* Opens the socket, `depth` folders of 100 letters down. */
void listener_open(struct listener *l, size_t depth);
void listener_close(struct listener *l);

/* A child takes one connection, reads a message up to its NUL, sends `size` bytes in pieces of
 * `piece`, and ends the connection, or keeps it until the test is over. */
void listener_play(struct listener *l, const char *bytes, size_t size, size_t piece, int keeps);
