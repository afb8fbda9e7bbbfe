/* SPDX-License-Identifier: MIT */
/* The meaning of exits.  Knows no state. */
#include "core/exitrule.h"

#include <errno.h>
#include <signal.h>

static bool is_stop_signal(const struct program_settings *s, int signal)
{
	for (size_t i = 0; i < s->stop->count; i++)
		if (s->stop->steps[i].signal == signal)
			return true;
	return signal == SIGKILL; /* the last step of every stop */
}

bool exitrule_is_success(const struct program_settings *s, int code, int signal, bool asked)
{
	if (asked && signal > 0 && is_stop_signal(s, signal))
		return true;
	return exit_set_has(s->success_exit, code, signal);
}

bool exitrule_restarts(const struct program_settings *s, bool success)
{
	if (success && s->type == PROGRAM_ONESHOT)
		return false;
	switch (s->restart) {
	case RESTART_ALWAYS: return true;
	case RESTART_ON_FAILURE: return !success;
	case RESTART_NEVER: return false;
	}
	return false;
}

int exitrule_status(int code, int signal)
{
	return signal > 0 ? 128 + signal : code;
}

int exitrule_spawn_status(enum spawn_step step, int error)
{
	if (step != SPAWN_STEP_EXEC && step != SPAWN_STEP_COMMAND)
		return 125;
	return error == ENOENT || error == ENOTDIR ? 127 : 126;
}

bool exitrule_is_machine_failure(enum spawn_step step, int error)
{
	switch (error) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case EDQUOT:
	case EIO: return true;
	case EAGAIN: /* RLIMIT_NPROC or pids.max: clone says so, and so does execve after setuid
	                (Linux 3.1) */
		return step == SPAWN_STEP_PROCESS || step == SPAWN_STEP_EXEC ||
		       step == SPAWN_STEP_USER;
	default: return false;
	}
}
