/* SPDX-License-Identifier: MIT */
/* What concerns several programs: who waits for whom, who is in which group, whose exit counts. */
#pragma once

#include "config/build.h"

/* Resolves what the keys of all programs say about other programs; all of them are built. */
void relations_resolve(struct build *b);
