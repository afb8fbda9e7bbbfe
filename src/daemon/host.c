/* SPDX-License-Identifier: MIT */
/* Answers of a running vergerd.  Decides nothing: it hands over what is known, and has done what is
 * asked for. */
#include "daemon/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inventory.h"
#include "daemon/reload.h"
#include "daemon/tail.h"

enum { PROCESSES_NAMED = 10 };

static msec_t now_ms(void *context)
{
	(void)context;
	return clock_monotonic_ms();
}

static int64_t now_us(void *context)
{
	(void)context;
	return clock_realtime_us();
}

static void facts(void *context, struct host_facts *out)
{
	const struct daemon *d = context;

	*out = (struct host_facts){
		.version = VERGER_VERSION,
		.config = d->source->absolute,
		.pid = getpid(),
		.started_ms = d->started_ms,
		.loaded_us = d->loaded_us,
		.reloads = d->reloads,
	};
}

static void apply(void *context, const struct event *event)
{
	daemon_take(context, event);
}

static void request(void *context, enum event_type verb, const uint32_t *programs, size_t count)
{
	daemon_request(context, verb, programs, count);
}

static int send_signal(void *context, uint32_t program, int signo, enum signal_scope scope)
{
	const struct daemon *d = context;

	return family_signal(d->families, program, signo, scope);
}

static bool is_alive(void *context, uint32_t program)
{
	const struct daemon *d = context;

	return reaper_is_alive(d->reaper, program);
}

static const struct history *history(void *context, uint32_t program)
{
	const struct daemon *d = context;

	return d->units[program].history;
}

static const char *failure(void *context, uint32_t program)
{
	const struct daemon *d = context;

	return d->units[program].detail;
}

static size_t processes(void *context, uint32_t program, struct text *out)
{
	const struct daemon *d = context;
	struct family_member members[PROCESSES_NAMED];
	size_t count = family_members(d->families, program, members, PROCESSES_NAMED);

	for (size_t i = 0; i < count && i < PROCESSES_NAMED; i++)
		text_add_format(out, "%s%d (%s)", i ? ", " : "", (int)members[i].pid,
		                members[i].name);
	return count;
}

static enum host_reload_result reload(void *context, bool dry_run,
                                      const struct host_plan_sink *sink, struct diags *diags)
{
	return reload_run(context, dry_run, sink, diags);
}

enum { LOG_TEXT_MAX = 640 };

static const char *explain_log(const struct capture_trouble *t)
{
	static char text[LOG_TEXT_MAX]; /* until the next call */

	if (t->error)
		return t->reason;
	if (!t->rotation)
		return NULL;
	snprintf(text, sizeof text, "cannot be rotated: %s", strerror(t->rotation));
	return text;
}

static bool log_trouble(void *context, uint32_t program, struct host_log *out)
{
	static struct capture_trouble trouble; /* until the next call */
	const struct daemon *d = context;

	if (!capture_trouble(d->capture, program, &trouble))
		return false;
	*out = (struct host_log){
		.target = trouble.target,
		.trouble = explain_log(&trouble),
		.stalled = trouble.error,
		.drops = trouble.drops,
		.lost_lines = trouble.lost_lines,
		.lost_bytes = trouble.lost_bytes,
	};
	return true;
}

static size_t reopen_logs(void *context, bool only_ask, const char **failed)
{
	static char text[LOG_TEXT_MAX]; /* until the next call */
	const struct daemon *d = context;
	const char *path;
	size_t pending;
	int error;

	if (!only_ask)
		capture_reopen(d->capture);
	pending = capture_reopening(d->capture, &path, &error);
	if (error)
		snprintf(text, sizeof text, "log %s cannot be opened again: %s", path,
		         strerror(error));
	*failed = error ? text : NULL;
	return pending;
}

static void note(void *context, const char *text)
{
	(void)context;
	log_info(NULL, "%s", text);
}

void host_init(struct control_host *host, struct daemon *d)
{
	*host = (struct control_host){
		.supervisor = d->supervisor,
		.settings = d->settings,
		.context = d,
		.now_ms = now_ms,
		.now_us = now_us,
		.facts = facts,
		.apply = apply,
		.request = request,
		.signal = send_signal,
		.is_alive = is_alive,
		.history = history,
		.failure = failure,
		.processes = processes,
		.reload = reload,
		.config = inventory_config,
		.tail_open = tail_open,
		.tail_next = tail_next,
		.tail_close = tail_close,
		.recent = tail_recent,
		.doctor = inventory_doctor,
		.log = log_trouble,
		.reopen_logs = reopen_logs,
		.note = note,
	};
}
