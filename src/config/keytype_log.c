/* SPDX-License-Identifier: MIT */
/* Reads and writes fields of settings: where output goes, and how it is kept.  Knows nothing of
 * sections and files. */
#include "config/keytype.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "config/keytype_private.h"
#include "config/values.h"

/* streams */

enum {
	ON_STDIN = 1 << STDIN_FILENO,
	ON_STDOUT = 1 << STDOUT_FILENO,
	ON_STDERR = 1 << STDERR_FILENO,
	ON_OUTPUT = ON_STDOUT | ON_STDERR,
	ON_ALL = ON_STDIN | ON_OUTPUT,
};

/* what is not a path, and of which streams */
struct stream_word {
	const char *word;
	unsigned of;
};

static const struct stream_word stream_words[] = {
	[STREAM_NULL] = { "null", ON_ALL },          [STREAM_INHERIT] = { "inherit", ON_ALL },
	[STREAM_STDOUT] = { "stdout", ON_STDERR },   [STREAM_SYSLOG] = { "syslog", ON_OUTPUT },
	[STREAM_JOURNAL] = { "journal", ON_OUTPUT },
};

static int stream_fd(const struct key *key)
{
	if (key->offset == offsetof(struct program_settings, stdin_stream))
		return STDIN_FILENO;
	return key->offset == offsetof(struct program_settings, stdout_stream) ? STDOUT_FILENO
	                                                                       : STDERR_FILENO;
}

/* The descriptor of vergerd itself that a path leads to, or -1. */
static int own_descriptor(const char *path)
{
	static const struct {
		const char *path;
		int fd;
	} own[] = {
		{ "/dev/stdout", 1 }, { "/dev/stderr", 2 },     { "/dev/fd/1", 1 },
		{ "/dev/fd/2", 2 },   { "/proc/self/fd/1", 1 }, { "/proc/self/fd/2", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(path, own[i].path))
			return own[i].fd;
	return -1;
}

/* What a path means; those of vergerd's own streams are what it has already, never opened anew:
 * that fails for a socket, and starts at the first byte of a file (L4). */
static int set_path(struct stream *stream, int fd, const char *path, struct fault *fault)
{
	int own = fd != STDIN_FILENO ? own_descriptor(path) : -1;

	if (own == fd)
		*stream = (struct stream){ .kind = STREAM_INHERIT };
	else if (own == STDOUT_FILENO)
		return fault_set(fault, "vergerd's own output is never opened a second time; "
		                        "write stderr = stdout and stdout = inherit");
	else if (own == STDERR_FILENO)
		return fault_set(fault, "vergerd's own output is never opened a second time; "
		                        "write stdout = inherit and start vergerd with 1>&2");
	else if (!strcmp(path, "/dev/null"))
		*stream = (struct stream){ .kind = STREAM_NULL };
	else
		*stream = (struct stream){ .kind = STREAM_FILE, .path = path };
	return 0;
}

PARSE(stream)
{
	struct stream *stream = keytype_field_of(key, t);
	int fd = stream_fd(key);
	const char *path;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(stream_words); i++) {
		if (!stream_words[i].word || !(stream_words[i].of & 1U << fd) ||
		    strcmp(text, stream_words[i].word) != 0)
			continue;
		*stream = (struct stream){ .kind = (enum stream_kind)i };
		return 0;
	}
	r = keytype_parse_path(value_file, text, t, &path, fault);
	return r == 0 ? set_path(stream, fd, path, fault) : r;
}

FORMAT(stream)
{
	const struct stream *stream = keytype_field_in(key, s, p);

	if (stream->kind == STREAM_FILE)
		return keytype_write_text(stream->path, out);
	return keytype_written(text_add_string(out, stream_words[stream->kind].word));
}

/* how a program's output is kept */

PARSE(log_size)
{
	return value_log_size(text, keytype_field_of(key, t), fault);
}

FORMAT(log_size)
{
	uint64_t size = *(const uint64_t *)keytype_field_in(key, s, p);
	char buffer[BYTES_SIZE];

	if (size == LOG_SIZE_AUTO)
		return keytype_written(text_add_string(out, "auto"));
	return keytype_written(text_add_string(
		out, size == LOG_SIZE_NONE ? "none" : parse_format_size(size, buffer)));
}

PARSE(log_age)
{
	return value_log_age(text, keytype_field_of(key, t), fault);
}

FORMAT(log_age)
{
	return keytype_format_duration(key, s, p, out);
}

PARSE(count)
{
	unsigned *field = keytype_field_of(key, t);
	int64_t number;
	int r = value_integer(text, key->min, key->max, &number, fault);

	if (r == 0)
		*field = (unsigned)number;
	return r;
}

FORMAT(count)
{
	return keytype_written(
		text_add_format(out, "%u", *(const unsigned *)keytype_field_in(key, s, p)));
}

PARSE(size)
{
	unsigned *field = keytype_field_of(key, t);
	uint64_t size;
	int r = value_size(text, (uint64_t)key->min, (uint64_t)key->max, &size, fault);

	if (r == 0)
		*field = (unsigned)size;
	return r;
}

FORMAT(size)
{
	char buffer[BYTES_SIZE];

	return keytype_written(text_add_string(
		out, parse_format_size(*(const unsigned *)keytype_field_in(key, s, p), buffer)));
}

/* vergerd's own log */

PARSE(log)
{
	const char *path;
	int r;

	t->verger->log_path = NULL;
	if (!strcmp(text, "stderr")) {
		t->verger->log_target = LOG_TARGET_STDERR;
		return 0;
	}
	if (!strcmp(text, "syslog")) {
		t->verger->log_target = LOG_TARGET_SYSLOG;
		return 0;
	}
	if (!strcmp(text, "journal")) {
		t->verger->log_target = LOG_TARGET_JOURNAL;
		return 0;
	}
	r = keytype_parse_path(value_file, text, t, &path, fault);
	if (r != 0)
		return r;
	t->verger->log_target = LOG_TARGET_FILE;
	t->verger->log_path = path;
	return 0;
}

FORMAT(log)
{
	switch (s->log_target) {
	case LOG_TARGET_STDERR: return keytype_written(text_add_string(out, "stderr"));
	case LOG_TARGET_SYSLOG: return keytype_written(text_add_string(out, "syslog"));
	case LOG_TARGET_JOURNAL: return keytype_written(text_add_string(out, "journal"));
	case LOG_TARGET_FILE: return keytype_write_text(s->log_path, out);
	}
	return 0;
}

PARSE(log_json)
{
	static const char *const names[] = { "text", "json", NULL };
	int index;
	int r = value_choice(text, names, SIZE_MAX, &index, fault);

	if (r == 0)
		t->verger->log_json = index == 1;
	return r;
}

FORMAT(log_json)
{
	return keytype_written(text_add_string(out, s->log_json ? "json" : "text"));
}
