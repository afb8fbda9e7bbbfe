/* SPDX-License-Identifier: MIT */
/* Reads the end of a file that somebody else writes, line by line, and follows it through growth,
 * truncation and rotation.  Never blocks, never holds more than one chunk. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	LOGTAIL_LINE_MAX = 16384,           /* a longer line comes in pieces */
	LOGTAIL_BACK_MAX = 4 * 1024 * 1024, /* how far back the last lines are looked for */
};

struct logtail;

/* Opens `path` (a regular file; -EINVAL otherwise, -ENOENT …) and goes to its last `lines` lines.
 * With `loop`, `grown` is called (once, until logtail_next has returned 0 again) when there is
 * more; it may close the tail.  NULL follows nothing, and reads no further than the file was long.
 * 0 or negative errno. */
int logtail_open(struct logtail **out, const char *path, unsigned lines, struct ev_loop *loop,
                 void (*grown)(void *context, struct logtail *t), void *context);
void logtail_close(struct logtail *t);

/* The next line without its newline, borrowed until the next call; the last line of a file that is
 * not followed, or that was rotated or truncated, may have lacked one.  1; 0 = nothing now;
 * negative errno. */
int logtail_next(struct logtail *t, const char **bytes, size_t *size);

/* The last bytes of a regular file from `from` on (from its start, if it is shorter than that now),
 * at most `size`, from the start of a line where one begins there.  The count, or negative errno.
 */
ssize_t logtail_read_end(const char *path, off_t from, char *out, size_t size);
