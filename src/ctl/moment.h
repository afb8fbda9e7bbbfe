/* SPDX-License-Identifier: MIT */
/* Times as people read them. */
#pragma once

#include <stdint.h>

#include "base/clock.h"

enum { MOMENT_SIZE = 48 };

/* A duration of the two largest units it has: "3d 4h", "12m 5s", "8s", "40ms".
 * Returns `out`. */
const char *moment_format_age(msec_t age, char out[MOMENT_SIZE]);

/* The point in time that `rfc3339` ("2026-01-31T23:59:59.123456Z") tells, in microseconds since the
 * epoch; -EINVAL for another form.  Reads up to its Z, not to a NUL. */
int64_t moment_parse(const char *rfc3339);

/* That point in the local time zone: "15:04:05" when it is less than half a day from `now_us`, else
 * "2026-01-31 15:04:05"; what is no time is copied.  Returns `out`. */
const char *moment_format(const char *rfc3339, int64_t now_us, char out[MOMENT_SIZE]);

/* A point in time as a person tells it: "2026-01-31T23:59:59Z" and other stamps (base/stamp.h),
 * "2026-01-31" and "2026-01-31 23:59" in local time, "23:59" and "23:59:59" of today, "today",
 * "yesterday", or a duration back from now ("10m", "2h", "1d").  0, or -EINVAL for another form. */
int moment_parse_since(const char *text, int64_t now_us, int64_t *us);
