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

/* the content of a string */
static int add_escaped(struct outbuf *out, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t clean = clean_span(bytes, size), n = 0;
		char *at = outbuf_reserve(out, clean + ESCAPED_MAX);
		bool valid;

		if (!at)
			return -ENOMEM;
		at = mempcpy(at, bytes, clean);
		if (clean < size && (unsigned char)bytes[clean] < 0x80) {
			at = put_escaped(at, bytes[clean]);
			n = 1;
		} else if (clean < size) {
			at = mempcpy(at, UTF8_REPLACEMENT, SIZE_OF(UTF8_REPLACEMENT));
			n = utf8_span(bytes + clean, size - clean, &valid);
		}
		out->size = (size_t)(at - out->data);
		bytes += clean + n;
		size -= clean + n;
	}
	return 0;
}

static int add_string(struct outbuf *out, const char *key, const char *value)
{
	int r = outbuf_add(out, key, strlen(key));

	if (r == 0)
		r = add_escaped(out, value, strlen(value));
	return r < 0 ? r : outbuf_add(out, "\"", 1);
}

static int add_number(struct outbuf *out, const char *key, size_t key_size, uint64_t number)
{
	char *at = outbuf_reserve(out, key_size + OUTBUF_DIGITS);

	if (!at)
		return -ENOMEM;
	at = outbuf_put_number(mempcpy(at, key, key_size), number);
	out->size = (size_t)(at - out->data);
	return 0;
}

#define TIME_KEY     "{\"time\":\""
#define INSTANCE_KEY ",\"instance\":"
#define PID_KEY      ",\"pid\":"

static int add_facts(struct outbuf *out, const char *stamp, const struct line_facts *facts)
{
	char *at = outbuf_reserve(out, SIZE_OF(TIME_KEY) + STAMP_SIZE);
	int r;

	if (!at)
		return -ENOMEM;
	memcpy(mempcpy(at, TIME_KEY, SIZE_OF(TIME_KEY)), stamp, STAMP_SIZE);
	out->size += SIZE_OF(TIME_KEY) + STAMP_SIZE;
	r = add_string(out, "\",\"program\":\"", facts->program);
	if (r == 0)
		r = add_number(out, INSTANCE_KEY, SIZE_OF(INSTANCE_KEY), facts->instance);
	if (r == 0 && facts->stream)
		r = add_string(out, ",\"stream\":\"", facts->stream);
	if (r == 0 && facts->pid > 0)
		r = add_number(out, PID_KEY, SIZE_OF(PID_KEY), (uint64_t)facts->pid);
	return r;
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
