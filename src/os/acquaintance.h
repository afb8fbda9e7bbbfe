/* SPDX-License-Identifier: MIT */
/* Processes that nothing but their past tells where they belong: where they were seen, by PID and
 * by when they began. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct acquaintance {
	pid_t pid;
	uint32_t program; /* or whatever the owner writes there */
	uint64_t start_ticks;
};

/* All zero is empty. */
struct acquaintances {
	struct acquaintance *items; /* by PID; owned */
	size_t count;
	/* private */
	size_t capacity;
};

void acquaintances_release(struct acquaintances *a);

/* Best effort: what is not remembered can only be told less well. */
void acquaintances_note(struct acquaintances *a, pid_t pid, uint64_t start_ticks, uint32_t program);

/* Borrowed until the next call; NULL when that process was never seen. */
const struct acquaintance *acquaintances_find(const struct acquaintances *a, pid_t pid,
                                              uint64_t start_ticks);

/* Forgets all of a program; or of them those that have ended. */
void acquaintances_forget(struct acquaintances *a, uint32_t program);
void acquaintances_forget_ended(struct acquaintances *a, uint32_t program);
