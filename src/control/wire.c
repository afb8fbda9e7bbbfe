/* SPDX-License-Identifier: MIT */
/* Bytes to messages to calls. */
#include "control/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void wire_input_release(struct wire_input *in)
{
	free(in->bytes);
	*in = (struct wire_input){ 0 };
}

/* looks on for the end of the first message */
static int scan(struct wire_input *in, size_t max)
{
	const char *nul;

	if (in->whole)
		return 0;
	nul = in->size > in->scanned ? memchr(in->bytes + in->scanned, '\0', in->size - in->scanned)
	                             : NULL;
	in->scanned = nul ? (size_t)(nul - in->bytes) : in->size;
	in->whole = nul;
	return in->scanned - in->start > max ? -EMSGSIZE : 0;
}

static int reserve(struct wire_input *in, size_t extra)
{
	size_t need, capacity = in->capacity ? in->capacity : 512;
	char *grown;

	if (in->start) { /* what was read makes room */
		memmove(in->bytes, in->bytes + in->start, in->size - in->start);
		in->size -= in->start;
		in->scanned -= in->start;
		in->start = 0;
	}
	need = in->size + extra;
	while (capacity < need)
		capacity *= 2;
	if (capacity == in->capacity)
		return 0;
	grown = realloc(in->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	in->bytes = grown;
	in->capacity = capacity;
	return 0;
}

int wire_input_add(struct wire_input *in, const char *bytes, size_t size, size_t max)
{
	int r;

	if (size == 0)
		return 0;
	r = reserve(in, size);
	if (r < 0)
		return r;
	memcpy(in->bytes + in->size, bytes, size);
	in->size += size;
	return scan(in, max);
}

const char *wire_input_message(const struct wire_input *in, size_t *size)
{
	if (!in->whole)
		return NULL;
	*size = in->scanned - in->start;
	return in->bytes + in->start;
}

int wire_input_next(struct wire_input *in, size_t max)
{
	in->start = in->scanned = in->scanned + 1;
	in->whole = false;
	if (in->start < in->size)
		return scan(in, max);
	wire_input_release(in);
	return 0;
}

bool wire_input_is_partial(const struct wire_input *in)
{
	return !in->whole && in->size > in->start;
}

/* --- calls --- */

/* a flag that may be absent; false when it is no flag */
static bool read_flag(const json_t *root, const char *name, bool *out)
{
	const json_t *value = json_object_get(root, name);

	*out = json_is_true(value);
	return !value || json_is_boolean(value);
}

static bool read_call(struct wire_call *call)
{
	const json_t *root = call->root;

	if (!json_is_object(root))
		return false;
	call->method = json_string_value(json_object_get(root, "method"));
	call->parameters = json_object_get(root, "parameters");
	if (json_is_null(call->parameters))
		call->parameters = NULL;
	return call->method && (!call->parameters || json_is_object(call->parameters)) &&
	       read_flag(root, "more", &call->more) && read_flag(root, "oneway", &call->oneway) &&
	       read_flag(root, "upgrade", &call->upgrade) && !(call->more && call->oneway);
}

int wire_call_parse(struct wire_call *call, const char *message, size_t size)
{
	json_error_t error;

	*call = (struct wire_call){ 0 };
	call->root = json_loadb(message, size, JSON_REJECT_DUPLICATES, &error);
	if (call->root && read_call(call))
		return 0;
	wire_call_release(call);
	return -EBADMSG;
}

void wire_call_release(struct wire_call *call)
{
	json_decref(call->root);
	*call = (struct wire_call){ 0 };
}
