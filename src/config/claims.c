/* SPDX-License-Identifier: MIT */
/* Remembers paths.  Paths are compared as texts: what links lead to is seen when they are used. */
#include "config/claims.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

#include "config/path.h"

static const char *const kind_names[] = {
	[CLAIM_PIDFILE] = "PID file",
	[CLAIM_SOCKET] = "control socket",
};
static const char *const kind_keys[] = {
	[CLAIM_PIDFILE] = "pidfile",
	[CLAIM_SOCKET] = "control_socket",
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct claim *)a)->path, ((const struct claim *)b)->path);
}

static void keep(void *node)
{
	(void)node; /* claims live in the arena */
}

void claims_release(struct claims *c)
{
	tdestroy(c->by_path, keep);
}

static int judge_name(const struct claim *claim, struct fault *fault)
{
	const char *name = path_base(claim->path);

	if (strlen(name) <= NAME_MAX)
		return 0;
	return fault_set(fault,
	                 "the file name '%.40s...' of %zu bytes is longer than the system takes "
	                 "(%d); name a shorter %s",
	                 name, strlen(name), NAME_MAX, kind_keys[claim->kind]);
}

static int judge_pidfile(const char *path, mode_t mode, struct fault *fault)
{
	if (S_ISDIR(mode))
		return fault_set(fault, "%.200s is a directory, not a file", path);
	if (S_ISLNK(mode))
		return fault_set(
			fault, "%.200s is a symbolic link; a PID file is never written through one",
			path);
	if (!S_ISREG(mode))
		return fault_set(fault, "%.200s is a device, pipe or socket, not a file", path);
	return 0;
}

static int judge_socket(const char *path, mode_t mode, struct fault *fault)
{
	if (S_ISSOCK(mode))
		return 0;
	return fault_set(fault,
	                 "%.200s is there and is not a socket; nothing is removed to make room for "
	                 "one: name another path",
	                 path);
}

/* Judges a path by what is there; what is not there or cannot be seen shows at the start. */
static int judge_place(const struct claim *claim, struct fault *fault)
{
	struct stat status;

	if (lstat(claim->path, &status) < 0)
		return 0;
	switch (claim->kind) {
	case CLAIM_PIDFILE: return judge_pidfile(claim->path, status.st_mode, fault);
	case CLAIM_SOCKET: return judge_socket(claim->path, status.st_mode, fault);
	}
	return 0;
}

static int refuse(const struct claim *claim, const struct claim *first, struct fault *fault)
{
	const char *kind = kind_names[first->kind];

	if (!first->file)
		return fault_set(fault, "%.200s is the %s of %.80s already (by default)",
		                 claim->path, kind, first->who);
	return fault_set(fault, "%.200s is the %s of %.80s already (%.100s, line %u)", claim->path,
	                 kind, first->who, first->file, first->line);
}

int claims_add(struct claims *c, const struct claim *claim, struct fault *fault)
{
	struct claim *own, **node;

	if (judge_name(claim, fault) != 0 || (c->ask_system && judge_place(claim, fault) != 0))
		return FAULTY;
	own = arena_alloc(c->arena, sizeof *own);
	if (!own)
		return -ENOMEM;
	*own = *claim;
	node = tsearch(own, &c->by_path, compare);
	if (!node)
		return -ENOMEM;
	return *node == own ? 0 : refuse(claim, *node, fault);
}

int claims_judge_log(const struct claims *c, const char *path, struct fault *fault)
{
	const struct claim log = { .path = path };
	struct claim *const *node = tfind(&log, &c->by_path, compare);

	return node ? refuse(&log, *node, fault) : 0;
}
