/* SPDX-License-Identifier: MIT */
/* Text from elsewhere, made safe for a terminal: names, reasons and lines of logs may hold escape
 * sequences, and nobody's terminal is to obey them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Whether `bytes` is plain ASCII that can be shown as it is, one column each. */
bool safe_is_plain(const char *bytes, size_t size);

/* Appends `bytes` with control characters, marks of writing direction and whatever is no UTF-8 as
 * \xHH.  The columns it takes on a terminal.  Nothing is appended when memory is out. */
size_t safe_add(struct text *out, const char *bytes, size_t size);
