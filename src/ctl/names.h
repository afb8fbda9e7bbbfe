/* SPDX-License-Identifier: MIT */
/* The programs that the words of a command line name. */
#pragma once

#include <jansson.h>

#include "ctl/ctl.h"

/* Asks vergerd, telling of each program the members `fields` (a string of words).  0 with
 * *programs, an array owned by the caller, or an exit status after it has said why not. */
int names_ask(struct ctl *ctl, const char *fields, json_t **programs);

/* The longest "name" of the programs, in bytes. */
size_t names_widest(const json_t *programs);
