/* SPDX-License-Identifier: MIT */
/* The writer.  Knows no message and no program. */
#include "control/jsonout.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

#define DAY_US ((int64_t)86400 * 1000000)

enum {
	KEY_MAX = 32,
	KEY_ROOM = KEY_MAX + 4,
	SHORT_MAX = 128, /* strings up to this are put together with their key */
};

void jsonout_init(struct jsonout *j, struct text *out)
{
	*j = (struct jsonout){ .out = out, .day = -1 };
}

static void put(struct jsonout *j, const char *bytes, size_t size)
{
	int r;

	if (j->failed)
		return;
	r = text_add(j->out, bytes, size);
	if (r < 0)
		j->failed = r;
}

/* Comma, key and colon into `at`, which has room for KEY_ROOM; how much that is.  A member is put
 * together on the stack and appended at once: that is what most of a reply costs. */
static size_t begin_value(struct jsonout *j, const char *key, char *at)
{
	size_t size = 0;

	if (j->comma)
		at[size++] = ',';
	j->comma = true;
	if (!key)
		return size;
	assert(strlen(key) <= KEY_MAX);
	at[size++] = '"';
	while (*key)
		at[size++] = *key++;
	at[size++] = '"';
	at[size++] = ':';
	return size;
}

/* a value without anything to escape */
static void put_value(struct jsonout *j, const char *key, const char *bytes, size_t size)
{
	char member[KEY_ROOM + SHORT_MAX];
	size_t at = begin_value(j, key, member);

	memcpy(member + at, bytes, size);
	put(j, member, at + size);
}

static void begin_nest(struct jsonout *j, const char *key, const char *bracket)
{
	put_value(j, key, bracket, 1);
	j->comma = false;
}

static void end_nest(struct jsonout *j, const char *bracket)
{
	put(j, bracket, 1);
	j->comma = true;
}

void jsonout_object(struct jsonout *j, const char *key)
{
	begin_nest(j, key, "{");
}

void jsonout_object_end(struct jsonout *j)
{
	end_nest(j, "}");
}

void jsonout_array(struct jsonout *j, const char *key)
{
	begin_nest(j, key, "[");
}

void jsonout_array_end(struct jsonout *j)
{
	end_nest(j, "]");
}

/* --- strings --- */

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void put_escaped(struct jsonout *j, char c)
{
	static const char digits[] = "0123456789abcdef";
	char code[6] = { '\\', 'u', '0', '0' };

	switch (c) {
	case '"': put(j, "\\\"", 2); return;
	case '\\': put(j, "\\\\", 2); return;
	case '\n': put(j, "\\n", 2); return;
	case '\t': put(j, "\\t", 2); return;
	case '\r': put(j, "\\r", 2); return;
	}
	code[4] = digits[(unsigned char)c >> 4];
	code[5] = digits[c & 15];
	put(j, code, sizeof code);
}

/* one character that cannot be written with its neighbours; how many bytes it has */
static size_t put_special(struct jsonout *j, const char *bytes, size_t size)
{
	bool valid;
	size_t n;

	if (*bytes && (unsigned char)*bytes < 0x80) {
		put_escaped(j, *bytes);
		return 1;
	}
	n = utf8_span(bytes, size, &valid);
	/* NUL could be written as \u0000, but there are clients whose strings end there */
	if (valid && *bytes) {
		put(j, bytes, n);
	} else {
		j->lossy = true;
		put(j, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
	}
	return n;
}

/* short and plain, as nearly all are; false: it is not */
static bool put_short(struct jsonout *j, const char *key, const char *bytes, size_t size)
{
	char value[SHORT_MAX];

	if (size > sizeof value - 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!is_plain(bytes[i]))
			return false;
		value[1 + i] = bytes[i];
	}
	value[0] = value[size + 1] = '"';
	put_value(j, key, value, size + 2);
	return true;
}

void jsonout_bytes(struct jsonout *j, const char *key, const char *bytes, size_t size)
{
	size_t i = 0;

	if (put_short(j, key, bytes, size))
		return;
	put_value(j, key, "\"", 1);
	while (i < size) {
		size_t from = i;

		while (i < size && is_plain(bytes[i]))
			i++;
		put(j, bytes + from, i - from);
		if (i < size)
			i += put_special(j, bytes + i, size - i);
	}
	put(j, "\"", 1);
}

void jsonout_string(struct jsonout *j, const char *key, const char *value)
{
	if (value)
		jsonout_bytes(j, key, value, strlen(value));
	else
		jsonout_null(j, key);
}

/* --- numbers and the rest --- */

void jsonout_int(struct jsonout *j, const char *key, int64_t value)
{
	char digits[24];
	size_t at = sizeof digits;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		digits[--at] = '-';
	put_value(j, key, digits + at, sizeof digits - at);
}

void jsonout_bool(struct jsonout *j, const char *key, bool value)
{
	put_value(j, key, value ? "true" : "false", value ? 4 : 5);
}

void jsonout_null(struct jsonout *j, const char *key)
{
	put_value(j, key, "null", 4);
}

static void put_number(char *out, int64_t value, size_t digits)
{
	while (digits--) {
		out[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void jsonout_time(struct jsonout *j, const char *key, int64_t realtime_us)
{
	char stamp[CLOCK_RFC3339_SIZE + 1]; /* with its quotes, without NUL */
	int64_t day, us;

	if (realtime_us < 0)
		realtime_us = 0;
	day = realtime_us / DAY_US;
	us = realtime_us % DAY_US;
	if (day != j->day) {
		clock_format_rfc3339(day * DAY_US, j->date);
		j->day = day;
	}
	/* a reply has thousands of times and few days: what differs is put in by hand */
	stamp[0] = '"';
	memcpy(stamp + 1, j->date, CLOCK_RFC3339_SIZE);
	put_number(stamp + 12, us / 3600000000, 2);
	put_number(stamp + 15, us / 60000000 % 60, 2);
	put_number(stamp + 18, us / 1000000 % 60, 2);
	put_number(stamp + 21, us % 1000000, 6);
	stamp[CLOCK_RFC3339_SIZE] = '"';
	put_value(j, key, stamp, sizeof stamp);
}

void jsonout_raw(struct jsonout *j, const char *bytes, size_t size)
{
	if (size == 0)
		return;
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
	put(j, bytes, size);
}

void jsonout_lossy(struct jsonout *j)
{
	if (j->lossy)
		jsonout_bool(j, "lossy", true);
	j->lossy = false;
}
