/* SPDX-License-Identifier: MIT */
/* Config and Reload: what vergerd runs by, and taking it from the file again.  Reading the file is
 * the host's business. */
#include <errno.h>

#include "base/diag.h"
#include "control/call.h"
#include "control/reply.h"
#include "control/request.h"
#include "control/vigil.h"

/* the first `count` of them */
static void write_faults(struct jsonout *j, const char *key, const struct diags *diags,
                         size_t count)
{
	jsonout_array(j, key);
	for (size_t i = 0; i < count; i++) {
		const struct diag *d = &diags->items[i];

		jsonout_object(j, NULL);
		jsonout_string(j, "level", d->level == DIAG_ERROR ? "error" : "warning");
		jsonout_string(j, "file", d->file ? d->file : "");
		jsonout_int(j, "line", d->line);
		jsonout_string(j, "text", d->text ? d->text : "");
		jsonout_object_end(j);
	}
	jsonout_array_end(j);
	j->lossy = false; /* a fault has no such member */
}

/* --- Config --- */

struct inventory {
	const struct selection *sel;
	bool all;
	struct jsonout *j;
};

static bool is_selected(void *arg, uint32_t program)
{
	const struct inventory *inv = arg;

	return inv->all || (program != NO_PROGRAM && selection_has(inv->sel, program));
}

static void write_value(void *arg, const struct host_value *value)
{
	struct jsonout *j = ((struct inventory *)arg)->j;

	jsonout_object(j, NULL);
	jsonout_string(j, "section", value->section);
	jsonout_string(j, "key", value->key);
	if (value->value)
		jsonout_string(j, "value", value->value);
	if (value->file) {
		jsonout_string(j, "file", value->file);
		jsonout_int(j, "line", value->line);
	}
	if (value->differs)
		jsonout_string(j, "differs", value->differs);
	jsonout_lossy(j);
	jsonout_object_end(j);
}

void config_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	struct diags faults = DIAGS_INIT;
	struct selection sel = { 0 };
	struct inventory inv = { .sel = &sel, .all = !json_array_size(call->params->names) };
	struct reply r;

	if (call_select(s, call, &sel)) {
		reply_begin(&r, s);
		inv.j = &r.json;
		if (host->settings->file)
			jsonout_string(&r.json, "file", host->settings->file);
		r.json.lossy = false;
		jsonout_array(&r.json, "values");
		host->config(host->context, is_selected, write_value, &inv, &faults);
		jsonout_array_end(&r.json);
		write_faults(&r.json, "faults", &faults, faults.count);
		reply_end(&r, false);
	}
	selection_release(&sel);
	diags_release(&faults);
}

/* --- Reload --- */

/* What a reload tells while it goes on. */
struct reloading {
	struct session *session;
	struct text changes; /* the elements of an array */
	struct jsonout j;    /* into it */
	size_t untouched;
	int failed; /* an expectation that could not be noted */
};

static void write_key(struct jsonout *j, const struct host_key_change *change)
{
	jsonout_object(j, NULL);
	jsonout_string(j, "key", change->key);
	if (change->old_value)
		jsonout_string(j, "old", change->old_value);
	if (change->new_value)
		jsonout_string(j, "new", change->new_value);
	jsonout_object_end(j);
}

static void on_change(void *context, const char *program, const char *action,
                      const struct host_key_change *keys, size_t key_count)
{
	struct jsonout *j = &((struct reloading *)context)->j;

	jsonout_object(j, NULL);
	if (program)
		jsonout_string(j, "program", program);
	jsonout_string(j, "action", action);
	jsonout_array(j, "keys");
	for (size_t i = 0; i < key_count; i++)
		write_key(j, &keys[i]);
	jsonout_array_end(j);
	jsonout_lossy(j);
	jsonout_object_end(j);
}

static void on_expect(void *context, uint32_t program, int goal)
{
	struct reloading *r = context;
	int result;

	if (!r->session->vigil)
		return;
	result = vigil_add(r->session->vigil, program, (enum goal)goal, NULL);
	if (result < 0)
		r->failed = result;
}

static void on_untouched(void *context, size_t count)
{
	((struct reloading *)context)->untouched = count;
}

