/* SPDX-License-Identifier: MIT */
/* Reads the end of a log that somebody else writes, line by line, and follows it through growth,
 * truncation and rotation.  A log is a chain: the files it was rotated to (rotation.h), oldest
 * first, and the file itself.  Holds one chunk, and at most two of the files open; reads a little
 * at a time.  What is packed is not unpacked here, but told. */
#pragma once

#include <ev.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LOGTAIL_LINE_MAX = 16384,           /* a longer line comes in pieces */
	LOGTAIL_BACK_MAX = 4 * 1024 * 1024, /* how far back the last lines are looked for, and … */
	LOGTAIL_BACK_LINE = 1024,           /* … that much further for each of them */
};

#define LOGTAIL_ALL UINT_MAX

struct logtail;

/* Where to begin. */
struct logtail_wish {
	unsigned lines;   /* with the last so many lines, or LOGTAIL_ALL */
	int64_t since_us; /* of these, with the first one not older than this; INT64_MIN = all */
};

struct logtail_piece {
	const char *bytes;
	size_t size;
	unsigned lines; /* of an unread file */
};

enum logtail_news {
	LOGTAIL_NOTHING = 0, /* for now, or for good when it is not followed */
	LOGTAIL_LINE =
		1, /* a line without its newline; the last one of a file may have lacked it */
	LOGTAIL_UNREAD = 2, /* the path of a file whose lines belong here and are not read: it is
	                     * packed, or cannot be opened.  Of several in a row their last `lines`
	                     * lines belong here, or LOGTAIL_ALL of them */
};

/* Opens the log `path` (regular files; -EINVAL otherwise, -ENOENT …).  With `loop`, `grown` is
 * called (once, until logtail_next has returned LOGTAIL_NOTHING again) when there is more; it may
 * close the tail.  NULL follows nothing, and reads no further than the log was long.  0 or negative
 * errno. */
int logtail_open(struct logtail **out, const char *path, const struct logtail_wish *wish,
                 struct ev_loop *loop, void (*grown)(void *context, struct logtail *t),
                 void *context);
void logtail_close(struct logtail *t);

/* Looks for the place to begin at, some 256 KiB at a time.  Whether it is found: before it is,
 * logtail_next must not be called. */
bool logtail_seek(struct logtail *t);

/* The next piece, borrowed until the next call.  enum logtail_news, or negative errno. */
int logtail_next(struct logtail *t, struct logtail_piece *piece);

/* The last bytes of a regular file from `from` on (from its start, if it is shorter than that now),
 * at most `size`, from the start of a line where one begins there.  The count, or negative errno.
 */
ssize_t logtail_read_end(const char *path, off_t from, char *out, size_t size);
