/* SPDX-License-Identifier: MIT */
/* Learns that processes have ended.  The order is the point (P2): the status is known while the
 * zombie still holds its PID, the PID file goes, then the process is reaped.  Nothing in verger
 * calls waitpid(-1). */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "os/probe.h"

struct reaper;

struct reaper_exit {
	pid_t pid;
	int code; /* when signal is 0 */
	int signal;
	bool core_dumped;
};

struct reaper_handlers {
	/* the main process of `program` is dead and not yet reaped: take its PID file away */
	void (*before_reap)(void *context, uint32_t program);
	/* it is reaped; it is no longer watched */
	void (*exited)(void *context, uint32_t program, const struct reaper_exit *exit);
	/* some other child of ours (an orphan that came to us) is reaped */
	void (*orphan)(void *context, const struct reaper_exit *exit);
	/* children have changed state: families may want to look (once per wake-up, after all of
	 * the above) */
	void (*settled)(void *context);
	void *context;
};

/* Makes us the reaper of all our descendants (subreaper) and starts to listen for SIGCHLD on
 * `loop`.  `handlers` is copied.  NULL when memory is out. */
struct reaper *reaper_new(struct ev_loop *loop, const struct probe *probe,
                          const struct reaper_handlers *handlers);
void reaper_free(struct reaper *r);

/* Watches a child of ours as the main process of `program`.  pidfd is taken; -1 makes the reaper
 * open one where it can. 0 or negative errno. */
int reaper_watch(struct reaper *r, uint32_t program, pid_t pid, int pidfd);

/* The program whose main process this is; NO_PROGRAM otherwise. */
uint32_t reaper_find(const struct reaper *r, pid_t pid);

/* pidfd of the main process, borrowed; -1 when there is none. */
int reaper_pidfd(const struct reaper *r, uint32_t program);

/* Whether the main process is there and not dead at this moment: it may have died unheard of. */
bool reaper_is_alive(const struct reaper *r, uint32_t program);

/* For the end, when every process that came to us is dying or dead: reaps them, and waits for those
 * that are not dead yet, at most wait_ms (children that were there before us may never end). */
void reaper_drain(struct reaper *r, msec_t wait_ms);

/* While `urgent`, orphans are reaped in the wake-up that SIGCHLD causes: families wait for
 * something to be gone. */
void reaper_set_urgent(struct reaper *r, bool urgent);

/* Changes whenever a child was reaped: until then the PIDs of all our children mean what they
 * meant. */
uint64_t reaper_generation(const struct reaper *r);
