/* SPDX-License-Identifier: MIT */
/* What programs print, as it goes to their logs: bytes in reads of any size are cut into lines, and
 * each line is told in every way.  Whatever they are, they come back (L1).
 *
 * The first byte says how long a line may be, the second how the rest is cut into reads. */
#include <jansson.h>
#include <stdbool.h>
#include <syslog.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "os/journalentry.h"
#include "os/linecut.h"
#include "os/lineformat.h"
#include "os/syslogline.h"
#include "sim/chance.h"

#define STAMP "2026-11-30T08:15:00."

static const struct line_facts facts = { "web:1", 1, "stdout", 123, INT64_C(1796026500123456) };

static void add(struct outbuf *b, const char *bytes, size_t size)
{
	fuzz_expect(outbuf_add(b, bytes, size) == 0, "there is memory");
}

static bool is(const char *bytes, size_t size, const char *expected, size_t expected_size)
{
	return size == expected_size && (size == 0 || !memcmp(bytes, expected, size));
}

/* where `text` ends, which is what is expected at `at` */
static const char *skip(const char *at, const char *end, const char *text)
{
	size_t size = strlen(text);

	fuzz_expect((size_t)(end - at) >= size && !memcmp(at, text, size), "a record has its form");
	return at + size;
}

/* --- one line in every form --- */

/* a line with its marks, in text that has nothing else */
static void judge_text(const char *at, const char *end, const struct line *line)
{
	if (line->begun)
		at = skip(at, end, LINECUT_CONTINUES);
	fuzz_expect((size_t)(end - at) >= line->size, "a line is in its record");
	fuzz_expect(is(at, line->size, line->bytes, line->size), "as it is");
	at += line->size;
	if (line->partial)
		at = skip(at, end, LINECUT_GOES_ON);
	fuzz_expect(at == end, "and nothing else");
}

static void judge_stamped(const struct line *line)
{
	struct outbuf out = { 0 };
	struct linestamp stamp = { 0 };
	const char *at, *end;

	fuzz_expect(lineformat_add(&out, LOG_FORMAT_TIMESTAMP, &stamp, &facts, line) == 0,
	            "there is memory");
	end = out.data + out.size - 1;
	at = skip(out.data, end, STAMP "123456Z ");
	fuzz_expect(*end == '\n', "a record is a line");
	judge_text(at, end, line);
	outbuf_release(&out);
}

static void judge_syslog(const struct line *line)
{
	struct outbuf out = { 0 };
	char *copy = malloc(line->size + 1);
	struct line told = *line;
	const char *at;

	if (!copy)
		abort();
	for (size_t i = 0; i < line->size; i++)
		copy[i] = line->bytes[i] ? line->bytes[i] : ' ';
	told.bytes = copy;
	fuzz_expect(syslogline_add(&out, &facts, LOG_DAEMON | LOG_INFO, "Nov 30 08:15:00", line) ==
	                    0,
	            "there is memory");
	at = skip(out.data, out.data + out.size, "<30>Nov 30 08:15:00 web/1[123]: ");
	judge_text(at, out.data + out.size, &told);
	outbuf_release(&out);
	free(copy);
}

static void judge_journal(const struct line *line)
{
	struct outbuf out = { 0 };
	const char *at, *end;
	uint64_t size = 0;

	fuzz_expect(journalentry_add(&out, &facts, LOG_DAEMON | LOG_INFO, line) == 0,
	            "there is memory");
	end = out.data + out.size;
	at = skip(out.data, end, "MESSAGE\n");
	for (size_t i = 0; i < 8; i++)
		size |= (uint64_t)(unsigned char)at[i] << 8 * i;
	at += 8;
	fuzz_expect(is(at, size, line->bytes, line->size), "a message is the line");
	at = skip(at + size, end,
	          "\nPRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=web:1\n"
	          "VERGER_PROGRAM=web:1\nVERGER_INSTANCE=1\nVERGER_STREAM=stdout\n"
	          "SYSLOG_PID=123\nOBJECT_PID=123\n");
	if (line->partial)
		at = skip(at, end, "VERGER_PARTIAL=1\n");
	fuzz_expect(at == end, "an entry has nothing else");
	outbuf_release(&out);
}

