/* SPDX-License-Identifier: MIT */
/* What a doctor has found: printed as it is found, and counted. */
#pragma once

#include <jansson.h>

#include "ctl/ctl.h"

enum finding_level { FINDING_GOOD, FINDING_NOTE, FINDING_WARNING, FINDING_BAD, FINDING_LEVELS };

struct findings {
	struct ctl *ctl;
	unsigned counts[FINDING_LEVELS];
	json_t *list; /* of Finding, as vergerd's own; NULL unless --json */
};

/* advice may be "". */
void finding_add(struct findings *f, enum finding_level level, const char *subject,
                 const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The level of this name; FINDING_NOTE for others. */
enum finding_level finding_level_of(const char *name);
