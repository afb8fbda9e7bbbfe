/* SPDX-License-Identifier: MIT */
/* Status: what programs do, and why.  Looks and tells; changes nothing. */
#include "control/status.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/signame.h"
#include "control/call.h"
#include "control/meaning.h"
#include "control/reason.h"
#include "control/reply.h"

enum field {
	FIELD_NAME = 1 << 0,
	FIELD_GROUP = 1 << 1,
	FIELD_STATE = 1 << 2,
	FIELD_READY = 1 << 3,
	FIELD_HEALTH = 1 << 4,
	FIELD_PID = 1 << 5,
	FIELD_PIDFILE = 1 << 6,
	FIELD_SINCE = 1 << 7,
	FIELD_UPTIME = 1 << 8,
	FIELD_RESTARTS = 1 << 9,
	FIELD_NEXT_START = 1 << 10,
	FIELD_LAST_EXIT = 1 << 11,
	FIELD_WAITS_FOR = 1 << 12,
	FIELD_REMOVED = 1 << 13,
	FIELD_PENDING = 1 << 14,
	FIELD_REASON = 1 << 15,
	FIELD_LOG = 1 << 16,
};

static const struct {
	const char *name;
	enum field field;
} fields[] = {
	{ "name", FIELD_NAME },
	{ "group", FIELD_GROUP },
	{ "state", FIELD_STATE },
	{ "ready", FIELD_READY },
	{ "health", FIELD_HEALTH },
	{ "pid", FIELD_PID },
	{ "pidfile", FIELD_PIDFILE },
	{ "since", FIELD_SINCE },
	{ "uptime_ms", FIELD_UPTIME },
	{ "restarts", FIELD_RESTARTS },
	{ "next_start_ms", FIELD_NEXT_START },
	{ "last_exit", FIELD_LAST_EXIT },
	{ "waits_for", FIELD_WAITS_FOR },
	{ "removed", FIELD_REMOVED },
	{ "pending", FIELD_PENDING },
	{ "reason", FIELD_REASON },
	{ "log", FIELD_LOG }, /* is there when it has something to say */
	{ "lossy", 0 },       /* is there when it has to be */
};

/* --- ends --- */

/* a sentence that one of the writers below makes; nothing when it is empty */
static void write_text(struct jsonout *j, const char *key, struct text *text)
{
	if (text->size)
		jsonout_bytes(j, key, text->data, text->size);
	text_release(text);
}

static void write_details(struct jsonout *j, const struct past_end *end,
                          const struct program_settings *settings)
{
	struct text meaning;

	text_init(&meaning, REASON_MAX);
	meaning_put_meaning(&meaning, end, settings);
	if (end->pid > 0)
		jsonout_int(j, "pid", end->pid);
	if (end->step == SPAWN_STEP_NONE)
		jsonout_int(j, "uptime_ms", end->uptime_ms);
	if (end->asked)
		jsonout_bool(j, "asked", true);
	if (end->short_lived)
		jsonout_bool(j, "failed_start", true);
	write_text(j, "meaning", &meaning);
}

void status_write_end(struct jsonout *j, const char *key, const struct past_end *end,
                      const struct program_settings *settings, bool detailed)
{
	char name[SIGNAME_SIZE];
	struct text error;

	jsonout_object(j, key);
	jsonout_time(j, "at", end->at_us);
	if (end->step != SPAWN_STEP_NONE) {
		text_init(&error, REASON_MAX);
		meaning_put_failure(&error, (enum spawn_step)end->step, end->error);
		write_text(j, "error", &error);
	} else if (end->signal) {
		jsonout_string(j, "signal", signame_format(end->signal, name));
	} else {
		jsonout_int(j, "code", end->code);
	}
	jsonout_bool(j, "core", end->core_dumped);
	if (detailed)
		write_details(j, end, settings);
	jsonout_object_end(j);
}

/* --- one program --- */

