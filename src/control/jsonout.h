/* SPDX-License-Identifier: MIT */
/* A writer of JSON that goes straight into a text: no tree is built, so that the status of a
 * thousand programs costs what its bytes cost.  Any bytes may be given as strings; what is not
 * UTF-8 comes out as U+FFFD and is remembered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/text.h"

struct jsonout {
	struct text *out; /* borrowed */
	int failed;       /* 0, or the first reason why something could not be written */
	bool lossy;       /* something was replaced since jsonout_lossy was last called */
	/* private */
	bool comma;  /* something stands before at this level */
	int64_t day; /* since the epoch; whose date is in `date` */
	char date[CLOCK_RFC3339_SIZE];
};

/* Appends to `out`, after what is there. */
void jsonout_init(struct jsonout *j, struct text *out);

/* In an object each value has a key (at most 32 bytes of plain ASCII, written as they are);
 * elsewhere it is NULL. */
void jsonout_object(struct jsonout *j, const char *key);
void jsonout_object_end(struct jsonout *j);
void jsonout_array(struct jsonout *j, const char *key);
void jsonout_array_end(struct jsonout *j);

void jsonout_string(struct jsonout *j, const char *key, const char *value); /* NULL: null */
void jsonout_bytes(struct jsonout *j, const char *key, const char *bytes, size_t size);
void jsonout_int(struct jsonout *j, const char *key, int64_t value);
void jsonout_bool(struct jsonout *j, const char *key, bool value);
void jsonout_null(struct jsonout *j, const char *key);

/* A time of day as RFC 3339 in UTC. */
void jsonout_time(struct jsonout *j, const char *key, int64_t realtime_us);

/* Members or elements that were written before, as they are. */
void jsonout_raw(struct jsonout *j, const char *bytes, size_t size);

/* Writes "lossy":true if something was replaced since it was last called. */
void jsonout_lossy(struct jsonout *j);
