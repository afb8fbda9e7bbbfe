/* SPDX-License-Identifier: MIT */
/* Points in time as logs write them: ISO 8601, at the start of a line or alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define STAMP_NONE INT64_MIN

/* Reads a stamp at the start of `bytes`: "2026-11-30T08:15:00.123456Z"; also with a blank in place
 * of the T, a comma before the fraction, an offset (+01:00, +0100, with a blank before it or not)
 * in place of the Z, or without either, which means local time.  How long it is, 0 when there is
 * none; *us is the time in microseconds since the epoch. */
size_t stamp_parse(const char *bytes, size_t size, int64_t *us);

/* The time that a line of a log begins with: a stamp, maybe after a '[', or the member "time" an
 * object begins with.  STAMP_NONE when it begins with something else. */
int64_t stamp_of_line(const char *bytes, size_t size);

/* Days from 1970-01-01 to a date. */
int64_t stamp_days(int year, int month, int day);
