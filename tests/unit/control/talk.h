/* SPDX-License-Identifier: MIT */
/* What a client says and hears, for tests: calls as text, replies as jansson reads them. */
#pragma once

#include <check.h>
#include <jansson.h>

#include "unit/control/fakehost.h"

/* Sends a call of io.verger.Supervisor (or of a full name).  `params` and `extra` (more members of
 * the call: "\"more\":true") may be NULL. */
void talk_send(struct fake_client *c, const char *method, const char *params, const char *extra);

/* The next message it got, which the caller owns; NULL when there is none. */
json_t *talk_next(struct fake_client *c);

/* Sends, runs, and returns the one reply; it must be the only one. */
json_t *talk_call(struct fake_client *c, const char *method, const char *params);

/* The parameters of a reply that is no error, or of one that is. */
json_t *talk_parameters(json_t *reply);

/* The error must be this one; "" when there must be none.  Frees the reply. */
void talk_expect_error(json_t *reply, const char *error);

/* The i-th element of an array in the parameters. */
json_t *talk_item(json_t *reply, const char *array, size_t i);

/* A string in an object, "" when there is none. */
const char *talk_string(const json_t *object, const char *key);

#define ck_assert_json_str(object, key, expected)                                                  \
	ck_assert_str_eq(talk_string(object, key), expected)
