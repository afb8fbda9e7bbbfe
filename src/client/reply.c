/* SPDX-License-Identifier: MIT */
#include "client/reply.h"

#include <errno.h>

/* Keeps a member that may stand once. */
static int keep_once(struct slice *place, const struct slice *value)
{
	if (place->text)
		return -EBADMSG;
	*place = *value;
	return 0;
}

/* null says the same as leaving the member out; members of later versions are passed over */
static int keep_member(struct reply *r, const struct slice *key, const struct slice *value)
{
	if (slice_is(value, "null"))
		return 0;
	if (slice_is(key, "parameters"))
		return keep_once(&r->parameters, value);
	if (slice_is(key, "error"))
		return value->text[0] == '"' ? keep_once(&r->error, value) : -EBADMSG;
	if (slice_is(key, "continues")) {
		r->continues = slice_is(value, "true");
		return r->continues || slice_is(value, "false") ? 0 : -EBADMSG;
	}
	return 0;
}

int reply_scan(const char *message, size_t size, struct reply *out)
{
	const struct slice whole = { message, size };
	struct reply reply = { 0 };
	struct slice key, value;
	struct scan scan;
	int r = scan_enter(&scan, &whole, '{');

	if (r < 0)
		return r;
	while ((r = scan_member(&scan, &key, &value)) > 0) {
		r = keep_member(&reply, &key, &value);
		if (r < 0)
			return r;
	}
	if (r < 0 || !scan_is_over(&scan))
		return -EBADMSG;
	*out = reply;
	return 0;
}

json_t *reply_parameters(const struct reply *reply)
{
	json_t *value;

	if (reply->parameters.size == 0)
		return json_object();
	value = json_loadb(reply->parameters.text, reply->parameters.size, 0, NULL);
	if (!json_is_object(value)) {
		json_decref(value);
		return NULL;
	}
	return value;
}
