/* SPDX-License-Identifier: MIT */
/* Which PID file path belongs to whom: nobody may claim one that another has (P5). */
#pragma once

#include "base/arena.h"
#include "config/fault.h"

struct claims {
	struct arena *arena; /* borrowed: holds the claims */
	void *by_path;       /* tsearch */
};

/* Who claims a path, for the sentence that refuses the next. */
struct claim {
	const char *path, *who; /* borrowed, like the file, as long as the claims */
	const char *file;
	unsigned line;
};

void claims_release(struct claims *c);

/* 0; FAULTY when somebody else has the path; -ENOMEM. */
int claims_add(struct claims *c, const struct claim *claim, struct fault *fault);
