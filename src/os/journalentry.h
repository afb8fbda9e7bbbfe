/* SPDX-License-Identifier: MIT */
/* A line as an entry of systemd's journal, in its native protocol (systemd.io,
 * JOURNAL_NATIVE_PROTOCOL): one datagram of fields.  The message is any bytes, told with its
 * length.
 *
 * A line that was cut keeps its bytes, without marks: entries that go on have VERGER_PARTIAL=1, and
 * all their messages put together are the line. */
#pragma once

#include "os/outbuf.h"

struct line;
struct line_facts;

/* Appends the line as one entry; 0 or -ENOMEM with `out` unchanged.  `priority` is as in syslog.h:
 * its facility, if any, is told as well.
 *
 * Fields: MESSAGE, PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER and VERGER_PROGRAM (the program),
 * VERGER_INSTANCE, VERGER_STREAM, SYSLOG_PID and OBJECT_PID.  Facts that are NULL, empty or 0 are
 * left out.  facts->time_us is not told: the journal takes its own time. */
int journalentry_add(struct outbuf *out, const struct line_facts *facts, int priority,
                     const struct line *line);
