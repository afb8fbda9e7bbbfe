/* SPDX-License-Identifier: MIT */
/* Where vergerd's own log goes: standard error, a file, or syslog(3).  A target that fails loses
 * lines, never time. */
#pragma once

#include "core/settings.h"

struct logtarget;

/* Opens the target and makes it the sink of base/log.h.  On failure (negative errno) the log stays
 * where it was. */
int logtarget_open(struct logtarget **out, enum log_target target, const char *path);
/* Opens the file again under its name (USR2, after a rotation).  0 or negative errno; the old file
 * is kept then. */
int logtarget_reopen(struct logtarget *t);
/* Goes to another target.  0 or negative errno; the log stays where it was then. */
int logtarget_change(struct logtarget *t, enum log_target target, const char *path);
void logtarget_close(struct logtarget *t);
