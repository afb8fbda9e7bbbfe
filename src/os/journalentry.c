/* SPDX-License-Identifier: MIT */
/* The journal's native protocol.  Knows no socket. */
#include "os/journalentry.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "os/linecut.h"
#include "os/lineformat.h"

enum {
	LENGTH_SIZE = 8, /* bytes of the length of a value that is any bytes */
	FIELD_ROOM = 32, /* for a name with its '=', and the newlines around a value */
};

/* the form that takes any value: name, newline, length with the lowest byte first, value, newline
 */
static char *put_binary(char *at, const char *name, const char *bytes, size_t size)
{
	at = mempcpy(at, name, strlen(name));
	*at++ = '\n';
	for (size_t i = 0; i < LENGTH_SIZE; i++)
		*at++ = (char)((uint64_t)size >> 8 * i & 0xFF);
	at = mempcpy(at, bytes, size);
	*at++ = '\n';
	return at;
}

static char *put_string(char *at, const char *name, const char *value)
{
	size_t size = value ? strlen(value) : 0;

	if (size == 0)
		return at;
	if (memchr(value, '\n', size))
		return put_binary(at, name, value, size);
	at = mempcpy(at, name, strlen(name));
	*at++ = '=';
	at = mempcpy(at, value, size);
	*at++ = '\n';
	return at;
}

static char *put_number(char *at, const char *name, uint64_t number)
{
	at = mempcpy(at, name, strlen(name));
	*at++ = '=';
	at = outbuf_put_number(at, number);
	*at++ = '\n';
	return at;
}

static char *put_known(char *at, const char *name, uint64_t number)
{
	return number ? put_number(at, name, number) : at;
}

static size_t room_of(const char *value)
{
	return FIELD_ROOM + LENGTH_SIZE + (value ? strlen(value) : 0);
}

int journalentry_add(struct outbuf *out, const struct line_facts *facts, int priority,
                     const struct line *line)
{
	size_t strings = 2 * room_of(facts->program) + room_of(facts->stream);
	size_t numbers = 6 * (size_t)(FIELD_ROOM + OUTBUF_DIGITS);
	uint64_t pid = facts->pid > 0 ? (uint64_t)facts->pid : 0;
	char *at = outbuf_reserve(out, strings + numbers + room_of(NULL) + line->size);

	if (!at)
		return -ENOMEM;
	at = put_binary(at, "MESSAGE", line->bytes, line->size);
	at = put_number(at, "PRIORITY", LOG_PRI((unsigned)priority));
	at = put_known(at, "SYSLOG_FACILITY", LOG_FAC((unsigned)priority));
	at = put_string(at, "SYSLOG_IDENTIFIER", facts->program);
	at = put_string(at, "VERGER_PROGRAM", facts->program);
	at = put_known(at, "VERGER_INSTANCE", facts->instance);
	at = put_string(at, "VERGER_STREAM", facts->stream);
	at = put_known(at, "SYSLOG_PID", pid);
	at = put_known(at, "OBJECT_PID", pid);
	at = put_known(at, "VERGER_PARTIAL", line->partial);
	out->size = (size_t)(at - out->data);
	return 0;
}
