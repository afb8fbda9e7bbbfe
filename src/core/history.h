/* SPDX-License-Identifier: MIT */
/* What is remembered of a program's past lives (R3): its last ends, and what it last said.  Kept by
 * the shell, which knows the time of day; made at the first end, so that a program that never ended
 * costs nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "core/event.h"

enum { HISTORY_ENDS = 16, HISTORY_OUTPUT_MAX = 4096 };

struct past_end {
	int64_t at_us;    /* time of day (clock_realtime_us) */
	msec_t uptime_ms; /* how long it had run; 0 for a start that failed */
	pid_t pid;        /* 0 for a start that failed */
	int16_t code;     /* when signal is 0 */
	uint8_t signal;
	uint8_t step; /* enum spawn_step; NONE unless it is a start that failed */
	int error;    /* positive errno of that step */
	bool core_dumped;
	bool asked;         /* it had been told to stop */
	bool short_lived;   /* counts as a failed start */
	bool out_of_memory; /* the kernel killed for want of memory at that time */
	bool memory_known;  /* whether it did could be found out */
};

struct history {
	/* private */
	struct past_end ends[HISTORY_ENDS];
	uint8_t count, next;
	char *output; /* owned; the last lines of the last end that was not asked for */
	int64_t output_at_us;
};

/* NULL when memory is out.  history_free(NULL) is allowed. */
struct history *history_new(void);
void history_free(struct history *h);

/* Notes an end; the oldest beyond HISTORY_ENDS is forgotten. */
void history_add(struct history *h, const struct past_end *end);

/* How many ends are kept, and the i-th of them, the last one first; NULL if there is none. */
size_t history_count(const struct history *h);
const struct past_end *history_end(const struct history *h, size_t i);
/* The same, to add what was found out later. */
struct past_end *history_last(struct history *h);

/* Keeps the last HISTORY_OUTPUT_MAX bytes of `text` as what it said before the end at `at_us`.  0
 * or -ENOMEM. */
int history_set_output(struct history *h, const char *text, size_t size, int64_t at_us);
/* NULL when nothing is known. */
const char *history_output(const struct history *h, int64_t *at_us);
