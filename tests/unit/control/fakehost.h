/* SPDX-License-Identifier: MIT */
/* A vergerd without processes: a real supervisor, a played system that answers its effects, a clock
 * that stands until it is moved.  For the tests of src/control and its fuzzers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "control/control.h"
#include "core/supervisor.h"
#include "sim/casting.h"

enum { FAKE_PROGRAMS_MAX = 16, FAKE_QUEUE_MAX = 4096, FAKE_ASKED_MAX = 8 };

/* What the played system does with one program. */
struct fake_program {
	bool stubborn;    /* only SIGKILL ends it */
	bool hung;        /* not even that */
	bool slow_spawn;  /* fake_spawned answers */
	int spawn_error;  /* a start fails at its command: errno */
	bool dead;        /* its process is gone and nobody has been told */
	int signal;       /* the last one that Signal sent */
	size_t leftovers; /* processes beside the main one */
	const char *failure;
	struct history *history; /* owned */
	pid_t pid;
	msec_t started_ms;
	bool asked, empty_posted;
	struct host_tail *tail; /* the one that is open */
	size_t lines;           /* that it has written */
	const char *line;       /* each of them; NULL: "line N" */
	bool no_output;
	bool two_streams;   /* two lines of each in turn */
	size_t searches;    /* that a tail makes before it has lines */
	size_t unread;      /* files that a tail tells first */
	const char *recent; /* its last lines in memory */
	int64_t since_us;   /* what a tail was last asked for */
};

struct fake {
	struct settings *settings; /* owned */
	struct settings *fresh;    /* owned: what a reload finds; NULL: a fault */
	struct supervisor *sv;
	struct control *control;
	struct control_host host;
	struct event queue[FAKE_QUEUE_MAX];
	size_t queued;
	bool pumping;
	struct fake_program *programs; /* owned */
	msec_t now;
	int64_t now_us;
	pid_t next_pid;
	struct text notes; /* each with a newline */
	enum host_reload_result reload_result;
	struct host_log log; /* of log_of; without a target there is nothing to tell */
	uint32_t log_of;
	size_t reopen_pending;
	const char *reopen_failed;
	unsigned reopened;
	bool quit;
	bool mute; /* control is not told of changes */
};

/* Takes the settings over; everything with autostart is started. */
void fake_open(struct fake *f, struct settings *settings);
void fake_close(struct fake *f);

/* An event, and everything the played system answers. */
void fake_event(struct fake *f, struct event event);
void fake_spawned(struct fake *f, uint32_t program);
void fake_exit(struct fake *f, uint32_t program, int code, int signal);

/* Lets time pass; deadlines on the way are met, of the supervisor and of control. */
void fake_pass(struct fake *f, msec_t ms);

/* A program writes lines. */
void fake_write(struct fake *f, uint32_t program, size_t lines);

/* --- a client --- */

struct fake_client {
	struct fake *fake;
	struct session *session;
	struct text received;
	size_t read;  /* of it */
	size_t wakes; /* how often it was woken */
	int cut;      /* why session_receive or session_step wants it cut; 0 = it does not */
	bool deaf;    /* takes no output */
	char *asked[FAKE_ASKED_MAX]; /* owned; methods whose replies are to come (talk.h) */
	size_t asked_count, answered;
};

void fake_connect(struct fake *f, struct fake_client *c, enum control_role role);
void fake_disconnect(struct fake_client *c);

/* Sends bytes as they are. */
void fake_send(struct fake_client *c, const void *bytes, size_t size);
/* Steps and takes output as a listener would, until there is nothing to do. */
void fake_run(struct fake_client *c);
