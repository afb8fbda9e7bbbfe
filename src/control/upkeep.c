/* SPDX-License-Identifier: MIT */
/* Doctor, ReopenLogs, Shutdown: vergerd itself. */
#include "control/call.h"
#include "control/reply.h"

static void write_finding(void *arg, enum finding_level level, const char *subject,
                          const char *text, const char *advice)
{
	static const char *const levels[] = {
		[FINDING_GOOD] = "good",
		[FINDING_NOTE] = "note",
		[FINDING_WARNING] = "warning",
		[FINDING_BAD] = "bad",
	};
	struct jsonout *j = arg;

	jsonout_object(j, NULL);
	jsonout_string(j, "level", levels[level]);
	jsonout_string(j, "subject", subject);
	jsonout_string(j, "text", text);
	if (advice)
		jsonout_string(j, "advice", advice);
	jsonout_object_end(j);
}

void doctor_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	struct reply r;

	(void)call;
	reply_begin(&r, s);
	jsonout_array(&r.json, "findings");
	host->doctor(host->context, write_finding, &r.json);
	jsonout_array_end(&r.json);
	reply_end(&r, false);
}

void reopen_logs_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	bool only_ask = call->params->only_ask;
	const char *failed = NULL;
	struct reply r;
	size_t pending;

	if (!only_ask)
		call_note(s, "reopen logs", NULL);
	pending = host->reopen_logs(host->context, only_ask, &failed);
	if (pending == 0 && failed) {
		call_fail(s, failed);
		return;
	}
	reply_begin(&r, s);
	jsonout_int(&r.json, "pending", (int64_t)pending);
	reply_end(&r, false);
}

void shutdown_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	const struct event event = { .type = EVENT_SHUTDOWN };
	/* asked for again, a shutdown drops stop_delay, then the grace */
	int times = call->params->now ? 3 : 1;

	/* a shutdown that was asked for before goes on as it is */
	if (!call->params->now && supervisor_is_shutting_down(host->supervisor))
		times = 0;
	call_note(s, call->params->now ? "shutdown without grace" : "shutdown", NULL);
	reply_empty(s);
	while (times--)
		host->apply(host->context, &event);
}
