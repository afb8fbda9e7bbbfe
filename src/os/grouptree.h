/* SPDX-License-Identifier: MIT */
/* The control groups of one vergerd: a directory of its own below the one it runs in, and in there
 * a group for each program, made before its first start.  Tells by inotify when a group changes
 * between empty and not. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/settings.h"
#include "os/proc.h"

struct grouptree;

/* The group of `program` was populated or emptied (look which). */
typedef void grouptree_changed(void *context, uint32_t program);

/* Makes "verger-<pid>" in the directory `parent`, and removes what dead vergerds have left there.
 * `settings` is borrowed.  0 or negative errno. */
int grouptree_new(struct grouptree **out, struct ev_loop *loop, const char *parent,
                  const struct settings *settings, grouptree_changed *changed, void *context);
/* Removes the groups that are empty. */
void grouptree_free(struct grouptree *g);

/* Makes room for programs up to the id count - 1.  0 or -ENOMEM. */
int grouptree_reserve(struct grouptree *g, size_t count);

/* The program is removed, its group as well; the id may come back under another name. */
void grouptree_forget(struct grouptree *g, uint32_t program);

/* A descriptor of the program's group, which is made if need be; owned by the caller.  Negative
 * errno. */
int grouptree_open(struct grouptree *g, uint32_t program);

/* Whether a process lives in it. */
bool grouptree_is_populated(struct grouptree *g, uint32_t program);

/* Asks for `changed`, or stops asking.  0 or negative errno (-ENOSPC, -EMFILE: no more watches to
 * be had: poll). */
int grouptree_watch(struct grouptree *g, uint32_t program);
void grouptree_unwatch(struct grouptree *g, uint32_t program);

/* SIGKILL to everything in it; 0 or negative errno. */
int grouptree_kill(struct grouptree *g, uint32_t program);

/* Appends the members, each once. */
int grouptree_members(struct grouptree *g, uint32_t program, struct pid_list *out);

/* Sends a signal to `pid` if it is (still) a member.  0, -ESRCH, or another negative errno. */
int grouptree_signal(struct grouptree *g, uint32_t program, pid_t pid, int signo);

/* Removes the program's group if it is empty. */
void grouptree_remove(struct grouptree *g, uint32_t program);
