/* SPDX-License-Identifier: MIT */
/* Lines are read when they can be written: nothing is kept here for a client that does not read. */
#include "control/logs.h"

#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "control/host.h"
#include "control/reply.h"

enum {
	LINES_DEFAULT = 10,
	LINES_MAX = 1000 * 1000,
	FOLLOWED_MAX = 64, /* by one client: each is an open file */
	WITHOUT_MORE_MAX = CONTROL_STREAM_MAX,
};

struct source {
	uint32_t program;
	char *name;             /* owned; a program that is removed takes its own along */
	struct host_tail *tail; /* owned; NULL: not open */
	bool opened;            /* it was tried */
	bool ready;             /* may have lines, or `note` is to be told */
	bool over;              /* followed no more */
	const char *note;       /* static */
};

struct logs {
	struct session *session;
	struct source *sources; /* owned */
	size_t count;
	size_t at;    /* whose turn it is */
	size_t alive; /* followed and not removed */
	unsigned lines;
	bool follow, more;
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

void logs_answer(struct session *s, const struct call *call)
{
	const struct params *p = call->params;
	struct selection sel = { 0 };
	struct logs *l = NULL;

	if (p->lines > LINES_MAX) {
		call_refuse_parameter(s, "lines");
		return;
	}
	if (call_select(s, call, &sel) && is_acceptable(s, call, &sel)) {
		l = logs_new(s, &sel);
		if (!l)
			call_fail_without_memory(s);
	}
	if (l) {
		l->lines = p->lines < 0 ? LINES_DEFAULT : (unsigned)p->lines;
		l->follow = p->follow;
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
		if (source->over || (source->opened && !l->follow))
			continue;
		source->opened = source->ready = true;
		source->note = "it was removed: it is no longer in the configuration";
		session_wake(l->session);
	}
}

/* --- telling --- */

/* lines into an array until there are no more of them, or enough; true: there are no more */
static bool write_lines(const struct logs *l, const struct source *source, struct reply *r)
{
	size_t max = l->more ? SESSION_STREAM_CHUNK : WITHOUT_MORE_MAX;
	struct host_log_line line;

	while (l->session->output.size - r->start < max) {
		if (host_of(l)->tail_next(source->tail, &line) <= 0)
			return true;
		jsonout_bytes(&r->json, NULL, line.bytes, line.size);
	}
	return false;
}

/* what there is of one source in one reply; true: that is all of it, for now or for good */
static bool write_source(struct logs *l, struct source *source, bool is_last)
{
	const char *why = source->note;
	bool all = true;
	struct reply r;

	if (!source->opened)
		source->tail = host_of(l)->tail_open(host_of(l)->context, source->program, l->lines,
		                                     l->follow, &why);
	source->opened = true;
	reply_begin(&r, l->session);
	jsonout_string(&r.json, "program", source->name);
	jsonout_array(&r.json, "lines");
	if (source->tail)
		all = write_lines(l, source, &r);
	jsonout_array_end(&r.json);
	if (!source->tail && why)
		jsonout_string(&r.json, "note", why);
	else if (!all && !l->more)
		jsonout_string(&r.json, "note", "there are more lines; ask with `more` for them");
	jsonout_lossy(&r.json);
	if (l->follow && !source->tail && !source->over) {
		source->over = true;
		l->alive--;
	}
	if (l->follow)
		is_last = l->alive == 0 && is_last;
	reply_end(&r, l->more && !(is_last && all));
	return all || !l->more;
}

bool logs_is_ready(const struct logs *l)
{
	if (!l->follow)
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
	return l->follow ? step_follow(l) : step_once(l);
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
