/* SPDX-License-Identifier: MIT */
/* Reads the configuration again and lives by it: all of it, or nothing of it when it has faults
 * (B1).
 */
#pragma once

#include "control/host.h"
#include "daemon/daemon.h"

/* Tells `sink` (may be NULL) what changes and, unless it is a dry run, applies it.  Faults go to
 * `diags`; warnings may be there in any case. */
enum host_reload_result reload_run(struct daemon *d, bool dry_run,
                                   const struct host_plan_sink *sink, struct diags *diags);

/* HUP: the same, told in the log. */
void reload_on_hangup(struct daemon *d);
