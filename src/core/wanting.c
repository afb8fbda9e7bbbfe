/* SPDX-License-Identifier: MIT */
/* Who is to be up and who is to go, and in which order that comes about (S5). */
#include "core/conditions.h"
#include "core/supervisor_private.h"

void wanting_up(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	bool leaving = life_state_is_active(p->state) && !p->wanted;

	/* a start while it stops is kept until the stop is complete; so is one that what it
	 * requires cannot serve any more, and one with new settings */
	if (p->told || p->state == LIFE_CLEARING || p->pending ||
	    (leaving && conditions_missing(p, sv->programs) != NO_PROGRAM))
		p->again = true;
	p->wanted = true;
	p->level = 0;
	start_limit_reset(&p->failures);
	supervisor_advance(sv, p, LIFE_ON_WANT_UP, ctx);
	supervisor_note_change(sv, p); /* being wanted again may be what others wait for */
}

void wanting_let_down(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	if (p->told || (p->wanted && !p->again))
		return;
	if (!life_state_is_active(p->state) ||
	    conditions_may_stop(&sv->dependents, p->id, sv->programs))
		supervisor_advance(sv, p, LIFE_ON_WANT_DOWN, ctx);
}

/* what requires a program that is to stop has to stop as well, and first */
void wanting_down(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	size_t count;
	const uint32_t *items = dependents_of(&sv->dependents, p->id, &count);

	p->again = false;
	if (!p->wanted && life_state_is_settled(p->state))
		return;
	p->wanted = false;
	supervisor_note_change(sv, p); /* who only comes after it need not wait any more */
	for (size_t i = 0; i < count; i++)
		if (sv->programs[items[i]].wanted &&
		    conditions_requires(&sv->programs[items[i]], p->id))
			wanting_down(sv, &sv->programs[items[i]], ctx);
	wanting_let_down(sv, p, ctx);
}

void wanting_restart(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	bool running = life_state_is_active(p->state) && !p->told, was_wanted = p->wanted;

	wanting_up(sv, p, ctx);
	if (!running)
		return;
	p->again = true;
	if (was_wanted)
		supervisor_advance(sv, p, LIFE_ON_WANT_DOWN, ctx);
	else
		wanting_let_down(sv, p, ctx); /* it was to stop once its dependents have */
}

void wanting_try_start(struct supervisor *sv, struct program *p, const struct program_context *ctx)
{
	if (p->state == LIFE_WAITING && conditions_missing(p, sv->programs) == NO_PROGRAM)
		supervisor_advance(sv, p, LIFE_ON_CONDITIONS_MET, ctx);
}