/* what a decoder makes of the bytes */
static void replace(struct outbuf *out, const char *at, size_t size)
{
	while (size > 0) {
		bool valid;
		size_t n = utf8_span(at, size, &valid);

		add(out, valid ? at : UTF8_REPLACEMENT, valid ? n : strlen(UTF8_REPLACEMENT));
		at += n;
		size -= n;
	}
}

/* `told` gets the message */
static void judge_json(const struct line *line, struct outbuf *told)
{
	struct outbuf out = { 0 }, expected = { 0 };
	struct linestamp stamp = { 0 };
	json_t *record, *message;

	fuzz_expect(lineformat_add(&out, LOG_FORMAT_JSON, &stamp, &facts, line) == 0,
	            "there is memory");
	for (size_t i = 0; i + 1 < out.size; i++)
		fuzz_expect((unsigned char)out.data[i] >= ' ', "no control byte is left in JSON");
	fuzz_expect(out.data[out.size - 1] == '\n', "a record is a line");
	record = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	message = json_object_get(record, "message");
	fuzz_expect(json_is_string(message), "a record is JSON with a message");
	fuzz_expect(json_object_size(record) == 6 + (size_t)line->partial, "and all facts");
	fuzz_expect(json_is_true(json_object_get(record, "partial")) == line->partial,
	            "pieces that go on say so");
	replace(&expected, line->bytes, line->size);
	fuzz_expect(is(json_string_value(message), json_string_length(message), expected.data,
	               expected.size),
	            "what was written is what can be read");
	add(told, json_string_value(message), json_string_length(message));
	json_decref(record);
	outbuf_release(&expected);
	outbuf_release(&out);
}

/* --- all of them --- */

struct judge {
	struct outbuf all;        /* pieces put together, with a newline for each line */
	struct outbuf line, told; /* the line that goes on, and the messages of its records */
	size_t max;
	bool open;
};

/* whether a decoder changes nothing */
static bool is_utf8(const struct outbuf *b)
{
	bool valid = true;

	for (size_t at = 0; valid && at < b->size;)
		at += utf8_span(b->data + at, b->size - at, &valid);
	return valid;
}

static void judge_line(struct judge *j, const struct line *line)
{
	fuzz_expect(line->size <= j->max, "a line is not longer than it may be");
	fuzz_expect(!line->partial || line->size + 3 >= j->max, "and not cut before");
	fuzz_expect(line->begun == j->open, "a piece follows a piece");
	judge_stamped(line);
	judge_syslog(line);
	judge_journal(line);
	judge_json(line, &j->told);
	add(&j->line, line->bytes, line->size);
	j->open = line->partial;
	if (j->open)
		return;
	if (is_utf8(&j->line))
		fuzz_expect(is(j->told.data, j->told.size, j->line.data, j->line.size),
		            "no character is lost where a line is cut");
	add(&j->line, "\n", 1);
	add(&j->all, j->line.data, j->line.size);
	j->line.size = j->told.size = 0;
}

static void judge_all(struct judge *j, const char *bytes, size_t size)
{
	bool ended = size == 0 || bytes[size - 1] == '\n';

	fuzz_expect(!j->open, "a line comes to its end");
	fuzz_expect(j->all.size == size + !ended, "no byte is lost or added");
	fuzz_expect(is(j->all.data, size, bytes, size), "and none is changed");
	outbuf_release(&j->all);
	outbuf_release(&j->line);
	outbuf_release(&j->told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct judge j = { .max = size ? 4 + (size_t)data[0] : 4 };
	struct chance c = { .state = size > 1 ? 1 + (uint64_t)data[1] : 1 };
	const char *bytes = size > 2 ? (const char *)data + 2 : "";
	size_t left = size > 2 ? size - 2 : 0;
	struct linecut cut;
	struct line line;

	linecut_init(&cut, j.max);
	for (const char *at = bytes; left > 0;) {
		size_t n = 1 + chance_below(&c, chance_one_in(&c, 4) ? 1000 : 20);

		if (n > left)
			n = left;
		left -= n;
		while (linecut_next(&cut, &at, &n, &line))
			judge_line(&j, &line);
		fuzz_expect(n == 0, "all bytes are taken");
	}
	if (linecut_flush(&cut, &line))
		judge_line(&j, &line);
	fuzz_expect(linecut_is_empty(&cut), "nothing is left after the end");
	linecut_release(&cut);
	judge_all(&j, bytes, size > 2 ? size - 2 : 0);
	return 0;
}
