/* SPDX-License-Identifier: MIT */
/* How many descriptors vergerd may have open, and whether some are left.  Each program takes one
 * for as long as it lives, and stopping it takes a few for a moment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

struct descriptors {
	struct rlimit before; /* what programs are to get */
	bool raised;          /* we have more than that */
	rlim_t limit;         /* what we have; 0 = not known */
};

/* Notes what there is. */
void descriptors_init(struct descriptors *d);

/* Raises our soft limit if it is too low for so many programs; says so in the log if that is more
 * than the hard limit. */
void descriptors_reserve(struct descriptors *d, size_t programs);

/* RLIMIT_NOFILE for programs; NULL = as it is. */
const struct rlimit *descriptors_for_programs(const struct descriptors *d);

/* Whether a program may take one more while `running` do: were the last ones given to programs,
 * nobody could be stopped (R4, S3).  `fd` is any descriptor that is open. */
bool descriptors_to_spare(const struct descriptors *d, size_t running, int fd);
