/* SPDX-License-Identifier: MIT */
/* Ends in words.  Knows one end at a time and no program's state. */
#include "control/meaning.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/signame.h"

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	HOUR_MS = 60 * MINUTE_MS,
	DAY_MS = 24 * HOUR_MS,
	SHELL_NOT_EXECUTABLE = 126,
	SHELL_NOT_FOUND = 127,
	SHELL_SIGNAL = 128, /* and the signal */
	SIGNAL_MAX = 64,
};

void meaning_put_span(struct text *out, msec_t ms)
{
	if (ms < SECOND_MS)
		text_add_format(out, "%" PRId64 "ms", ms < 0 ? 0 : ms);
	else if (ms < 10 * SECOND_MS && ms % SECOND_MS >= 100)
		text_add_format(out, "%" PRId64 ".%" PRId64 "s", ms / SECOND_MS,
		                ms % SECOND_MS / 100);
	else if (ms < 2 * MINUTE_MS)
		text_add_format(out, "%" PRId64 "s", ms / SECOND_MS);
	else if (ms < 2 * HOUR_MS)
		text_add_format(out, "%" PRId64 "m", ms / MINUTE_MS);
	else if (ms < 2 * (msec_t)DAY_MS)
		text_add_format(out, "%" PRId64 "h", ms / HOUR_MS);
	else
		text_add_format(out, "%" PRId64 "d", ms / DAY_MS);
}

void meaning_put_failure(struct text *out, enum spawn_step step, int error)
{
	static const char *const steps[] = {
		[SPAWN_STEP_ENVIRONMENT] = "environment",
		[SPAWN_STEP_COMMAND] = "command",
		[SPAWN_STEP_DIRECTORY] = "directory",
		[SPAWN_STEP_STDIN] = "stdin",
		[SPAWN_STEP_STDOUT] = "stdout",
		[SPAWN_STEP_STDERR] = "stderr",
		[SPAWN_STEP_PIDFILE] = "pidfile",
		[SPAWN_STEP_CGROUP] = "cgroup",
		[SPAWN_STEP_PROCESS] = "new process",
		[SPAWN_STEP_SESSION] = "session",
		[SPAWN_STEP_LIMITS] = "limits",
		[SPAWN_STEP_NICE] = "nice",
		[SPAWN_STEP_OOM] = "oom_score_adj",
		[SPAWN_STEP_GROUPS] = "supplementary groups",
		[SPAWN_STEP_GROUP] = "group",
		[SPAWN_STEP_USER] = "user",
		[SPAWN_STEP_NO_NEW_PRIVS] = "no_new_privs",
		[SPAWN_STEP_EXEC] = "command",
	};
	size_t i = (size_t)step;

	text_add_format(out, "%s: %s", i < ARRAY_SIZE(steps) && steps[i] ? steps[i] : "start",
	                strerror(error));
}

void meaning_put_end(struct text *out, const struct past_end *end)
{
	char name[SIGNAME_SIZE];

	if (end->step != SPAWN_STEP_NONE) {
		meaning_put_failure(out, end->step, end->error);
		return;
	}
	if (end->signal)
		text_add_format(out, "was killed by %s%s", signame_format(end->signal, name),
		                end->core_dumped ? " (core dumped)" : "");
	else
		text_add_format(out, "exited with status %d", end->code);
	if (end->uptime_ms < 0)
		return;
	text_add_string(out, " after ");
	meaning_put_span(out, end->uptime_ms);
}

/* --- what it means --- */

static const char *meaning_of_signal(int signo)
{
	switch (signo) {
	case SIGSEGV: return "it crashed: it touched memory that is not its own";
	case SIGBUS: return "it crashed: memory behind a mapped file or device was gone";
	case SIGILL: return "it crashed: an instruction this processor does not know";
	case SIGFPE: return "it crashed: a division by zero or the like";
	case SIGABRT: return "it ended itself: an assertion or the C library found a fault";
	case SIGTRAP: return "it crashed: a trap without a debugger";
	case SIGSYS: return "it made a system call that its filter forbids";
	case SIGPIPE: return "it wrote to a pipe or socket that nobody reads any more";
	case SIGXCPU: return "it used up its CPU time (limit_cpu)";
	case SIGXFSZ: return "it wrote a file larger than it may (limit_fsize)";
	case SIGALRM: return "a timer of its own ran out";
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
	case SIGQUIT: return "somebody told it to end: not vergerd";
	default: return NULL;
	}
}

static void put_kill(struct text *out, const struct past_end *end)
{
	if (end->out_of_memory)
		text_add_string(out, "killed by the kernel: memory was out (see dmesg)");
	else if (end->memory_known)
		text_add_string(out, "killed by SIGKILL: not by vergerd, and not by the kernel for "
		                     "want of memory; somebody sent it");
	else
		text_add_string(out,
		                "killed by SIGKILL: not by vergerd; probably the kernel, out of "
		                "memory (see dmesg)");
}

static void put_signal(struct text *out, const struct past_end *end)
{
	const char *meaning = meaning_of_signal(end->signal);

	if (end->signal == SIGKILL) {
		put_kill(out, end);
		return;
	}
	if (meaning)
		text_add_string(out, meaning);
	if (end->core_dumped)
		text_add_string(out, meaning ? "; core dumped" : "core dumped");
}

static void put_status(struct text *out, int code)
{
	char name[SIGNAME_SIZE];

	if (code == SHELL_NOT_FOUND)
		text_add_string(out, "status 127: a shell did not find a command");
	else if (code == SHELL_NOT_EXECUTABLE)
		text_add_string(out, "status 126: a shell found a command that it may not run");
	else if (code > SHELL_SIGNAL && code <= SHELL_SIGNAL + SIGNAL_MAX)
		text_add_format(out, "status %d: a shell says so of a command killed by %s", code,
		                signame_format(code - SHELL_SIGNAL, name));
}

static void put_asked(struct text *out, const struct past_end *end,
                      const struct program_settings *settings)
{
	text_add_string(out, "asked for");
	if (end->signal == SIGKILL && settings->stop && settings->stop->steps[0].signal != SIGKILL)
		text_add_string(out, "; it did not end within its grace and was killed");
}

void meaning_put_meaning(struct text *out, const struct past_end *end,
                         const struct program_settings *settings)
{
	if (end->step != SPAWN_STEP_NONE)
		return; /* its error says it all */
	if (end->asked)
		put_asked(out, end, settings);
	else if (end->signal)
		put_signal(out, end);
	else
		put_status(out, end->code);
}
