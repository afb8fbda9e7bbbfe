/* SPDX-License-Identifier: MIT */
/* logs: what programs wrote last, and what they write.
 *
 * vergerd tells one program after the other.  Of several, the lines wait in a spool until all are
 * there, and are put in order then; those that are followed are shown as they come. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/stamp.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/lineout.h"
#include "ctl/member.h"
#include "ctl/merge.h"
#include "ctl/names.h"
#include "ctl/older.h"
#include "ctl/spool.h"
#include "ctl/stream.h"

enum {
	LISTEN_EVERY_MS = 500, /* while files are read: vergerd cuts who does not read it */
	REOPEN_LOOK_MS = 10,
};

struct source {
	struct line_source line;
	size_t start, end; /* of its lines in the spool */
	bool begun;        /* there was a reply with lines of it, or files */
	bool told_bare;    /* that its lines bear no times */
};

/* A reply that came while files were read. */
struct waiting {
	json_t *reply; /* owned */
	int news;
};

struct logs {
	struct ctl *ctl;
	struct stream stream;
	struct lineout out;
	struct spool spool;
	bool is_merged;          /* lines go to the spool */
	struct source **sources; /* owned */
	size_t source_count;
	struct source *source;   /* of the lines that come */
	struct waiting *waiting; /* owned */
	size_t waiting_count, waiting_at;
	msec_t listened_ms;
	int halted; /* news that end it, or negative errno; 0 = none */
};

/* --- where lines come from --- */

static bool is_of(const struct source *s, const char *program, const char *stream)
{
	return strcmp(s->line.program, program) == 0 && strcmp(s->line.stream, stream) == 0;
}

static void source_free(struct source *s)
{
	free(s->line.program);
	free(s->line.stream);
	free(s);
}

/* NULL when memory is out. */
static struct source *add_source(struct logs *l, const char *program, const char *stream)
{
	struct source *s = calloc(1, sizeof *s), **sources;

	if (!s)
		return NULL;
	s->line = (struct line_source){ strdup(program), strdup(stream), STAMP_NONE };
	s->start = s->end = l->spool.size;
	sources = reallocarray(l->sources, l->source_count + 1, sizeof(struct source *));
	if (sources)
		l->sources = sources;
	if (!sources || !s->line.program || !s->line.stream) {
		source_free(s);
		return NULL;
	}
	l->sources[l->source_count++] = s;
	return s;
}

/* In the spool the lines of a source are in one place: only the last source goes on. */
static struct source *find_source(struct logs *l, const char *program, const char *stream)
{
	for (size_t i = l->source_count; i-- > 0;) {
		if (is_of(l->sources[i], program, stream))
			return l->sources[i];
		if (l->is_merged)
			break;
	}
	return add_source(l, program, stream);
}

/* --- lines --- */

static void take_line(void *context, const char *bytes, size_t size)
{
	struct logs *l = context;

	if (!l->is_merged) {
		lineout_put(&l->out, &l->source->line, bytes, size);
		return;
	}
	if (l->source->line.us == STAMP_NONE)
		l->source->line.us = stamp_of_line(bytes, size);
	spool_add(&l->spool, bytes, size);
	l->source->end = l->spool.size;
}

static void wait_in_line(struct logs *l, json_t *reply, int news)
{
	struct waiting *waiting =
		reallocarray(l->waiting, l->waiting_count + 1, sizeof *l->waiting);

	if (!waiting) {
		json_decref(reply);
		l->halted = -ENOMEM;
		return;
	}
	l->waiting = waiting;
	l->waiting[l->waiting_count++] = (struct waiting){ reply, news };
}

