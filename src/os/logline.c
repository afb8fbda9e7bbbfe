/* SPDX-License-Identifier: MIT */
/* Lines of vergerd's own log.  Knows no file and no socket. */
#include "os/logline.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"

enum {
	TAIL_ROOM = 128,   /* for whatever follows the message */
	SUBJECT_MAX = 256, /* of a name that is a value of its own */
	NOTE_SIZE = 64,
};

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

/* Adds what may be cut off. */
static void add(struct logline *line, const char *bytes, size_t size)
{
	if (line->cut || line->size + size > sizeof line->data - TAIL_ROOM) {
		line->cut = true;
		return;
	}
	memcpy(line->data + line->size, bytes, size);
	line->size += size;
}

/* Adds what belongs to the form: there is room for it whatever the message was. */
static void add_tail(struct logline *line, const char *text)
{
	size_t size = strlen(text);

	if (size > sizeof line->data - line->size)
		return;
	memcpy(line->data + line->size, text, size);
	line->size += size;
}

__attribute__((format(printf, 2, 3))) static void add_format(struct logline *line,
                                                             const char *format, ...)
{
	char text[NOTE_SIZE + SUBJECT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	add_tail(line, text);
}

static void end_cut(struct logline *line)
{
	if (line->cut)
		add_tail(line, "...");
}

/* --- text --- */

static void add_escaped(struct logline *line, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char escaped[8] = "\\n";

		if (c >= ' ' && c != 0x7f) {
			add(line, text, 1);
			continue;
		}
		if (c != '\n')
			snprintf(escaped, sizeof escaped, "\\x%02x", c);
		add(line, escaped, strlen(escaped));
	}
}

static void add_sentence(struct logline *line, const struct logline_event *event)
{
	if (event->subject) {
		add_escaped(line, event->subject);
		add(line, ": ", 2);
	}
	add_escaped(line, event->message);
	end_cut(line);
	if (event->hushed)
		add_format(line, " (%u equal line%s before this left out)", event->hushed,
		           event->hushed == 1 ? "" : "s");
}

static void make_text(struct logline *line, const struct logline_event *event)
{
	char stamp[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(event->time_us, stamp);
	add_format(line, "%s %s ", stamp, log_level_names[event->level]);
	add_sentence(line, event);
	add_tail(line, "\n");
}

static void make_priority(struct logline *line, const struct logline_event *event)
{
	add_format(line, "<%d>", priorities[event->level]);
	add_sentence(line, event);
	add_tail(line, "\n");
}

/* --- JSON --- */

static void add_json_byte(struct logline *line, char c)
{
	char escaped[8] = { '\\', c };

	if (c == '"' || c == '\\') {
		add(line, escaped, 2);
	} else if ((unsigned char)c >= ' ' && c != 0x7f) {
		add(line, &c, 1);
	} else if (c == '\n' || c == '\t') {
		add(line, c == '\n' ? "\\n" : "\\t", 2);
	} else {
		int size = snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)c);

		add(line, escaped, (size_t)size);
	}
}

/* The content of a string. */
static void add_json(struct logline *line, const char *text, size_t size)
{
	while (size > 0) {
		bool valid;
		size_t n = utf8_span(text, size, &valid);

		if (!valid)
			add(line, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		else if (n == 1)
			add_json_byte(line, *text);
		else
			add(line, text, n);
		text += n;
		size -= n;
	}
}

static void make_json(struct logline *line, const struct logline_event *event)
{
	char stamp[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(event->time_us, stamp);
	add_format(line, "{\"time\":\"%s\",\"level\":\"%s\"", stamp, log_level_names[event->level]);
	if (event->subject) {
		add_tail(line, ",\"program\":\"");
		add_json(line, event->subject, strnlen(event->subject, SUBJECT_MAX));
		add_tail(line, "\"");
	}
	add_tail(line, ",\"message\":\"");
	add_json(line, event->message, strlen(event->message));
	end_cut(line);
	add_tail(line, "\"");
	if (event->hushed)
		add_format(line, ",\"left_out\":%u", event->hushed);
	add_tail(line, "}\n");
}

/* --- datagrams --- */

static void make_syslog(struct logline *line, const struct logline_event *event)
{
	time_t second = (time_t)(event->time_us / 1000000);
	char local_time[20] = "";
	struct tm tm;

	/* the C locale is what vergerd runs in */
	if (localtime_r(&second, &tm))
		strftime(local_time, sizeof local_time, "%b %e %H:%M:%S", &tm);
	add_format(line, "<%d>%s vergerd[%d]: ", LOG_DAEMON | priorities[event->level], local_time,
	           (int)event->pid);
	add_sentence(line, event);
}

/* The message comes last: it is what may be cut off. */
static void make_journal(struct logline *line, const struct logline_event *event)
{
	add_format(line, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=vergerd\n",
	           priorities[event->level], LOG_FAC(LOG_DAEMON));
	add_format(line, "SYSLOG_PID=%d\n", (int)event->pid);
	if (event->hushed)
		add_format(line, "VERGER_LEFT_OUT=%u\n", event->hushed);
	if (event->subject) {
		char name[SUBJECT_MAX + 1];

		snprintf(name, sizeof name, "%s", event->subject);
		add_tail(line, "VERGER_PROGRAM=");
		add_escaped(line, name);
		add_tail(line, "\n");
	}
	add_tail(line, "MESSAGE=");
	add_sentence(line, event);
	add_tail(line, "\n");
}

void logline_make(struct logline *line, enum logline_form form, const struct logline_event *event)
{
	line->size = 0;
	line->cut = false;
	switch (form) {
	case LOGLINE_TEXT: make_text(line, event); break;
	case LOGLINE_JSON: make_json(line, event); break;
	case LOGLINE_PRIORITY: make_priority(line, event); break;
	case LOGLINE_SYSLOG: make_syslog(line, event); break;
	case LOGLINE_JOURNAL: make_journal(line, event); break;
	}
}
