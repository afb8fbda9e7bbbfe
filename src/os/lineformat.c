/* SPDX-License-Identifier: MIT */
/* Lines as records.  This is what every line of a captured program costs: text is copied, and
 * nothing is formatted that was formatted for the line before. */
#include "os/lineformat.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "os/linecut.h"

enum {
	STAMP_SIZE = CLOCK_RFC3339_SIZE - 1,
	FRACTION_AT = 20, /* of the digits behind the second */
	ESCAPED_MAX = 6,  /* bytes that one byte becomes */
	FACTS_ROOM = 160, /* for all of the facts but their strings */
};

#define SIZE_OF(literal) (sizeof(literal) - 1)

/* the time, STAMP_SIZE bytes */
static const char *stamp_text(struct linestamp *stamp, int64_t time_us)
{
	int64_t second = time_us / 1000000;
	uint32_t fraction = (uint32_t)(time_us % 1000000);

	/* lines that were read at once have one time */
	if (stamp->text[0] && time_us == stamp->time_us)
		return stamp->text;
	if (!stamp->text[0] || second != stamp->second)
		clock_format_rfc3339(second * 1000000, stamp->text);
	for (int i = FRACTION_AT + 5; i >= FRACTION_AT; i--) {
		stamp->text[i] = (char)('0' + fraction % 10);
		fraction /= 10;
	}
	stamp->time_us = time_us;
	stamp->second = second;
	return stamp->text;
}

/* --- text --- */

static int add_text(struct outbuf *out, const char *head, size_t head_size, const char *gap,
                    const struct line *line)
{
	size_t gap_size = strlen(gap);
	size_t size = head_size + gap_size + SIZE_OF(LINECUT_CONTINUES) + line->size +
	              SIZE_OF(LINECUT_GOES_ON) + 1;
	char *at = outbuf_reserve(out, size);

	if (!at)
		return -ENOMEM;
	at = mempcpy(at, head, head_size);
	at = mempcpy(at, gap, gap_size);
	if (line->begun)
		at = mempcpy(at, LINECUT_CONTINUES, SIZE_OF(LINECUT_CONTINUES));
	at = mempcpy(at, line->bytes, line->size);
	if (line->partial)
		at = mempcpy(at, LINECUT_GOES_ON, SIZE_OF(LINECUT_GOES_ON));
	*at++ = '\n';
	out->size = (size_t)(at - out->data);
	return 0;
}

/* --- JSON --- */

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* whether none of eight bytes is special; may say no where all are plain, never yes where one is
 * not ("Bit Twiddling Hacks", a zero byte in a word) */
static bool are_plain(const char *bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
	uint64_t word, quotes, slashes;

	memcpy(&word, bytes, sizeof word);
	quotes = word ^ ones * '"';
	slashes = word ^ ones * '\\';
	return ((word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones)) & tops) == 0;
}

/* how many bytes at the start can stand in a string as they are */
static size_t clean_span(const char *bytes, size_t size)
{
	size_t i = 0, n;
	bool valid;

	while (i < size) {
		while (size - i >= 8 && are_plain(bytes + i))
			i += 8;
		while (i < size && is_plain(bytes[i]))
			i++;
		if (i == size || (unsigned char)bytes[i] < 0x80)
			break;
		n = utf8_span(bytes + i, size - i, &valid);
		if (!valid)
			break;
		i += n;
	}
	return i;
}

/* a byte that may not stand in a string, into room of ESCAPED_MAX; where it ends */
static char *put_escaped(char *at, char c)
{
	static const char digits[] = "0123456789abcdef";

	*at++ = '\\';
	switch (c) {
	case '"':
	case '\\': *at++ = c; return at;
	case '\n': *at++ = 'n'; return at;
	case '\t': *at++ = 't'; return at;
	case '\r': *at++ = 'r'; return at;
	}
	at = mempcpy(at, "u00", 3);
	*at++ = digits[(unsigned char)c >> 4];
	*at++ = digits[c & 15];
	return at;
}

