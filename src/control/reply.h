/* SPDX-License-Identifier: MIT */
/* Messages to a client: a reply, one of several, an error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/jsonout.h"
#include "control/session.h"

#define REPLY_INTERFACE "io.verger.Supervisor"
#define REPLY_SERVICE   "org.varlink.service"

/* A message being written. */
struct reply {
	struct jsonout json; /* in its parameters */
	struct session *session;
	size_t start; /* where it begins in the output */
	const char *error;
};

/* Begins a reply; members of its parameters are written to reply->json. */
void reply_begin(struct reply *r, struct session *s);

/* Begins an error: a name with its interface. */
void reply_begin_error(struct reply *r, struct session *s, const char *error);

/* Ends either; `continues`: others follow.  What could not be written as a whole is replaced by an
 * error that says so. */
void reply_end(struct reply *r, bool continues);

/* Takes back what was begun. */
void reply_drop(struct reply *r);

/* An error with at most one string parameter (key NULL: none). */
void reply_error(struct session *s, const char *error, const char *key, const char *value);

/* A reply without parameters. */
void reply_empty(struct session *s);
