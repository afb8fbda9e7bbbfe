/* SPDX-License-Identifier: MIT */
/* Waiting for the next reply, for the next second, for Ctrl-C and for a key, whichever comes first.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "ctl/ctl.h"

enum stream_news {
	STREAM_LAST,        /* *reply is the last one */
	STREAM_MORE,        /* *reply is one, and more will come */
	STREAM_TIME,        /* the time is over, or what came tells nothing yet */
	STREAM_INTERRUPTED, /* SIGINT, SIGTERM, SIGHUP or SIGQUIT: stream.signo */
	STREAM_SUSPENDED,   /* Ctrl-Z: the caller tidies up and calls stream_suspend */
	STREAM_RESIZED,     /* the terminal has another size */
	STREAM_KEY,         /* something was typed: stream.key */
};

struct stream {
	struct ctl *ctl;
	bool has_keys; /* listen to standard input, too */
	int signo;
	char key;
	/* private */
	int signal_fd;
};

/* From here until stream_release these signals no longer end the process.  0, or an exit status
 * after it has said why not. */
int stream_init(struct stream *s, struct ctl *ctl);
void stream_release(struct stream *s);

/* Waits at most timeout_ms (-1 = without end).  enum stream_news with *reply owned by the caller,
 * or negative errno of libverger; -EPIPE when nobody reads what was printed. */
int stream_next(struct stream *s, json_t **reply, int timeout_ms);

/* STREAM_INTERRUPTED, SUSPENDED or RESIZED if a signal has come, else STREAM_TIME; waits for
 * nothing. */
int stream_signalled(struct stream *s);

/* Stops as Ctrl-Z wants it and returns when continued. */
void stream_suspend(struct stream *s);

/* The exit status after STREAM_INTERRUPTED. */
int stream_exit_status(const struct stream *s);
