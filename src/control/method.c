/* SPDX-License-Identifier: MIT */
/* From a call to its answer: does the method exist, may the client, are the parameters right. */
#include "control/method.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "control/call.h"
#include "control/host.h"
#include "control/reply.h"
#include "control/verbs.h"

enum method_flag {
	METHOD_LARGE = 1 << 0,  /* its reply grows with the number of programs; only looks */
	METHOD_STREAM = 1 << 1, /* makes no sense without `more` */
};

struct method {
	const char *name;
	call_answer *answer;
	unsigned taken, required; /* enum param */
	unsigned flags;           /* enum method_flag */
};

enum {
	OF_REQUESTS = PARAM_NAMES | PARAM_ALL | PARAM_WAIT | PARAM_TIMEOUT_MS,
	OF_WAIT = PARAM_NAMES | PARAM_STATE | PARAM_TIMEOUT_MS,
	OF_SIGNAL = PARAM_NAMES | PARAM_SIGNAL | PARAM_TO,
	OF_LOGS = PARAM_NAMES | PARAM_LINES | PARAM_SINCE | PARAM_FOLLOW,
	OF_RELOAD = PARAM_DRY_RUN | PARAM_WAIT | PARAM_TIMEOUT_MS,
};

static const struct method methods[] = {
	{ "Status", status_answer, PARAM_NAMES | PARAM_FIELDS, 0, METHOD_LARGE },
	{ "Start", start_answer, OF_REQUESTS, 0, 0 },
	{ "Stop", stop_answer, OF_REQUESTS, 0, 0 },
	{ "Restart", restart_answer, OF_REQUESTS, 0, 0 },
	{ "Wait", wait_answer, OF_WAIT, PARAM_NAMES | PARAM_STATE, METHOD_LARGE },
	{ "ReloadProgram", reload_program_answer, PARAM_NAMES, PARAM_NAMES, 0 },
	{ "Signal", signal_answer, OF_SIGNAL, PARAM_NAMES | PARAM_SIGNAL, 0 },
	{ "Pid", pid_answer, PARAM_NAME, PARAM_NAME, 0 },
	{ "Why", why_answer, PARAM_NAME, PARAM_NAME, METHOD_LARGE },
	{ "Monitor", monitor_answer, PARAM_NAMES, 0, METHOD_STREAM },
	{ "Logs", logs_answer, OF_LOGS, 0, METHOD_LARGE },
	{ "Reload", reload_answer, OF_RELOAD, 0, 0 },
	{ "Config", config_answer, PARAM_NAMES, 0, METHOD_LARGE },
	{ "Doctor", doctor_answer, 0, 0, 0 },
	{ "ReopenLogs", reopen_logs_answer, PARAM_ONLY_ASK, 0, 0 },
	{ "Shutdown", shutdown_answer, PARAM_NOW, 0, 0 },
};

static const struct method service_methods[] = {
	{ "GetInfo", get_info_answer, 0, 0, 0 },
	{ "GetInterfaceDescription", get_interface_description_answer, PARAM_INTERFACE,
	  PARAM_INTERFACE, 0 },
};

static const struct method *find(const struct method *all, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

/* --- refusals --- */

static void deny(struct session *s, const char *method, enum control_role role)
{
	const struct control_host *host = s->control->host;
	struct text text;

	reply_error(s, REPLY_SERVICE ".PermissionDenied", NULL, NULL);
	/* once, so that nobody fills the log by asking again and again */
	if (s->told_denied)
		return;
	s->told_denied = true;
	text_init(&text, 512);
	text_add_format(&text, "%.64s refused: asked by %s, whose role is %s; it takes %s", method,
	                s->who, control_role_names[s->role], control_role_names[role]);
	host->note(host->context, text_get(&text));
	text_release(&text);
}

/* "interface.Method" in two; false: there is no such interface (it is refused) */
static const struct method *find_called(struct session *s, const char *called)
{
	const char *dot = strrchr(called, '.');
	size_t size = dot ? (size_t)(dot - called) : strlen(called);
	const struct method *method;
	struct reply r;

	if (size == strlen(REPLY_INTERFACE) && !strncmp(called, REPLY_INTERFACE, size) && dot) {
		method = find(methods, ARRAY_SIZE(methods), dot + 1);
	} else if (size == strlen(REPLY_SERVICE) && !strncmp(called, REPLY_SERVICE, size) && dot) {
		method = find(service_methods, ARRAY_SIZE(service_methods), dot + 1);
	} else {
		reply_begin_error(&r, s, REPLY_SERVICE ".InterfaceNotFound");
		jsonout_bytes(&r.json, "interface", called, size);
		reply_end(&r, false);
		return NULL;
	}
	if (!method)
		reply_error(s, REPLY_SERVICE ".MethodNotFound", "method", called);
	return method;
}

static enum control_role role_for(const struct method *method)
{
	const struct verb *verb = verb_find_method(method->name);

	return verb ? verb->role : ROLE_VIEW;
}

/* --- the way of a call --- */

static void answer(struct session *s, const struct method *method, const struct wire_call *wire)
{
	struct params params;
	const struct call call = { .params = &params, .more = wire->more, .oneway = wire->oneway };
	const char *wrong = params_read(&params, wire->parameters, method->taken, method->required);

	if (wrong)
		call_refuse_parameter(s, wrong);
	else if (method->flags & METHOD_STREAM && !wire->more)
		reply_error(s, REPLY_SERVICE ".ExpectedMore", NULL, NULL);
	else
		method->answer(s, &call);
}

bool method_dispatch(struct session *s, const struct wire_call *wire)
{
	const struct method *method;

	if (s->role == ROLE_NONE) {
		deny(s, wire->method, ROLE_VIEW);
		s->over = true;
		return true;
	}
	method = find_called(s, wire->method);
	if (!method)
		return true;
	if (s->role < role_for(method))
		deny(s, method->name, role_for(method));
	else if (wire->upgrade)
		reply_error(s, REPLY_SERVICE ".MethodNotImplemented", "method", wire->method);
	else if (method->flags & METHOD_LARGE && s->control->output_size >= CONTROL_OUTPUT_MAX)
		return false;
	else
		answer(s, method, wire);
	return true;
}
