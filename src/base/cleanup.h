/* SPDX-License-Identifier: MIT */
/* Scope cleanup for locals: memory and descriptors.  Hand a value on by setting the local to NULL
 * or -1. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Closes fd unless it is negative and returns -1: fd = fd_close(fd). */
static inline int fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_fd_   __attribute__((cleanup(cleanup_fd)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
