/* SPDX-License-Identifier: MIT */
/* The output of a program, for `vergerctl logs`: the files that its streams go to, read as one. */
#pragma once

#include "control/host.h"
#include "daemon/daemon.h"

/* See struct control_host; `context` is the daemon. */
struct host_tail *tail_open(void *context, uint32_t program, unsigned lines, bool follow,
                            const char **why);
int tail_next(struct host_tail *tail, struct host_log_line *line);
void tail_close(struct host_tail *tail);
