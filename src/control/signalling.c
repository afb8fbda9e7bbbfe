/* SPDX-License-Identifier: MIT */
/* Signal and Pid: reaching the processes of a program, and never a stranger (P8). */
#include <errno.h>
#include <string.h>

#include "base/signame.h"
#include "control/call.h"
#include "control/host.h"
#include "control/reply.h"

/* -1: there is no such scope */
static int find_scope(const char *name)
{
	if (!name)
		return SCOPE_MAIN;
	for (int i = 0; signal_scope_names[i]; i++)
		if (!strcmp(signal_scope_names[i], name))
			return i;
	return -1;
}

static void write_outcome(struct jsonout *j, const struct session *s, uint32_t program, int sent)
{
	const struct control_host *host = s->control->host;
	struct program_status st;

	supervisor_status(host->supervisor, program, &st);
	jsonout_object(j, NULL);
	jsonout_string(j, "name", host->settings->programs[program].name);
	jsonout_string(j, "result", sent > 0 ? "done" : "failed");
	jsonout_string(j, "state", life_state_name(st.state));
	if (st.pid > 0)
		jsonout_int(j, "pid", st.pid);
	if (sent == 0 || sent == -ESRCH)
		jsonout_string(j, "reason", "has no process to signal");
	else if (sent < 0)
		jsonout_string(j, "reason", strerror(-sent));
	jsonout_lossy(j);
	jsonout_object_end(j);
}

static void note(const struct session *s, int signo, const struct selection *sel)
{
	char name[SIGNAME_SIZE];
	struct text what;

	text_init(&what, SIGNAME_SIZE + 16);
	text_add_format(&what, "%s to", signame_format(signo, name));
	call_note(s, text_get(&what), sel);
	text_release(&what);
}

static void send_all(struct session *s, const struct selection *sel, int signo,
                     enum signal_scope scope)
{
	const struct control_host *host = s->control->host;
	struct reply r;

	note(s, signo, sel);
	reply_begin(&r, s);
	jsonout_array(&r.json, "programs");
	for (size_t i = 0; i < sel->count; i++) {
		int sent = host->signal(host->context, sel->ids[i], signo, scope);

		write_outcome(&r.json, s, sel->ids[i], sent);
	}
	jsonout_array_end(&r.json);
	reply_end(&r, false);
}

void signal_answer(struct session *s, const struct call *call)
{
	int signo = signame_parse(call->params->signal), scope = find_scope(call->params->to);
	struct selection sel = { 0 };

	if (json_array_size(call->params->names) == 0)
		call_refuse_parameter(s, "names");
	else if (signo <= 0)
		call_refuse_parameter(s, "signal");
	else if (scope < 0)
		call_refuse_parameter(s, "to");
	else if (call_select(s, call, &sel))
		send_all(s, &sel, signo, (enum signal_scope)scope);
	selection_release(&sel);
}

static void refuse_not_running(struct session *s, const char *name, enum life_state state)
{
	struct reply r;

	reply_begin_error(&r, s, REPLY_INTERFACE ".NotRunning");
	jsonout_string(&r.json, "name", name);
	jsonout_string(&r.json, "state", life_state_name(state));
	reply_end(&r, false);
}

void pid_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	const struct program_settings *settings;
	struct program_status st;
	uint32_t program;
	struct reply r;

	if (!call_select_one(s, call, &program))
		return;
	settings = &host->settings->programs[program];
	supervisor_status(host->supervisor, program, &st);
	if (st.pid <= 0 || !host->is_alive(host->context, program)) {
		refuse_not_running(s, settings->name, st.state);
		return;
	}
	reply_begin(&r, s);
	jsonout_string(&r.json, "name", settings->name);
	jsonout_int(&r.json, "pid", st.pid);
	if (settings->pidfile)
		jsonout_string(&r.json, "pidfile", settings->pidfile);
	reply_end(&r, false);
}