void status_telling_init(struct status_telling *t, const struct control_host *host)
{
	*t = (struct status_telling){
		.host = host,
		.fields = STATUS_ALL,
		.now_ms = host->now_ms(host->context),
		.now_us = host->now_us(host->context),
		.looks = REASON_LOOKS,
	};
}

/* what is written of one program */
struct subject {
	struct jsonout *j;
	struct status_telling *telling;
	const struct program_settings *settings;
	struct program_status st;
	uint32_t program;
};

/* Whether a field is wanted; one that is and says nothing is written as null if need be. */
static bool wants(const struct subject *s, enum field field, const char *key, bool says_something)
{
	if (!(s->telling->fields & field))
		return false;
	if (!says_something && s->telling->complete)
		jsonout_null(s->j, key);
	return says_something;
}

static void write_identity(const struct subject *s)
{
	const struct settings *all = s->telling->host->settings;
	bool grouped = s->settings->group < all->group_count;
	bool running = s->st.state == LIFE_RUNNING;

	jsonout_string(s->j, "name", s->settings->name);
	if (wants(s, FIELD_GROUP, "group", grouped))
		jsonout_string(s->j, "group", all->groups[s->settings->group].name);
	if (wants(s, FIELD_STATE, "state", true))
		jsonout_string(s->j, "state", life_state_name(s->st.state));
	if (wants(s, FIELD_READY, "ready", running || s->telling->complete))
		jsonout_bool(s->j, "ready", running);
	wants(s, FIELD_HEALTH, "health", false);
	if (wants(s, FIELD_PID, "pid", s->st.pid > 0))
		jsonout_int(s->j, "pid", s->st.pid);
	if (wants(s, FIELD_PIDFILE, "pidfile", s->settings->pidfile))
		jsonout_string(s->j, "pidfile", s->settings->pidfile);
}

static void write_times(const struct subject *s)
{
	const struct status_telling *t = s->telling;
	bool runs = s->st.pid > 0 && s->st.starts > 0;
	bool rests = s->st.state == LIFE_BACKOFF && s->st.deadline_ms != MSEC_NEVER;

	if (wants(s, FIELD_SINCE, "since", true))
		jsonout_time(s->j, "since", t->now_us - (t->now_ms - s->st.since_ms) * 1000);
	if (wants(s, FIELD_UPTIME, "uptime_ms", runs))
		jsonout_int(s->j, "uptime_ms", t->now_ms - s->st.started_ms);
	if (wants(s, FIELD_RESTARTS, "restarts", s->st.starts > 1 || t->complete))
		jsonout_int(s->j, "restarts", s->st.starts > 1 ? (int64_t)s->st.starts - 1 : 0);
	if (wants(s, FIELD_NEXT_START, "next_start_ms", rests))
		jsonout_int(s->j, "next_start_ms",
		            s->st.deadline_ms > t->now_ms ? s->st.deadline_ms - t->now_ms : 0);
}

static void write_past(const struct subject *s)
{
	const struct control_host *host = s->telling->host;
	const struct history *history = s->telling->fields & FIELD_LAST_EXIT
	                                        ? host->history(host->context, s->program)
	                                        : NULL;
	const struct past_end *end = history ? history_end(history, 0) : NULL;

	if (wants(s, FIELD_LAST_EXIT, "last_exit", end))
		status_write_end(s->j, "last_exit", end, s->settings, false);
}

static void write_log(const struct subject *s)
{
	const struct control_host *host = s->telling->host;
	struct host_log log;

	if (!(s->telling->fields & FIELD_LOG) || !host->log(host->context, s->program, &log))
		return;
	jsonout_object(s->j, "log");
	jsonout_string(s->j, "target", log.target);
	jsonout_bool(s->j, "stalled", log.stalled);
	if (log.trouble)
		jsonout_string(s->j, "trouble", log.trouble);
	jsonout_bool(s->j, "drops", log.drops);
	jsonout_int(s->j, "lost_lines", (int64_t)log.lost_lines);
	jsonout_int(s->j, "lost_bytes", (int64_t)log.lost_bytes);
	jsonout_object_end(s->j);
}

