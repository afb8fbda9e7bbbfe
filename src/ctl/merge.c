/* SPDX-License-Identifier: MIT */
#include "ctl/merge.h"

#include <string.h>

#include "base/stamp.h"

/* The end of the first line: its newline. */
static const char *end_of_line(const struct merge_log *log, const char *at)
{
	const char *newline = memchr(at, '\n', (size_t)(log->end - at));

	return newline ? newline : log->end;
}

static int64_t time_at(const struct merge_log *log, const char *at)
{
	return stamp_of_line(at, (size_t)(end_of_line(log, at) - at));
}

static int64_t first_time(const struct merge_log *log)
{
	for (const char *at = log->at; at < log->end; at = end_of_line(log, at) + 1) {
		int64_t us = time_at(log, at);

		if (us != STAMP_NONE)
			return us;
	}
	return STAMP_NONE; /* less than all others */
}

void merge_init(struct merge *m, struct merge_log *logs, size_t count)
{
	*m = (struct merge){ .logs = logs, .count = count, .current = SIZE_MAX };
	for (size_t i = 0; i < count; i++) {
		logs[i].us = first_time(&logs[i]);
		logs[i].led = false;
	}
}

/* The log whose next line is the oldest, the first of several; SIZE_MAX when all are at their end.
 */
static size_t find_oldest(const struct merge *m)
{
	size_t oldest = SIZE_MAX;

	for (size_t i = 0; i < m->count; i++)
		if (m->logs[i].at < m->logs[i].end &&
		    (oldest == SIZE_MAX || m->logs[i].us < m->logs[oldest].us))
			oldest = i;
	return oldest;
}

bool merge_next(struct merge *m, struct merge_line *line)
{
	size_t i = m->current == SIZE_MAX ? find_oldest(m) : m->current;
	struct merge_log *log;
	const char *end;
	int64_t us;

	if (i == SIZE_MAX)
		return false;
	log = &m->logs[i];
	end = end_of_line(log, log->at);
	*line = (struct merge_line){ log->at, (size_t)(end - log->at), i };
	log->led = log->led || time_at(log, log->at) != STAMP_NONE;
	log->at = end < log->end ? end + 1 : end;
	m->current = SIZE_MAX;
	if (log->at == log->end)
		return true;
	us = time_at(log, log->at);
	if (us == STAMP_NONE || !log->led)
		m->current = i;
	if (us != STAMP_NONE)
		log->us = us;
	return true;
}
