/* SPDX-License-Identifier: MIT */
/* What answers have in common. */
#include "control/call.h"

#include "base/text.h"
#include "control/host.h"
#include "control/reply.h"

enum { NOTE_MAX = 1024, NOTE_NAMES = 5 };

void call_refuse_parameter(struct session *s, const char *name)
{
	reply_error(s, REPLY_SERVICE ".InvalidParameter", "parameter", name);
}

void call_fail(struct session *s, const char *reason)
{
	reply_error(s, REPLY_INTERFACE ".Failed", "reason", reason);
}

void call_fail_without_memory(struct session *s)
{
	call_fail(s, "vergerd has no memory for this");
}

static void refuse_unknown(struct session *s, const struct selection *sel)
{
	struct reply r;

	reply_begin_error(&r, s, REPLY_INTERFACE ".NoSuchProgram");
	jsonout_string(&r.json, "name", sel->unknown);
	if (sel->similar)
		jsonout_string(&r.json, "similar", sel->similar);
	reply_end(&r, false);
}

static bool select_names(struct session *s, const json_t *names, const char *parameter,
                         struct selection *sel)
{
	const struct control_host *host = s->control->host;

	switch (selection_make(sel, host->supervisor, host->settings, names)) {
	case SELECTION_OK: return true;
	case SELECTION_UNKNOWN: refuse_unknown(s, sel); break;
	case SELECTION_TOO_MANY: call_refuse_parameter(s, parameter); break;
	case SELECTION_NO_MEMORY: call_fail_without_memory(s); break;
	}
	return false;
}

bool call_select(struct session *s, const struct call *call, struct selection *sel)
{
	return select_names(s, call->params->names, "names", sel);
}

bool call_select_one(struct session *s, const struct call *call, uint32_t *program)
{
	json_t *names = json_pack("[s]", call->params->name);
	struct selection sel = { 0 };
	bool is_one = false;

	if (!names) {
		call_fail_without_memory(s);
	} else if (select_names(s, names, "name", &sel)) {
		is_one = sel.count == 1;
		if (is_one)
			*program = sel.ids[0];
		else
			call_fail(s, "that names several programs; name one of them");
	}
	selection_release(&sel);
	json_decref(names);
	return is_one;
}

static void put_names(struct text *out, const struct session *s, const struct selection *sel)
{
	const struct settings *settings = s->control->host->settings;
	size_t told = sel->count > NOTE_NAMES + 1 ? NOTE_NAMES : sel->count;

	if (sel->count == 0)
		text_add_string(out, " nothing");
	for (size_t i = 0; i < told; i++)
		text_add_format(out, "%s %s", i ? "," : "", settings->programs[sel->ids[i]].name);
	if (told < sel->count)
		text_add_format(out, " and %zu more", sel->count - told);
}

void call_note(const struct session *s, const char *what, const struct selection *sel)
{
	const struct control_host *host = s->control->host;
	struct text text;

	text_init(&text, NOTE_MAX);
	text_add_string(&text, what);
	if (sel)
		put_names(&text, s, sel);
	text_add_format(&text, ": asked by %s", s->who);
	host->note(host->context, text_get(&text));
	text_release(&text);
}
