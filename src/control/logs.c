/* SPDX-License-Identifier: MIT */
/* Lines are read when they can be written: nothing is kept here for a client that does not read. */
#include "control/logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stamp.h"
#include "control/call.h"
#include "control/host.h"
#include "control/reply.h"

enum {
	LINES_DEFAULT = 10,
	LINES_MAX = 1000 * 1000,
	FOLLOWED_MAX = 64, /* by one client: each is an open file */
	WITHOUT_MORE_MAX = CONTROL_STREAM_MAX,
	RECENT_MAX = 64 * 1024, /* bytes of the last lines in memory that are told */
	NOTE_MAX = 512,
};

struct source {
	uint32_t program;
	char *name;                  /* owned; a program that is removed takes its own along */
	struct host_tail *tail;      /* owned; NULL: not open */
	bool opened;                 /* it was tried */
	bool ready;                  /* may have lines, or `note` is to be told */
	bool over;                   /* followed no more */
	const char *note;            /* static */
	enum host_tail_news news;    /* what was taken of the tail and not told yet… */
	struct host_tail_piece next; /* …valid until more is taken */
};

struct logs {
	struct session *session;
	struct source *sources; /* owned */
	size_t count;
	size_t at;    /* whose turn it is */
	size_t alive; /* followed and not removed */
	struct host_tail_wish wish;
	bool more;
};

static const struct control_host *host_of(const struct logs *l)
{
	return l->session->control->host;
}

static void close_tail(const struct logs *l, struct source *source)
{
	if (source->tail)
		host_of(l)->tail_close(source->tail);
	source->tail = NULL;
	source->news = HOST_TAIL_NOTHING;
}

void logs_free(struct logs *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		close_tail(l, &l->sources[i]);
		free(l->sources[i].name);
	}
	free(l->sources);
	l->session->logs = NULL;
	l->session->control->streams--;
	free(l);
}

/* --- the call --- */

static struct logs *logs_new(struct session *s, const struct selection *sel)
{
	const struct settings *settings = s->control->host->settings;
	struct logs *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->session = s;
	s->logs = l;
	s->control->streams++;
	l->sources = calloc(sel->count ? sel->count : 1, sizeof *l->sources);
	for (size_t i = 0; l->sources && i < sel->count; i++) {
		struct source *source = &l->sources[l->count++];

		source->program = sel->ids[i];
		source->ready = true;
		source->name = strdup(settings->programs[sel->ids[i]].name);
		if (!source->name)
			break;
	}
	if (l->sources && (l->count == 0 || l->sources[l->count - 1].name))
		return l;
	logs_free(l);
	return NULL;
}

static bool is_acceptable(struct session *s, const struct call *call, const struct selection *sel)
{
	bool streams = call->params->follow || sel->count != 1;

	if (streams && !call->more) {
		reply_error(s, REPLY_SERVICE ".ExpectedMore", NULL, NULL);
		return false;
	}
	if (call->params->follow && sel->count > FOLLOWED_MAX) {
		call_fail(s, "no more than 64 programs can be followed at once; name fewer");
		return false;
	}
	return true;
}

/* False: the error is written. */
static bool read_wish(struct session *s, const struct params *p, struct host_tail_wish *wish)
{
	*wish = (struct host_tail_wish){ .since_us = INT64_MIN, .follow = p->follow };
	if (p->lines > LINES_MAX) {
		call_refuse_parameter(s, "lines");
		return false;
	}
	if (p->since &&
	    stamp_parse(p->since, strlen(p->since), &wish->since_us) != strlen(p->since)) {
		call_refuse_parameter(s, "since");
		return false;
	}
	if (p->lines >= 0)
		wish->lines = (unsigned)p->lines;
	else
		wish->lines = p->since ? HOST_TAIL_ALL : LINES_DEFAULT;
	return true;
}

void logs_answer(struct session *s, const struct call *call)
{
	const struct params *p = call->params;
	struct selection sel = { 0 };
	struct host_tail_wish wish;
	struct logs *l = NULL;

	if (!read_wish(s, p, &wish))
		return;
	if (call_select(s, call, &sel) && is_acceptable(s, call, &sel)) {
		l = logs_new(s, &sel);
		if (!l)
			call_fail_without_memory(s);
	}
	if (l) {
		l->wish = wish;
		l->more = call->more;
		l->alive = l->count;
	}
	selection_release(&sel);
}

