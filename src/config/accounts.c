/* SPDX-License-Identifier: MIT */
/* Resolves users and groups.  Knows nothing of programs. */
#include "config/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum { ENTRY_SIZE_MAX = 1024 * 1024, GROUPS_MAX = 65536 };

/* what was found for one pair of texts */
struct known {
	struct known *next;
	const char *user, *group; /* "" = not given */
	const struct credentials *credentials;
};

struct accounts {
	struct arena *arena;
	struct known *known;
	bool ask_system;
};

struct user {
	uid_t uid;
	gid_t gid;
	const char *name, *home, *shell; /* in the arena; NULL without an entry */
};

struct accounts *accounts_new(struct arena *arena, bool ask_system)
{
	struct accounts *a = calloc(1, sizeof *a);

	if (a)
		*a = (struct accounts){ .arena = arena, .ask_system = ask_system };
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	for (struct known *k = a->known, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	free(a);
}

static bool is_root(const struct accounts *a)
{
	return !a->ask_system || geteuid() == 0;
}

/* uid_t's last value means "leave it" to the kernel */
static bool parse_id(const char *text, unsigned *out)
{
	int64_t id;

	if (parse_int(text, 0, (int64_t)UINT32_MAX - 1, &id) < 0)
		return false;
	*out = (unsigned)id;
	return true;
}

/* 0 or -ENOMEM */
static int take_passwd(struct accounts *a, const struct passwd *entry, struct user *out)
{
	*out = (struct user){
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
		.name = arena_intern(a->arena, entry->pw_name),
		.home = arena_intern(a->arena, entry->pw_dir),
		.shell = arena_intern(a->arena, entry->pw_shell),
	};
	return out->name && out->home && out->shell ? 0 : -ENOMEM;
}

/* 0, FAULTY, -ENOMEM, or -ENOENT when there is no entry */
static int find_passwd(struct accounts *a, const char *text, bool numeric, uid_t uid,
                       struct user *out, struct fault *fault)
{
	for (size_t size = 1024; size <= ENTRY_SIZE_MAX; size *= 4) {
		_cleanup_free_ char *room = malloc(size);
		struct passwd entry, *found = NULL;
		int error;

		if (!room)
			return -ENOMEM;
		error = numeric ? getpwuid_r(uid, &entry, room, size, &found)
		                : getpwnam_r(text, &entry, room, size, &found);
		if (error == ERANGE)
			continue;
		if (found)
			return take_passwd(a, found, out);
		if (error == ENOMEM)
			return -ENOMEM;
		/* which error means "no such user" differs between databases (getpwnam(3)) */
		if (error == EMFILE || error == ENFILE || error == EIO)
			return fault_set(fault, "looking up user '%.80s': %s", text,
			                 strerror(error));
		return -ENOENT;
	}
	return fault_set(fault, "looking up user '%.80s': its entry is longer than %d bytes", text,
	                 ENTRY_SIZE_MAX);
}

static int find_user(struct accounts *a, const char *text, struct user *out, struct fault *fault)
{
	unsigned id = 0;
	bool numeric = parse_id(text, &id);
	int r = a->ask_system ? find_passwd(a, text, numeric, id, out, fault) : -ENOENT;

	if (r != -ENOENT)
		return r;
	if (!numeric)
		return fault_set(fault, "there is no user '%.80s'", text);
	*out = (struct user){ .uid = id, .gid = id };
	return 0;
}

static int find_group(const struct accounts *a, const char *text, gid_t *out, struct fault *fault)
{
	unsigned id;

	if (parse_id(text, &id)) {
		*out = id;
		return 0;
	}
	for (size_t size = 1024; a->ask_system && size <= ENTRY_SIZE_MAX; size *= 4) {
		_cleanup_free_ char *room = malloc(size);
		struct group entry, *found = NULL;
		int error;

		if (!room)
			return -ENOMEM;
		error = getgrnam_r(text, &entry, room, size, &found);
		if (error == ERANGE)
			continue;
		if (found) {
			*out = found->gr_gid;
			return 0;
		}
		if (error == ENOMEM)
			return -ENOMEM;
		if (error == EMFILE || error == ENFILE || error == EIO)
			return fault_set(fault, "looking up group '%.80s': %s", text,
			                 strerror(error));
		break;
	}
	return fault_set(fault, "there is no group '%.80s'", text);
}

/* The supplementary groups of a user with an entry; the caller frees *out. */
static int list_groups(const struct user *user, gid_t gid, gid_t **out, size_t *count,
                       struct fault *fault)
{
	int room = 32;

