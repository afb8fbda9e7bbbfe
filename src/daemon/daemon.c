/* SPDX-License-Identifier: MIT */
/* The loop and the queue of events.  Knows neither what events mean (core) nor how effects are done
 * (executor.c). */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/signame.h"
#include "base/text.h"
#include "daemon/executor.h"
#include "daemon/report.h"
#include "os/daemonize.h"
#include "os/footprint.h"
#include "os/loop.h"

/* how long the last dead may take to be there to be reaped */
#define DRAIN_MS 100

/* how long what belongs to no program may take to die of SIGKILL */
#define STRAY_KILL_GRACE 2.0

/* --- the queue --- */

/* a ring that is full moves into a larger one */
static void grow(struct event_queue *q)
{
	size_t capacity = q->capacity ? q->capacity * 2 : 32;
	struct event *items = malloc(capacity * sizeof *items);

	if (!items)
		abort(); /* 32 bytes for each thing that happened at once: the kernel would have
		            killed us before */
	for (size_t i = 0; i < q->count; i++)
		items[i] = q->items[(q->head + i) % q->capacity];
	free(q->items);
	*q = (struct event_queue){ .items = items, .count = q->count, .capacity = capacity };
}

void daemon_post(struct daemon *d, struct event event)
{
	struct event_queue *q = &d->events;

	if (q->count == q->capacity)
		grow(q);
	q->items[(q->head + q->count++) % q->capacity] = event;
}

static struct event take(struct event_queue *q)
{
	struct event event = q->items[q->head];

	q->head = (q->head + 1) % q->capacity;
	q->count--;
	return event;
}

static void work_off_events(struct daemon *d)
{
	while (d->events.count) {
		struct event event = take(&d->events);
		int r = supervisor_apply(d->supervisor, &event, clock_monotonic_ms(), &d->effects);

		if (r < 0 && r != -ESHUTDOWN)
			log_error(NULL, "%s:%d: event %d of program %u cannot be: ignored",
			          __FILE__, __LINE__, (int)event.type, event.program);
		for (size_t i = 0; i < d->effects.count; i++)
			executor_carry_out(d, &d->effects.items[i]);
		d->effects.count = 0;
	}
}

static void arm_deadline(struct daemon *d)
{
	msec_t deadline = supervisor_deadline(d->supervisor);
	msec_t left;

	ev_timer_stop(d->loop, &d->deadline_timer);
	if (deadline == MSEC_NEVER)
		return;
	left = deadline - clock_monotonic_ms();
	/* the loop's own time is as old as this wake-up; a timer counts from it */
	ev_now_update(d->loop);
	ev_timer_set(&d->deadline_timer, left > 0 ? (double)left / 1000.0 : 0., 0.);
	ev_timer_start(d->loop, &d->deadline_timer);
}

void daemon_pump(struct daemon *d)
{
	if (d->pumping)
		return;
	d->pumping = true;
	work_off_events(d);
	if (d->to_spawn.count) {
		executor_spawn_slice(d);
		work_off_events(d);
	}
	d->pumping = false;
	if (d->quitting)
		return;
	arm_deadline(d);
	/* a timer would wait for a millisecond at least */
	if (d->to_spawn.count)
		ev_idle_start(d->loop, &d->slice);
	else
		ev_idle_stop(d->loop, &d->slice);
}

/* --- callbacks of the loop --- */

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	daemon_post(d, (struct event){ .type = EVENT_TICK });
	daemon_pump(d);
}

static void on_slice(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop;
	(void)revents;
	daemon_pump(w->data);
}

static void on_find(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	executor_find_mains(d);
	daemon_pump(d);
}

/* the grace of strays is over: first they are killed, then they are left */
static void on_stray_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	if (d->strays_killed) {
		log_error(NULL, "%zu processes of no program cannot be killed and are left",
		          families_signal_strays(d->families, 0));
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	d->strays_killed = true;
	daemon_check_strays(d);
}

static bool claims(void *context, int signo)
{
	const struct daemon *d = context;

	return supervisor_claims_signal(d->supervisor, signo);
}

static void ask_shutdown(struct daemon *d, int signo)
{
	char name[SIGNAME_SIZE];

	log_info(NULL,
	         supervisor_is_shutting_down(d->supervisor) ? "%s again: no more waiting"
	                                                    : "%s: shutting down",
	         signame_format(signo, name));
	daemon_post(d, (struct event){ .type = EVENT_SHUTDOWN });
}

static void on_signal(void *context, int signo)
{
	struct daemon *d = context;
	char name[SIGNAME_SIZE];
	int r;

	if (supervisor_claims_signal(d->supervisor, signo)) {
		daemon_post(d, (struct event){ .type = EVENT_SIGNAL, .signal = signo });
		daemon_pump(d);
		return;
	}
	switch (signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT: ask_shutdown(d, signo); break;
	case SIGHUP:
		if (d->on_hangup)
			d->on_hangup(d->hangup_context);
		break;
	case SIGUSR2:
		r = d->logtarget ? logtarget_reopen(d->logtarget) : 0;
		if (r < 0)
			log_error(NULL, "the log cannot be opened again: %s", strerror(-r));
		break;
	default:
		log_info(NULL,
		         "%s has no meaning for vergerd and is ignored; forward_signals can give "
		         "it to a program",
		         signame_format(signo, name));
		break;
	}
	daemon_pump(d);
}

/* --- life --- */

static void init_timer(struct daemon *d, ev_timer *w,
                       void (*callback)(struct ev_loop *, ev_timer *, int))
{
	ev_timer_init(w, callback, 0., 0.);
	w->data = d;
}

