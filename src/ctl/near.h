/* SPDX-License-Identifier: MIT */
/* Slips of the finger. */
#pragma once

#include <stdbool.h>

/* Whether `word` was probably meant to be `meant`: one letter too many, too few, another, two that
 * changed places, or a beginning of at least two letters. */
bool near_to(const char *word, const char *meant);
