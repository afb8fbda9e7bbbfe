/* SPDX-License-Identifier: MIT */
/* A line as a message to the system log, /dev/log: what RFC 3164 describes and syslog(3) writes,
 *
 *   <30>Nov 30 08:15:00 web[123]: line
 *
 * without a newline.  A daemon takes all up to the first ':' for the name, so that an instance is
 * told as web/1 (rsyslog's $programname is "web" for all instances then, as it is for
 * postfix/smtpd, and $syslogtag tells which one).
 *
 * The bytes of a line are passed on as they are: daemons have their own settings for what is not
 * printable or not UTF-8 (rsyslog's parser.escapeControlCharactersOnReceive).  Only a NUL becomes a
 * space, because a message ends there for many of them. */
#pragma once

#include "os/outbuf.h"

struct line;
struct line_facts;

/* Bytes of a piece (linecut_init) with which a message surely fits into what rsyslog takes by
 * default: 8096 bytes for everything; it cuts off what is longer. */
enum { SYSLOGLINE_MAX = 7680 };

/* Appends the line as one message; 0 or -ENOMEM with `out` unchanged.  `priority` is facility and
 * severity as in syslog.h; `local_time` is "Nov 30 08:15:00".  facts->time_us and ->stream are not
 * told. */
int syslogline_add(struct outbuf *out, const struct line_facts *facts, int priority,
                   const char *local_time, const struct line *line);
