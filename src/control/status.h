/* SPDX-License-Identifier: MIT */
/* A program as it is, as an object of the type Program. */
#pragma once

#include <stdint.h>

#include "control/host.h"
#include "control/jsonout.h"
#include "core/history.h"
#include "core/supervisor.h"

/* What is told of programs in one reply. */
struct status_telling {
	const struct control_host *host;
	unsigned fields; /* bits by the table in status.c; STATUS_ALL */
	bool complete;   /* members that say nothing are null instead of left out */
	msec_t now_ms;
	int64_t now_us;
	unsigned looks; /* reason_put */
};

#define STATUS_ALL (~0u)

void status_telling_init(struct status_telling *t, const struct control_host *host);

/* Writes the object; `key` is NULL within an array. */
void status_write(struct jsonout *j, const char *key, struct status_telling *t, uint32_t program);

/* Writes an End; `detailed`: with all that is known and what it means. */
void status_write_end(struct jsonout *j, const char *key, const struct past_end *end,
                      const struct program_settings *settings, bool detailed);
