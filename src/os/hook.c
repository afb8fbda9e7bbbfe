/* SPDX-License-Identifier: MIT */
/* A lane for each program, in which its commands run one after the other, and a limit for all lanes
 * together.  What a command is and what it is told comes from the caller. */
#include "os/hook.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/signame.h"
#include "base/strv.h"
#include "core/settings.h"
#include "os/spawn.h"

/* A call that waits; all its own. */
struct waiting_call {
	struct waiting_call *next;
	const char *what;
	struct strv command, environment;
};

/* The calls of one program. */
struct lane {
	struct waiting_call *first, *last; /* owned */
	uint32_t next_ready;               /* program of the next lane that waits for room */
	unsigned dropped;                  /* since the lane was empty */
	uint8_t count;                     /* waiting */
	bool running;                      /* one of them */
	bool ready;                        /* in the row of those that wait for room */
};

struct running_hook {
	pid_t pid; /* not reaped: also the number of its process group */
	uint32_t program;
	const char *what;
	char *name; /* of the program, which may be removed meanwhile; owned, NULL = memory was out
	             */
	msec_t deadline_ms;
	bool killed;
};

struct hooks {
	struct ev_loop *loop;
	const struct probe *probe;
	struct spawner *spawner; /* made when the first one is needed */
	hook_plan *plan;
	hook_name *name;
	void *context;
	msec_t timeout_ms;
	ev_timer timeout;
	struct running_hook running[HOOKS_RUNNING_MAX]; /* in the order of their starts */
	size_t running_count;
	struct lane *lanes; /* by program, as far as they were needed; owned */
	size_t lane_count;
	uint32_t first_ready, last_ready; /* NO_PROGRAM = none */
	const struct hook_call *starting;
};

/* Running ones */

static void kill_group(struct running_hook *hook)
{
	hook->killed = true;
	/* its leader is not reaped, so that the number cannot be another group's */
	kill(-hook->pid, SIGKILL);
}

static void arm_timeout(struct hooks *h)
{
	msec_t left;
	size_t i = 0;

	ev_timer_stop(h->loop, &h->timeout);
	while (i < h->running_count && h->running[i].killed)
		i++;
	if (i == h->running_count)
		return;
	left = h->running[i].deadline_ms - clock_monotonic_ms();
	ev_now_update(h->loop);
	ev_timer_set(&h->timeout, left > 0 ? (double)left / 1000. : 0., 0.);
	ev_timer_start(h->loop, &h->timeout);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct hooks *h = timer->data;
	msec_t now = clock_monotonic_ms();

	(void)loop;
	(void)events;
	for (size_t i = 0; i < h->running_count; i++) {
		struct running_hook *hook = &h->running[i];

		if (hook->killed || hook->deadline_ms > now)
			continue;
		log_warning(hook->name, "%s: has not ended in time and is killed (PID %d)",
		            hook->what, (int)hook->pid);
		kill_group(hook);
	}
	arm_timeout(h);
}

static void report_end(const struct running_hook *hook, const struct reaper_exit *exit)
{
	char name[SIGNAME_SIZE];

	if (hook->killed)
		return;
	if (exit->signal)
		log_warning(hook->name, "%s: killed by %s", hook->what,
		            signame_format(exit->signal, name));
	else if (exit->code)
		log_warning(hook->name, "%s: ended with status %d", hook->what, exit->code);
}

/* Starting */

static void on_spawned(void *context, struct spawn_result *result)
{
	struct hooks *h = context;
	const char *name = h->name(h->context, result->program);

	fd_close(result->pidfd); /* it is reaped like any orphan */
	if (result->step != SPAWN_STEP_NONE) {
		log_error(name, "%s: %s", h->starting->what, result->detail);
		return;
	}
	h->running[h->running_count++] = (struct running_hook){
		.pid = result->pid,
		.program = result->program,
		.what = h->starting->what,
		.name = name ? strdup(name) : NULL,
		.deadline_ms = clock_monotonic_ms() + h->timeout_ms,
	};
	h->lanes[result->program].running = true;
	if (!ev_is_active(&h->timeout))
		arm_timeout(h);
}

