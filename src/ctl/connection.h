/* SPDX-License-Identifier: MIT */
/* The way to vergerd, and sentences for when there is none.  A wait for an answer that should come
 * at once ends after CONNECTION_PATIENCE_MS. */
#pragma once

#include <jansson.h>

#include "ctl/ctl.h"

enum { CONNECTION_PATIENCE_MS = 10 * 1000 };

/* Connects.  0, or an exit status after it has said why not. */
int connection_open(struct ctl *ctl);
void connection_close(struct ctl *ctl);

/* Calls and waits for the one reply.  `parameters` as connection_parameters makes them; a reference
 * is taken.  0 with *reply owned by the caller, or an exit status after it has said what went
 * wrong. */
int connection_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **reply);

/* The same for a call with many replies, taken from stream.h. */
int connection_call_more(struct ctl *ctl, const char *method, json_t *parameters);

/* {"names": […]} of the words after the verb, from `first` on; without the member when there are
 * none. NULL after it has said that one of them is no UTF-8. */
json_t *connection_parameters(const struct ctl *ctl, size_t first);

/* Adds a string to parameters, or spoils them (json_decref and NULL) after it has said that the
 * string is no UTF-8. */
json_t *connection_with_text(json_t *parameters, const char *key, const char *value);

/* Says what a negative errno of libverger means and returns the exit status. */
int connection_explain(struct ctl *ctl, int r);

/* Prints a value as one line of JSON. */
void connection_print_json(const struct ctl *ctl, const json_t *value);
