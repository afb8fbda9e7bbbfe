/* SPDX-License-Identifier: MIT */
/* Time as a number.  The only reader of clocks in verger; everybody else is given `now`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Milliseconds, of a point in time (CLOCK_MONOTONIC unless said otherwise) or of a duration. */
typedef int64_t msec_t;

#define MSEC_NEVER INT64_MAX

/* Milliseconds since an unspecified start; never jumps, stops while the machine is suspended (POSIX
 * CLOCK_MONOTONIC). */
msec_t clock_monotonic_ms(void);

/* Microseconds since the epoch (CLOCK_REALTIME); for people and for log stamps, never for a delay.
 */
int64_t clock_realtime_us(void);

/* Length of the text of clock_format_rfc3339, with its NUL. */
#define CLOCK_RFC3339_SIZE 28

/* Writes realtime_us as "2026-01-31T23:59:59.123456Z" (RFC 3339, UTC). */
void clock_format_rfc3339(int64_t realtime_us, char out[CLOCK_RFC3339_SIZE]);
