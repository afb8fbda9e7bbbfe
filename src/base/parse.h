/* SPDX-License-Identifier: MIT */
/* Numbers from text.  The only parser of numbers in verger: no sign, blank or suffix is taken by
 * accident. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Each reads the whole of `text`; 0 with *out set, -EINVAL when it is not of that form, -ERANGE
 * when it is out of range; *out is untouched then. */

/* Decimal digits with an optional '-', from min to max. */
int parse_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* Octal digits, from 0 to max: modes and masks. */
int parse_octal(const char *text, unsigned max, unsigned *out);

/* "250ms", "10s", "5m", "1h", "2d"; a bare number is seconds; fractions ("1.5s") are taken; at most
 * ten years. */
int parse_duration(const char *text, msec_t *out);

/* "64k", "10M", "1G", "2T", a bare number is bytes; 1024-based. */
int parse_size(const char *text, uint64_t *out);

/* yes/no, true/false, on/off, 1/0; letters of any case. */
int parse_bool(const char *text, bool *out);

/* "10%" from 0 to 100. */
int parse_percent(const char *text, unsigned *out);

/* Length of the longest text of parse_format_duration, with its NUL. */
#define DURATION_SIZE 32

/* Writes a duration the shortest exact way ("1500ms", "2s", "5m") and returns out. */
const char *parse_format_duration(msec_t ms, char out[DURATION_SIZE]);

/* Length of the longest text of parse_format_size, with its NUL. */
#define BYTES_SIZE 24

/* Writes a size the shortest exact way ("1000", "64k", "10M") and returns out. */
const char *parse_format_size(uint64_t bytes, char out[BYTES_SIZE]);
