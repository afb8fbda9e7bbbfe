/* SPDX-License-Identifier: MIT */
/* One or two files of a program.  How a file is followed is os/logtail.h. */
#include "daemon/tail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/desk.h"
#include "os/logtail.h"

enum { STREAMS = 2, REASON_MAX = 512 };

struct host_tail {
	struct daemon *daemon;
	struct logtail *files[STREAMS]; /* NULL = none */
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
	if (s->stdout_stream.kind == STREAM_NULL)
		return "its output is thrown away (stdout = null)";
	return "its output goes where vergerd's goes (stdout = inherit); with stdout = PATH it "
	       "could be read here";
}

struct host_tail *tail_open(void *context, uint32_t program, unsigned lines, bool follow,
                            const char **why)
{
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
	for (size_t i = 0; i < count; i++) {
		int r = logtail_open(&tail->files[i], paths[i], lines, follow ? d->loop : NULL,
		                     grown, tail);

		if (r < 0)
			snprintf(reason, sizeof reason, "%s: %s", paths[i], strerror(-r));
		opened += r == 0;
	}
	if (opened)
		return tail;
	*why = reason;
	tail_close(tail);
	return NULL;
}

int tail_next(struct host_tail *tail, struct host_log_line *line)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (tail->files[i] && logtail_next(tail->files[i], &line->bytes, &line->size) > 0)
			return 1;
	return 0;
}

void tail_close(struct host_tail *tail)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (tail->files[i])
			logtail_close(tail->files[i]);
	free(tail);
}
