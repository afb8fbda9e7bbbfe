/* SPDX-License-Identifier: MIT */
/* Where PID files and sockets go when nobody says so. */
#pragma once

/* The default run_dir (root: /run/verger, else $XDG_RUNTIME_DIR/verger) if it is, or can be made, a
 * directory we may write to; malloc'ed.  NULL: none can be had, and *reason (borrowed, constant or
 * in `buffer`) says why. */
char *rundir_default(char *const *env, char *reason, unsigned long reason_size);

/* Makes the directory (0755, and its missing parents) if need be and checks that we may write
 * there.  0 or negative errno. */
int rundir_ensure(const char *path);
