/* SPDX-License-Identifier: MIT */
/* The end of vergerd, when all programs have come to rest: what belongs to none of them (orphans
 * that came to us, commands of hooks) is given its grace (X3). */
#pragma once

#include "daemon/daemon.h"

void farewell_init(struct daemon *d);

/* Ends daemon_run with `status` as soon as no such process is left, at the latest when the longest
 * grace that a program has is over; `at_once`: without grace. */
void farewell_begin(struct daemon *d, int status, bool at_once);

/* Asked to end once more: without grace. */
void farewell_hasten(struct daemon *d);

/* Some children have ended: looks whether that was all. */
void farewell_check(struct daemon *d);
