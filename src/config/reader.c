/* SPDX-License-Identifier: MIT */
/* Stands between the bytes and inih.  Knows no key and no section by name. */
#include "config/reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "base/text.h"
#include "config/fault.h"

/* what the real text of a line is called in front of inih */
#define STAND_IN "\1"

struct reader {
	const char *next, *end; /* what is not read yet */
	unsigned line;
	const char *file;
	const struct reader_handler *handler;
	struct diags *diags;

	struct text buffer; /* the line at hand, without its end */
	char *key, *value;  /* parts of the buffer that the stand-in means; key is NULL for a
	                       continuation */

	char title[READER_SECTION_MAX + 1];
	bool failed;     /* memory was out */
	bool in_section; /* a good [section] is above */
	bool muted;      /* what is below a faulty line was spoken of already */

	bool open; /* an entry is being put together */
	bool too_long;
	unsigned open_line;
	char open_name[16]; /* its stand-in */
	char open_key[READER_KEY_MAX + 1];
	struct text open_value;
	char quote; /* the quote that its text has left open, or 0 */
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void report(struct reader *r, unsigned line, const char *key, const struct fault *fault)
{
	diags_add(r->diags, DIAG_ERROR, r->file, line, r->in_section ? r->title : NULL, key, "%s",
	          fault->text);
}

/* Takes the next line into the buffer; false at the end.  A NUL byte ends the reading: no text file
 * has one. */
static bool take_line(struct reader *r)
{
	const char *start = r->next, *newline;
	size_t size;

	if (start == r->end)
		return false;
	newline = memchr(start, '\n', (size_t)(r->end - start));
	size = (size_t)((newline ? newline : r->end) - start);
	r->next = newline ? newline + 1 : r->end;
	r->line++;
	if (memchr(start, '\0', size)) {
		diags_add(r->diags, DIAG_ERROR, r->file, r->line, NULL, NULL,
		          "there is a NUL byte in this line: not a text file (or one in UTF-16)");
		return false;
	}
	while (size && is_blank(start[size - 1]))
		size--;
	text_reset(&r->buffer);
	r->failed = text_add(&r->buffer, start, size) < 0;
	return !r->failed;
}

/* Ends `text` where a comment begins, and the blanks before it.  `quote` is the quote open at its
 * start and, in the end, at its end. */
static void cut_comment(char *text, char *quote)
{
	bool after_blank = true;
	char *end = text;

	for (char *p = text; *p; p++) {
		if (!*quote && after_blank && (*p == ';' || *p == '#'))
			break;
		after_blank = is_blank(*p);
		if (!after_blank || *quote)
			end = p + 1;
		if (*p == '\\' && *quote != '\'' && p[1])
			end = ++p + 1;
		else if (*p == *quote)
			*quote = 0;
		else if (!*quote && (*p == '"' || *p == '\''))
			*quote = *p;
	}
	*end = '\0';
}

/* Hands on the entry that is complete now. */
static void close_entry(struct reader *r)
{
	if (!r->open)
		return;
	r->open = false;
	if (r->too_long) {
		struct fault fault;

		fault_set(&fault, "the value is longer than %d bytes", READER_VALUE_MAX);
		report(r, r->open_line, r->open_key, &fault);
		return;
	}
	r->handler->on_entry(r->handler->context, r->open_key, text_get(&r->open_value),
	                     r->open_line);
}

static void append_value(struct reader *r, char *value)
{
	int result = 0;

	cut_comment(value, &r->quote);
	if (!*value)
		return;
	if (r->open_value.size)
		result = text_add_char(&r->open_value, ' ');
	if (result == 0)
		result = text_add_string(&r->open_value, value);
	r->too_long |= result == -E2BIG;
	r->failed |= result == -ENOMEM;
}

/* inih's handler: an entry it calls by the name of the open one continues it */
static int on_pair(void *context, const char *section, const char *name, const char *value)
{
	struct reader *r = context;

	(void)section;
	(void)value;
	if (!r->open || strcmp(name, r->open_name) != 0) {
		r->open = true;
		r->open_line = r->line;
		r->too_long = false;
		r->quote = 0;
		snprintf(r->open_name, sizeof r->open_name, "%s", name);
		snprintf(r->open_key, sizeof r->open_key, "%s", r->key);
		text_reset(&r->open_value);
	}
	append_value(r, r->value);
	return 1;
}

/* `rest` is what stands behind the title; NULL when there is no ']' at all */
static int judge_section(const char *title, const char *rest, struct fault *fault)
{
	if (!rest)
		return fault_set(fault, "'%.80s' has no ']' at its end", title);
	while (is_blank(*rest))
		rest++;
	if (*rest && *rest != ';' && *rest != '#')
		return fault_set(fault, "'%.80s' stands behind the ']' of a section", rest);
	if (!*title)
		return fault_set(fault, "a section without a name");
	if (strlen(title) > READER_SECTION_MAX)
		return fault_set(fault, "a section name of %zu bytes is longer than %d",
		                 strlen(title), READER_SECTION_MAX);
	return 0;
}

static const char *take_section(struct reader *r)
{
	char *title = r->buffer.data + 1, *close = strchr(title, ']');
	struct fault fault;

	close_entry(r);
	r->in_section = false;
	if (close)
		*close = '\0';
	if (judge_section(title, close ? close + 1 : NULL, &fault) != 0) {
		report(r, r->line, NULL, &fault);
		r->muted = true;
		return "\n";
	}
	snprintf(r->title, sizeof r->title, "%s", title);
	r->in_section = true;
	r->muted = false;
	r->handler->on_section(r->handler->context, r->title, r->line);
	return "[s]\n";
}

static int judge_key(struct reader *r, const char *key, bool has_value, struct fault *fault)
{
	if (!has_value)
		return fault_set(fault, "expected 'key = value', got '%.80s'%s", key,
		                 strchr(key, ':') ? " (a key ends with '=', not with ':')" : "");
	if (!r->in_section)
		return fault_set(fault, "'%.80s' stands before any [section]", key);
	if (!*key)
		return fault_set(fault, "there is no key before the '='");
	if (strlen(key) > READER_KEY_MAX)
		return fault_set(fault, "a key of %zu bytes is longer than %d: '%.40s...'",
		                 strlen(key), READER_KEY_MAX, key);
	return 0;
}

/* Splits the buffer at its '=' and returns the stand-in for inih. */
static const char *take_key(struct reader *r, char *stand_in, size_t size)
{
	char *equals = strchr(r->buffer.data, '='), *end;
	struct fault fault;

	close_entry(r);
	r->key = r->buffer.data;
	if (equals) {
		for (end = equals; end > r->key && is_blank(end[-1]); end--)
			;
		*end = '\0';
		for (r->value = equals + 1; is_blank(*r->value); r->value++)
			;
	}
	if (r->muted && !r->in_section)
		return "\n";
	r->muted = judge_key(r, r->key, equals != NULL, &fault) != 0;
	if (r->muted) {
		report(r, r->line, NULL, &fault);
		return "\n";
	}
	snprintf(stand_in, size, "k%u=" STAND_IN "\n", r->line);
	return stand_in;
}

static const char *take_continuation(struct reader *r, char *start)
{
	struct fault fault;

	if (r->open) {
		r->key = NULL;
		r->value = start;
		if (r->handler->on_continuation)
			r->handler->on_continuation(r->handler->context, r->open_key, start,
			                            r->line);
		return " " STAND_IN "\n";
	}
	if (!r->muted) {
		fault_set(&fault, "this line is indented, but there is no value above that it "
		                  "could continue: "
		                  "sections and keys start in the first column");
		report(r, r->line, NULL, &fault);
	}
	r->muted = true;
	return "\n";
}

/* inih's ini_reader: the stand-in of the next line */
static char *feed(char *out, int size, void *context)
{
	struct reader *r = context;
	char stand_in[32];
	const char *line;
	char *start;

	if (r->failed || !take_line(r))
		return NULL;
	start = r->buffer.data;
	while (is_blank(*start))
		start++;
	if (!*start || *start == ';' || *start == '#')
		line = "\n";
	else if (start > r->buffer.data)
		line = take_continuation(r, start);
	else if (*start == '[')
		line = take_section(r);
	else
		line = take_key(r, stand_in, sizeof stand_in);
	snprintf(out, (size_t)size, "%s", line);
	return out;
}

int reader_parse(const char *bytes, size_t size, const char *file,
                 const struct reader_handler *handler, struct diags *diags)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };
	struct reader r = { .file = file, .handler = handler, .diags = diags };
	int status;

	if (size >= sizeof mark && !memcmp(bytes, mark, sizeof mark)) {
		bytes += sizeof mark;
		size -= sizeof mark;
	}
	r.next = bytes;
	r.end = bytes + size;
	text_init(&r.buffer, size);
	text_init(&r.open_value, READER_VALUE_MAX);
	status = ini_parse_stream(feed, &r, on_pair, &r);
	close_entry(&r);
	text_release(&r.buffer);
	text_release(&r.open_value);
	return status == 0 && !r.failed ? 0 : -ENOMEM;
}
