/* SPDX-License-Identifier: MIT */
/* What a path lies on, without touching it: to look at a file on a server that has died is to wait
 * for it. */
#pragma once

#include <stdint.h>

/* A number for the device of the file system that an absolute path lies on, by the table of mounts
 * (proc(5), mountinfo); never 0.  Symbolic links are taken for what they are called. */
uint64_t mount_device(const char *path);
