/* SPDX-License-Identifier: MIT */
/* Makes the event loop.  Not libev's default loop: that one reaps children behind our back. */
#include "os/loop.h"

#include <stdlib.h>

/* Some centuries from now. */
#define FAR_FUTURE 1e10

static void on_far_future(struct ev_loop *loop, ev_periodic *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
}

struct ev_loop *loop_new(void)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	ev_periodic *far;

	if (!loop)
		return NULL;
	/* Without a periodic libev wakes up once a minute to see whether the clock was set; with
	 * one it has the kernel tell it. */
	far = malloc(sizeof *far);
	if (!far) {
		ev_loop_destroy(loop);
		return NULL;
	}
	ev_periodic_init(far, on_far_future, FAR_FUTURE, 0., NULL);
	ev_periodic_start(loop, far);
	ev_set_userdata(loop, far);
	return loop;
}

void loop_free(struct ev_loop *loop)
{
	ev_periodic *far;

	if (!loop)
		return;
	far = ev_userdata(loop);
	ev_periodic_stop(loop, far);
	ev_loop_destroy(loop);
	free(far);
}
