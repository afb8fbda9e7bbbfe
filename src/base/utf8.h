/* SPDX-License-Identifier: MIT */
/* Whether bytes are UTF-8 (RFC 3629): names, arguments and output are any bytes, JSON is not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What stands where bytes are not UTF-8: U+FFFD. */
#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* How many bytes at the start of `bytes` (`size` > 0) are one character; *valid tells whether they
 * are, else they are to be replaced together, as decoders agree to (Unicode, "maximal subpart"). */
size_t utf8_span(const char *bytes, size_t size, bool *valid);
