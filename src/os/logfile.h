/* SPDX-License-Identifier: MIT */
/* A log in a file: appends, rotates by size and age at line ends, makes room on a full disk.
 *
 * Every call may block for as long as the file system does (a file server that does not answer), so
 * files are written by threads; one thread at a time uses a file.  Rotated files are called as
 * os/rotated.h says.
 *
 * Only a regular file that stands at its path itself is rotated.  A FIFO, a device and what a
 * symbolic link leads to are appended to, and of the policy nothing holds for them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/strv.h"
#include "core/settings.h"

struct logfile;

struct logfile_policy {
	uint64_t max_size; /* bytes; LOG_SIZE_NONE = no limit */
	msec_t max_age_ms; /* of the first line; looked at when something is written.  MSEC_NEVER =
	                      no limit */
	unsigned keep;     /* rotated files, packed or not; the oldest beyond it are removed */
	enum log_compress compress;
};

/* Opens for appending and makes the file where there is none (mode 0644), without waiting for a
 * peer.  0, or negative errno (-ENXIO: a FIFO that nobody reads). */
int logfile_open(struct logfile **out, const char *path, const struct logfile_policy *policy);
void logfile_close(struct logfile *f);

/* Holds from the next write on. */
void logfile_set_policy(struct logfile *f, const struct logfile_policy *policy);

/* Opens by path again: somebody has moved the file away and says so.  On a negative errno the old
 * one stays. */
int logfile_reopen(struct logfile *f);

bool logfile_is_regular(const struct logfile *f);

/* For poll; borrowed until the next call. */
int logfile_fd(const struct logfile *f);

/* Appends, after a rotation if one is due and the file ends at a line end.  (One that ended in the
 * midst of a line when it was opened does not, and that line is ended first.)  The count of bytes
 * that were taken: fewer where the file is to end after a line in their midst, or where the disk
 * became full; the caller goes on with the rest.  A single line larger than max_size goes into one
 * file all the same.
 *
 * Or negative errno with nothing taken: -EAGAIN and -EPIPE of a FIFO, -EIO …; -ENOSPC and -EDQUOT
 * when it did not help to remove the rotated files, oldest first, until none was left.
 *
 * now_us is clock_realtime_us(); it may jump. */
ssize_t logfile_write(struct logfile *f, const char *bytes, size_t size, int64_t now_us);

/* Whether the last rotation that was due could not be done: negative errno, or 0.  The file then
 * grows on, and it is tried again once a second; an old file that could not be removed counts as
 * well. */
int logfile_trouble(const struct logfile *f);

/* Looks, at most once a second, whether the file is still in its directory, and opens it anew if it
 * was removed or if the directory is another one.  (One that was renamed is written to until
 * logfile_reopen, as every server does it.)  0, or negative errno while it cannot be opened: what
 * is written then is lost.  For the start of a round of writes. */
int logfile_check(struct logfile *f, int64_t now_us);

/* The oldest rotated file that the policy wants packed, by its path; NULL = none now.  Costs
 * nothing most of the time.  Borrowed until the next call. */
const char *logfile_next_to_pack(struct logfile *f);

/* A packer works on `plain_path` now; NULL: no more (after logfile_finish_packing).  As long as one
 * does there is no next one; and whatever could not be packed is not tried again before the next
 * rotation.  A packer that began under an earlier logfile is to be told of right after
 * logfile_open. */
int logfile_set_packing(struct logfile *f, const char *plain_path);

/* Ends the work of a packer whose process has ended; any thread may call it.  What was packed is
 * made to last and takes the place of the plain file; what was not is removed, and the plain file
 * stays.  0, also when the plain file is not wanted any more; or negative errno. */
int logfile_finish_packing(const char *plain_path, enum log_compress compress, bool succeeded);

/* Appends the paths of the rotated files of `path`, oldest first; of one that was packed a moment
 * ago, and is there twice, the plain one.  0 or negative errno. */
int logfile_list(const char *path, struct strv *out);
