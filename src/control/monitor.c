/* SPDX-License-Identifier: MIT */
/* Events are written once, into the journal, when they happen; a listener takes what is there when
 * it can be written to. */
#include "control/monitor.h"

#include <errno.h>
#include <stdlib.h>

#include "base/signame.h"
#include "control/call.h"
#include "control/host.h"
#include "control/reason.h"
#include "control/reply.h"

enum {
	NAMES_MAX = 256, /* that one listener may give: they are kept */
	EVENT_MAX = 16 * 1024,
	KEPT_PER_PROGRAM = 1024, /* a change of everything must fit, however many there are */
};

struct monitor {
	struct session *session;
	json_t *names; /* owned; NULL = all */
	struct selection selection;
	unsigned generation; /* of the settings that the selection was made of */
	int reader;
	bool begun;
};

static const struct control_host *host_of(const struct monitor *m)
{
	return m->session->control->host;
}

static enum selection_result choose(struct monitor *m)
{
	const struct control_host *host = host_of(m);

	m->generation = host->settings->generation;
	return selection_make(&m->selection, host->supervisor, host->settings, m->names);
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	m->session->monitor = NULL;
	m->session->control->streams--;
	journal_leave(&m->session->control->journal, m->reader);
	selection_release(&m->selection);
	json_decref(m->names);
	free(m);
}

static struct monitor *monitor_new(struct session *s, json_t *names, int reader)
{
	struct monitor *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->session = s;
	m->names = json_array_size(names) ? json_incref(names) : NULL;
	m->reader = reader;
	s->monitor = m;
	s->control->streams++;
	return m;
}

void monitor_answer(struct session *s, const struct call *call)
{
	struct selection sel = { 0 };
	struct monitor *m;
	int reader;

	if (json_array_size(call->params->names) > NAMES_MAX) {
		call_refuse_parameter(s, "names");
		return;
	}
	if (!call_select(s, call, &sel)) {
		selection_release(&sel);
		return;
	}
	selection_release(&sel);
	reader = journal_join(&s->control->journal);
	if (reader < 0) {
		reply_error(s, REPLY_INTERFACE ".Busy", "reason",
		            "as many as can are listening already");
		return;
	}
	m = monitor_new(s, call->params->names, reader);
	if (m && (!m->names || choose(m) == SELECTION_OK))
		return;
	if (m)
		monitor_free(m);
	else
		journal_leave(&s->control->journal, reader);
	call_fail_without_memory(s);
}

/* --- what happens --- */

/* whether it wants to hear of this program; one that came with a reload may match its names */
static bool listens_to(struct monitor *m, uint32_t program)
{
	if (!m->names)
		return true;
	if (m->generation != host_of(m)->settings->generation) {
		selection_release(&m->selection);
		choose(m);
	}
	return selection_has(&m->selection, program);
}

static uint64_t listeners_of(struct control *c, uint32_t program)
{
	uint64_t mask = 0;

	for (struct session *s = c->sessions; s; s = s->next)
		if (s->monitor && listens_to(s->monitor, program))
			mask |= (uint64_t)1 << s->monitor->reader;
	return mask;
}

static void write_exit(struct jsonout *j, const struct program_status *st, enum life_state from,
                       enum life_state to)
{
	char name[SIGNAME_SIZE];

	if (!life_state_is_active(from) || life_state_is_active(to) || !st->exit_known ||
	    st->last_step != SPAWN_STEP_NONE)
		return;
	if (st->last_signal)
		jsonout_string(j, "signal", signame_format(st->last_signal, name));
	else
		jsonout_int(j, "code", st->last_code);
}

static void write_reason(struct jsonout *j, const struct control_host *host, uint32_t program,
                         const struct program_status *st)
{
	unsigned looks = 0; /* thousands may stop at once */
	struct text reason;

	text_init(&reason, REASON_MAX);
	if (reason_put(&reason, host, program, st, &looks))
		jsonout_bytes(j, "reason", reason.data, reason.size);
	text_release(&reason);
}

static void write_event(struct jsonout *j, const struct control_host *host, uint32_t program,
                        enum life_state from, enum life_state to)
{
	bool removed = to == LIFE_STATE_COUNT;
	struct program_status st = { 0 };

	jsonout_object(j, NULL);
	jsonout_time(j, "time", host->now_us(host->context));
	jsonout_string(j, "program", host->settings->programs[program].name);
	jsonout_string(j, "from", life_state_name(from));
	jsonout_string(j, "to", removed ? "removed" : life_state_name(to));
	if (!removed) {
		supervisor_status(host->supervisor, program, &st);
		if (st.pid > 0)
			jsonout_int(j, "pid", st.pid);
		write_exit(j, &st, from, to);
		/* it may have gone on since */
		if (st.state == to)
			write_reason(j, host, program, &st);
	}
	jsonout_lossy(j);
	jsonout_object_end(j);
}

/* people see fewer states than there are */
static bool is_visible(enum life_state from, enum life_state to)
{
	return to == LIFE_STATE_COUNT || life_state_name(from) != life_state_name(to);
}

void monitor_on_state(struct control *c, uint32_t program, enum life_state from, enum life_state to)
{
	const struct control_host *host = c->host;
	struct jsonout j;
	struct text text;
	uint64_t mask;

	if (!is_visible(from, to))
		return;
	mask = listeners_of(c, program);
	if (!mask)
		return;
	text_init(&text, EVENT_MAX);
	jsonout_init(&j, &text);
	write_event(&j, host, program, from, to);
	if (!j.failed)
		journal_add(&c->journal, mask, text.data, text.size,
		            CONTROL_STREAM_MAX + KEPT_PER_PROGRAM * host->settings->program_count);
	text_release(&text);
	for (struct session *s = c->sessions; s; s = s->next)
		if (s->monitor && mask >> s->monitor->reader & 1)
			session_wake(s);
}

/* --- telling --- */

bool monitor_is_ready(const struct monitor *m)
{
	return !m->begun || journal_has(&m->session->control->journal, m->reader);
}

bool monitor_is_late(const struct monitor *m)
{
	return journal_is_late(&m->session->control->journal, m->reader);
}

static void write_events(struct monitor *m, size_t max, bool continues)
{
	struct session *s = m->session;
	struct reply r;
	const char *bytes;
	size_t size;

	reply_begin(&r, s);
	jsonout_array(&r.json, "events");
	while (m->begun && s->output.size - r.start < max &&
	       (bytes = journal_take(&s->control->journal, m->reader, &size)))
		jsonout_raw(&r.json, bytes, size);
	jsonout_array_end(&r.json);
	reply_end(&r, continues);
	m->begun = true;
}

int monitor_step(struct monitor *m)
{
	if (monitor_is_late(m))
		return -EPIPE;
	if (monitor_is_ready(m))
		write_events(m, SESSION_STREAM_CHUNK, true);
	return 0;
}

void monitor_finish(struct monitor *m)
{
	m->begun = true;
	write_events(m, SESSION_REPLY_MAX / 2, false);
	monitor_free(m);
}