static void write_plight(const struct subject *s)
{
	const struct control_host *host = s->telling->host;
	bool waits =
		s->st.waits_for != NO_PROGRAM && supervisor_has(host->supervisor, s->st.waits_for);
	struct text reason;
	bool told;

	if (s->telling->fields & FIELD_WAITS_FOR && waits)
		jsonout_string(s->j, "waits_for", host->settings->programs[s->st.waits_for].name);
	if (s->telling->fields & FIELD_REMOVED && s->st.removed)
		jsonout_bool(s->j, "removed", true);
	if (s->telling->fields & FIELD_PENDING && s->st.pending)
		jsonout_bool(s->j, "pending", true);
	if (!(s->telling->fields & FIELD_REASON))
		return;
	text_init(&reason, REASON_MAX);
	told = reason_put(&reason, host, s->program, &s->st, &s->telling->looks);
	if (wants(s, FIELD_REASON, "reason", told))
		jsonout_bytes(s->j, "reason", reason.data, reason.size);
	text_release(&reason);
}

void status_write(struct jsonout *j, const char *key, struct status_telling *t, uint32_t program)
{
	struct subject s = { .j = j,
		             .telling = t,
		             .settings = &t->host->settings->programs[program],
		             .program = program };

	supervisor_status(t->host->supervisor, program, &s.st);
	jsonout_object(j, key);
	write_identity(&s);
	write_times(&s);
	write_past(&s);
	write_plight(&s);
	write_log(&s);
	jsonout_lossy(j);
	jsonout_object_end(j);
}

/* --- vergerd --- */

static void write_daemon(struct jsonout *j, const struct status_telling *t)
{
	const struct control_host *host = t->host;
	const struct settings *settings = host->settings;
	struct host_facts facts;
	int64_t programs = 0;

	host->facts(host->context, &facts);
	for (uint32_t i = 0; i < settings->program_count; i++)
		programs += selection_is_there(host->supervisor, settings, i);
	jsonout_object(j, "daemon");
	jsonout_string(j, "version", facts.version);
	jsonout_int(j, "pid", facts.pid);
	jsonout_string(j, "config", facts.config);
	jsonout_string(j, "run_dir", settings->run_dir);
	jsonout_string(j, "pidfile", settings->pidfile);
	jsonout_time(j, "since", t->now_us - (t->now_ms - facts.started_ms) * 1000);
	jsonout_int(j, "uptime_ms", t->now_ms - facts.started_ms);
	jsonout_time(j, "loaded", facts.loaded_us);
	jsonout_int(j, "reloads", facts.reloads);
	jsonout_int(j, "programs", programs);
	jsonout_bool(j, "shutting_down", supervisor_is_shutting_down(host->supervisor));
	jsonout_object_end(j);
	j->lossy = false; /* it has no such member */
}

/* --- the method --- */

/* false: one of the names is no field */
static bool read_fields(const json_t *names, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		size_t k = 0;

		while (k < ARRAY_SIZE(fields) && strcmp(fields[k].name, name) != 0)
			k++;
		if (k == ARRAY_SIZE(fields))
			return false;
		*out |= fields[k].field;
	}
	return true;
}

void status_answer(struct session *s, const struct call *call)
{
	struct status_telling telling;
	struct selection sel = { 0 };
	struct reply r;

	status_telling_init(&telling, s->control->host);
	telling.complete = json_array_size(call->params->fields) == 0;
	if (!telling.complete && !read_fields(call->params->fields, &telling.fields)) {
		call_refuse_parameter(s, "fields");
		return;
	}
	if (call_select(s, call, &sel)) {
		reply_begin(&r, s);
		jsonout_array(&r.json, "programs");
		for (size_t i = 0; i < sel.count; i++)
			status_write(&r.json, NULL, &telling, sel.ids[i]);
		jsonout_array_end(&r.json);
		write_daemon(&r.json, &telling);
		reply_end(&r, false);
	}
	selection_release(&sel);
}
