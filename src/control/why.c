/* SPDX-License-Identifier: MIT */
/* Why a program is as it is, and what somebody can do about it.  Every advice holds for the state
 * it is given in. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/call.h"
#include "control/reason.h"
#include "control/reply.h"
#include "control/status.h"

enum { ADVICE_MAX = 2048, PROCESSES_MAX = 16 * 1024 };

struct inquiry {
	struct jsonout *j;
	const struct control_host *host;
	const struct program_settings *settings;
	const struct history *history; /* NULL: it never ended */
	struct program_status st;
	uint32_t program;
};

static const struct past_end *last_end(const struct inquiry *q)
{
	return q->history ? history_end(q->history, 0) : NULL;
}

static const char *output_path(const struct program_settings *s)
{
	if (s->stderr_stream.kind == STREAM_FILE)
		return s->stderr_stream.path;
	return s->stdout_stream.kind == STREAM_FILE ? s->stdout_stream.path : NULL;
}

/* --- what is known --- */

static void write_ends(const struct inquiry *q)
{
	size_t count = q->history ? history_count(q->history) : 0;

	jsonout_array(q->j, "ends");
	for (size_t i = 0; i < count; i++)
		status_write_end(q->j, NULL, history_end(q->history, i), q->settings, true);
	jsonout_array_end(q->j);
}

static void write_output(const struct inquiry *q)
{
	const char *at = q->history ? history_output(q->history, &(int64_t){ 0 }) : NULL;
	const char *path = output_path(q->settings);
	bool any = at && *at;

	jsonout_array(q->j, "output");
	while (at && *at) {
		size_t size = strcspn(at, "\n");

		jsonout_bytes(q->j, NULL, at, size);
		at += size + (at[size] == '\n');
	}
	jsonout_array_end(q->j);
	if (any && path)
		jsonout_string(q->j, "output_from", path);
}

/* "12 (python3), 13 (sh)": a comma within a name is followed by no number */
static size_t process_size(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "), "))) {
		if (at[3] >= '0' && at[3] <= '9')
			return (size_t)(at - text) + 1;
		at += 3;
	}
	return strlen(text);
}

static void write_processes(const struct inquiry *q)
{
	struct text text;
	const char *at;

	text_init(&text, PROCESSES_MAX);
	if (life_state_is_active(q->st.state))
		q->host->processes(q->host->context, q->program, &text);
	jsonout_array(q->j, "processes");
	for (at = text_get(&text); *at;) {
		size_t size = process_size(at);

		jsonout_bytes(q->j, NULL, at, size);
		at += size;
		at += strspn(at, ", ");
	}
	jsonout_array_end(q->j);
	text_release(&text);
}

/* --- what to do --- */

