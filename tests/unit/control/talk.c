/* SPDX-License-Identifier: MIT */
/* Talking. */
#include "unit/control/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/control/contract.h"

void talk_send(struct fake_client *c, const char *method, const char *params, const char *extra)
{
	char *text = NULL;
	int size = asprintf(&text, "{\"method\":\"%s%s\"%s%s%s%s}",
	                    strchr(method, '.') ? "" : "io.verger.Supervisor.", method,
	                    params ? ",\"parameters\":" : "", params ? params : "",
	                    extra ? "," : "", extra ? extra : "");

	ck_assert_int_gt(size, 0);
	fake_send(c, text, (size_t)size + 1);
	free(text);
	if (!extra || !strstr(extra, "oneway"))
		c->asked[c->asked_count++ % FAKE_ASKED_MAX] = strdup(method);
}

/* what is said must be as it is described, in every test */
static void hold_to_contract(struct fake_client *c, const json_t *message)
{
	static const char ours[] = "io.verger.Supervisor.";
	const char *error = talk_string(message, "error");
	char **method = &c->asked[c->answered % FAKE_ASKED_MAX], fault[CONTRACT_FAULT_SIZE] = "";
	const json_t *parameters = json_object_get(message, "parameters");

	if (c->answered == c->asked_count) /* it was not asked by talk_send */
		return;
	if (!strncmp(error, ours, strlen(ours)))
		contract_error(error + strlen(ours), parameters, fault);
	else if (!*error && !strchr(*method, '.'))
		contract_reply(*method, parameters, fault);
	ck_assert_msg(!*fault, "%s: %s", *method, fault);
	if (json_is_true(json_object_get(message, "continues")))
		return;
	free(*method);
	*method = NULL;
	c->answered++;
}

json_t *talk_next(struct fake_client *c)
{
	const char *at;
	json_error_t error;
	json_t *message;

	fake_run(c);
	if (c->read == c->received.size)
		return NULL;
	at = c->received.data + c->read;
	message = json_loads(at, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(message != NULL, "%s in: %.300s", error.text, at);
	c->read += strlen(at) + 1;
	ck_assert_uint_le(c->read, c->received.size);
	hold_to_contract(c, message);
	return message;
}

json_t *talk_call(struct fake_client *c, const char *method, const char *params)
{
	json_t *reply, *next;

	talk_send(c, method, params, NULL);
	reply = talk_next(c);
	ck_assert_msg(reply != NULL, "%s got no reply", method);
	next = talk_next(c);
	ck_assert_ptr_null(next);
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	return reply;
}

json_t *talk_parameters(json_t *reply)
{
	return json_object_get(reply, "parameters");
}

void talk_expect_error(json_t *reply, const char *error)
{
	ck_assert_ptr_nonnull(reply);
	ck_assert_json_str(reply, "error", error);
	json_decref(reply);
}

json_t *talk_item(json_t *reply, const char *array, size_t i)
{
	json_t *items = json_object_get(talk_parameters(reply), array);
	json_t *item = json_array_get(items, i);
	char *text = item ? NULL : json_dumps(reply, 0);

	ck_assert_msg(item != NULL, "no %s[%zu] in %s", array, i, text ? text : "");
	return item;
}

const char *talk_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
