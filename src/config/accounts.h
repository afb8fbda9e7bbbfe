/* SPDX-License-Identifier: MIT */
/* Users and groups, from names to numbers.  The only place of src/config that asks the system for
 * them. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "config/fault.h"
#include "core/settings.h"

struct accounts;

/* Remembers what was found, so that 10,000 programs of one user ask once.  Records go into `arena`.
 * With `ask_system` = false nobody is known by name and everybody is root (for tests).  NULL when
 * memory is out. */
struct accounts *accounts_new(struct arena *arena, bool ask_system);
void accounts_free(struct accounts *a);

/* Who a program with `user` and `group` (a name or a number each; NULL or "" = not given, not both)
 * runs as.
 *
 * A user brings its primary group (unless `group` is given) and its supplementary groups; a number
 * without an entry runs in the group of the same number and no other.  Only root can change who a
 * program is: otherwise FAULTY, unless nothing would change, and then set_user and set_group are
 * false and only the names are there.  0, FAULTY or -ENOMEM. */
int accounts_credentials(struct accounts *a, const char *user, const char *group,
                         const struct credentials **out, struct fault *fault);

/* The owner of a PID file: "user", "user:group" or ":group"; what is not named is (uid_t)-1 or
 * (gid_t)-1.  0, FAULTY or -ENOMEM. */
int accounts_owner(struct accounts *a, const char *text, uid_t *uid, gid_t *gid,
                   struct fault *fault);

/* A group by its name or number.  0, FAULTY or -ENOMEM. */
int accounts_group(struct accounts *a, const char *text, gid_t *gid, struct fault *fault);
