/* SPDX-License-Identifier: MIT */
/* A call that may hang, made by a thread, while the loop waits for it, but not for long: nearly all
 * of them are over in less time than it takes to tell. */
#pragma once

#include <fcntl.h>

#include "base/clock.h"
#include "os/crew.h"

struct logfile;
struct logfile_policy;

enum {
	ERRAND_PATIENCE_MS = 250,      /* then it is said to hang */
	ERRAND_LITTLE_PATIENCE_MS = 5, /* where others hang already */
};

/* open(2) with close-on-exec, in a lane of the crew.  The descriptor, or negative errno;
 * -ETIMEDOUT: it hangs (the descriptor is closed when it comes), or so many hang there already that
 * it was not tried. */
int errand_open(struct crew *crew, uint64_t lane, const char *path, int flags, mode_t mode,
                msec_t patience_ms);

/* logfile_open, likewise. */
int errand_open_logfile(struct crew *crew, uint64_t lane, struct logfile **out, const char *path,
                        const struct logfile_policy *policy, msec_t patience_ms);
