/* SPDX-License-Identifier: MIT */
/* Ends programs and sees to it that their PIDs are given to strangers at once. */
#pragma once

#include "observer/reader.h"
#include "observer/tally.h"

/* Works until tally->stop.  Needs to be root in a PID namespace of its own (ns_last_pid).  0, or
 * negative errno when PIDs cannot be chosen here. */
int hunter_run(struct tally *tally, const struct cast *cast, int dir_fd);
