/* SPDX-License-Identifier: MIT */
/* The frame of messages.  Knows what no reply is about. */
#include "control/reply.h"

#include <errno.h>

static void cut(struct text *t, size_t size)
{
	t->size = size;
	if (t->data)
		t->data[size] = '\0';
}

void reply_begin(struct reply *r, struct session *s)
{
	reply_begin_error(r, s, NULL);
}

void reply_begin_error(struct reply *r, struct session *s, const char *error)
{
	*r = (struct reply){ .session = s, .start = s->output.size, .error = error };
	jsonout_init(&r->json, &s->output);
	jsonout_object(&r->json, NULL);
	if (error)
		jsonout_string(&r->json, "error", error);
	jsonout_object(&r->json, "parameters");
}

void reply_drop(struct reply *r)
{
	cut(&r->session->output, r->start);
}

static void explain_failure(struct reply *r)
{
	const char *reason = r->json.failed == -E2BIG
	                             ? "the answer is too large; name fewer programs"
	                             : "vergerd has no memory for the answer";

	reply_drop(r);
	/* if not even this can be written, the client is cut (session_step) */
	if (!r->error)
		reply_error(r->session, REPLY_INTERFACE ".Failed", "reason", reason);
}

void reply_end(struct reply *r, bool continues)
{
	jsonout_object_end(&r->json);
	if (continues)
		jsonout_bool(&r->json, "continues", true);
	jsonout_object_end(&r->json);
	if (!r->json.failed)
		r->json.failed = text_add_char(r->json.out, '\0');
	if (r->json.failed)
		explain_failure(r);
}

void reply_error(struct session *s, const char *error, const char *key, const char *value)
{
	struct reply r;

	reply_begin_error(&r, s, error);
	if (key)
		jsonout_string(&r.json, key, value);
	reply_end(&r, false);
}

void reply_empty(struct session *s)
{
	struct reply r;

	reply_begin(&r, s);
	reply_end(&r, false);
}