	for (;;) {
		gid_t *groups = calloc((size_t)room, sizeof *groups);
		int had = room;

		if (groups && getgrouplist(user->name, gid, groups, &room) >= 0) {
			*out = groups;
			*count = (size_t)room;
			return 0;
		}
		free(groups);
		if (!groups)
			return -ENOMEM;
		if (room <= had || room > GROUPS_MAX)
			return fault_set(fault, "the groups of user '%.80s' cannot be listed",
			                 user->name);
	}
}

static const struct credentials *intern(struct accounts *a, const struct credentials *base,
                                        const gid_t *groups, size_t group_count)
{
	size_t size = sizeof *base + group_count * sizeof *groups;
	_cleanup_free_ struct credentials *c = calloc(1, size);

	if (!c)
		return NULL;
	memcpy(c, base, sizeof *base);
	c->group_count = group_count;
	if (group_count)
		memcpy(c->groups, groups, group_count * sizeof *groups);
	return arena_intern_bytes(a->arena, c, size);
}

/* Judges what an ordinary user asks for. */
static int refuse_change(const struct credentials *c, const char *user, const char *group,
                         struct fault *fault)
{
	if (*user && c->uid != geteuid())
		return fault_set(fault, "only root can run a program as another user ('%.80s')",
		                 user);
	if (*group && c->gid != getegid())
		return fault_set(fault, "only root can run a program in another group ('%.80s')",
		                 group);
	return 0;
}

/* The record of `user` and `group`; the memory is zeroed first so that equal records are equal
 * bytes. */
static int resolve(struct accounts *a, const char *user, const char *group,
                   const struct credentials **out, struct fault *fault)
{
	struct user found = { .uid = 0 };
	struct credentials c;
	_cleanup_free_ gid_t *groups = NULL;
	size_t group_count = 0;
	int r = *user ? find_user(a, user, &found, fault) : 0;

	memset(&c, 0, sizeof c);
	c.uid = found.uid;
	c.gid = found.gid;
	c.user_name = found.name;
	c.home = found.home;
	c.shell = found.shell;
	if (r == 0 && *group)
		r = find_group(a, group, &c.gid, fault);
	if (r == 0 && !is_root(a)) {
		r = refuse_change(&c, user, group, fault);
	} else if (r == 0) {
		c.set_user = *user != '\0';
		c.set_group = true;
		if (found.name)
			r = list_groups(&found, c.gid, &groups, &group_count, fault);
	}
	if (r != 0)
		return r;
	*out = intern(a, &c, groups, group_count);
	return *out ? 0 : -ENOMEM;
}

int accounts_credentials(struct accounts *a, const char *user, const char *group,
                         const struct credentials **out, struct fault *fault)
{
	struct known *k;
	int r;

	user = user ? user : "";
	group = group ? group : "";
	for (k = a->known; k; k = k->next) {
		if (!strcmp(k->user, user) && !strcmp(k->group, group)) {
			*out = k->credentials;
			return 0;
		}
	}
	r = resolve(a, user, group, out, fault);
	if (r != 0)
		return r;
	k = malloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	*k = (struct known){
		.next = a->known,
		.user = arena_intern(a->arena, user),
		.group = arena_intern(a->arena, group),
		.credentials = *out,
	};
	if (!k->user || !k->group) {
		free(k);
		return -ENOMEM;
	}
	a->known = k;
	return 0;
}

int accounts_owner(struct accounts *a, const char *text, uid_t *uid, gid_t *gid,
                   struct fault *fault)
{
	const char *colon = strchr(text, ':');
	_cleanup_free_ char *user_text =
		strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct user user = { .uid = (uid_t)-1 };
	gid_t group = (gid_t)-1;
	int r = 0;

	if (!user_text)
		return -ENOMEM;
	if (!*user_text && (!colon || !colon[1]))
		return fault_set(fault, "expected USER, USER:GROUP or :GROUP, got '%.80s'", text);
	if (*user_text)
		r = find_user(a, user_text, &user, fault);
	if (r == 0 && colon)
		r = find_group(a, colon + 1, &group, fault);
	if (r != 0)
		return r;
	if (!is_root(a) && user.uid != (uid_t)-1 && user.uid != geteuid())
		return fault_set(fault, "only root can give a file to another user ('%.80s')",
		                 text);
	*uid = user.uid;
	*gid = group;
	return 0;
}

int accounts_group(struct accounts *a, const char *text, gid_t *gid, struct fault *fault)
{
	return find_group(a, text, gid, fault);
}