/* Writes the `clean` bytes at the start and what is special behind them, if anything is, into room
 * of ESCAPED_MAX more; where it ends.  `*bytes` and `*size` are what is left. */
static char *put_part(char *at, const char **bytes, size_t *size, size_t clean)
{
	const char *special = *bytes + clean;
	size_t left = *size - clean, n = left > 0;
	bool valid;

	at = mempcpy(at, *bytes, clean);
	if (left > 0 && (unsigned char)*special < 0x80) {
		at = put_escaped(at, *special);
	} else if (left > 0) {
		at = mempcpy(at, UTF8_REPLACEMENT, SIZE_OF(UTF8_REPLACEMENT));
		n = utf8_span(special, left, &valid);
	}
	*bytes = special + n;
	*size = left - n;
	return at;
}

/* the content of a string, which may be long: room is made as it is needed */
static int add_escaped(struct outbuf *out, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t clean = clean_span(bytes, size);
		char *at = outbuf_reserve(out, clean + ESCAPED_MAX);

		if (!at)
			return -ENOMEM;
		at = put_part(at, &bytes, &size, clean);
		out->size = (size_t)(at - out->data);
	}
	return 0;
}

/* a member whose value is a short string, into room for all that it could become */
static char *put_string(char *at, const char *key, const char *value, size_t size)
{
	at = mempcpy(at, key, strlen(key));
	while (size > 0)
		at = put_part(at, &value, &size, clean_span(value, size));
	*at++ = '"';
	return at;
}

static char *put_number(char *at, const char *key, uint64_t number)
{
	return outbuf_put_number(mempcpy(at, key, strlen(key)), number);
}

static int add_facts(struct outbuf *out, const char *stamp, const struct line_facts *facts)
{
	size_t program_size = strlen(facts->program);
	size_t stream_size = facts->stream ? strlen(facts->stream) : 0;
	char *at = outbuf_reserve(out, FACTS_ROOM + ESCAPED_MAX * (program_size + stream_size));

	if (!at)
		return -ENOMEM;
	at = mempcpy(at, "{\"time\":\"", 9);
	at = mempcpy(at, stamp, STAMP_SIZE);
	at = put_string(at, "\",\"program\":\"", facts->program, program_size);
	at = put_number(at, ",\"instance\":", facts->instance);
	if (facts->stream)
		at = put_string(at, ",\"stream\":\"", facts->stream, stream_size);
	if (facts->pid > 0)
		at = put_number(at, ",\"pid\":", (uint64_t)facts->pid);
	out->size = (size_t)(at - out->data);
	return 0;
}

static int add_message(struct outbuf *out, const struct line *line)
{
	static const char key[] = ",\"message\":\"", last[] = "\"}\n",
			  not_last[] = "\",\"partial\":true}\n";
	int r = outbuf_add(out, key, SIZE_OF(key));

	if (r == 0)
		r = add_escaped(out, line->bytes, line->size);
	if (r < 0)
		return r;
	return line->partial ? outbuf_add(out, not_last, SIZE_OF(not_last))
	                     : outbuf_add(out, last, SIZE_OF(last));
}

static int add_json(struct outbuf *out, const char *stamp, const struct line_facts *facts,
                    const struct line *line)
{
	size_t size = out->size;
	int r = add_facts(out, stamp, facts);

	if (r == 0)
		r = add_message(out, line);
	if (r < 0)
		out->size = size; /* half a record is none */
	return r;
}

int lineformat_add(struct outbuf *out, enum log_format format, struct linestamp *stamp,
                   const struct line_facts *facts, const struct line *line)
{
	switch (format) {
	case LOG_FORMAT_TIMESTAMP:
		return add_text(out, stamp_text(stamp, facts->time_us), STAMP_SIZE, " ", line);
	case LOG_FORMAT_PREFIX:
		return add_text(out, facts->program, strlen(facts->program), " | ", line);
	case LOG_FORMAT_JSON: return add_json(out, stamp_text(stamp, facts->time_us), facts, line);
	case LOG_FORMAT_RAW: break;
	}
	return add_text(out, "", 0, "", line);
}