/* --- what happens --- */

bool logs_on_growth(struct logs *l, const struct host_tail *tail)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->sources[i].tail != tail)
			continue;
		l->sources[i].ready = true;
		return true;
	}
	return false;
}

void logs_on_removed(struct logs *l, uint32_t program)
{
	for (size_t i = 0; i < l->count; i++) {
		struct source *source = &l->sources[i];

		/* the id may be given to another program */
		if (source->program != program)
			continue;
		source->program = NO_PROGRAM;
		close_tail(l, source);
		if (source->over || (source->opened && !l->wish.follow))
			continue;
		source->opened = source->ready = true;
		source->note = "it was removed: it is no longer in the configuration";
		session_wake(l->session);
	}
}

/* --- telling --- */

/* What is to be told next; HOST_TAIL_LATER is not kept. */
static enum host_tail_news peek(const struct logs *l, struct source *source)
{
	enum host_tail_news news = source->news;

	if (news == HOST_TAIL_NOTHING && source->tail)
		news = host_of(l)->tail_next(source->tail, &source->next);
	source->news = news == HOST_TAIL_LATER ? HOST_TAIL_NOTHING : news;
	return news;
}

static size_t room(const struct logs *l, const struct reply *r)
{
	size_t max = l->more ? SESSION_STREAM_CHUNK : WITHOUT_MORE_MAX;
	size_t size = l->session->output.size - r->start;

	return size < max ? max - size : 0;
}

/* Files that the client has to read before the lines of this reply. */
static void write_unread(const struct logs *l, struct source *source, struct reply *r)
{
	const char *stream = source->next.stream;
	unsigned lines = source->next.lines;

	if (peek(l, source) != HOST_TAIL_UNREAD)
		return;
	jsonout_array(&r->json, "unread");
	while (peek(l, source) == HOST_TAIL_UNREAD && source->next.lines == lines &&
	       source->next.stream == stream && room(l, r)) {
		jsonout_bytes(&r->json, NULL, source->next.bytes, source->next.size);
		source->news = HOST_TAIL_NOTHING;
	}
	jsonout_array_end(&r->json);
	if (lines != HOST_TAIL_ALL)
		jsonout_int(&r->json, "unread_lines", lines);
}

/* Lines into an array until there are no more of them, or enough; true: there are no more. */
static bool write_lines(const struct logs *l, struct source *source, const char *stream,
                        struct reply *r)
{
	while (room(l, r)) {
		switch (peek(l, source)) {
		case HOST_TAIL_NOTHING: return true;
		case HOST_TAIL_LATER:
		case HOST_TAIL_UNREAD: return false;
		case HOST_TAIL_LINE: break;
		}
		if (l->more && source->next.stream != stream)
			return false;
		jsonout_bytes(&r->json, NULL, source->next.bytes, source->next.size);
		source->news = HOST_TAIL_NOTHING;
	}
	return false;
}

/* What the tail has. */
static bool write_tail(const struct logs *l, struct source *source, struct reply *r)
{
	bool any = peek(l, source) != HOST_TAIL_NOTHING;
	const char *stream = any ? source->next.stream : NULL;
	bool all;

	if (stream && l->more)
		jsonout_string(&r->json, "stream", stream);
	write_unread(l, source, r);
	jsonout_array(&r->json, "lines");
	all = write_lines(l, source, stream, r);
	jsonout_array_end(&r->json);
	return all;
}

/* Where the last `lines` lines begin. */
static const char *find_last(const char *bytes, size_t size, unsigned lines)
{
	const char *start = bytes + size;

	if (size > 0 && start[-1] == '\n')
		start--;
	for (; lines > 0 && start > bytes; lines--) {
		const char *newline = memrchr(bytes, '\n', (size_t)(start - bytes));

		if (lines == 1 || !newline)
			return newline ? newline + 1 : bytes;
		start = newline;
	}
	return lines ? bytes : bytes + size;
}

