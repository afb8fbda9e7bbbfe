/* SPDX-License-Identifier: MIT */
/* Which path of a PID file or socket belongs to whom: nobody may claim one that another has (P5),
 * or one where something else is. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "config/fault.h"

struct claims {
	struct arena *arena; /* borrowed: holds the claims */
	bool ask_system;     /* look at what is at a path */
	void *by_path;       /* private: tsearch */
};

enum claim_kind { CLAIM_PIDFILE, CLAIM_SOCKET };

/* Who claims a path, for the sentence that refuses the next. */
struct claim {
	enum claim_kind kind;
	const char *path, *who; /* borrowed, like the file, as long as the claims */
	const char *file;       /* where it is claimed; NULL = by default */
	unsigned line;
};

void claims_release(struct claims *c);

/* 0; FAULTY when somebody else has the path or it cannot be what it is claimed for; -ENOMEM. */
int claims_add(struct claims *c, const struct claim *claim, struct fault *fault);

/* 0; FAULTY when somebody has this path, which is to be a log. */
int claims_judge_log(const struct claims *c, const char *path, struct fault *fault);
