/* SPDX-License-Identifier: MIT */
/* The packing of rotated files, as far as it needs files: done by the outlet's thread, because they
 * may hang.  The process is the loop's (capture_packing.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/outlet_private.h"
#include "os/packer.h"

static void go_on(struct outlet *o, enum packing_phase phase)
{
	outlet_lock(o);
	o->packing.phase = phase;
	o->news = true;
	outlet_unlock(o);
}

/* The file is left as it is, until the next rotation. */
static void give_up(struct outlet *o, int error)
{
	struct packing *p = &o->packing;

	logfile_set_packing(o->file, p->path);
	logfile_set_packing(o->file, NULL);
	p->error = error == ENOENT ? 0 : error;
	go_on(o, p->error ? PACKING_FAILED : PACKING_NONE);
}

static void look_for_one(struct outlet *o)
{
	const char *path = logfile_next_to_pack(o->file);
	struct packing *p = &o->packing;

	if (!path)
		return;
	free(p->path);
	p->path = strdup(path);
	if (!p->path)
		return;
	outlet_lock(o);
	p->how = o->policy.compress;
	outlet_unlock(o);
	go_on(o, PACKING_WANTED);
}

static void open_files(struct outlet *o)
{
	struct packing *p = &o->packing;
	int r = packer_open(p->path, p->how, &p->in, &p->out);

	if (r < 0) {
		give_up(o, -r);
		return;
	}
	logfile_set_packing(o->file, p->path);
	go_on(o, PACKING_OPENED);
}

static void put_in_place(struct outlet *o)
{
	struct packing *p = &o->packing;
	int r = logfile_finish_packing(p->path, p->how, p->succeeded);

	logfile_set_packing(o->file, NULL);
	p->error = -r;
	go_on(o, p->error ? PACKING_FAILED : PACKING_NONE);
	if (!p->error)
		look_for_one(o);
}

void outlet_pack(struct outlet *o)
{
	switch (outlet_packing_phase(o)) {
	case PACKING_NONE: look_for_one(o); break;
	case PACKING_OPENS: open_files(o); break;
	case PACKING_ENDS: put_in_place(o); break;
	case PACKING_WANTED:
	case PACKING_OPENED:
	case PACKING_RUNS:
	case PACKING_FAILED: break; /* the loop's turn */
	}
}

void outlet_end_packing(struct outlet *o)
{
	struct packing *p = &o->packing;

	if (p->phase == PACKING_OPENED) {
		close(p->in);
		close(p->out);
	}
	if (p->phase == PACKING_OPENED || p->phase == PACKING_RUNS || p->phase == PACKING_ENDS)
		logfile_finish_packing(p->path, p->how, false);
	free(p->path);
	*p = (struct packing){ 0 };
}
