/* SPDX-License-Identifier: MIT */
/* Who belongs to which program where the kernel keeps no list.  Every descendant of ours whose
 * parent dies becomes our child (we are their subreaper), so a family is what lives below its main
 * process and what lives below those of our children that can be told to be its orphans: by
 * session, by the mark in their environment, by having been seen below the main process before, or
 * because no other program can have made them.  It looks; it does not wait. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/probe.h"
#include "os/proc.h"
#include "os/reaper.h"

struct kin;

/* Children that are there already are nobody's: they are left alone for ever.  All arguments are
 * borrowed.  NULL when memory is out. */
struct kin *kin_new(struct ev_loop *loop, const struct probe *probe,
                    const struct settings *settings, struct reaper *reaper);
void kin_free(struct kin *k);

/* Makes room for programs up to the id count - 1.  0 or -ENOMEM. */
int kin_reserve(struct kin *k, size_t count);

/* The program is removed and has no process any more; the id may come back under another name. */
void kin_forget(struct kin *k, uint32_t program);

/* The value of VERGER_FAMILY for a program: what we have inherited and "<our id>/<program>".
 * NO_PROGRAM: for a command that runs beside the programs; from then on an orphan is no program's
 * only because there is one program.  Valid until the next call; NULL when memory is out. */
const char *kin_mark(struct kin *k, uint32_t program);

/* Whether a session is led by a command that runs beside the programs, and not reaped. */
typedef bool kin_outsider(const void *context, pid_t leader);

/* Processes in such a session are nobody's, whatever else speaks for a program. */
void kin_set_outsider(struct kin *k, kin_outsider *outsider, const void *context);

/* Whether a child of ours is in such a session. */
bool kin_is_outside(const struct kin *k, pid_t child);

/* The main process was started or found, or has gone; the last of the family has gone. */
void kin_started(struct kin *k, uint32_t program, pid_t main_pid);
void kin_main_gone(struct kin *k, uint32_t program);
void kin_emptied(struct kin *k, uint32_t program);

/* The main process; 0 = none. */
pid_t kin_main(const struct kin *k, uint32_t program);

/* The process group of the last main process, as long as something of the family may be left; 0 =
 * none but ours. */
pid_t kin_group(const struct kin *k, uint32_t program);

/* When the main process began, in ticks since boot; 0 where nobody asks for it (only forking
 * programs do). */
uint64_t kin_start_ticks(const struct kin *k, uint32_t program);

/* Whether a child of ours is of the program, or cannot be told to be anybody else's. */
bool kin_may_belong(struct kin *k, pid_t child, uint32_t program);

/* A living child of ours that is no main process; `program` may be NO_PROGRAM.  False ends the
 * look. */
typedef bool kin_visit(void *context, pid_t pid, uint32_t program);

/* Calls visit for each of them, the youngest first (in a family that keeps forking those live
 * longest).  True: what was not visited was not there.  False: some died meanwhile and may have
 * left children behind; look again. */
bool kin_look(struct kin *k, kin_visit *visit, void *context);

struct kin_member {
	pid_t pid, parent; /* parent = us: its PID cannot be freed behind our back */
};

struct kin_members {
	struct kin_member *items; /* owned */
	size_t count;
	/* private */
	size_t capacity;
};

#define KIN_MEMBERS_INIT                                                                           \
	{                                                                                          \
		0                                                                                  \
	}

void kin_members_release(struct kin_members *members);

/* Appends every living process of the program, each once, the main process first.  0 or negative
 * errno. */
int kin_tree(struct kin *k, uint32_t program, struct kin_members *out);

/* Sends a signal to a member found by kin_tree, or to nobody when it has ended meanwhile, and
 * remembers it as one of the program.  0, -ESRCH, or another negative errno. */
int kin_signal(struct kin *k, uint32_t program, const struct kin_member *member, int signo);
