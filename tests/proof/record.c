/* SPDX-License-Identifier: MIT */
#include "proof/record.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MARK_MORE  " [...]" /* at the end of a piece that goes on */
#define MARK_AGAIN "[...] " /* at the beginning of one that continues */

enum { MARK_SIZE = 6, STAMP_SIZE = 28 }; /* "2026-11-30T08:15:00.123456Z " */

static bool starts_with(const char *bytes, size_t size, const char *word)
{
	size_t length = strlen(word);

	return size >= length && memcmp(bytes, word, length) == 0;
}

/* --- JSON: one object of strings, numbers and booleans --- */

struct cursor {
	char *at, *end;
};

static bool take(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* \uXXXX of what a scribe writes is a control character; U+FFFD and the like are kept as '?', so
 * that the checksum tells. */
static bool take_escape(struct cursor *c, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char digits[5] = "";
	unsigned long code;

	if (c->at == c->end)
		return false;
	found = *c->at ? strchr(from, *c->at) : NULL;
	if (found) {
		*out = to[found - from];
		c->at++;
		return true;
	}
	if (*c->at != 'u' || c->end - c->at < 5)
		return false;
	memcpy(digits, c->at + 1, 4);
	code = strtoul(digits, NULL, 16);
	*out = code < 0x80 ? (char)code : '?';
	c->at += 5;
	return true;
}

/* Unescapes in place: what comes out is never longer than what went in. */
static bool take_string(struct cursor *c, char **text, size_t *size)
{
	char *out;

	if (!take(c, '"'))
		return false;
	*text = out = c->at;
	while (c->at < c->end && *c->at != '"') {
		char byte = *c->at++;

		if (byte == '\\' && !take_escape(c, &byte))
			return false;
		*out++ = byte;
	}
	*size = (size_t)(out - *text);
	return take(c, '"');
}

static void keep_field(struct record *r, const char *key, size_t key_size, char *text, size_t size)
{
	if (starts_with(key, key_size, "message") && key_size == 7) {
		r->bytes = text;
		r->size = size;
	} else if (starts_with(key, key_size, "program") && size <= RECORD_NAME_MAX) {
		memcpy(r->program, text, size);
		r->program[size] = '\0';
	} else if (starts_with(key, key_size, "stream")) {
		r->note = size == 6 && memcmp(text, "verger", 6) == 0;
	} else if (starts_with(key, key_size, "partial")) {
		r->partial = starts_with(text, size, "true");
	}
}

static bool take_field(struct cursor *c, struct record *r)
{
	char *key, *text;
	size_t key_size, size;

	if (!take_string(c, &key, &key_size) || !take(c, ':'))
		return false;
	if (c->at < c->end && *c->at == '"') {
		if (!take_string(c, &text, &size))
			return false;
	} else {
		text = c->at;
		while (c->at < c->end && *c->at != ',' && *c->at != '}')
			c->at++;
		size = (size_t)(c->at - text);
	}
	keep_field(r, key, key_size, text, size);
	return true;
}

static bool read_json(char *line, size_t size, struct record *r)
{
	struct cursor c = { line + 1, line + size };

	do {
		if (!take_field(&c, r))
			return false;
	} while (take(&c, ','));
	return take(&c, '}') && c.at == c.end && r->bytes;
}

/* --- text --- */

static bool has_stamp(const char *bytes, size_t size)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ ";

	for (size_t i = 0; i < STAMP_SIZE; i++)
		if (i >= size ||
		    (form[i] == 'd' ? !isdigit((unsigned char)bytes[i]) : bytes[i] != form[i]))
			return false;
	return true;
}

static void skip(struct record *r, size_t size)
{
	r->bytes += size;
	r->size -= size;
}

/* "web | ": what stands before the bar is a name. */
static void take_prefix(struct record *r)
{
	size_t n = 0;

	while (n < r->size && n <= RECORD_NAME_MAX &&
	       (isalnum((unsigned char)r->bytes[n]) || strchr("-_:.", r->bytes[n])))
		n++;
	if (n == 0 || n > RECORD_NAME_MAX || !starts_with(r->bytes + n, r->size - n, " | "))
		return;
	memcpy(r->program, r->bytes, n);
	r->program[n] = '\0';
	skip(r, n + 3);
}

static void read_text(char *line, size_t size, struct record *r)
{
	r->bytes = line;
	r->size = size;
	if (has_stamp(r->bytes, r->size))
		skip(r, STAMP_SIZE);
	else
		take_prefix(r);
	r->note = starts_with(r->bytes, r->size, "verger: ");
	r->marked = starts_with(r->bytes, r->size, MARK_AGAIN);
	if (r->marked)
		skip(r, MARK_SIZE);
	r->partial = r->size >= MARK_SIZE &&
	             memcmp(r->bytes + r->size - MARK_SIZE, MARK_MORE, MARK_SIZE) == 0;
	if (r->partial)
		r->size -= MARK_SIZE;
}

bool record_read(char *line, size_t size, struct record *out)
{
	*out = (struct record){ 0 };
	if (starts_with(line, size, "{\""))
		return read_json(line, size, out);
	read_text(line, size, out);
	return true;
}
