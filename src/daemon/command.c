/* SPDX-License-Identifier: MIT */
/* A program's other commands.  What their ends mean is for whoever runs them. */
#include "daemon/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/signame.h"
#include "base/text.h"
#include "control/reason.h"
#include "daemon/executor.h"

enum { VARIABLE_MAX = 64 };

static size_t count_words(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

/* both lists one after the other; the strings stay where they are */
static char **join(char *const *first, char *const *second)
{
	size_t n = count_words(first), m = count_words(second);
	char **all = calloc(n + m + 1, sizeof *all);

	if (!all)
		return NULL;
	if (n)
		memcpy(all, first, n * sizeof *all);
	if (m)
		memcpy(all + n, second, m * sizeof *all);
	return all;
}

int command_plan(struct daemon *d, uint32_t program, const char *what, char *const *words,
                 char *const *environment, bool in_family, struct spawn_plan *plan, int *cgroup_fd)
{
	/* one command is planned and started before the next: its settings need one place */
	struct program_settings *s = &d->command_settings;
	struct spawn_surroundings around;
	char detail[PLAN_DETAIL_MAX];
	int error;

	around = executor_surroundings(d, program, in_family);
	if (cgroup_fd)
		*cgroup_fd = around.cgroup_fd;
	*s = d->settings->programs[program];
	free(d->command_environment);
	d->command_environment = join(s->environment, environment);
	if (!d->command_environment) {
		log_error(s->name, "%s: %s", what, strerror(ENOMEM));
		return -1;
	}
	s->command = words;
	s->argv0 = NULL;
	s->pidfile = NULL;
	s->environment = d->command_environment;
	s->stdin_stream = (struct stream){ .kind = STREAM_NULL };
	s->take_terminal = false;
	if (spawn_plan_make(plan, s, &around, &error, detail) == SPAWN_STEP_NONE)
		return 0;
	log_error(s->name, "%s: %s", what, detail);
	return -1;
}

/* --- what commands are told --- */

static int set_number(struct strv *env, const char *name, int64_t value)
{
	char text[VARIABLE_MAX];

	snprintf(text, sizeof text, "%jd", (intmax_t)value);
	return strv_set_env(env, name, text);
}

int command_environment(struct daemon *d, uint32_t program, struct strv *env)
{
	struct program_status status;

	supervisor_status(d->supervisor, program, &status);
	/* VERGER_PROGRAM and VERGER_INSTANCE are in every environment of a program */
	return status.pid ? set_number(env, "VERGER_PID", status.pid) : 0;
}

static int set_exit(struct strv *env, const struct program_status *status)
{
	char name[SIGNAME_SIZE];

	if (!status->exit_known)
		return 0;
	if (status->last_signal)
		return strv_set_env(env, "VERGER_EXIT_SIGNAL",
		                    signame_format(status->last_signal, name));
	return set_number(env, "VERGER_EXIT_CODE", status->last_code);
}

/* the sentence that a status shows as well */
static int set_reason(struct daemon *d, uint32_t program, const struct program_status *status,
                      struct strv *env)
{
	unsigned looks = 0; /* processes are not looked at: many may change at once */
	struct text reason;
	int r = 0;

	text_init(&reason, REASON_MAX);
	if (reason_put(&reason, &d->host, program, status, &looks))
		r = strv_set_env(env, "VERGER_REASON", text_get(&reason));
	text_release(&reason);
	return r;
}

/* the facts of a change, for on_state_change */
static int state_environment(struct daemon *d, uint32_t program, enum life_state from,
                             enum life_state to, struct strv *env)
{
	const struct program_settings *s = &d->settings->programs[program];
	char now[CLOCK_RFC3339_SIZE];
	struct program_status status;
	int r = command_environment(d, program, env);

	supervisor_status(d->supervisor, program, &status);
	clock_format_rfc3339(clock_realtime_us(), now);
	if (r == 0)
		r = strv_set_env(env, "VERGER_STATE", life_state_name(to));
	if (r == 0)
		r = strv_set_env(env, "VERGER_PREVIOUS_STATE", life_state_name(from));
	if (r == 0 && s->group != NO_GROUP)
		r = strv_set_env(env, "VERGER_GROUP", d->settings->groups[s->group].name);
	if (r == 0)
		r = set_number(env, "VERGER_RESTARTS",
		               status.starts ? (int64_t)status.starts - 1 : 0);
	if (r == 0)
		r = strv_set_env(env, "VERGER_TIME", now);
	if (r == 0)
		r = set_reason(d, program, &status, env);
	return r == 0 && !life_state_is_active(to) ? set_exit(env, &status) : r;
}

/* --- running them --- */

static void run(struct daemon *d, uint32_t program, const char *what, char *const *words,
                const struct strv *env)
{
	hooks_run(d->hooks, &(struct hook_call){ .program = program,
	                                         .what = what,
	                                         .command = words,
	                                         .environment = env->items });
}

void command_reload(struct daemon *d, uint32_t program)
{
	struct strv env = STRV_INIT;

	if (command_environment(d, program, &env) < 0)
		log_error(daemon_name(d, program), "reload_command: %s", strerror(ENOMEM));
	else
		run(d, program, "reload_command", d->settings->programs[program].reload_command,
		    &env);
	strv_release(&env);
}

void command_tell_state(struct daemon *d, uint32_t program, enum life_state from,
                        enum life_state to)
{
	char *const *words = d->settings->programs[program].on_state_change;
	struct strv env = STRV_INIT;

	/* several states have one name for people: what they would not see is no change */
	if (!words || life_state_name(from) == life_state_name(to))
		return;
	if (state_environment(d, program, from, to, &env) < 0)
		log_error(daemon_name(d, program), "on_state_change: %s", strerror(ENOMEM));
	else
		run(d, program, "on_state_change", words, &env);
	strv_release(&env);
}

bool command_hook_plan(void *context, const struct hook_call *call, struct spawn_plan *plan)
{
	return command_plan(context, call->program, call->what, call->command, call->environment,
	                    false, plan, NULL) == 0;
}

bool command_is_hook(const void *context, pid_t pid)
{
	const struct daemon *d = context;

	return hooks_own(d->hooks, pid) || capture_owns(d->capture, pid);
}

const char *command_hook_name(void *context, uint32_t program)
{
	return daemon_name(context, program);
}
