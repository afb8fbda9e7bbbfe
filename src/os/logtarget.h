/* SPDX-License-Identifier: MIT */
/* Where vergerd's own log goes: standard error, a file, the system log, the journal.  A target that
 * fails or hangs loses lines, which are counted, and never takes time.
 *
 * Lines that say the same again and again are left out and counted (base/repeat.h), but for what
 * programs do, each of which is an event of its own. */
#pragma once

#include "base/clock.h"
#include "core/settings.h"

struct capture;
struct logtarget;

/* What [verger] asks for. */
struct logtarget_wish {
	enum log_target target;
	const char *path; /* of LOG_TARGET_FILE */
	bool json;        /* on standard error and in a file */
};

/* What a log finds around it; borrowed as long as the log is open. */
struct logtarget_world {
	struct capture *capture;
	const char *syslog, *journal; /* sockets */
	msec_t (*now)(void);          /* as clock_monotonic_ms */
};

/* The world as it is. */
struct logtarget_world logtarget_world(struct capture *capture);
struct logtarget_wish logtarget_wish(const struct settings *settings);

/* What a target is called in messages: "/var/log/vergerd.log", "syslog". */
const char *logtarget_name(const struct logtarget_wish *wish);

/* Opens the target and makes it the sink of base/log.h.  On failure (negative errno) the log stays
 * where it was.  A daemon that takes no records yet is no failure: a line says so where the log was
 * before, and it is tried again. */
int logtarget_open(struct logtarget **out, const struct logtarget_wish *wish,
                   const struct logtarget_world *world);
/* Goes to another target.  0 or negative errno; the log stays where it was then. */
int logtarget_change(struct logtarget *t, const struct logtarget_wish *wish);
/* The same target, and perhaps another form. */
void logtarget_set_json(struct logtarget *t, bool json);
/* Tells what was left out, and waits for what a thread has to write, no longer than
 * CAPTURE_DRAIN_MS. */
void logtarget_close(struct logtarget *t);
