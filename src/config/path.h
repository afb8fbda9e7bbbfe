/* SPDX-License-Identifier: MIT */
/* Paths as text; the file system is not asked. */
#pragma once

#include "base/text.h"
#include "config/fault.h"

/* Appends `path` to `out`, absolute (from the absolute folder `here` if it is relative) and without
 * "//", "/./" and a slash at its end; ".." stays, because a symbolic link may stand before it.  0,
 * FAULTY when it is too long for the system, or -ENOMEM. */
int path_resolve(const char *here, const char *path, struct text *out, struct fault *fault);

/* The last component; the whole of a path without a slash. */
const char *path_base(const char *path);

/* Appends the folder that `path` is in: "/" for "/x", "." for "x".  0 or -ENOMEM. */
int path_folder(const char *path, struct text *out);
