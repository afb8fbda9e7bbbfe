/* SPDX-License-Identifier: MIT */
/* The contract, held against what is said: reads the description that vergerd hands out and
 * compares JSON with its types. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { CONTRACT_FAULT_SIZE = 256 };

/* Whether the parameters of a reply to `method`, or of an error (a name without its interface), are
 * as described; `fault` tells what is not. */
bool contract_reply(const char *method, const json_t *parameters, char fault[CONTRACT_FAULT_SIZE]);
bool contract_error(const char *error, const json_t *parameters, char fault[CONTRACT_FAULT_SIZE]);

/* The name of the i-th method; false when there are no more. */
bool contract_method(size_t i, char name[64]);
