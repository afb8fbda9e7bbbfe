/* SPDX-License-Identifier: MIT */
/* What a line of a program looks like in a file or on a stream:
 *
 *   raw        line
 *   timestamp  2026-11-30T08:15:00.123456Z line
 *   prefix     web:1 | line
 *   json       {"time":"2026-11-30T08:15:00.123456Z","program":"web:1","instance":1,
 *              "stream":"stdout","pid":123,"message":"line"}  (in one line)
 *
 * Every record ends in a newline.  The bytes of a line are left as they are, but for JSON: what is
 * not UTF-8 becomes U+FFFD, and control bytes are escaped (NUL is \u0000).  A line that was cut
 * shows the marks of os/linecut.h; in JSON the pieces that go on have "partial":true behind the
 * message, and all messages put together are the line. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "core/settings.h"
#include "os/outbuf.h"

struct line;

/* Where a line comes from; strings are borrowed. */
struct line_facts {
	const char *program; /* "web:1" */
	unsigned instance;
	const char *stream; /* "stdout", "stderr"; NULL: not told */
	pid_t pid;          /* 0: not told */
	int64_t time_us;    /* since the epoch; not negative */
};

/* The time of the last line as text: what it costs to write a date is paid once a second.  One for
 * each writer; all zero at the beginning. */
struct linestamp {
	/* private */
	int64_t time_us, second;
	char text[CLOCK_RFC3339_SIZE];
};

/* Appends the line as one record; 0 or -ENOMEM with `out` unchanged. */
int lineformat_add(struct outbuf *out, enum log_format format, struct linestamp *stamp,
                   const struct line_facts *facts, const struct line *line);