/* the members of the reply before `programs` */
static void write_head(struct jsonout *j, const struct reloading *r, const struct diags *diags,
                       bool applied, bool progress)
{
	jsonout_bool(j, "applied", applied);
	jsonout_array(j, "changes");
	if (!progress)
		jsonout_raw(j, text_get(&r->changes), r->changes.size);
	jsonout_array_end(j);
	jsonout_int(j, "untouched", (int64_t)r->untouched);
	write_faults(j, "warnings", diags, progress ? 0 : diags->count);
}

static int set_heads(const struct reloading *r, const struct diags *diags)
{
	struct text head, progress_head;
	struct jsonout j;
	int result;

	text_init(&head, SESSION_REPLY_MAX);
	text_init(&progress_head, SESSION_REPLY_MAX);
	jsonout_init(&j, &head);
	write_head(&j, r, diags, true, false);
	result = j.failed;
	jsonout_init(&j, &progress_head);
	write_head(&j, r, diags, true, true);
	if (result == 0)
		result = j.failed;
	if (result == 0)
		result = vigil_set_head(r->session->vigil, &head, &progress_head);
	text_release(&head);
	text_release(&progress_head);
	return result;
}

static void tell_plan(struct session *s, const struct reloading *r, const struct diags *diags)
{
	struct reply reply;

	reply_begin(&reply, s);
	write_head(&reply.json, r, diags, false, false);
	reply_end(&reply, false);
}

static void refuse(struct session *s, enum host_reload_result result, const struct diags *diags)
{
	struct reply reply;

	switch (result) {
	case HOST_RELOAD_DONE: break;
	case HOST_RELOAD_FAULTY:
		reply_begin_error(&reply, s, REPLY_INTERFACE ".Faults");
		write_faults(&reply.json, "faults", diags, diags->count);
		reply_end(&reply, false);
		break;
	case HOST_RELOAD_NO_FILE:
		reply_error(s, REPLY_INTERFACE ".NoConfiguration", "reason",
		            "vergerd was started with a command, not with a configuration file");
		break;
	case HOST_RELOAD_SHUTDOWN:
		reply_error(s, REPLY_INTERFACE ".ShuttingDown", NULL, NULL);
		break;
	case HOST_RELOAD_NO_MEMORY: call_fail_without_memory(s); break;
	}
}

static void wait_for_reload(struct session *s, const struct call *call, const struct reloading *r,
                            const struct diags *diags)
{
	struct selection all = { 0 };
	msec_t timeout_ms = request_timeout(s, call, &all, true);
	const struct control_host *host = s->control->host;

	if (selection_make(&all, host->supervisor, host->settings, NULL) == SELECTION_OK)
		timeout_ms = request_timeout(s, call, &all, true);
	selection_release(&all);
	if (r->failed == 0 && r->j.failed == 0 && set_heads(r, diags) == 0) {
		request_begin(s, call, timeout_ms);
		return;
	}
	vigil_free(s->vigil);
	call_fail(s, "the reload was applied, but there is no memory to tell what it changed");
}

void reload_answer(struct session *s, const struct call *call)
{
	const struct control_host *host = s->control->host;
	bool dry_run = call->params->dry_run;
	struct reloading r = { .session = s };
	const struct host_plan_sink sink = {
		.change = on_change,
		.expect = on_expect,
		.untouched = on_untouched,
		.context = &r,
	};
	struct diags diags = DIAGS_INIT;
	enum host_reload_result result = HOST_RELOAD_NO_MEMORY;

	text_init(&r.changes, SESSION_REPLY_MAX);
	jsonout_init(&r.j, &r.changes);
	if (!dry_run)
		call_note(s, "reload", NULL);
	if (dry_run || vigil_new(s, call->more))
		result = host->reload(host->context, dry_run, &sink, &diags);
	if (result == HOST_RELOAD_DONE && !dry_run) {
		wait_for_reload(s, call, &r, &diags);
	} else {
		vigil_free(s->vigil);
		if (result == HOST_RELOAD_DONE)
			tell_plan(s, &r, &diags);
		else
			refuse(s, result, &diags);
	}
	text_release(&r.changes);
	diags_release(&diags);
}