/* The last lines that are in memory; false: none are. */
static bool write_recent(const struct logs *l, const struct source *source, struct reply *r)
{
	_cleanup_free_ char *bytes = malloc(RECENT_MAX);
	const char *at, *end;
	size_t size = 0;

	if (bytes && source->program != NO_PROGRAM)
		size = host_of(l)->recent(host_of(l)->context, source->program, bytes, RECENT_MAX);
	jsonout_array(&r->json, "lines");
	end = bytes + size;
	for (at = size ? find_last(bytes, size, l->wish.lines) : end; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		jsonout_bytes(&r->json, NULL, at, (size_t)(stop - at));
		at = stop + 1;
	}
	jsonout_array_end(&r->json);
	return size > 0;
}

/* What there is without a tail, and why there is none. */
static void write_rest(const struct logs *l, const struct source *source, const char *why,
                       struct reply *r)
{
	char note[NOTE_MAX];

	if (!write_recent(l, source, r)) {
		if (why)
			jsonout_string(&r->json, "note", why);
		return;
	}
	snprintf(note, sizeof note, "%s; these are the last lines of it in memory (log_memory)",
	         why ? why : "it is in no file");
	jsonout_string(&r->json, "note", note);
}

static bool is_searching(const struct logs *l, struct source *source)
{
	return source->tail && peek(l, source) == HOST_TAIL_LATER;
}

/* What there is of one source in one reply, or nothing yet; true: that is all of it, for now or for
 * good. */
static bool write_source(struct logs *l, struct source *source, bool is_last)
{
	const char *why = source->note;
	bool all = true;
	struct reply r;

	if (!source->opened)
		source->tail =
			host_of(l)->tail_open(host_of(l)->context, source->program, &l->wish, &why);
	source->opened = true;
	if (is_searching(l, source))
		return false;
	reply_begin(&r, l->session);
	jsonout_string(&r.json, "program", source->name);
	if (source->tail)
		all = write_tail(l, source, &r);
	else
		write_rest(l, source, why, &r);
	if (!all && !l->more)
		jsonout_string(&r.json, "note", "there are more lines; ask with `more` for them");
	jsonout_lossy(&r.json);
	if (l->wish.follow && !source->tail && !source->over) {
		source->over = true;
		l->alive--;
	}
	if (l->wish.follow)
		is_last = l->alive == 0 && is_last;
	reply_end(&r, l->more && !(is_last && all));
	return all || !l->more;
}

bool logs_is_ready(const struct logs *l)
{
	if (!l->wish.follow)
		return true;
	for (size_t i = 0; i < l->count; i++)
		if (l->sources[i].ready)
			return true;
	return l->count == 0;
}

/* one after the other, each to its end */
static bool step_once(struct logs *l)
{
	struct source *source = &l->sources[l->at];

	if (!write_source(l, source, l->at + 1 == l->count))
		return false;
	close_tail(l, source);
	return ++l->at == l->count;
}

/* in turn, so that one that writes much does not hide the others */
static bool step_follow(struct logs *l)
{
	size_t others_ready = 0;
	struct source *source;

	while (!l->sources[l->at % l->count].ready)
		l->at++;
	source = &l->sources[l->at++ % l->count];
	for (size_t i = 0; i < l->count; i++)
		others_ready += &l->sources[i] != source && l->sources[i].ready;
	source->ready = false;
	if (!write_source(l, source, others_ready == 0))
		source->ready = true;
	return l->alive == 0 && others_ready == 0;
}

bool logs_step(struct logs *l)
{
	if (l->count == 0) { /* there is no program at all */
		logs_finish(l);
		return false;
	}
	if (!logs_is_ready(l))
		return false;
	return l->wish.follow ? step_follow(l) : step_once(l);
}

void logs_finish(struct logs *l)
{
	struct reply r;

	reply_begin(&r, l->session);
	jsonout_string(&r.json, "program", l->count ? l->sources[l->at % l->count].name : "");
	jsonout_array(&r.json, "lines");
	jsonout_array_end(&r.json);
	jsonout_lossy(&r.json);
	reply_end(&r, false);
	logs_free(l);
}
