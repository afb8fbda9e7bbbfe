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
#include "daemon/command.h"
#include "daemon/desk.h"
#include "daemon/evidence.h"
#include "daemon/executor.h"
#include "daemon/farewell.h"
#include "daemon/host.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "os/daemonize.h"
#include "os/footprint.h"
#include "os/loop.h"
#include "os/proc.h"

/* how long the last dead may take to be there to be reaped */
#define DRAIN_MS 100

/* how long after a start or a reload it is over with what only these need */
#define CALM_AFTER 0.1

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

static void carry_out_effects(struct daemon *d)
{
	for (size_t i = 0; i < d->effects.count; i++)
		executor_carry_out(d, &d->effects.items[i]);
	d->effects.count = 0;
}

static void work_off_events(struct daemon *d)
{
	while (d->events.count) {
		struct event event = take(&d->events);
		int r;

		if (event.type == EVENT_SHUTDOWN && d->quitting)
			farewell_hasten(d);
		r = supervisor_apply(d->supervisor, &event, clock_monotonic_ms(), &d->effects);

		/* a request may come too late for the state it was made for */
		if (r < 0 && r != -ESHUTDOWN && r != -ESRCH && r != -ENOTSUP && r != -ENOENT)
			log_error(NULL, "%s:%d: event %d of program %u cannot be: ignored",
			          __FILE__, __LINE__, (int)event.type, event.program);
		carry_out_effects(d);
	}
}

void daemon_carry_out(struct daemon *d)
{
	carry_out_effects(d);
	daemon_pump(d);
}

/* --- rows of programs --- */

void program_queue_add(struct program_queue *q, uint32_t program)
{
	q->items[(q->head + q->count++) % q->capacity] = program;
}

uint32_t program_queue_take(struct program_queue *q)
{
	uint32_t program = q->items[q->head];

	q->head = (q->head + 1) % q->capacity;
	q->count--;
	return program;
}

/* a ring moves into a larger one */
static int program_queue_reserve(struct program_queue *q, size_t capacity)
{
	uint32_t *items = malloc(capacity * sizeof *items);

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < q->count; i++)
		items[i] = q->items[(q->head + i) % q->capacity];
	free(q->items);
	*q = (struct program_queue){ .items = items, .count = q->count, .capacity = capacity };
	return 0;
}

