/* SPDX-License-Identifier: MIT */
/* RFC 3164.  Knows no socket and no clock. */
#include "os/syslogline.h"

#include <errno.h>
#include <string.h>

#include "os/linecut.h"
#include "os/lineformat.h"

#define SIZE_OF(literal) (sizeof(literal) - 1)

/* "web/1[123]: " */
static char *put_tag(char *at, const struct line_facts *facts)
{
	for (const char *c = facts->program; *c; c++)
		*at++ = *c == ':' ? '/' : *c;
	if (facts->pid > 0) {
		*at++ = '[';
		at = outbuf_put_number(at, (uint64_t)facts->pid);
		*at++ = ']';
	}
	*at++ = ':';
	*at++ = ' ';
	return at;
}

static char *put_bytes(char *at, const char *bytes, size_t size)
{
	char *end = mempcpy(at, bytes, size);

	while ((at = memchr(at, '\0', (size_t)(end - at))))
		*at = ' ';
	return end;
}

int syslogline_add(struct outbuf *out, const struct line_facts *facts, int priority,
                   const char *local_time, const struct line *line)
{
	size_t time_size = strlen(local_time);
	size_t head = SIZE_OF("<> ") + OUTBUF_DIGITS + time_size + strlen(facts->program) +
	              SIZE_OF("[]: ") + OUTBUF_DIGITS;
	char *at = outbuf_reserve(out, head + SIZE_OF(LINECUT_CONTINUES) + line->size +
	                                       SIZE_OF(LINECUT_GOES_ON));

	if (!at)
		return -ENOMEM;
	*at++ = '<';
	at = outbuf_put_number(at, (unsigned)priority);
	*at++ = '>';
	at = mempcpy(at, local_time, time_size);
	*at++ = ' ';
	at = put_tag(at, facts);
	if (line->begun)
		at = mempcpy(at, LINECUT_CONTINUES, SIZE_OF(LINECUT_CONTINUES));
	at = put_bytes(at, line->bytes, line->size);
	if (line->partial)
		at = mempcpy(at, LINECUT_GOES_ON, SIZE_OF(LINECUT_GOES_ON));
	out->size = (size_t)(at - out->data);
	return 0;
}
