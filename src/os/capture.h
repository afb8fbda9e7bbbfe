/* SPDX-License-Identifier: MIT */
/* The output of programs that goes through vergerd, from the loop's side: which program writes to
 * which target by which pipe, when a pipe is to be looked at, and what is told of targets that take
 * nothing.  What moves the bytes is os/outlet.h.
 *
 * While nothing is written nothing wakes up. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"

struct capture;
struct probe;
struct reaper_exit;

enum {
	CAPTURE_DRAIN_MS = 5000, /* for what is left when all programs have ended */
	CAPTURE_TARGET_MAX = 512,
};

/* A target that takes nothing, or has lost something. */
struct capture_trouble {
	char target[CAPTURE_TARGET_MAX]; /* "/var/log/web.log", "standard output", "journal" */
	int error;          /* positive errno, ETIMEDOUT: it does not answer; 0: it is well now */
	const char *reason; /* the words for error; until the next call */
	int rotation;       /* positive errno: it cannot be rotated; 0 = it can */
	msec_t since;       /* of error */
	bool drops;         /* the program does not wait */
	uint64_t lost_lines, lost_bytes; /* since the program's output was first captured */
};

/* What a life of the program said last; called by the loop when all of it was read. */
typedef void capture_last_words(void *context, uint32_t program, const char *text, size_t size);

/* Starts without a loop: vergerd's own log comes first.  NULL when memory is out. */
struct capture *capture_new(void);
/* Frees it; what was not written until then is lost.  No program may run any more. */
void capture_free(struct capture *c);

/* From here on the loop watches.  0 or negative errno. */
int capture_attach(struct capture *c, struct ev_loop *loop, capture_last_words *last_words,
                   void *context);
/* From here on rotated files are packed where that is wanted, by processes with this environment;
 * both are borrowed.  0 or -1: memory is out. */
int capture_set_packer(struct capture *c, const struct probe *probe, char *const *environment);
/* An orphan was reaped; whether it was ours.  Has to be told of each. */
bool capture_on_orphan(struct capture *c, const struct reaper_exit *exit);
/* Whether it is of us, and of no program. */
bool capture_owns(const struct capture *c, pid_t pid);
/* Whether a process of ours is not reaped yet. */
bool capture_packs(const struct capture *c);
/* For the end. */
void capture_stop_packing(struct capture *c);
/* Before the loop goes. */
void capture_detach(struct capture *c);

/* vergerd's own log */

/* Has vergerd's own lines written by a thread: to this file (opened here; 0 or negative errno, and
 * -ETIMEDOUT when it does not answer: the loop is not kept waiting for it), or to this descriptor
 * (borrowed; 0 or -ENOMEM). */
int capture_own_file(struct capture *c, const char *path);
int capture_own_stream(struct capture *c, int fd);
/* vergerd writes its own lines to `fd` itself, as long as no program does through an outlet; -1: it
 * does not write to any descriptor. */
void capture_own_beside(struct capture *c, int fd);
/* Whether vergerd's own lines are to be given to capture_say. */
bool capture_wants_own(const struct capture *c);
/* Takes a line, with its newline; false: too much is waiting there.  The thread comes for it when
 * the loop has nothing else to do, or at once where there is no loop. */
bool capture_say(struct capture *c, const char *line, size_t size);
/* Waits until all of them are written, no longer than CAPTURE_DRAIN_MS. */
void capture_drain_own(struct capture *c);

/* programs */

/* Room for programs up to the id `count` - 1.  0 or -ENOMEM. */
int capture_reserve(struct capture *c, size_t count);

/* The descriptor that becomes `stream` (1 or 2) of a program that is captured; close-on-exec, the
 * caller's.  Or negative errno with a sentence part in `detail`. */
int capture_open(struct capture *c, const struct program_settings *program, uint32_t id, int stream,
                 char *detail, size_t size);

/* The file of a program that writes to it itself, opened without waiting for a server that does not
 * answer: the descriptor, or negative errno. */
int capture_open_direct(struct capture *c, const char *path, int flags, mode_t mode);

/* Descriptors that are held for logs now. */
size_t capture_held(const struct capture *c);

/* Whether a file that is to be read by the loop can be opened without waiting for a server that
 * does not answer; also when it cannot be opened at all. */
bool capture_answers(struct capture *c, const char *path);

/* A life of the program begins: its plan is made, and it has no process. */
void capture_on_start(struct capture *c, const struct program_settings *program, uint32_t id);
/* Its PID is known; 0: it did not come about. */
void capture_on_started(struct capture *c, uint32_t id, pid_t pid);
/* Nobody of it is left. */
void capture_on_empty(struct capture *c, uint32_t id);
/* It is no longer wanted. */
void capture_forget(struct capture *c, uint32_t id);
/* Settings were replaced. */
void capture_on_reload(struct capture *c, const struct settings *settings);

/* logs */

/* Has all files opened again. */
void capture_reopen(struct capture *c);
/* How many are still to be opened; *path and *error are of one that could not be (borrowed until
 * the next call). */
size_t capture_reopening(struct capture *c, const char **path, int *error);

/* Whether there is something to tell of a program's logs; of several the worst. */
bool capture_trouble(struct capture *c, uint32_t id, struct capture_trouble *out);

/* The last bytes that a program has written, from the start of a line; how many. */
size_t capture_recent(struct capture *c, uint32_t id, char *out, size_t size);

/* Descriptors it may need for these settings, at most. */
size_t capture_descriptors(const struct settings *settings);

/* Waits until all that programs wrote is written, as long as targets take it and no longer than
 * `patience_ms`; says what was not. */
void capture_drain(struct capture *c, msec_t patience_ms);
