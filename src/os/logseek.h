/* SPDX-License-Identifier: MIT */
/* Finds places in a file of lines: the last so many lines, the first line of a time.  A little at a
 * time, so that a large file delays nobody. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LOGSEEK_STEP = 256 * 1024,  /* bytes that one step reads at most */
	LOGSEEK_BARE = 1024 * 1024, /* a file that has no stamp in so much has none */
};

/* The search for the last lines of a file. */
struct logseek_back {
	off_t at;       /* where they begin, once they are found */
	off_t floor;    /* no further back */
	unsigned lines; /* that are still looked for; more than 0 */
};

enum logseek_result {
	LOGSEEK_FOUND,
	LOGSEEK_ON,  /* another step is needed */
	LOGSEEK_END, /* the file has fewer: `lines` are missing, and `at` is its floor */
};

/* Begins at the end of a file of `size` bytes. */
void logseek_back_init(struct logseek_back *s, off_t floor, off_t size, unsigned lines);
enum logseek_result logseek_back(struct logseek_back *s, int fd);

/* The start of the next line at or after `at`, if it is near; else `at`. */
off_t logseek_line(int fd, off_t at);

/* The search for the first line that bears a time not before another. */
struct logseek_time {
	off_t at;   /* where that is, once it is found */
	off_t size; /* of the file */
	int64_t since_us;
	/* private */
	bool is_stamped; /* some line bears a time */
	bool is_amid;    /* `at` may be amid a line */
};

/* Leaps over most of the file, taking it to be in order. */
void logseek_time_init(struct logseek_time *s, int fd, off_t size, int64_t since_us);
/* FOUND, with `at` = 0 for a file without stamps and its size when all lines are older; or ON. */
enum logseek_result logseek_time(struct logseek_time *s, int fd);
