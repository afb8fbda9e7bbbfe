/* SPDX-License-Identifier: MIT */
/* Sentences about programs.  Decides nothing. */
#include "daemon/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "base/signame.h"
#include "base/text.h"

enum { LEFTOVERS_NAMED = 10, LEFTOVERS_TEXT_MAX = 1024 };

const char *report_format_exit(int code, int signal, bool core, char out[REPORT_EXIT_SIZE])
{
	char name[SIGNAME_SIZE];

	if (signal)
		snprintf(out, REPORT_EXIT_SIZE, "was killed by %s%s", signame_format(signal, name),
		         core ? " (core dumped)" : "");
	else
		snprintf(out, REPORT_EXIT_SIZE, "exited with status %d", code);
	return out;
}

void report_exit(const struct daemon *d, uint32_t program, const struct reaper_exit *exit)
{
	struct program_status status;
	char how[REPORT_EXIT_SIZE];
	enum log_level level;

	supervisor_status(d->supervisor, program, &status);
	/* a death that was asked for is no news */
	level = life_state_is_settled(status.state) || status.state == LIFE_STOPPING ||
	                        !status.wanted
	                ? LOG_LEVEL_INFO
	                : LOG_LEVEL_WARNING;
	if (level == LOG_LEVEL_WARNING && exit->code == 0 && exit->signal == 0)
		level = LOG_LEVEL_INFO;
	log_write(level, daemon_name(d, program), "PID %d %s", (int)exit->pid,
	          report_format_exit(exit->code, exit->signal, exit->core_dumped, how));
}

/* why a program that has failed for good did so */
static void report_failed(const struct daemon *d, uint32_t program,
                          const struct program_status *status)
{
	const struct program_settings *s = &d->settings->programs[program];
	const struct unit *unit = &d->units[program];
	char how[REPORT_EXIT_SIZE], window[DURATION_SIZE];
	const char *why = unit->detail && status->last_step ? unit->detail : how;

	report_format_exit(status->last_code, status->last_signal, status->last_core_dumped, how);
	if (s->restart == RESTART_NEVER)
		log_warning(s->name, "ended for good: %s (restart = never)", why);
	else if (s->start_limit_count && status->failures >= s->start_limit_count)
		log_error(s->name, "given up after %u failed starts within %s; the last one: %s",
		          status->failures, parse_format_duration(s->start_limit_window_ms, window),
		          why);
	else
		log_error(s->name, "failed for good: %s", why);
}

static void report_backoff(const struct daemon *d, uint32_t program,
                           const struct program_status *status)
{
	const struct program_settings *s = &d->settings->programs[program];
	char delay[DURATION_SIZE], window[DURATION_SIZE];

	parse_format_duration(status->delay_ms, delay);
	if (s->start_limit_count && status->failures)
		log_info(s->name, "next start in %s (%u of %u failed starts within %s)", delay,
		         status->failures, s->start_limit_count,
		         parse_format_duration(s->start_limit_window_ms, window));
	else
		log_info(s->name, "next start in %s", delay);
}

static void report_running(const struct daemon *d, uint32_t program,
                           const struct program_status *status)
{
	if (status->starts > 1)
		log_info(daemon_name(d, program), "running, PID %d (start %" PRIu64 ")",
		         (int)status->pid, status->starts);
	else
		log_info(daemon_name(d, program), "running, PID %d", (int)status->pid);
}

static void report_waiting(const struct daemon *d, uint32_t program,
                           const struct program_status *status)
{
	if (status->waits_for != NO_PROGRAM)
		log_info(daemon_name(d, program), "waits for %s",
		         daemon_name(d, status->waits_for));
}

void report_state(const struct daemon *d, uint32_t program, enum life_state from,
                  enum life_state to)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct program_status status;
	char name[SIGNAME_SIZE], wait[DURATION_SIZE];

	if (!log_wants(LOG_LEVEL_ERROR))
		return;
	supervisor_status(d->supervisor, program, &status);
	switch (to) {
	case LIFE_RUNNING: report_running(d, program, &status); break;
	case LIFE_STARTING: log_info(s->name, "starting, PID %d", (int)status.pid); break;
	case LIFE_LAUNCHED:
		log_debug(s->name, "has gone to the background; looking for its daemon");
		break;
	case LIFE_STOPPING:
		log_info(s->name, "stopping: %s, then up to %s",
		         s->stop_command ? "stop_command"
		                         : signame_format(s->stop->steps[0].signal, name),
		         parse_format_duration(s->stop->steps[0].wait_ms, wait));
		break;
	case LIFE_KILLING: log_warning(s->name, "killing everything that is left of it"); break;
	case LIFE_STOPPED:
		if (from != LIFE_WAITING)
			log_info(s->name, "stopped");
		break;
	case LIFE_BACKOFF: report_backoff(d, program, &status); break;
	case LIFE_EXITED:
		log_info(s->name,
		         s->type == PROGRAM_ONESHOT ? "done" : "ended for good, successfully");
		break;
	case LIFE_FAILED: report_failed(d, program, &status); break;
	case LIFE_WAITING: report_waiting(d, program, &status); break;
	case LIFE_SPAWNING:
	case LIFE_CLEARING:
	case LIFE_STATE_COUNT: break;
	}
}

void report_leftovers(const struct daemon *d, uint32_t program)
{
	struct family_member members[LEFTOVERS_NAMED];
	size_t count = family_members(d->families, program, members, LEFTOVERS_NAMED);
	struct text text;

	if (count == 0)
		return;
	text_init(&text, LEFTOVERS_TEXT_MAX);
	for (size_t i = 0; i < count && i < LEFTOVERS_NAMED; i++)
		text_add_format(&text, "%s%d (%s)", i ? ", " : "", (int)members[i].pid,
		                members[i].name);
	if (count > LEFTOVERS_NAMED)
		text_add_format(&text, " and %zu more", count - LEFTOVERS_NAMED);
	log_warning(daemon_name(d, program), "still there: %s", text_get(&text));
	text_release(&text);
}
