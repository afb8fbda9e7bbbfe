/* SPDX-License-Identifier: MIT */
/* What a client says: a stream of bytes cut into messages at NUL bytes, and one message read as a
 * Varlink call.  Knows no method and answers nothing. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* --- bytes to messages --- */

struct wire_input {
	char *bytes; /* owned; NULL while nothing is kept */
	size_t size;
	/* private */
	size_t capacity;
	size_t start;   /* of the first message */
	size_t scanned; /* no NUL from `start` up to here */
	bool whole;     /* there is one at `scanned` */
};

void wire_input_release(struct wire_input *in);

/* Takes bytes.  0; -EMSGSIZE: a message, whole or not yet, is longer than `max`; -ENOMEM. */
int wire_input_add(struct wire_input *in, const char *bytes, size_t size, size_t max);

/* The first whole message, without its NUL, borrowed until the next call; NULL: none yet. */
const char *wire_input_message(const struct wire_input *in, size_t *size);

/* Drops the first message.  Memory is given back when nothing is left.  0 or -EMSGSIZE: what
 * follows is longer than `max`. */
int wire_input_next(struct wire_input *in, size_t max);

/* Whether a message has begun and not ended. */
bool wire_input_is_partial(const struct wire_input *in);

/* --- messages to calls --- */

struct wire_call {
	json_t *root;       /* owned */
	const char *method; /* interface and method */
	json_t *parameters; /* an object, or NULL */
	bool more, oneway, upgrade;
};

/* 0, or -EBADMSG: no JSON, or no call. */
int wire_call_parse(struct wire_call *call, const char *message, size_t size);
void wire_call_release(struct wire_call *call);
