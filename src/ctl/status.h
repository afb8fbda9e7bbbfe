/* SPDX-License-Identifier: MIT */
/* Asking vergerd for what `status` shows. */
#pragma once

#include "ctl/ctl.h"
#include "ctl/report.h"

/* Asks for the programs that the command line names.  0 with *out to be released by
 * the caller, or an exit status after it has said why not. */
int status_ask(struct ctl *ctl, struct report *out);

/* Shows it again and again.  An exit status. */
int watch_run(struct ctl *ctl);