/* Files are read for a while: a signal has to be heard, and vergerd to be listened to. */
static bool listen_meanwhile(void *context)
{
	struct logs *l = context;
	msec_t now = clock_monotonic_ms();
	json_t *reply = NULL;
	int news = stream_signalled(&l->stream);

	if (news == STREAM_TIME && now - l->listened_ms >= LISTEN_EVERY_MS &&
	    (!l->waiting_count || l->waiting[l->waiting_count - 1].news != STREAM_LAST)) {
		l->listened_ms = now;
		news = stream_next(&l->stream, &reply, 0);
	}
	if (reply)
		wait_in_line(l, reply, news);
	else if (news == STREAM_SUSPENDED)
		stream_suspend(&l->stream);
	else if (news < 0 || news == STREAM_INTERRUPTED)
		l->halted = news;
	return !l->halted;
}

/* Files of which vergerd has told only that they are there. */
static void read_unread(struct logs *l, const json_t *reply)
{
	const json_t *paths = member_array(reply, "unread");
	json_int_t lines = member_integer(reply, "unread_lines", UINT_MAX);
	const struct older older = {
		/* what comes later is no older */
		.since_us = l->source->begun ? INT64_MIN : l->ctl->arguments->since_us,
		.take = take_line,
		.go_on = listen_meanwhile,
		.context = l,
	};

	if (json_array_size(paths) == 0)
		return;
	l->listened_ms = clock_monotonic_ms();
	older_read(&older, paths, lines < 0 || lines > UINT_MAX ? UINT_MAX : (unsigned)lines);
	l->source->begun = true;
}

/* Whoever asked for a time may take what they see for an answer. */
static void tell_bare(struct source *s)
{
	if (s->told_bare || !s->begun || s->line.us != STAMP_NONE)
		return;
	s->told_bare = true;
	screen_complain("%s: its lines begin with no times; --since has chosen whole files of it",
	                s->line.program);
}

static void take_reply(struct logs *l, const json_t *reply)
{
	const char *program = member_text(reply, "program"), *note = member_text(reply, "note");
	const char *stream = member_text(reply, "stream");
	const json_t *lines = member_array(reply, "lines"), *line;
	size_t i;

	/* (two places of one program want to be put in order, too) */
	if (*stream && !l->ctl->arguments->follow && l->source_count == 0)
		l->is_merged = true;
	l->source = find_source(l, program, stream);
	if (!l->source) {
		l->halted = -ENOMEM;
		return;
	}
	read_unread(l, reply);
	for (i = 0; !l->halted && (line = json_array_get(lines, i)); i++)
		if (json_is_string(line))
			take_line(l, json_string_value(line), json_string_length(line));
	l->source->begun = l->source->begun || i > 0;
	if (!l->is_merged)
		lineout_finish(&l->out);
	if (*note)
		lineout_note(&l->out, program, note);
	else if (l->ctl->arguments->since_us != INT64_MIN)
		tell_bare(l->source);
}

/* --- many --- */

/* All lines, in the order of their times. */
static int put_in_order(struct logs *l)
{
	struct merge_log *logs = calloc(l->source_count + 1, sizeof *logs);
	const char *lines = spool_read(&l->spool);
	struct merge_line line;
	struct merge merge;
	size_t count = lines ? l->source_count : 0;

	if (l->spool.error || !logs) {
		screen_complain("the lines cannot be put in order: %s",
		                strerror(logs ? -l->spool.error : ENOMEM));
		free(logs);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < count; i++) {
		logs[i].at = lines + l->sources[i]->start;
		logs[i].end = lines + l->sources[i]->end;
		l->sources[i]->line.us = STAMP_NONE;
	}
	merge_init(&merge, logs, count);
	while (merge_next(&merge, &line))
		lineout_put(&l->out, &l->sources[line.log]->line, line.bytes, line.size);
	lineout_finish(&l->out);
	free(logs);
	return EXIT_DONE;
}

/* --- replies --- */

/* As stream_next, but first what came while files were read. */
static int next_reply(struct logs *l, json_t **reply)
{
	struct waiting *next;

	if (l->waiting_at == l->waiting_count) {
		l->waiting_at = l->waiting_count = 0;
		return stream_next(&l->stream, reply, -1);
	}
	next = &l->waiting[l->waiting_at++];
	*reply = next->reply;
	return next->news;
}