static void start(struct hooks *h, const struct hook_call *call)
{
	struct spawn_plan plan;

	if (!h->spawner)
		h->spawner = spawner_new(h->probe, on_spawned, h);
	if (!h->spawner) {
		log_error(h->name(h->context, call->program), "%s: %s", call->what,
		          strerror(ENOMEM));
		return;
	}
	if (!h->plan(h->context, call, &plan))
		return;
	h->starting = call;
	spawner_start(h->spawner, call->program, &plan);
	spawner_finish(h->spawner);
	h->starting = NULL;
}

/* Waiting ones */

static void waiting_call_free(struct waiting_call *call)
{
	strv_release(&call->command);
	strv_release(&call->environment);
	free(call);
}

static int copy_all(struct strv *out, char *const *strings)
{
	int r = 0;

	for (size_t i = 0; strings && strings[i] && !r; i++)
		r = strv_add(out, strings[i]);
	return r;
}

static struct waiting_call *copy_call(const struct hook_call *call)
{
	struct waiting_call *copy = calloc(1, sizeof *copy);

	if (!copy)
		return NULL;
	copy->what = call->what;
	if (copy_all(&copy->command, call->command) ||
	    copy_all(&copy->environment, call->environment)) {
		waiting_call_free(copy);
		return NULL;
	}
	return copy;
}

static struct waiting_call *take_first(struct lane *lane)
{
	struct waiting_call *call = lane->first;

	lane->first = call->next;
	lane->count--;
	return call;
}

static void drop_first(struct hooks *h, uint32_t program)
{
	struct lane *lane = &h->lanes[program];

	if (lane->dropped++ == 0)
		log_warning(h->name(h->context, program),
		            "%s: %d calls wait for the one that runs; the oldest is dropped",
		            lane->first->what, HOOK_QUEUE_MAX);
	waiting_call_free(take_first(lane));
}

static void wait_in_lane(struct hooks *h, const struct hook_call *call)
{
	struct lane *lane = &h->lanes[call->program];
	struct waiting_call *copy = copy_call(call);

	if (!copy) {
		log_error(h->name(h->context, call->program), "%s: %s", call->what,
		          strerror(ENOMEM));
		return;
	}
	if (lane->count == HOOK_QUEUE_MAX)
		drop_first(h, call->program);
	if (lane->count++)
		lane->last->next = copy;
	else
		lane->first = copy;
	lane->last = copy;
}

static void empty_lane(struct lane *lane)
{
	while (lane->count)
		waiting_call_free(take_first(lane));
	lane->dropped = 0;
}

/* Puts a lane whose next call may run into the row. */
static void make_ready(struct hooks *h, uint32_t program)
{
	struct lane *lane = &h->lanes[program];

	if (lane->ready || lane->running || !lane->count)
		return;
	lane->ready = true;
	lane->next_ready = NO_PROGRAM;
	if (h->first_ready == NO_PROGRAM)
		h->first_ready = program;
	else
		h->lanes[h->last_ready].next_ready = program;
	h->last_ready = program;
}

static void start_first(struct hooks *h, uint32_t program)
{
	struct waiting_call *call = take_first(&h->lanes[program]);

	start(h, &(struct hook_call){ .program = program,
	                              .what = call->what,
	                              .command = call->command.items,
	                              .environment = call->environment.items });
	if (!h->lanes[program].count && h->lanes[program].dropped) {
		log_warning(h->name(h->context, program), "%s: %u calls were dropped", call->what,
		            h->lanes[program].dropped);
		h->lanes[program].dropped = 0;
	}
	waiting_call_free(call);
}

