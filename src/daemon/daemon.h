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

#include "config/load.h"
#include "control/host.h"
#include "core/event.h"
#include "core/history.h"
#include "core/supervisor.h"
#include "daemon/descriptors.h"
#include "os/capture.h"
#include "os/family.h"
#include "os/hook.h"
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
	char *detail;            /* the sentence of its last failed start; owned */
	struct history *history; /* NULL until it has ended once; owned */
	int64_t said_from; /* where its output file ended when it was started; -1 = it has none */
	bool to_examine;   /* waits in daemon.to_examine */
	bool output_seen;  /* what it said last was read already */
	bool counted;      /* in daemon.not_up: --daemon waits for it */
	bool awaits_empty; /* the end of its family was asked for and not told yet */
	bool leaving;      /* it was removed, and hooks of it wait to be run */
	bool finding;      /* forking: its daemon is being looked for */
	bool told_alien;   /* a wrong number in main_pid_file was reported */
};

/* Where the settings came from, and can be read again. */
struct conf_source {
	const char *path;     /* as it was given; NULL for a command */
	const char *absolute; /* the same for those who are elsewhere */
	struct conf_context context;
};

struct desk;

struct daemon {
	struct settings *settings;
	const struct conf_source *source;
	char *const *environ;
	struct supervisor *supervisor;
	const struct probe *probe;
	struct ev_loop *loop;
	struct reaper *reaper;
	struct families *families;
	struct spawner *spawner;
	struct signals *signals;
	uint64_t claims; /* the forwarded signals that `signals` listens for */
	struct logtarget *logtarget;
	struct capture *capture;
	struct pidfile_dirs *dirs;
	struct effects effects;
	struct event_queue events;
	struct program_queue to_spawn;
	struct program_queue to_examine; /* ended otherwise than asked for: what is to be learnt */
	struct unit *units;
	size_t unit_count;
	struct program_settings command_settings; /* of the command being started (command.c) */
	char **command_environment;               /* likewise; owned, its strings borrowed */
	struct hooks *hooks;
	struct desk *desk;        /* NULL = no control socket */
	struct control_host host; /* what is known of us */
	msec_t started_ms;
	int64_t loaded_us; /* time of day when the settings that hold were read */
	unsigned reloads;
	int64_t oom_kills; /* of the machine, when last looked at; -1 = not known */
	size_t running;    /* main processes; each holds a descriptor of ours */
	struct descriptors descriptors;
	size_t finding;          /* units that are finding */
	size_t leaving;          /* units that are to be forgotten when their hooks have begun */
	ev_timer deadline_timer; /* core's next deadline */
	ev_idle slice;        /* the next slice of starts, as soon as the loop has looked around */
	ev_idle examination;  /* when there is nothing else to do */
	ev_timer stray_timer; /* the grace of orphans that belong to no program, at the end */
	ev_timer calm_timer;  /* gives back the memory of a start or a reload */
	ev_timer find_timer;  /* looks for daemons of forking programs */
	int null_fd;          /* /dev/null, for the programs */
	int report_fd;        /* --daemon: who waits for our word; -1 = nobody */
	size_t not_up;        /* autostart programs that have not come up yet */
	bool pumping, quitting, strays_killed;
	bool log_behind; /* the log could not go where the settings say */
	bool over;       /* nothing is waited for any more */
	int status;
};

/* What a daemon is made of; everything borrowed for its life. */
struct daemon_parts {
	struct settings *settings;
	const struct conf_source *source;
	const struct probe *probe;
	struct logtarget *logtarget; /* NULL = standard error as it is */
	struct capture *capture;
	char *const *environ;
	int report_fd; /* from daemonize_start; -1 = none */
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

/* The same for one event of many in a row: what is to start waits for its slice, so that a request
 * for a thousand programs keeps nobody waiting, and they exec in parallel (S7). */
void daemon_take(struct daemon *d, const struct event *event);

/* The same for a verb and several programs (supervisor_request). */
void daemon_request(struct daemon *d, enum event_type verb, const uint32_t *programs, size_t count);

/* Carries out the effects that core has given outside the queue (a reload), and works it off. */
void daemon_carry_out(struct daemon *d);

/* Makes room for programs up to the id `count` - 1.  0 or -ENOMEM. */
int daemon_reserve(struct daemon *d, size_t count);

/* Puts a program at the end of a queue that has room for each program once. */
void program_queue_add(struct program_queue *q, uint32_t program);
uint32_t program_queue_take(struct program_queue *q);

/* Gives back the memory that a start or a reload took, in a moment. */
void daemon_trim_soon(struct daemon *d);

/* Tells who waits behind --daemon how the start went: `failed` is the program that did not come up,
 * or NO_PROGRAM. Only the first word counts. */
void daemon_report_start(struct daemon *d, uint32_t failed);

static inline const char *daemon_name(const struct daemon *d, uint32_t program)
{
	return d->settings->programs[program].name;
}