static int take_replies(struct logs *l)
{
	for (;;) {
		json_t *reply = NULL;
		int news = next_reply(l, &reply);

		if (reply)
			take_reply(l, reply);
		json_decref(reply);
		if (l->halted)
			news = l->halted;
		if (news < 0)
			return connection_explain(l->ctl, news);
		if (news == STREAM_LAST)
			return EXIT_DONE;
		if (news == STREAM_SUSPENDED)
			stream_suspend(&l->stream);
		l->halted = news == STREAM_INTERRUPTED ? news : 0;
		/* Ctrl-C is how -f is meant to end */
		if (l->halted)
			return l->stream.signo == SIGINT ? EXIT_DONE
			                                 : stream_exit_status(&l->stream);
	}
}

static int ask(struct ctl *ctl)
{
	const struct arguments *a = ctl->arguments;
	json_t *parameters = connection_parameters(ctl, 0);
	char since[CLOCK_RFC3339_SIZE];

	if (!parameters)
		return EXIT_USAGE;
	if (a->lines != LINES_UNSAID)
		json_object_set_new(parameters, "lines", json_integer(a->lines));
	if (a->since_us != INT64_MIN) {
		clock_format_rfc3339(a->since_us, since);
		json_object_set_new(parameters, "since", json_string(since));
	}
	if (a->follow)
		json_object_set_new(parameters, "follow", json_true());
	return connection_call_more(ctl, "Logs", parameters);
}

static void release(struct logs *l)
{
	for (; l->waiting_at < l->waiting_count; l->waiting_at++)
		json_decref(l->waiting[l->waiting_at].reply);
	for (size_t i = 0; i < l->source_count; i++)
		source_free(l->sources[i]);
	free(l->waiting);
	free(l->sources);
	spool_release(&l->spool);
	lineout_release(&l->out);
}

static int print_lines(struct ctl *ctl)
{
	struct logs l = { .ctl = ctl };
	json_t *programs;
	int status = names_ask(ctl, "name", &programs);

	if (status != 0)
		return status;
	lineout_init(&l.out, ctl, programs);
	l.is_merged = json_array_size(programs) > 1 && !ctl->arguments->follow;
	json_decref(programs);
	status = ask(ctl);
	if (status == 0)
		status = stream_init(&l.stream, ctl);
	if (status == 0) {
		status = take_replies(&l);
		stream_release(&l.stream);
	}
	if (status == EXIT_DONE && l.is_merged && !l.halted)
		status = put_in_order(&l);
	release(&l);
	return status;
}

/* The files are open when this has succeeded: whoever rotates may pack the old ones then. */
static int reopen(struct ctl *ctl)
{
	msec_t until = clock_monotonic_ms() + CONNECTION_PATIENCE_MS;
	json_t *parameters = json_object();

	for (;;) {
		json_t *reply = NULL;
		int status = connection_call(ctl, "ReopenLogs", parameters, &reply);
		json_int_t pending = json_integer_value(json_object_get(reply, "pending"));

		json_decref(reply);
		if (status != 0 || pending == 0)
			return status;
		if (clock_monotonic_ms() >= until) {
			screen_complain("%d log files are not open again yet; a disk may hang",
			                (int)pending);
			return EXIT_TIMED_OUT;
		}
		poll(NULL, 0, REOPEN_LOOK_MS);
		parameters = json_pack("{s:b}", "only_ask", 1);
	}
}

int logs_run(struct ctl *ctl)
{
	const struct arguments *a = ctl->arguments;
	int status;

	if (a->reopen && (a->follow || a->word_count > 0 || a->lines != LINES_UNSAID ||
	                  a->since_us != INT64_MIN)) {
		screen_complain("logs --reopen is for all log files at once, and takes neither "
		                "names nor -f, -n and --since");
		return EXIT_USAGE;
	}
	status = connection_open(ctl);
	if (status != 0)
		return status;
	return a->reopen ? reopen(ctl) : print_lines(ctl);
}
