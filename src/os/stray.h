/* SPDX-License-Identifier: MIT */
/* Children of ours that belong to no program that still runs, at the end of vergerd (X3). */
#pragma once

#include <stddef.h>

#include "os/acquaintance.h"
#include "os/kin.h"

struct strays {
	struct kin *kin; /* borrowed */
	/* private */
	struct acquaintances told;
};

void strays_release(struct strays *s);

/* As families_signal_strays (family.h). */
size_t strays_signal(struct strays *s, int signo);