static int init_os(struct daemon *d)
{
	const struct reaper_handlers handlers = {
		.before_reap = executor_before_reap,
		.exited = executor_on_exited,
		.orphan = executor_on_orphan,
		.settled = executor_on_settled,
		.context = d,
	};

	d->loop = loop_new();
	if (!d->loop)
		return -errno;
	d->reaper = reaper_new(d->loop, d->probe, &handlers);
	d->dirs = pidfile_dirs_new();
	d->spawner = spawner_new(d->probe, executor_on_spawned, d);
	if (!d->reaper || !d->dirs || !d->spawner)
		return -ENOMEM;
	d->families = families_new(d->loop, d->probe, d->settings, d->reaper,
	                           executor_on_family_empty, d);
	d->signals = signals_new(d->loop, claims, on_signal, d);
	return d->families && d->signals ? 0 : -ENOMEM;
}

static size_t count_autostart(const struct settings *settings)
{
	size_t n = 0;

	for (size_t i = 0; i < settings->program_count; i++)
		n += settings->programs[i].autostart;
	return n;
}

int daemon_init(struct daemon *d, const struct daemon_parts *parts)
{
	size_t n = parts->settings->program_count;
	struct rlimit limit;

	*d = (struct daemon){
		.settings = parts->settings,
		.probe = parts->probe,
		.logtarget = parts->logtarget,
		.environ = parts->environ,
		.nofile = parts->nofile,
		.report_fd = parts->report_fd,
		.on_hangup = parts->on_hangup,
		.hangup_context = parts->hangup_context,
		.not_up = count_autostart(parts->settings),
	};
	d->nofile_limit = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
	d->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (d->null_fd < 0)
		return -errno;
	init_timer(d, &d->deadline_timer, on_deadline);
	ev_idle_init(&d->slice, on_slice);
	ev_set_priority(&d->slice, EV_MAXPRI); /* its turn comes whatever else happens */
	d->slice.data = d;
	init_timer(d, &d->find_timer, on_find);
	init_timer(d, &d->stray_timer, on_stray_grace);
	d->supervisor = supervisor_new(d->settings, (uint64_t)clock_realtime_us());
	d->units = calloc(n ? n : 1, sizeof *d->units);
	d->to_spawn = (struct program_queue){ .items = calloc(n ? n : 1, sizeof(uint32_t)),
		                              .capacity = n ? n : 1 };
	if (!d->supervisor || !d->units || !d->to_spawn.items ||
	    effects_init(&d->effects, supervisor_effects_max(d->supervisor)) < 0)
		return -ENOMEM;
	return init_os(d);
}

void daemon_release(struct daemon *d)
{
	signals_free(d->signals);
	families_free(d->families);
	spawner_free(d->spawner);
	reaper_free(d->reaper);
	pidfile_dirs_free(d->dirs);
	loop_free(d->loop);
	supervisor_free(d->supervisor);
	effects_release(&d->effects);
	for (size_t i = 0; d->units && i < d->settings->program_count; i++)
		free(d->units[i].detail);
	free(d->units);
	free(d->events.items);
	free(d->to_spawn.items);
	fd_close(d->null_fd);
	*d = (struct daemon){ .null_fd = -1, .report_fd = -1 };
}

/* the longest time that any program is given to stop */
static msec_t longest_grace(const struct settings *settings)
{
	msec_t longest = 0;

	for (size_t i = 0; i < settings->program_count; i++) {
		const struct stop_plan *stop = settings->programs[i].stop;
		msec_t grace = 0;

		for (size_t k = 0; k < stop->count; k++)
			grace += stop->steps[k].wait_ms;
		if (grace > longest)
			longest = grace;
	}
	return longest;
}

void daemon_quit(struct daemon *d, int status)
{
	size_t strays = families_signal_strays(d->families, SIGTERM);

	d->quitting = true;
	d->status = status;
	if (!strays) {
		ev_break(d->loop, EVBREAK_ALL);
		return;
	}
	log_warning(NULL, "%zu process%s of no program: told to end", strays,
	            strays == 1 ? "" : "es");
	ev_now_update(d->loop);
	ev_timer_set(&d->stray_timer, (double)longest_grace(d->settings) / 1000.0,
	             STRAY_KILL_GRACE);
	ev_timer_start(d->loop, &d->stray_timer);
}

void daemon_check_strays(struct daemon *d)
{
	if (d->quitting && families_signal_strays(d->families, d->strays_killed ? SIGKILL : 0) == 0)
		ev_break(d->loop, EVBREAK_ALL);
}

void daemon_report_start(struct daemon *d, uint32_t failed)
{
	struct text text;

	if (d->report_fd < 0)
		return;
	text_init(&text, PLAN_DETAIL_MAX + 256);
	if (failed != NO_PROGRAM)
		text_add_format(&text, "%s has failed for good%s%s", daemon_name(d, failed),
		                d->units[failed].detail ? ": " : "",
		                d->units[failed].detail ? d->units[failed].detail : "");
	daemonize_report(d->report_fd, failed == NO_PROGRAM ? 0 : 1, text_get(&text),
	                 d->settings->log_target == LOG_TARGET_STDERR);
	d->report_fd = -1;
	text_release(&text);
}

int daemon_run(struct daemon *d)
{
	if (d->not_up == 0)
		daemon_report_start(d, NO_PROGRAM);
	daemon_post(d, (struct event){ .type = EVENT_BOOT });
	daemon_pump(d);
	if (!d->quitting)
		footprint_trim();
	if (!d->quitting || ev_is_active(&d->stray_timer))
		ev_run(d->loop, 0);
	/* a control group is empty a moment before its last process is dead */
	reaper_drain(d->reaper, DRAIN_MS);
	log_info(NULL, "ended with status %d", d->status);
	return d->status;
}
