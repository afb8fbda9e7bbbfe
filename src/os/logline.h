/* SPDX-License-Identifier: MIT */
/* A line of vergerd's own log, in each of the forms that it takes:
 *
 *   text      2026-11-30T08:15:00.123456Z info web: running, PID 123
 *   JSON      {"time":"2026-11-30T08:15:00.123456Z","level":"info","program":"web",
 *             "message":"running, PID 123"}  (in one line)
 *   priority  <6>web: running, PID 123
 *   syslog    <30>Nov 30 08:15:00 vergerd[1]: web: running, PID 123
 *   journal   fields of systemd's native protocol
 *
 * The first three end in a newline.  Control bytes are escaped: they would let the name of a
 * program or the text of an error forge lines and move a terminal's cursor. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"

enum {
	LOGLINE_MAX = PIPE_BUF, /* so much goes into a pipe at once or not at all */
};

enum logline_form {
	LOGLINE_TEXT,
	LOGLINE_JSON,
	LOGLINE_PRIORITY, /* for a journal that reads a stream */
	LOGLINE_SYSLOG,
	LOGLINE_JOURNAL,
};

/* What is told; strings are borrowed. */
struct logline_event {
	enum log_level level;
	const char *subject; /* a program; NULL = none */
	const char *message;
	unsigned hushed; /* equal lines before it that were left out */
	int64_t time_us; /* since the epoch */
	pid_t pid;       /* of vergerd */
};

struct logline {
	char data[LOGLINE_MAX];
	size_t size;
	/* private */
	bool cut;
};

/* Makes the line.  A message that does not fit ends in "...". */
void logline_make(struct logline *line, enum logline_form form, const struct logline_event *event);
