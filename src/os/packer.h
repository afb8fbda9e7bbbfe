/* SPDX-License-Identifier: MIT */
/* Packs rotated log files with gzip, zstd or xz: a process of its own that takes what the machine
 * has left over, one at a time.
 *
 * One goes through four hands, because files may hang and processes belong to the loop:
 *   1. a thread   packer_open             opens the file and what it becomes
 *   2. the loop   packer_start            makes the process, which has nothing but these two
 *   3. the loop   packer_on_exit          the reaper has told of an orphan, and it was ours
 *   4. a thread   logfile_finish_packing  puts the result in the place of the file
 * Whatever goes wrong on the way, the file stays as it is; a packer may be killed at any time. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/probe.h"
#include "os/reaper.h"
#include "os/spawn_plan.h"

struct packer;

struct packer_end {
	const char *plain_path; /* borrowed until the next packer_start */
	enum log_compress compress;
	bool succeeded;
	char detail[PLAN_DETAIL_MAX]; /* why not, for the log; "" when it was killed by packer_kill
	                                 or has succeeded */
};

/* `probe` and `environment` (vergerd's own, for PATH and the packers' own variables) are borrowed.
 * NULL when memory is out. */
struct packer *packer_new(const struct probe *probe, char *const *environment);
/* Kills the one that runs. */
void packer_free(struct packer *p);

/* Opens a rotated file, and makes the file that takes its packed form, with the same owner and
 * mode.  May block.  0 with both descriptors, or negative errno (-ENOENT: the file has gone, as
 * the oldest ones do). */
int packer_open(const char *plain_path, enum log_compress compress, int *in, int *out);

/* Starts the process.  Both descriptors are taken, whatever comes of it.  0; or negative errno with
 * `detail` a sentence part ("command zstd: not found in PATH /usr/bin:/bin"), -EBUSY while another
 * one runs: logfile_finish_packing is to be called then as well. */
int packer_start(struct packer *p, const char *plain_path, enum log_compress compress, int in,
                 int out, char detail[PLAN_DETAIL_MAX]);

/* An orphan was reaped: true with *end if it was ours.  Has to be told of each. */
bool packer_on_exit(struct packer *p, const struct reaper_exit *exit, struct packer_end *end);

/* Whether one runs, or has ended and is not reaped yet. */
bool packer_is_busy(const struct packer *p);

/* Whether `pid` is the one that was not reaped yet; it leads a session.  For
 * families_set_outsider: it is of no program's family. */
bool packer_owns(const struct packer *p, pid_t pid);

/* Kills the one that runs; its end is told as any other. */
void packer_kill(struct packer *p);
