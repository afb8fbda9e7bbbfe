/* SPDX-License-Identifier: MIT */
/* Who belongs to one program at this moment, by the list that the kernel keeps of its control group
 * or by a look at its kin; and signals to them.  It neither waits nor remembers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/grouptree.h"
#include "os/kin.h"
#include "os/proc.h"
#include "os/reaper.h"

/* Where to look; everything borrowed. */
struct membership {
	struct kin *kin;
	struct grouptree *groups; /* NULL = its processes are told by kin */
	struct reaper *reaper;
	uint32_t program;
};

/* Appends the PIDs of all members, nothing when memory is out; and whether `pid` is one. */
void membership_list(const struct membership *m, struct pid_list *out);
bool membership_has(const struct membership *m, pid_t pid);

struct family_member {
	pid_t pid;
	char name[16]; /* comm */
	char state;    /* as in /proc/PID/stat: 'D' cannot be killed yet */
};

/* As family_members (family.h). */
size_t membership_describe(const struct membership *m, struct family_member *out, size_t max);

/* As family_signal and family_continue (family.h). */
int membership_signal(const struct membership *m, int signo, enum signal_scope scope);
int membership_continue(const struct membership *m, enum signal_scope scope);
