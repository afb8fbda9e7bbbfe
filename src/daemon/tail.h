/* SPDX-License-Identifier: MIT */
/* The output of a program, for `vergerctl logs`: the files that its streams go to, read as one. */
#pragma once

#include "control/host.h"
#include "daemon/daemon.h"

/* See struct control_host; `context` is the daemon. */
struct host_tail *tail_open(void *context, uint32_t program, const struct host_tail_wish *wish,
                            const char **why);
enum host_tail_news tail_next(struct host_tail *tail, struct host_tail_piece *piece);
void tail_close(struct host_tail *tail);
size_t tail_recent(void *context, uint32_t program, char *out, size_t size);
