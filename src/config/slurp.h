/* SPDX-License-Identifier: MIT */
/* A whole file in memory. */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

enum slurp_kind {
	SLURP_REGULAR, /* regular files only (-EINVAL): never waits for anybody */
	SLURP_ANY,     /* pipes and devices too, which may wait for their writer */
};

/* Reads all of `path`, at most `max_size` bytes, into malloc'ed memory with a NUL behind it.
 * `status` (may be NULL) gets what fstat() says of it.  0 or a negative errno: -EISDIR for a
 * directory, -EFBIG for more than max_size. */
int slurp(const char *path, enum slurp_kind kind, size_t max_size, char **bytes, size_t *size,
          struct stat *status);
