/* SPDX-License-Identifier: MIT */
/* The event loop as verger wants it: an own libev loop on epoll, deaf to LIBEV_FLAGS, that never
 * wakes up while nothing happens. */
#pragma once

#include <ev.h>

/* A new loop, or NULL (errno set by the C library).  Call it after daemonizing: a loop does not
 * survive fork.  Its userdata is taken. */
struct ev_loop *loop_new(void);
void loop_free(struct ev_loop *loop);
