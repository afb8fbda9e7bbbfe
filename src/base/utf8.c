/* SPDX-License-Identifier: MIT */
/* The table of well-formed sequences (The Unicode Standard, table 3-7), as code.  Knows nothing of
 * what the characters mean. */
#include "base/utf8.h"

#include <stdint.h>

/* what a first byte asks for: how many bytes in all, and the range of the second */
struct lead {
	uint8_t size, low, high;
};

static struct lead lead_of(uint8_t byte)
{
	if (byte < 0x80)
		return (struct lead){ 1, 0, 0 };
	if (byte >= 0xC2 && byte <= 0xDF)
		return (struct lead){ 2, 0x80, 0xBF };
	if (byte == 0xE0) /* what follows lower could be said in two bytes */
		return (struct lead){ 3, 0xA0, 0xBF };
	if (byte == 0xED) /* what follows higher is a surrogate */
		return (struct lead){ 3, 0x80, 0x9F };
	if (byte >= 0xE1 && byte <= 0xEF)
		return (struct lead){ 3, 0x80, 0xBF };
	if (byte == 0xF0)
		return (struct lead){ 4, 0x90, 0xBF };
	if (byte >= 0xF1 && byte <= 0xF3)
		return (struct lead){ 4, 0x80, 0xBF };
	if (byte == 0xF4) /* nothing beyond U+10FFFF */
		return (struct lead){ 4, 0x80, 0x8F };
	return (struct lead){ 0, 0, 0 };
}

size_t utf8_span(const char *bytes, size_t size, bool *valid)
{
	const uint8_t *at = (const uint8_t *)bytes;
	struct lead lead = lead_of(at[0]);
	size_t n = 1;

	*valid = false;
	if (lead.size == 0)
		return 1;
	while (n < lead.size && n < size) {
		uint8_t low = n == 1 ? lead.low : 0x80, high = n == 1 ? lead.high : 0xBF;

		if (at[n] < low || at[n] > high)
			return n;
		n++;
	}
	*valid = n == lead.size;
	return n;
}
