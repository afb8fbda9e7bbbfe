/* SPDX-License-Identifier: MIT */
/* A call that was understood, and what answering takes again and again: whom it names, refusing it,
 * noting who asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/params.h"
#include "control/selection.h"
#include "control/session.h"

struct call {
	const struct params *params;
	bool more, oneway;
};

/* Writes the reply or an error, or leaves a vigil, a monitor or logs under way in the session. */
typedef void call_answer(struct session *s, const struct call *call);

/* The answers to all methods (method.c). */
call_answer status_answer, why_answer;
call_answer start_answer, stop_answer, restart_answer, wait_answer, reload_program_answer;
call_answer signal_answer, pid_answer;
call_answer monitor_answer, logs_answer;
call_answer config_answer, reload_answer;
call_answer doctor_answer, reopen_logs_answer, shutdown_answer;
call_answer get_info_answer, get_interface_description_answer;

/* The programs of params->names (none: all).  False: the error is written.  The caller releases
 * *sel in any case. */
bool call_select(struct session *s, const struct call *call, struct selection *sel);

/* The one program of params->name.  False: the error is written. */
bool call_select_one(struct session *s, const struct call *call, uint32_t *program);

/* Errors. */
void call_refuse_parameter(struct session *s, const char *name);
void call_fail(struct session *s, const char *reason);
void call_fail_without_memory(struct session *s);

/* Notes in vergerd's log who asked for `what` ("stop"), and of which programs; NULL: of none. */
void call_note(const struct session *s, const char *what, const struct selection *sel);
