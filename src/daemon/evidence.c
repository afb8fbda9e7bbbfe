/* SPDX-License-Identifier: MIT */
/* Notes about ends.  What they mean is told by src/control. */
#include "daemon/evidence.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "os/logtail.h"
#include "os/proc.h"

/* The file that holds what it says when it fails: standard error, if that is a file of its own. */
static const char *output_file(const struct program_settings *s)
{
	if (s->stderr_stream.kind == STREAM_FILE)
		return s->stderr_stream.path;
	return s->stdout_stream.kind == STREAM_FILE ? s->stdout_stream.path : NULL;
}

static void examine_output(struct daemon *d, uint32_t program, struct history *history)
{
	const struct program_settings *s = &d->settings->programs[program];
	const char *path = output_file(s);
	char said[HISTORY_OUTPUT_MAX];
	ssize_t size;

	if (!path || d->units[program].said_from < 0 ||
	    program_is_captured(s, s->stderr_stream.kind == STREAM_FILE ? 2 : 1))
		return; /* evidence_on_last_words comes for what goes through vergerd */
	if (!capture_answers(d->capture, path))
		return;
	size = logtail_read_end(path, d->units[program].said_from, said, sizeof said);
	if (size > 0)
		history_set_output(history, said, (size_t)size, history_last(history)->at_us);
}

void evidence_on_start(struct daemon *d, uint32_t program, const struct spawn_plan *plan)
{
	const struct program_settings *s = &d->settings->programs[program];
	int fd = plan->stdio[s->stderr_stream.kind == STREAM_FILE ? 2 : 1];
	struct unit *unit = &d->units[program];
	struct stat st;

	/* it starts again before there was time to look at what it said last */
	if (unit->to_examine && !unit->output_seen && unit->history &&
	    history_count(unit->history)) {
		examine_output(d, program, unit->history);
		unit->output_seen = true;
	}
	unit->said_from = -1;
	if (output_file(s) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		unit->said_from = st.st_size;
}

void evidence_on_last_words(void *context, uint32_t program, const char *text, size_t size)
{
	struct daemon *d = context;
	struct history *history = program < d->unit_count ? d->units[program].history : NULL;

	if (history && history_count(history) && !history_last(history)->asked)
		history_set_output(history, text, size, history_last(history)->at_us);
}

static struct history *history_of(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];

	if (!unit->history)
		unit->history = history_new();
	return unit->history;
}

static void examine_later(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];

	if (unit->to_examine)
		return;
	unit->to_examine = true;
	unit->output_seen = false;
	program_queue_add(&d->to_examine, program);
	ev_idle_start(d->loop, &d->examination);
}

void evidence_on_failure(struct daemon *d, uint32_t program, enum spawn_step step, int error)
{
	struct history *history = history_of(d, program);

	if (history && step != SPAWN_STEP_CANCELLED)
		history_add(history, &(struct past_end){ .at_us = clock_realtime_us(),
		                                         .step = (uint8_t)step,
		                                         .error = error,
		                                         .short_lived = true });
}

void evidence_on_exit(struct daemon *d, uint32_t program, const struct reaper_exit *exit)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct history *history = history_of(d, program);
	struct program_status status;
	msec_t uptime;
	bool asked;

	if (!history)
		return; /* memory is out: the program matters more than the memory of it */
	supervisor_status(d->supervisor, program, &status);
	uptime = clock_monotonic_ms() - status.started_ms;
	asked = !status.wanted || status.again || status.state == LIFE_STOPPING ||
	        status.state == LIFE_KILLING;
	history_add(history, &(struct past_end){
				     .at_us = clock_realtime_us(),
				     .uptime_ms = uptime,
				     .pid = exit->pid,
				     .code = (int16_t)exit->code,
				     .signal = (uint8_t)exit->signal,
				     .core_dumped = exit->core_dumped,
				     .asked = asked,
				     .short_lived = !asked && uptime < s->min_uptime_ms,
			     });
	if (!asked)
		examine_later(d, program);
}

/* A SIGKILL that nobody here sent, and since the last look the kernel has killed for memory?
 * Several may have died of it at once: they share a look. */
static void examine_memory(struct daemon *d, struct past_end *end)
{
	int64_t now = proc_oom_kills();

	if (end->signal == SIGKILL && !end->asked) {
		end->memory_known = d->oom_kills >= 0 && now >= 0;
		end->out_of_memory = end->memory_known && now > d->oom_kills;
	}
	if (d->to_examine.count == 0)
		d->oom_kills = now;
}

void evidence_examine(struct daemon *d)
{
	uint32_t program;
	struct unit *unit;

	if (d->to_examine.count == 0) {
		ev_idle_stop(d->loop, &d->examination);
		return;
	}
	program = program_queue_take(&d->to_examine);
	unit = &d->units[program];
	unit->to_examine = false;
	if (!unit->history || history_count(unit->history) == 0)
		return; /* it was removed meanwhile */
	examine_memory(d, history_last(unit->history));
	if (!unit->output_seen)
		examine_output(d, program, unit->history);
}
