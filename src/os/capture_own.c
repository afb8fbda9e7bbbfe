/* SPDX-License-Identifier: MIT */
/* vergerd's own log, where a thread writes it: because it is a file, or because programs write to
 * the same stream. */
#include <errno.h>
#include <sys/stat.h>

#include "os/capture_private.h"
#include "os/errand.h"

enum { OWN_AT_ONCE = 64 * 1024 /* so many bytes do not wait until the loop is idle */ };

static void leave_own(struct capture *c)
{
	struct target *own = c->own;

	c->own = NULL;
	c->own_fd = -1;
	c->own_waits = 0;
	if (!own)
		return;
	own->is_over = !outlet_has_channels(own->outlet); /* when all of it is written */
	capture_kick(c, own->outlet);
}

static void take_own(struct capture *c, struct target *t)
{
	leave_own(c);
	t->is_over = false;
	c->own = t;
}

int capture_own_file(struct capture *c, const char *path)
{
	const struct logfile_policy policy = { .max_size = LOG_SIZE_NONE,
		                               .max_age_ms = MSEC_NEVER };
	struct logfile *file = NULL;
	struct target *t;
	int r = errand_open_logfile(c->crew, capture_lane(c, path), &file, path, &policy,
	                            c->loop ? ERRAND_PATIENCE_MS : CAPTURE_DRAIN_MS);

	if (r < 0)
		return r;
	t = capture_add_target(c, OUTLET_FILE, path, -1, capture_lane(c, path));
	if (!t) {
		logfile_close(file);
		return -ENOMEM;
	}
	outlet_set_file(t->outlet, file);
	take_own(c, t);
	return 0;
}

int capture_own_stream(struct capture *c, int fd)
{
	struct target *t = capture_get_stream(c, fd);

	if (!t)
		return -ENOMEM;
	take_own(c, t);
	return 0;
}

void capture_own_beside(struct capture *c, int fd)
{
	struct stat st;

	leave_own(c);
	c->own_fd = fd;
	if (fd >= 0 && fstat(fd, &st) == 0)
		c->own = capture_find_stream(c, &st);
}

bool capture_wants_own(const struct capture *c)
{
	return c->own != NULL;
}

void capture_own_here(struct capture *c)
{
	if (c->own && crew_is_empty(c->crew))
		outlet_say_here(c->own->outlet);
}

void capture_send_for_own(struct capture *c)
{
	c->own_waits = 0;
	if (!c->own)
		return;
	capture_kick(c, c->own->outlet);
	capture_own_here(c);
}

bool capture_say(struct capture *c, const char *line, size_t size)
{
	bool taken = c->own && outlet_say(c->own->outlet, line, size);

	/* a thread for each line would wake up for each */
	c->own_waits += size;
	if (!c->loop || c->own_waits >= OWN_AT_ONCE)
		capture_send_for_own(c);
	return taken;
}
