/* SPDX-License-Identifier: MIT */
#include "ctl/safe.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

bool safe_is_plain(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < ' ' || bytes[i] > '~')
			return false;
	return true;
}

/* What vergerd sends is UTF-8 whatever the caller's locale is.  Asked for only when there is more
 * than ASCII to show: it costs as much as all else that happens before main. */
static void want_utf8(void)
{
	static const char utf8[] = "C.UTF-8";

	if (strcmp(setlocale(LC_CTYPE, NULL), utf8) != 0)
		setlocale(LC_CTYPE, utf8);
}

/* Characters that show nothing but change how others are shown. */
static bool changes_direction(wchar_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static size_t add_escaped(struct text *out, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text_add_format(out, "\\x%02x", (unsigned char)bytes[i]) < 0)
			return 4 * i;
	return 4 * size;
}

/* The character at `bytes`: how many bytes it has, and its columns; -1 = not to be shown. */
static size_t measure(const char *bytes, size_t size, int *columns)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, bytes, size, &state);

	*columns = -1;
	if (n == 0 || n > size)
		return 1;
	if (!changes_direction(c))
		*columns = wcwidth(c);
	return n;
}

size_t safe_add(struct text *out, const char *bytes, size_t size)
{
	size_t columns = 0;

	if (safe_is_plain(bytes, size))
		return text_add(out, bytes, size) == 0 ? size : 0;
	want_utf8();
	while (size > 0) {
		int width;
		size_t n = measure(bytes, size, &width);

		if (width < 0)
			columns += add_escaped(out, bytes, n);
		else if (text_add(out, bytes, n) == 0)
			columns += (size_t)width;
		bytes += n;
		size -= n;
	}
	return columns;
}
