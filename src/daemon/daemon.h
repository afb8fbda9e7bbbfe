/* SPDX-License-Identifier: MIT */
/* The running supervisor: core and the hands of src/os tied together around one loop.
 *
 * Whatever wakes the loop becomes an event in a queue; daemon_pump() feeds the queue to core and
 * has the effects carried out (executor.c), whose results are events again, until nothing is left.
 * Starts go in slices, so that a thousand of them never keep a signal or a request waiting (S7). */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "core/event.h"
#include "core/supervisor.h"
#include "os/family.h"
#include "os/logtarget.h"
#include "os/pidfile.h"
#include "os/probe.h"
#include "os/reaper.h"
#include "os/signals.h"
#include "os/spawn.h"

/* First in, first out; grows. */
struct event_queue {
	struct event *items; /* owned */
	size_t head, count, capacity;
};

/* Programs in a row; grows to the number of programs at most. */
struct program_queue {
	uint32_t *items; /* owned */
	size_t head, count, capacity;
};

/* What the shell keeps of a program beside core's record. */
struct unit {
	struct pidfile pidfile;
	char *detail;      /* the sentence of its last failed start; owned */
	bool came_up;      /* counted as up for --daemon */
	bool awaits_empty; /* the end of its family was asked for and not told yet */
	bool finding;      /* forking: its daemon is being looked for */
	bool told_alien;   /* a wrong number in main_pid_file was reported */
};

struct daemon {
	const struct settings *settings;
	char *const *environ;
	const struct rlimit *nofile;
	struct supervisor *supervisor;
	const struct probe *probe;
	struct ev_loop *loop;
	struct reaper *reaper;
	struct families *families;
	struct spawner *spawner;
	struct signals *signals;
	struct logtarget *logtarget;
	struct pidfile_dirs *dirs;
	struct effects effects;
	struct event_queue events;
	struct program_queue to_spawn;
	struct unit *units;
	size_t running;          /* main processes; each holds a descriptor of ours */
	rlim_t nofile_limit;     /* how many descriptors we may have */
	size_t finding;          /* units that are finding */
	ev_timer deadline_timer; /* core's next deadline */
	ev_idle slice;        /* the next slice of starts, as soon as the loop has looked around */
	ev_timer stray_timer; /* the grace of orphans that belong to no program, at the end */
	ev_timer find_timer;  /* looks for daemons of forking programs */
	int null_fd;          /* /dev/null, for the programs */
	int report_fd;        /* --daemon: who waits for our word; -1 = nobody */
	size_t not_up;        /* autostart programs that have not come up yet */
	void (*on_hangup)(void *context); /* HUP that no program claims; NULL = nothing */
	void *hangup_context;
	bool pumping, quitting, strays_killed;
	int status;
};

/* What a daemon is made of; everything borrowed for its life. */
struct daemon_parts {
	const struct settings *settings;
	const struct probe *probe;
	struct logtarget *logtarget; /* NULL = standard error as it is */
	char *const *environ;
	const struct rlimit
		*nofile; /* what programs get if vergerd has raised its own; NULL = it has not */
	int report_fd;   /* from daemonize_start; -1 = none */
	void (*on_hangup)(void *context);
	void *hangup_context;
};

/* Ties everything together.  0 or negative errno; release it in either case. */
int daemon_init(struct daemon *d, const struct daemon_parts *parts);
void daemon_release(struct daemon *d);

/* Starts what is to be started and runs until everything has ended.  The exit status for vergerd.
 */
int daemon_run(struct daemon *d);

/* Puts an event into the queue. */
void daemon_post(struct daemon *d, struct event event);

/* Works the queue off.  Called at the end of every callback of the loop. */
void daemon_pump(struct daemon *d);

/* All programs have come to rest: ends daemon_run with `status` as soon as no process that came to
 * us as an orphan is left, at the latest when the longest grace that a program has is over (X3). */
void daemon_quit(struct daemon *d, int status);
void daemon_check_strays(struct daemon *d);

/* Tells who waits behind --daemon how the start went: `failed` is the program that did not come up,
 * or NO_PROGRAM. Only the first word counts. */
void daemon_report_start(struct daemon *d, uint32_t failed);

static inline const char *daemon_name(const struct daemon *d, uint32_t program)
{
	return d->settings->programs[program].name;
}
