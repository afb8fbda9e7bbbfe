/* SPDX-License-Identifier: MIT */
/* Connections to those who take records in datagrams: the system log and the journal. */
#pragma once

/* Where syslog(3) sends to (FHS) and where systemd's journal listens (Native Journal Protocol). */
#define LOGSOCKET_SYSLOG  "/dev/log"
#define LOGSOCKET_JOURNAL "/run/systemd/journal/socket"

/* A datagram socket, non-blocking, connected to the socket at `path`; or negative errno. */
int logsocket_open(const char *path);