/* Starts what there is room for. */
static void work_off(struct hooks *h)
{
	while (h->first_ready != NO_PROGRAM && h->running_count < HOOKS_RUNNING_MAX) {
		uint32_t program = h->first_ready;

		h->first_ready = h->lanes[program].next_ready;
		h->lanes[program].ready = false;
		if (h->lanes[program].count)
			start_first(h, program);
		make_ready(h, program); /* when it could not be started */
	}
}

static int reach(struct hooks *h, uint32_t program)
{
	size_t count = (size_t)program + 1;
	struct lane *lanes;

	if (count <= h->lane_count)
		return 0;
	lanes = reallocarray(h->lanes, count, sizeof *lanes);
	if (!lanes)
		return -ENOMEM;
	memset(lanes + h->lane_count, 0, (count - h->lane_count) * sizeof *lanes);
	h->lanes = lanes;
	h->lane_count = count;
	return 0;
}

/* What others call */

void hooks_run(struct hooks *h, const struct hook_call *call)
{
	const struct lane *lane;

	if (reach(h, call->program)) {
		log_error(h->name(h->context, call->program), "%s: %s", call->what,
		          strerror(ENOMEM));
		return;
	}
	lane = &h->lanes[call->program];
	if (!lane->running && !lane->count && h->running_count < HOOKS_RUNNING_MAX) {
		start(h, call);
		return;
	}
	wait_in_lane(h, call);
	make_ready(h, call->program);
}

bool hooks_wait(const struct hooks *h, uint32_t program)
{
	return program < h->lane_count && h->lanes[program].count > 0;
}

void hooks_forget(struct hooks *h, uint32_t program)
{
	if (program < h->lane_count)
		empty_lane(&h->lanes[program]);
}

static struct running_hook *find_running(struct hooks *h, pid_t pid)
{
	for (size_t i = 0; i < h->running_count; i++)
		if (h->running[i].pid == pid)
			return &h->running[i];
	return NULL;
}

bool hooks_on_exit(struct hooks *h, const struct reaper_exit *exit)
{
	struct running_hook *hook = find_running(h, exit->pid);
	uint32_t program;

	if (!hook)
		return false;
	report_end(hook, exit);
	program = hook->program;
	free(hook->name);
	h->running_count--;
	memmove(hook, hook + 1, (size_t)(h->running + h->running_count - hook) * sizeof *hook);
	h->lanes[program].running = false;
	arm_timeout(h);
	make_ready(h, program);
	work_off(h);
	return true;
}

bool hooks_own(const struct hooks *h, pid_t pid)
{
	for (size_t i = 0; i < h->running_count; i++)
		if (h->running[i].pid == pid)
			return true;
	return false;
}

size_t hooks_running(const struct hooks *h)
{
	return h->running_count;
}

size_t hooks_kill(struct hooks *h)
{
	for (size_t i = 0; i < h->lane_count; i++)
		empty_lane(&h->lanes[i]);
	for (size_t i = 0; i < h->running_count; i++)
		kill_group(&h->running[i]);
	arm_timeout(h);
	return h->running_count;
}

void hooks_set_timeout(struct hooks *h, msec_t timeout_ms)
{
	h->timeout_ms = timeout_ms;
}

struct hooks *hooks_new(struct ev_loop *loop, const struct probe *probe, hook_plan *plan,
                        hook_name *name, void *context)
{
	struct hooks *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	*h = (struct hooks){
		.loop = loop,
		.probe = probe,
		.plan = plan,
		.name = name,
		.context = context,
		.timeout_ms = HOOK_TIMEOUT_MS,
		.first_ready = NO_PROGRAM,
		.last_ready = NO_PROGRAM,
	};
	ev_timer_init(&h->timeout, on_timeout, 0., 0.);
	h->timeout.data = h;
	return h;
}

void hooks_free(struct hooks *h)
{
	if (!h)
		return;
	hooks_kill(h);
	for (size_t i = 0; i < h->running_count; i++)
		free(h->running[i].name);
	spawner_free(h->spawner);
	free(h->lanes);
	free(h);
}
