/* SPDX-License-Identifier: MIT */
/* "Did you mean …?" for names of programs. */
#pragma once

#include "core/settings.h"

/* The name of a program or a group that `word` is most like; NULL when none is near.  Borrowed from
 * the settings. */
const char *similar_name(const struct settings *s, const char *word);
