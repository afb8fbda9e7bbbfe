/* SPDX-License-Identifier: MIT */
/* What people do to the supervisor of the played system: verbs, an edited file, a shutdown, and now
 * and then nothing for a long time. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "core/reload.h"
#include "sim/casting.h"
#include "sim/world_private.h"

static void ask_for_the_end(struct world *w)
{
	world_tell(w, "  somebody asks for a shutdown");
	w->hurried |= w->asked || w->expected >= 0;
	w->asked = true;
	if (w->over_since == MSEC_NEVER)
		w->over_since = w->now;
	world_post_plain(w, NO_PROGRAM, EVENT_SHUTDOWN);
}

static void ask_of_program(struct world *w, uint32_t program)
{
	struct actor *a = &w->actors[program];
	const char *name = *a->name ? a->name : "nobody";

	switch (below(w, 9)) {
	case 0:
	case 1:
	case 2:
		world_tell(w, "  somebody starts %s", name);
		a->down &= !troupe_find(&w->troupe, name);
		world_post_plain(w, program, EVENT_START);
		break;
	case 3:
	case 4:
		world_tell(w, "  somebody stops %s", name);
		if (*a->name)
			promises_on_stop(w, program);
		world_post_plain(w, program, EVENT_STOP);
		break;
	case 5:
	case 6:
		world_tell(w, "  somebody restarts %s", name);
		a->down &= !troupe_find(&w->troupe, name);
		world_post_plain(w, program, EVENT_RESTART);
		break;
	case 7: world_post_plain(w, program, EVENT_RELOAD); break;
	default:
		world_post(w, (struct event){ .type = EVENT_SIGNAL,
		                              .program = NO_PROGRAM,
		                              .signal = SIGUSR1 });
		break;
	}
}

static void tell_plan(struct world *w, const struct settings *fresh, const struct reload_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct reload_step *step = &plan->steps[i];

		world_tell(w, "    %s %s", reload_action_names[step->action],
		           step->fresh == NO_PROGRAM ? world_name(w, step->program)
		                                     : fresh->programs[step->fresh].name);
	}
}

static void reload(struct world *w)
{
	struct world_before before;
	struct reload_plan plan;
	struct settings *fresh;
	struct casting_pair pair;
	int r;

	promises_before_reload(w, &before);
	troupe_edit(&w->troupe, &w->chance);
	fresh = troupe_settings(&w->troupe, &w->chance);
	pair = (struct casting_pair){ w->settings, fresh };
	ck_assert_int_eq(reload_plan_make(&plan, w->sv, fresh, casting_compare, &pair), 0);
	world_tell(w, "  somebody reloads");
	tell_plan(w, fresh, &plan);
	w->cause = EVENT_RELOAD;
	w->out.count = 0;
	w->sum->reloads++;
	promises_remember(w);
	r = supervisor_reload(w->sv, fresh, &plan, w->now, &w->out);
	reload_plan_release(&plan);
	if (r == -ESHUTDOWN && supervisor_is_shutting_down(w->sv)) {
		settings_free(fresh);
		w->troupe = before.troupe;
		return;
	}
	if (r < 0)
		world_broken(w, "reload: %s", strerror(-r));
	w->count = (uint32_t)w->settings->program_count;
	if (w->count > ACTORS_MAX)
		world_broken(w, "%u ids for %d names", w->count, TROUPE_MAX);
	promises_on_reload(w, &before);
	world_take_all(w);
	promises_after_reload(w, &before);
}

void people_ask(struct world *w)
{
	w->verb_at = w->now + within(w, one_in(w, 3) ? 100 : 20000);
	if (w->verbs == 0 && !w->quiet && one_in(w, 4)) {
		/* nobody asks for anything: what is not over by the end of it never is */
		w->quiet = true;
		w->verb_at = w->now + w->bound + 1000;
		return;
	}
	if (w->verbs == 0 || one_in(w, 100)) {
		ask_for_the_end(w);
		return;
	}
	w->verbs--;
	if (one_in(w, 6))
		reload(w);
	else if (w->count)
		ask_of_program(w, below(w, w->count));
}
