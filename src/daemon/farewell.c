/* SPDX-License-Identifier: MIT */
/* Waits for what nobody else waits for. */
#include "daemon/farewell.h"

#include <signal.h>

#include "base/log.h"

/* how long what belongs to no program may take to die of SIGKILL, in seconds */
#define KILL_GRACE 2.0

/* the loop may not have begun */
static void leave(struct daemon *d)
{
	d->over = true;
	ev_break(d->loop, EVBREAK_ALL);
}

/* the grace is over: first they are killed, then they are left */
static void on_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	if (!d->strays_killed) {
		farewell_hasten(d);
		return;
	}
	log_error(NULL, "%zu processes of no program cannot be killed and are left",
	          families_signal_strays(d->families, 0));
	leave(d);
}

void farewell_init(struct daemon *d)
{
	ev_timer_init(&d->stray_timer, on_grace, 0., 0.);
	d->stray_timer.data = d;
}

/* the longest time that any program is given to stop, in seconds */
static double longest_grace(const struct settings *settings)
{
	msec_t longest = 0;

	for (size_t i = 0; i < settings->program_count; i++) {
		const struct program_settings *p = &settings->programs[i];
		msec_t grace = 0;

		for (size_t k = 0; *p->name && k < p->stop->count; k++)
			grace += p->stop->steps[k].wait_ms;
		if (grace > longest)
			longest = grace;
	}
	return (double)longest / 1000.0;
}

static void wait_for(struct daemon *d, double seconds)
{
	ev_timer_stop(d->loop, &d->stray_timer);
	ev_now_update(d->loop);
	ev_timer_set(&d->stray_timer, seconds, 0.);
	ev_timer_start(d->loop, &d->stray_timer);
}

/* Tells those that are there, which each hears once, or kills them; how many there are.  A hook
 * that is dead and not reaped has others behind it that wait for their turn. */
static size_t press(struct daemon *d)
{
	size_t left = families_signal_strays(d->families, d->strays_killed ? SIGKILL : SIGTERM);

	return left ? left : hooks_running(d->hooks) + capture_packs(d->capture);
}

void farewell_begin(struct daemon *d, int status, bool at_once)
{
	size_t left, hooks;

	d->quitting = true;
	d->status = status;
	if (at_once) {
		farewell_hasten(d);
		return;
	}
	capture_stop_packing(d->capture);
	left = press(d);
	hooks = hooks_running(d->hooks) + capture_packs(d->capture);
	if (!left) {
		leave(d);
		return;
	}
	if (hooks > capture_packs(d->capture))
		log_info(NULL, "waiting for %zu command%s of hooks", hooks, hooks == 1 ? "" : "s");
	if (left > hooks)
		log_warning(NULL, "%zu process%s of no program: told to end", left - hooks,
		            left - hooks == 1 ? "" : "es");
	wait_for(d, longest_grace(d->settings));
}

void farewell_hasten(struct daemon *d)
{
	d->strays_killed = true;
	hooks_kill(d->hooks);
	wait_for(d, KILL_GRACE);
	farewell_check(d);
}

void farewell_check(struct daemon *d)
{
	if (d->quitting && press(d) == 0)
		leave(d);
}
