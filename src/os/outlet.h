/* SPDX-License-Identifier: MIT */
/* Where output goes: a file, vergerd's own stream, the system log, the journal.  Programs that name
 * the same target share an outlet, so that their lines are never mixed.
 *
 * The loop makes outlets and tells them that there is work; a thread of the crew does it
 * (outflow.c), one thread for an outlet at a time.  What a target does that takes nothing (a full
 * disk, a dead server, a reader that sleeps) happens to that thread; the loop only hears of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "os/channel.h"
#include "os/crew.h"
#include "os/logfile.h"

enum outlet_kind { OUTLET_FILE, OUTLET_STREAM, OUTLET_SYSLOG, OUTLET_JOURNAL };

enum {
	OUTLET_HANGS_MS = 250,  /* a target that has not answered for so long hangs */
	OUTLET_RETRY_MS = 1000, /* after which one that takes nothing is tried again */
	OUTLET_ROOM_MS = 250,   /* likewise, one that only has no room: it may tell before */
	/* vergerd's own lines that wait: a plan for 10,000 programs is told at once */
	OUTLET_SAID_MAX = 1024 * 1024,
};

struct outlet;

/* What the loop may want to know. */
struct outlet_health {
	int error;    /* positive errno of what it does not take; 0 = it does */
	bool hangs;   /* it does not answer */
	msec_t since; /* when that began */
	int rotation; /* positive errno of a rotation that cannot be done; 0 = none */
};

/* What threads call, with the outlet locked. */
struct outlet_hooks {
	/* outlet_take_news would find something */
	void (*wake)(void *context);
	/* the channel is to be armed in a moment */
	void (*rest)(void *context, struct channel *c);
};

/* Makes an outlet.  `name` is the path of a file or socket, or what a stream is called in messages
 * (copied); `fd` is the stream's (borrowed), else -1.  `lane`: see crew.h.  `hooks` and
 * `context` are borrowed.  NULL when memory is out. */
struct outlet *outlet_new(struct crew *crew, enum outlet_kind kind, const char *name, int fd,
                          uint64_t lane, const struct outlet_hooks *hooks, void *context);

/* Frees an outlet no thread works on; false: one does, and it stays.  Its channels go with it. */
bool outlet_free(struct outlet *o);

/* Gives it a file that was opened already; taken. */
void outlet_set_file(struct outlet *o, struct logfile *file);
void outlet_set_policy(struct outlet *o, const struct logfile_policy *policy);

const char *outlet_name(const struct outlet *o);
enum outlet_kind outlet_kind(const struct outlet *o);
int outlet_stream(const struct outlet *o);

/* Adds a channel, which is taken. */
void outlet_add(struct outlet *o, struct channel *c);
/* Takes a channel that is gone back from it, for the loop to free; NULL = none. */
struct channel *outlet_take_gone(struct outlet *o);
bool outlet_has_channels(const struct outlet *o);
struct channel *outlet_channels(const struct outlet *o);
/* One that has last words to tell; NULL = none.  Locked. */
struct channel *outlet_find_last_words(const struct outlet *o);

/* For what is to be called locked. */
void outlet_lock(struct outlet *o);
void outlet_unlock(struct outlet *o);

/* There is something to do: a channel is ready, ... */
void outlet_kick(struct outlet *o);

/* It has room again: it is tried at once. */
void outlet_has_room(struct outlet *o);

/* Nobody will write any more: what there is in the pipes is all.  It is tried at once. */
void outlet_end(struct outlet *o);

/* The crew is gone, and no thread will come. */
void outlet_abandon(struct outlet *o);

/* A line of vergerd's own, ended by a newline; for a file or a stream.  It is written when the
 * outlet is kicked.  False: too much is waiting. */
bool outlet_say(struct outlet *o, const char *line, size_t size);

/* Writes them here and now, if a thread has been waited for: there is none.  It may hang. */
void outlet_say_here(struct outlet *o);

/* Has the file opened again under its name. */
void outlet_reopen(struct outlet *o);
/* Whether that is still to be done; *error is the positive errno of the last time. */
bool outlet_is_reopening(struct outlet *o, int *error);

/* What has changed since the last call: true, with how it is now. */
bool outlet_take_news(struct outlet *o, struct outlet_health *health);
void outlet_get_health(struct outlet *o, struct outlet_health *health);

/* Looks whether the thread that works on it has come back, and whether it is time to try again.
 * True: there is reason to look again soon. */
bool outlet_watch(struct outlet *o, msec_t now);

/* Waits until no thread works on it; false: not by `until` (clock_monotonic_ms). */
bool outlet_await_rest(struct outlet *o, msec_t until);

/* Whether nothing is left to be written. */
bool outlet_is_settled(struct outlet *o);
/* Bytes that have not been written. */
size_t outlet_waiting(struct outlet *o);

/* A descriptor to wait for until it has room, the caller's; -1 = none.  (The outlet's own may be
 * closed by a thread and mean something else then.) */
int outlet_room_fd(struct outlet *o);

/* Where the packing of a rotated file is: by turns a thread and the loop go on with it. */
enum packing_phase {
	PACKING_NONE,
	PACKING_WANTED, /* loop: when the packer is free */
	PACKING_OPENS,  /* thread: open the files */
	PACKING_OPENED, /* loop: start the packer */
	PACKING_RUNS,   /* loop: wait for its end */
	PACKING_ENDS,   /* thread: put the result in place */
	PACKING_FAILED, /* loop: tell the error */
};

struct packing {
	enum packing_phase phase;
	char *path; /* of the rotated file; owned */
	enum log_compress how;
	int in, out;    /* while OPENED; the loop's to take */
	bool succeeded; /* while it ENDS */
	int error;      /* positive errno, when it FAILED */
};

/* What the loop may look at and change while it is the loop's turn. */
struct packing *outlet_packing(struct outlet *o);
enum packing_phase outlet_packing_phase(struct outlet *o);
/* Hands it on. */
void outlet_set_packing_phase(struct outlet *o, enum packing_phase phase);

/* A job's own memory goes (crew_new). */
void outflow_clear(void *bench);
