/* SPDX-License-Identifier: MIT */
/* The envelope of a Varlink reply: {"parameters":{…},"continues":true,"error":"NAME"}, found in the
 * text of a message without building the values in it.  Knows no sockets. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/scan.h"

struct reply {
	struct slice parameters; /* its text; empty = none */
	struct slice error;      /* with its quotes; empty = none */
	bool continues;
};

/* Finds the members of `message`, which has a NUL after `size` bytes.  0, or -EBADMSG when it is no
 * object or says the same twice.  What the values hold is looked at by reply_parameters only. */
int reply_scan(const char *message, size_t size, struct reply *out);

/* The parameters as a value, owned by the caller; {} when there are none.  NULL when they are no
 * JSON object, or memory is out. */
json_t *reply_parameters(const struct reply *reply);
