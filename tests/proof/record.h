/* SPDX-License-Identifier: MIT */
/* A line of a log, whatever its log_format, taken apart: raw, timestamp, prefix or JSON is seen
 * from the line itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { RECORD_NAME_MAX = 64 };

struct record {
	char program[RECORD_NAME_MAX + 1]; /* "" = the line does not say */
	bool marked;                       /* begins with the mark of a piece that continues */
	bool partial;                      /* goes on in the next piece */
	bool note;                         /* vergerd's own */
	const char *bytes;                 /* without stamp, prefix and marks */
	size_t size;
};

/* Reads a line without its newline, which is overwritten on the way; the record borrows it.  False:
 * it looks like JSON and is none. */
bool record_read(char *line, size_t size, struct record *out);
