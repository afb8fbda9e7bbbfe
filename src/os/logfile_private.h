/* SPDX-License-Identifier: MIT */
/* Between logfile.c and logfile_packing.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/logfile.h"
#include "os/rotated.h"

struct place {
	dev_t dev;
	ino_t ino;
};

struct logfile {
	char *path; /* owned */
	int fd;
	struct logfile_policy policy;
	struct place file, directory; /* as they were when it was opened */
	bool regular;
	bool through_link; /* the path is a symbolic link; one that turns up later is not followed
	                      unasked */
	bool displaced;    /* stands under the name of a rotated one and could not go back */

	uint64_t size;     /* so far as we know */
	int64_t born_us;   /* when it got its first byte; INT64_MIN = it has none */
	int64_t looked_us; /* when size was last compared with the file */
	bool at_line_end;

	int64_t refused_us; /* when a rotation was last refused */
	int trouble;        /* why; 0 = was not */

	int64_t checked_us;
	int missing; /* why it could not be opened anew; 0 = it is there */

	bool swept;         /* leftovers of dead packers are gone */
	bool may_pack;      /* there may be something to pack */
	int64_t packing_us; /* rotated file that is being packed; 0 = none */
	int64_t packed_us;  /* the last one that was tried since the last rotation */
	char *next_to_pack; /* owned; as long as it holds */
};

static inline const char *logfile_base(const struct logfile *f)
{
	return rotated_base(f->path);
}

static inline bool logfile_may_rotate(const struct logfile *f)
{
	return f->regular && !f->through_link;
}

/* Reads which rotated files there are; the first time, what dead packers have left is removed.  The
 * directory, open, or negative errno. */
int logfile_read_rotated(struct logfile *f, struct rotated_list *list);

/* The next one to pack may be another one now. */
void logfile_forget_next(struct logfile *f);