int daemon_reserve(struct daemon *d, size_t count)
{
	struct unit *units;

	if (count == 0)
		count = 1;
	if (count <= d->unit_count)
		return 0;
	/* the room that is remembered comes last: it means that all of it is there */
	if (program_queue_reserve(&d->to_spawn, count) < 0 ||
	    program_queue_reserve(&d->to_examine, count) < 0 ||
	    capture_reserve(d->capture, count) < 0)
		return -ENOMEM;
	units = realloc(d->units, count * sizeof *units);
	if (!units)
		return -ENOMEM;
	memset(units + d->unit_count, 0, (count - d->unit_count) * sizeof *units);
	d->units = units;
	d->unit_count = count;
	return 0;
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

static void follow_claims(struct daemon *d)
{
	uint64_t claims = supervisor_claims(d->supervisor);

	if (claims == d->claims)
		return;
	d->claims = claims;
	signals_update(d->signals);
}

/* what the loop is to wake us for */
static void arm(struct daemon *d)
{
	follow_claims(d);
	if (d->quitting)
		return;
	arm_deadline(d);
	/* a timer would wait for a millisecond at least */
	if (d->to_spawn.count)
		ev_idle_start(d->loop, &d->slice);
	else
		ev_idle_stop(d->loop, &d->slice);
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
	arm(d);
}

void daemon_take(struct daemon *d, const struct event *event)
{
	daemon_post(d, *event);
	if (d->pumping)
		return;
	d->pumping = true;
	work_off_events(d);
	d->pumping = false;
	arm(d);
}

void daemon_request(struct daemon *d, enum event_type verb, const uint32_t *programs, size_t count)
{
	if (d->pumping)
		return; /* requests come from the loop */
	d->pumping = true;
	work_off_events(d);
	supervisor_request(d->supervisor, verb, programs, count, clock_monotonic_ms(), &d->effects);
	carry_out_effects(d);
	work_off_events(d);
	d->pumping = false;
	arm(d);
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

static void on_examination(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop;
	(void)revents;
	evidence_examine(w->data);
}

static void on_find(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	executor_find_mains(d);
	daemon_pump(d);
}

static void on_calm(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	if (d->to_spawn.count)
		daemon_trim_soon(d); /* many start: it is not calm yet */
	else
		footprint_trim();
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

	if (supervisor_claims_signal(d->supervisor, signo)) {
		daemon_post(d, (struct event){ .type = EVENT_SIGNAL, .signal = signo });
		daemon_pump(d);
		return;
	}
	switch (signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT: ask_shutdown(d, signo); break;
	case SIGHUP: reload_on_hangup(d); break;
	case SIGUSR2: capture_reopen(d->capture); break;
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
	d->claims = supervisor_claims(d->supervisor);
	d->signals = signals_new(d->loop, claims, on_signal, d);
	d->hooks = hooks_new(d->loop, d->probe, command_hook_plan, command_hook_name, d);
	if (!d->families || !d->signals || !d->hooks)
		return -ENOMEM;
	families_set_outsider(d->families, command_is_hook, d);
	host_init(&d->host, d);
	capture_attach(d->capture, d->loop, evidence_on_last_words, d);
	return capture_set_packer(d->capture, d->probe, d->environ) < 0 ? -ENOMEM : 0;
}

/* those that --daemon waits for */
static void count_autostart(struct daemon *d)
{
	for (size_t i = 0; i < d->settings->program_count; i++) {
		d->units[i].counted = d->settings->programs[i].autostart;
		d->not_up += d->units[i].counted;
	}
}

int daemon_init(struct daemon *d, const struct daemon_parts *parts)
{
	*d = (struct daemon){
		.settings = parts->settings,
		.source = parts->source,
		.probe = parts->probe,
		.logtarget = parts->logtarget,
		.capture = parts->capture,
		.environ = parts->environ,
		.report_fd = parts->report_fd,
		.started_ms = clock_monotonic_ms(),
		.loaded_us = clock_realtime_us(),
		.oom_kills = proc_oom_kills(),
	};
	descriptors_init(&d->descriptors);
	descriptors_reserve(&d->descriptors,
	                    d->settings->program_count + capture_descriptors(d->settings));
	d->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (d->null_fd < 0)
		return -errno;
	init_timer(d, &d->deadline_timer, on_deadline);
	ev_idle_init(&d->slice, on_slice);
	ev_set_priority(&d->slice, EV_MAXPRI); /* its turn comes whatever else happens */
	d->slice.data = d;
	ev_idle_init(&d->examination, on_examination);
	ev_set_priority(&d->examination, EV_MINPRI);
	d->examination.data = d;
	init_timer(d, &d->find_timer, on_find);
	farewell_init(d);
	init_timer(d, &d->calm_timer, on_calm);
	d->supervisor = supervisor_new(d->settings, (uint64_t)clock_realtime_us());
	if (!d->supervisor || daemon_reserve(d, d->settings->program_count) < 0 ||
	    effects_init(&d->effects, supervisor_effects_max(d->supervisor)) < 0)
		return -ENOMEM;
	count_autostart(d);
	return init_os(d);
}

void daemon_release(struct daemon *d)
{
	desk_close(d->desk);
	capture_detach(d->capture);
	hooks_free(d->hooks);
	signals_free(d->signals);
	families_free(d->families);
	spawner_free(d->spawner);
	reaper_free(d->reaper);
	pidfile_dirs_free(d->dirs);
	loop_free(d->loop);
	supervisor_free(d->supervisor);
	effects_release(&d->effects);
	for (size_t i = 0; i < d->unit_count; i++) {
		free(d->units[i].detail);
		history_free(d->units[i].history);
	}
	free(d->units);
	free(d->command_environment);
	free(d->events.items);
	free(d->to_spawn.items);
	free(d->to_examine.items);
	fd_close(d->null_fd);
	*d = (struct daemon){ .null_fd = -1, .report_fd = -1 };
}

void daemon_trim_soon(struct daemon *d)
{
	ev_timer_stop(d->loop, &d->calm_timer);
	ev_now_update(d->loop);
	ev_timer_set(&d->calm_timer, CALM_AFTER, 0.);
	ev_timer_start(d->loop, &d->calm_timer);
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
	daemon_trim_soon(d);
	if (!d->over)
		ev_run(d->loop, 0);
	/* a control group is empty a moment before its last process is dead */
	reaper_drain(d->reaper, DRAIN_MS);
	capture_drain(d->capture, CAPTURE_DRAIN_MS);
	log_info(NULL, "ended with status %d", d->status);
	return d->status;
}
