/* SPDX-License-Identifier: MIT */
/* Which targets there are.  Two that are the same file, or the same pipe behind two descriptors,
 * are one. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/capture_private.h"
#include "os/mount.h"

enum { STREAM_LANES = 0x100 /* beside those of devices */ };

/* What a path lies on.  Nearly always the one before lay there too; should that have become wrong,
 * one log waits with others. */
uint64_t capture_lane(struct capture *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;

	if (c->lane && c->lane_size == size && !strncmp(c->lane_folder, path, size))
		return c->lane;
	c->lane = size < sizeof c->lane_folder ? mount_device(path) : 0;
	if (!c->lane)
		return mount_device(path);
	c->lane_size = size;
	memcpy(c->lane_folder, path, size);
	return c->lane;
}

struct target *capture_add_target(struct capture *c, enum outlet_kind kind, const char *name,
                                  int fd, uint64_t lane)
{
	struct target *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->outlet = outlet_new(c->crew, kind, name, fd, lane, c->hooks, c);
	if (!t->outlet) {
		free(t);
		return NULL;
	}
	c->held++;
	t->polled_fd = -1;
	t->next = c->targets;
	c->targets = t;
	return t;
}

struct target *capture_find_target(const struct capture *c, enum outlet_kind kind, const char *name)
{
	for (struct target *t = c->targets; t; t = t->next)
		if (outlet_kind(t->outlet) == kind && !strcmp(outlet_name(t->outlet), name))
			return t;
	return NULL;
}

/* --- streams: the same pipe or file may be behind 1 and 2 --- */

static bool is_same_stream(const struct target *t, const struct stat *st)
{
	return outlet_kind(t->outlet) == OUTLET_STREAM && t->dev == st->st_dev &&
	       t->ino == st->st_ino;
}

struct target *capture_find_stream(const struct capture *c, const struct stat *st)
{
	for (struct target *t = c->targets; t; t = t->next)
		if (is_same_stream(t, st))
			return t;
	return NULL;
}

struct target *capture_get_stream(struct capture *c, int fd)
{
	struct stat st, own;
	struct target *t;

	if (fstat(fd, &st) < 0)
		return NULL;
	t = capture_find_stream(c, &st);
	if (t)
		return t;
	t = capture_add_target(c, OUTLET_STREAM,
	                       fd == STDERR_FILENO ? "standard error" : "standard output", fd,
	                       STREAM_LANES + (uint64_t)fd);
	if (!t)
		return NULL;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	/* two who write to the same stream would cut each other's lines */
	if (!c->own && c->own_fd >= 0 && fstat(c->own_fd, &own) == 0 && is_same_stream(t, &own))
		c->own = t;
	return t;
}
