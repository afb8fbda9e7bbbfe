/* SPDX-License-Identifier: MIT */
/* What the protocol needs of the process it is spoken in.  vergerd's own is src/daemon/desk.c;
 * tests and fuzzers have one without processes.
 *
 * All of these return at once; nothing may call back into src/control but where it says so. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/text.h"
#include "core/event.h"
#include "core/history.h"
#include "core/settings.h"
#include "core/supervisor.h"

/* What is known of vergerd itself. */
struct host_facts {
	const char *version;
	const char *config; /* absolute path of the configuration; NULL = a command */
	pid_t pid;
	msec_t started_ms; /* CLOCK_MONOTONIC */
	int64_t loaded_us; /* time of day when the settings that hold were read */
	unsigned reloads;  /* that changed something */
};

/* A change of one key, borrowed by whoever is told of it. */
struct host_key_change {
	const char *key;
	const char *old_value, *new_value; /* NULL = not there */
};

/* Receives a reload's plan, change by change. */
struct host_plan_sink {
	/* `program` is NULL for [verger] */
	void (*change)(void *context, const char *program, const char *action,
	               const struct host_key_change *keys, size_t key_count);
	/* programs whose goal is to be waited for, after it was applied */
	void (*expect)(void *context, uint32_t program, int goal /* enum goal */);
	void (*untouched)(void *context, size_t count);
	void *context;
};

enum host_reload_result {
	HOST_RELOAD_DONE,     /* applied; or told, for a dry run */
	HOST_RELOAD_FAULTY,   /* `diags` says why; nothing has changed */
	HOST_RELOAD_NO_FILE,  /* there is no configuration file to read again */
	HOST_RELOAD_SHUTDOWN, /* not while shutting down */
	HOST_RELOAD_NO_MEMORY,
};

/* One value of the configuration and where it came from. */
struct host_value {
	const char *section, *key, *value; /* value NULL = none */
	const char *file;                  /* NULL = a default */
	unsigned line;
	const char *differs; /* what the file says now, if something else; else NULL */
};

/* Reads the end of a program's output and, when asked to, what is added to it. */
struct host_tail;

/* A log of a program that takes nothing, or lacks something. */
struct host_log {
	const char *target;  /* a path, "standard output" …; borrowed until the next call */
	const char *trouble; /* why it takes nothing or cannot be rotated; NULL = it is well;
	                        likewise */
	bool stalled;        /* it takes nothing */
	bool drops;          /* the program does not wait for it */
	uint64_t lost_lines, lost_bytes; /* so far */
};

#define HOST_TAIL_ALL UINT_MAX

/* Where to begin. */
struct host_tail_wish {
	unsigned lines;   /* with the last so many lines, or HOST_TAIL_ALL */
	int64_t since_us; /* of these, with the first one not older than this; INT64_MIN = all */
	bool follow;
};

enum host_tail_news {
	HOST_TAIL_NOTHING = 0, /* yet (follow: control_on_log will be called), or no more */
	HOST_TAIL_LINE = 1,    /* without its newline; any bytes */
	HOST_TAIL_UNREAD = 2,  /* the path of a file whose lines belong here and are not read, for
	                        * it is packed or cannot be opened.  Of several in a row their
	                        * last `lines` lines, or HOST_TAIL_ALL of them */
	HOST_TAIL_LATER = 3,   /* to be asked again soon: there is more to be looked through */
};

struct host_tail_piece {
	const char *bytes;
	size_t size;
	const char *stream; /* static: which one it is of, if they go to two files; else NULL */
	unsigned lines;     /* of an unread file */
};

enum finding_level { FINDING_GOOD, FINDING_NOTE, FINDING_WARNING, FINDING_BAD };

struct control_host {
	const struct supervisor *supervisor; /* borrowed; only looked at */
	const struct settings *settings;     /* borrowed; always those that hold */
	void *context;                       /* first argument of all below */

	msec_t (*now_ms)(void *context);
	int64_t (*now_us)(void *context); /* time of day */
	void (*facts)(void *context, struct host_facts *out);

	/* Has core take an event and everything done that follows from it.  May call
	 * control_on_state. */
	void (*apply)(void *context, const struct event *event);
	/* The same for EVENT_START, STOP or RESTART of several programs (supervisor_request). */
	void (*request)(void *context, enum event_type verb, const uint32_t *programs,
	                size_t count);

	/* A signal to a program, by pidfd.  How many were signalled, or negative errno (-ESRCH). */
	int (*signal)(void *context, uint32_t program, int signo, enum signal_scope scope);

	/* Whether the main process is there at this moment (it may have died unheard of). */
	bool (*is_alive)(void *context, uint32_t program);

	/* Past lives; NULL when there was none. */
	const struct history *(*history)(void *context, uint32_t program);
	/* The sentence of the last start that failed, or NULL. */
	const char *(*failure)(void *context, uint32_t program);
	/* Appends the first ten processes of a program, "12 (sh), 13 (python3)"; how many there
	 * are. */
	size_t (*processes)(void *context, uint32_t program, struct text *out);

	/* Reads the configuration again. */
	enum host_reload_result (*reload)(void *context, bool dry_run,
	                                  const struct host_plan_sink *sink, struct diags *diags);
	/* All values of the programs for which `selected` says yes (and of [verger] for
	 * NO_PROGRAM). 0, or negative errno (-ENOENT: there is no file; the values come all the
	 * same). */
	int (*config)(void *context, bool (*selected)(void *arg, uint32_t program),
	              void (*value)(void *arg, const struct host_value *value), void *arg,
	              struct diags *faults);

	/* Opens the output of a program for reading.  NULL with *why (static or borrowed until the
	 * next call) when it goes nowhere it could be read. */
	struct host_tail *(*tail_open)(void *context, uint32_t program,
	                               const struct host_tail_wish *wish, const char **why);
	/* Takes the next piece, borrowed until the next call. */
	enum host_tail_news (*tail_next)(struct host_tail *tail, struct host_tail_piece *piece);
	void (*tail_close)(struct host_tail *tail);

	/* Copies the last bytes of a program's output that are kept in memory, at most `size`.  How
	 * many; 0 when none are. */
	size_t (*recent)(void *context, uint32_t program, char *out, size_t size);

	void (*doctor)(void *context,
	               void (*finding)(void *arg, enum finding_level level, const char *subject,
	                               const char *text, const char *advice),
	               void *arg);
	/* Whether there is something to tell of a program's logs. */
	bool (*log)(void *context, uint32_t program, struct host_log *out);

	/* Has all log files opened again; with `only_ask` only tells how far that is.  How many are
	 * still to be opened; *failed is a sentence about one that could not be, or NULL (borrowed
	 * until the next call). */
	size_t (*reopen_logs)(void *context, bool only_ask, const char **failed);

	/* Notes in the log who asked for what: "stop web: asked by root (PID 12)". */
	void (*note)(void *context, const char *text);
};
