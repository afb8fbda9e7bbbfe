/* SPDX-License-Identifier: MIT */
/* One or two logs of a program.  How a file is followed is os/logtail.h. */
#include "daemon/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/desk.h"
#include "os/logtail.h"

enum { STREAMS = 2, REASON_MAX = 512 };

struct host_tail {
	struct daemon *daemon;
	struct logtail *files[STREAMS]; /* NULL = none */
	bool has_two;
};

static void grown(void *context, struct logtail *file)
{
	struct host_tail *tail = context;

	(void)file;
	desk_on_log(tail->daemon->desk, tail);
}

/* The files of a program's output; one if both streams go to the same. */
static size_t output_files(const struct program_settings *s, const char *paths[STREAMS])
{
	const char *out = s->stdout_stream.kind == STREAM_FILE ? s->stdout_stream.path : NULL;
	const char *err = s->stderr_stream.kind == STREAM_FILE ? s->stderr_stream.path : NULL;
	size_t n = 0;

	if (out)
		paths[n++] = out;
	if (err && (!out || strcmp(out, err) != 0))
		paths[n++] = err;
	return n;
}

static const char *explain_none(const struct program_settings *s)
{
	switch (s->stdout_stream.kind) {
	case STREAM_NULL: return "its output is thrown away (stdout = null)";
	case STREAM_SYSLOG: return "its output goes to the system log (stdout = syslog)";
	case STREAM_JOURNAL: return "its output goes to the journal (stdout = journal)";
	case STREAM_INHERIT:
	case STREAM_FILE:
	case STREAM_STDOUT: break;
	}
	if (program_is_captured(s, STDOUT_FILENO))
		return "its output goes where vergerd's goes (stdout = inherit)";
	return "its output goes where vergerd's goes (stdout = inherit); with stdout = PATH it "
	       "could be read here";
}

struct host_tail *tail_open(void *context, uint32_t program, const struct host_tail_wish *wish,
                            const char **why)
{
	const struct logtail_wish where = { .lines = wish->lines, .since_us = wish->since_us };
	static char reason[REASON_MAX]; /* until the next call */
	struct daemon *d = context;
	const char *paths[STREAMS];
	size_t count = output_files(&d->settings->programs[program], paths), opened = 0;
	struct host_tail *tail;

	*why = explain_none(&d->settings->programs[program]);
	tail = count ? calloc(1, sizeof *tail) : NULL;
	if (!tail)
		return NULL;
	tail->daemon = d;
	tail->has_two = count == STREAMS;
	for (size_t i = 0; i < count; i++) {
		int r = capture_answers(d->capture, paths[i]) ? 0 : -ETIMEDOUT;

		if (r == 0)
			r = logtail_open(&tail->files[i], paths[i], &where,
			                 wish->follow ? d->loop : NULL, grown, tail);
		if (r < 0)
			snprintf(reason, sizeof reason, "%s: %s", paths[i],
			         r == -ETIMEDOUT ? "does not answer" : strerror(-r));
		opened += r == 0;
	}
	if (opened)
		return tail;
	*why = reason;
	tail_close(tail);
	return NULL;
}

enum host_tail_news tail_next(struct host_tail *tail, struct host_tail_piece *piece)
{
	static const char *const streams[STREAMS] = { "stdout", "stderr" };
	struct logtail_piece found;

	/* one place after the other, before there are lines of any: a reply holds those of both */
	for (size_t i = 0; i < STREAMS; i++)
		if (tail->files[i] && !logtail_seek(tail->files[i]))
			return HOST_TAIL_LATER;
	for (size_t i = 0; i < STREAMS; i++) {
		int news = tail->files[i] ? logtail_next(tail->files[i], &found) : 0;

		if (news <= 0) /* what cannot be read is no more than the end of it */
			continue;
		*piece = (struct host_tail_piece){
			.bytes = found.bytes,
			.size = found.size,
			.stream = tail->has_two ? streams[i] : NULL,
			.lines = found.lines,
		};
		return news == LOGTAIL_UNREAD ? HOST_TAIL_UNREAD : HOST_TAIL_LINE;
	}
	return HOST_TAIL_NOTHING;
}

void tail_close(struct host_tail *tail)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (tail->files[i])
			logtail_close(tail->files[i]);
	free(tail);
}

size_t tail_recent(void *context, uint32_t program, char *out, size_t size)
{
	const struct daemon *d = context;

	return capture_recent(d->capture, program, out, size);
}