static void advise(const struct inquiry *q, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void advise(const struct inquiry *q, const char *format, ...)
{
	char advice[ADVICE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(advice, sizeof advice, format, args);
	va_end(args);
	jsonout_string(q->j, NULL, advice);
}

static void advise_fix(const struct inquiry *q)
{
	if (q->settings->file)
		advise(q, "correct it in %s:%u ([program:%s]), then: vergerctl reload",
		       q->settings->file, q->settings->line, q->settings->section);
}

static void advise_start(const struct inquiry *q, const char *when)
{
	advise(q, "%svergerctl start %s", when, q->settings->name);
}

/* the output is where the reason is most often told */
static void advise_output(const struct inquiry *q)
{
	const char *path = output_path(q->settings);
	const char *said = q->history ? history_output(q->history, &(int64_t){ 0 }) : NULL;
	const struct control_host *host = q->host;
	struct host_log log;

	if (host->log(host->context, q->program, &log) && log.stalled)
		advise(q, "what it wrote last waits for its log, %s: %s", log.target, log.trouble);
	else if (said && *said)
		advise(q, "more of what it wrote: vergerctl logs -n 100 %s", q->settings->name);
	else if (path)
		advise(q, "it wrote nothing to %s before it ended", path);
	else if (program_is_captured(q->settings, 1) || program_is_captured(q->settings, 2))
		advise(q, "it wrote nothing before it ended");
	else
		advise(q,
		       "set stdout to a file in [program:%s] (stdout = /path, stderr = stdout), "
		       "and its last lines are shown here",
		       q->settings->section);
}

static bool is_crash(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
	       signo == SIGABRT || signo == SIGTRAP || signo == SIGSYS;
}

static void advise_crash(const struct inquiry *q, const struct past_end *end)
{
	if (end->core_dumped)
		advise(q,
		       "the core dump is where /proc/sys/kernel/core_pattern says: "
		       "coredumpctl list, or a file core in %s",
		       q->settings->directory ? q->settings->directory : "vergerd's directory");
	else
		advise(q, "for a core dump next time: limit_core = unlimited in [program:%s]",
		       q->settings->section);
}

/* by the way it last ended */
static void advise_by_end(const struct inquiry *q)
{
	const struct past_end *end = last_end(q);

	if (!end || end->asked)
		return;
	if (end->step != SPAWN_STEP_NONE) {
		advise_fix(q);
		return;
	}
	if (end->signal == SIGKILL && (end->out_of_memory || !end->memory_known))
		advise(q, "see whether the kernel killed it: dmesg | grep -i 'killed process'");
	else if (is_crash(end->signal))
		advise_crash(q, end);
	advise_output(q);
}

static void advise_waiting(const struct inquiry *q)
{
	struct program_status other;
	const char *name;

	if (q->st.waits_for == NO_PROGRAM || !supervisor_has(q->host->supervisor, q->st.waits_for))
		return;
	name = q->host->settings->programs[q->st.waits_for].name;
	supervisor_status(q->host->supervisor, q->st.waits_for, &other);
	if (life_state_is_settled(other.state))
		advise(q, "vergerctl start %s", name);
	if (other.state != LIFE_STOPPED)
		advise(q, "vergerctl why %s", name);
}

static void advise_stopping(const struct inquiry *q)
{
	if (q->st.state == LIFE_KILLING)
		advise(q, "what survives SIGKILL hangs in the kernel, most often on a disk or a "
		          "network file system: see dmesg");
	else
		advise(q,
		       "it is killed by itself when its grace is over; at once: vergerctl "
		       "signal %s KILL --to tree",
		       q->settings->name);
}

static void advise_stopped(const struct inquiry *q)
{
	if (!q->settings->autostart)
		advise(q, "it does not start by itself (autostart = no)");
	if (!supervisor_is_shutting_down(q->host->supervisor))
		advise_start(q, "");
}

static void advise_exited(const struct inquiry *q)
{
	if (q->settings->type != PROGRAM_ONESHOT && q->settings->restart != RESTART_ALWAYS)
		advise(q, "an end like this starts nothing (restart = %s)",
		       restart_policy_names[q->settings->restart]);
	advise_start(q, "to run it again: ");
}

static void advise_by_state(const struct inquiry *q)
{
	switch (q->st.state) {
	case LIFE_STOPPED: advise_stopped(q); break;
	case LIFE_WAITING: advise_waiting(q); break;
	case LIFE_STOPPING:
	case LIFE_CLEARING:
	case LIFE_KILLING: advise_stopping(q); break;
	case LIFE_BACKOFF:
		advise_by_end(q);
		advise_start(q, "it is tried again by itself; at once: ");
		break;
	case LIFE_EXITED: advise_exited(q); break;
	case LIFE_FAILED:
		advise_by_end(q);
		advise_start(q, "when the cause is removed: ");
		break;
	case LIFE_RUNNING:
		advise_by_end(q);
		if (q->st.pending)
			advise(q, "to have its new settings hold: vergerctl restart %s",
			       q->settings->name);
		break;
	case LIFE_SPAWNING:
	case LIFE_STARTING:
	case LIFE_LAUNCHED:
	case LIFE_STATE_COUNT: break;
	}
}

static void write_advice(const struct inquiry *q)
{
	jsonout_array(q->j, "advice");
	if (q->st.removed)
		advise(q, "it is no longer in the configuration and goes when it has stopped");
	else
		advise_by_state(q);
	jsonout_array_end(q->j);
}

void why_answer(struct session *s, const struct call *call)
{
	struct inquiry q = { .host = s->control->host };
	struct status_telling telling;
	struct reply r;

	if (!call_select_one(s, call, &q.program))
		return;
	q.settings = &q.host->settings->programs[q.program];
	q.history = q.host->history(q.host->context, q.program);
	supervisor_status(q.host->supervisor, q.program, &q.st);
	status_telling_init(&telling, q.host);
	reply_begin(&r, s);
	q.j = &r.json;
	status_write(q.j, "program", &telling, q.program);
	write_ends(&q);
	write_output(&q);
	write_processes(&q);
	write_advice(&q);
	jsonout_lossy(q.j);
	reply_end(&r, false);
}
