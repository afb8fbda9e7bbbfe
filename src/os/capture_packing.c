/* SPDX-License-Identifier: MIT */
/* The packing of rotated files, as far as it needs a process: one at a time, of all logs. */
#include <string.h>

#include "base/log.h"
#include "os/capture_private.h"
#include "os/packer.h"

int capture_set_packer(struct capture *c, const struct probe *probe, char *const *environment)
{
	c->packer = packer_new(probe, environment);
	return c->packer ? 0 : -1;
}

static void end(struct capture *c, struct target *t, bool succeeded)
{
	outlet_packing(t->outlet)->succeeded = succeeded;
	outlet_set_packing_phase(t->outlet, PACKING_ENDS);
	capture_kick(c, t->outlet);
}

static void start(struct capture *c, struct target *t)
{
	struct packing *p = outlet_packing(t->outlet);
	char detail[PLAN_DETAIL_MAX] = "";
	int r;

	outlet_set_packing_phase(t->outlet, PACKING_RUNS);
	r = packer_start(c->packer, p->path, p->how, p->in, p->out, detail);
	if (r == 0)
		return;
	log_warning(NULL, "log %s: %s; it stays as it is", p->path, detail);
	end(c, t, false);
}

static void report_error(struct target *t)
{
	struct packing *p = outlet_packing(t->outlet);

	log_warning(NULL, "log %s: cannot be packed and stays as it is: %s", p->path,
	            strerror(p->error));
	p->error = 0;
}

/* The one whose turn it is after `t`: round and round, so that a log that rotates all the time does
 * not keep the others waiting.  NULL = nobody has anything to pack. */
static struct target *next_in_turn(const struct capture *c, struct target *t)
{
	struct target *next = t;

	do {
		next = next->next ? next->next : c->targets;
		if (outlet_packing_phase(next->outlet) == PACKING_WANTED)
			return next;
	} while (next != t);
	return NULL;
}

/* Nobody has the packer any more: it is for whoever wants it first after `t`, or for `t`. */
static void pass_on(struct capture *c, struct target *t)
{
	c->packing = NULL;
	if (!c->packer || c->packs_no_more)
		return;
	c->packing = next_in_turn(c, t);
	if (!c->packing)
		return;
	outlet_set_packing_phase(c->packing->outlet, PACKING_OPENS);
	capture_kick(c, c->packing->outlet);
}

void capture_pack(struct capture *c, struct target *t)
{
	switch (outlet_packing_phase(t->outlet)) {
	case PACKING_FAILED:
		report_error(t);
		outlet_set_packing_phase(t->outlet, PACKING_NONE);
		if (c->packing == t)
			pass_on(c, t);
		break;
	case PACKING_NONE:
		if (c->packing == t)
			pass_on(c, t);
		break;
	case PACKING_WANTED:
		/* its own: the thread has found the next file in one go with the end of the last */
		if (!c->packing || c->packing == t)
			pass_on(c, t);
		break;
	case PACKING_OPENED: start(c, t); break;
	case PACKING_OPENS:
	case PACKING_RUNS:
	case PACKING_ENDS: break;
	}
}

bool capture_on_orphan(struct capture *c, const struct reaper_exit *exit)
{
	struct packer_end ended;

	if (!c->packer || !packer_on_exit(c->packer, exit, &ended))
		return false;
	if (*ended.detail)
		log_warning(NULL, "log %s: %s; it stays as it is", ended.plain_path, ended.detail);
	if (c->packing && outlet_packing_phase(c->packing->outlet) == PACKING_RUNS)
		end(c, c->packing, ended.succeeded);
	return true;
}

bool capture_owns(const struct capture *c, pid_t pid)
{
	return c->packer && packer_owns(c->packer, pid);
}

bool capture_packs(const struct capture *c)
{
	return c->packer && packer_is_busy(c->packer);
}

void capture_stop_packing(struct capture *c)
{
	c->packs_no_more = true;
	if (c->packer)
		packer_kill(c->packer);
}
