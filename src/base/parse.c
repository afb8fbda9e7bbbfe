/* SPDX-License-Identifier: MIT */
/* Numbers from text.  Knows nothing of where the text stands. */
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define DURATION_MAX_MS ((msec_t)10 * 366 * 86400 * 1000)

/* reads digits of `base` at *p; returns -EINVAL without a digit, -ERANGE past max */
static int digits(const char **p, unsigned base, uint64_t max, uint64_t *out)
{
	const char *s = *p;
	uint64_t value = 0;

	for (; *s >= '0' && *s < (char)('0' + base); s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (value > (max - digit) / base || digit > max)
			return -ERANGE;
		value = value * base + digit;
	}
	if (s == *p)
		return -EINVAL;
	*p = s;
	*out = value;
	return 0;
}

int parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = *text == '-';
	const char *p = text + negative;
	uint64_t magnitude;
	int64_t value;
	int r = digits(&p, 10, INT64_MAX, &magnitude);

	if (r < 0)
		return r;
	if (*p)
		return -EINVAL;
	value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

int parse_octal(const char *text, unsigned max, unsigned *out)
{
	const char *p = text;
	uint64_t value;
	int r = digits(&p, 8, max, &value);

	if (r < 0)
		return r;
	if (*p)
		return -EINVAL;
	*out = (unsigned)value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit duration_units[] = {
	{ "", 1000 },   { "ms", 1 },          { "s", 1000 },
	{ "m", 60000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};

static const struct unit size_units[] = {
	{ "", 1 },           { "k", 1ull << 10 }, { "M", 1ull << 20 },
	{ "G", 1ull << 30 }, { "T", 1ull << 40 },
};

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name,
                                    int (*compare)(const char *, const char *))
{
	for (size_t i = 0; i < count; i++)
		if (!compare(units[i].name, name))
			return &units[i];
	return NULL;
}

/* ".250" at *p as thousandths */
static int thousandths(const char **p, uint64_t *out)
{
	uint64_t weight = 100;

	*out = 0;
	if (**p != '.')
		return 0;
	++*p;
	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; ++*p, weight /= 10)
		*out += (uint64_t)(**p - '0') * weight;
	return 0;
}

int parse_duration(const char *text, msec_t *out)
{
	const struct unit *unit;
	uint64_t whole, part;
	int r = digits(&text, 10, (uint64_t)DURATION_MAX_MS, &whole);

	if (r < 0)
		return r;
	r = thousandths(&text, &part);
	if (r < 0)
		return r;
	unit = find_unit(duration_units, ARRAY_SIZE(duration_units), text, strcmp);
	if (!unit)
		return -EINVAL;
	if (whole > (uint64_t)DURATION_MAX_MS / unit->factor)
		return -ERANGE;
	whole = whole * unit->factor + part * unit->factor / 1000;
	if (whole > (uint64_t)DURATION_MAX_MS)
		return -ERANGE;
	*out = (msec_t)whole;
	return 0;
}

int parse_size(const char *text, uint64_t *out)
{
	const struct unit *unit;
	uint64_t value;
	int r = digits(&text, 10, UINT64_MAX, &value);

	if (r < 0)
		return r;
	unit = find_unit(size_units, ARRAY_SIZE(size_units), text, strcasecmp);
	if (!unit)
		return -EINVAL;
	if (value > UINT64_MAX / unit->factor)
		return -ERANGE;
	*out = value * unit->factor;
	return 0;
}

int parse_bool(const char *text, bool *out)
{
	static const char *const words[2][4] = { { "no", "false", "off", "0" },
		                                 { "yes", "true", "on", "1" } };

	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < ARRAY_SIZE(words[value]); i++) {
			if (!strcasecmp(words[value][i], text)) {
				*out = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}

int parse_percent(const char *text, unsigned *out)
{
	uint64_t value;
	int r = digits(&text, 10, 100, &value);

	if (r < 0)
		return r;
	if (strcmp(text, "%") != 0)
		return -EINVAL;
	*out = (unsigned)value;
	return 0;
}

const char *parse_format_duration(msec_t ms, char out[DURATION_SIZE])
{
	static const struct unit units[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (ms && (uint64_t)ms % units[i].factor == 0) {
			snprintf(out, DURATION_SIZE, "%" PRIu64 "%s",
			         (uint64_t)ms / units[i].factor, units[i].name);
			return out;
		}
	}
	snprintf(out, DURATION_SIZE, "0s");
	return out;
}

const char *parse_format_size(uint64_t bytes, char out[BYTES_SIZE])
{
	size_t i = ARRAY_SIZE(size_units) - 1;

	while (i > 0 && (!bytes || bytes % size_units[i].factor != 0))
		i--;
	snprintf(out, BYTES_SIZE, "%" PRIu64 "%s", bytes / size_units[i].factor,
	         size_units[i].name);
	return out;
}
