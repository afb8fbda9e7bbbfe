/* SPDX-License-Identifier: MIT */
/* All clients together: what happens in the world reaches those who wait for it. */
#include "control/control.h"

#include <stdlib.h>

#include "control/logs.h"
#include "control/monitor.h"
#include "control/session.h"
#include "control/vigil.h"

struct control *control_new(const struct control_host *host)
{
	struct control *c = calloc(1, sizeof *c);

	if (c)
		c->host = host;
	return c;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	journal_release(&c->journal);
	free(c);
}

void control_on_state(struct control *c, uint32_t program, enum life_state from, enum life_state to)
{
	/* a boot of thousands passes here, and mostly nobody looks */
	if (!c->vigils && !c->streams)
		return;
	if (journal_has_readers(&c->journal))
		monitor_on_state(c, program, from, to);
	for (struct session *s = c->sessions; s; s = s->next) {
		if (s->vigil)
			vigil_on_state(s->vigil, program, to);
		if (s->logs && to == LIFE_STATE_COUNT)
			logs_on_removed(s->logs, program);
	}
}

void control_on_log(struct control *c, struct host_tail *tail)
{
	for (struct session *s = c->sessions; s; s = s->next) {
		if (!s->logs || !logs_on_growth(s->logs, tail))
			continue;
		session_wake(s);
		return;
	}
}

msec_t control_deadline(const struct control *c)
{
	msec_t next = MSEC_NEVER;

	for (const struct session *s = c->sessions; c->vigils && s; s = s->next)
		if (s->vigil && vigil_deadline(s->vigil) < next)
			next = vigil_deadline(s->vigil);
	return next;
}

void control_tick(struct control *c, msec_t now)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (s->vigil)
			vigil_tick(s->vigil, now);
}

void control_shutdown(struct control *c)
{
	for (struct session *s = c->sessions; s; s = s->next) {
		if (s->vigil) {
			vigil_give_up(s->vigil, "vergerd has ended");
			vigil_step(s->vigil);
			vigil_free(s->vigil);
		}
		if (s->monitor)
			monitor_finish(s->monitor);
		if (s->logs)
			logs_finish(s->logs);
		session_count_output(s);
	}
}
