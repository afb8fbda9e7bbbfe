/* SPDX-License-Identifier: MIT */
/* A cursor that takes what it expects or stays where it is. */
#include "base/stamp.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* `digits` digits that are min to max. */
static bool take_number(struct cursor *c, int digits, int min, int max, int *out)
{
	int number = 0;

	for (; digits > 0; digits--) {
		if (!is_digit(c))
			return false;
		number = number * 10 + (*c->at++ - '0');
	}
	*out = number;
	return number >= min && number <= max;
}

static bool take_date(struct cursor *c, struct tm *tm)
{
	return take_number(c, 4, 1970, 9999, &tm->tm_year) && take(c, '-') &&
	       take_number(c, 2, 1, 12, &tm->tm_mon) && take(c, '-') &&
	       take_number(c, 2, 1, 31, &tm->tm_mday);
}

static bool take_clock(struct cursor *c, struct tm *tm)
{
	return take_number(c, 2, 0, 23, &tm->tm_hour) && take(c, ':') &&
	       take_number(c, 2, 0, 59, &tm->tm_min) && take(c, ':') &&
	       take_number(c, 2, 0, 60, &tm->tm_sec);
}

static int64_t take_fraction(struct cursor *c)
{
	struct cursor start = *c;
	int64_t us = 0, unit = SECOND_US / 10;

	if (!take(c, '.') && !take(c, ','))
		return 0;
	if (!is_digit(c)) {
		*c = start; /* the end of a sentence */
		return 0;
	}
	for (; is_digit(c); c->at++, unit /= 10)
		us += (*c->at - '0') * unit;
	return us;
}

/* What has to be taken from the time to make it UTC.  False: no zone is given. */
static bool take_zone(struct cursor *c, int64_t *offset_us)
{
	struct cursor at = *c;
	int hours, minutes;
	bool is_west;

	*offset_us = 0;
	if (take(c, 'Z'))
		return true;
	take(&at, ' ');
	is_west = take(&at, '-');
	if ((!is_west && !take(&at, '+')) || !take_number(&at, 2, 0, 23, &hours))
		return false;
	take(&at, ':');
	if (!take_number(&at, 2, 0, 59, &minutes))
		return false;
	*c = at;
	*offset_us = (hours * 60 + minutes) * 60 * SECOND_US * (is_west ? -1 : 1);
	return true;
}

/* Days from 1970-01-01: years are counted from March, so that a leap day is the last of its year.
 */
int64_t stamp_days(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static int64_t in_utc(const struct tm *tm)
{
	return (stamp_days(tm->tm_year, tm->tm_mon, tm->tm_mday) * 86400 +
	        (tm->tm_hour * 60 + tm->tm_min) * 60 + tm->tm_sec) *
	       SECOND_US;
}

static int64_t in_local_time(struct tm tm)
{
	tm.tm_year -= 1900;
	tm.tm_mon--;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * SECOND_US;
}

size_t stamp_parse(const char *bytes, size_t size, int64_t *us)
{
	struct cursor c = { bytes, bytes + size };
	int64_t fraction_us, offset_us;
	struct tm tm = { 0 };

	if (!take_date(&c, &tm) || (!take(&c, 'T') && !take(&c, ' ')) || !take_clock(&c, &tm))
		return 0;
	fraction_us = take_fraction(&c);
	if (take_zone(&c, &offset_us))
		*us = in_utc(&tm) - offset_us;
	else
		*us = in_local_time(tm);
	*us += fraction_us;
	return (size_t)(c.at - bytes);
}

static void skip_blanks(struct cursor *c)
{
	while (take(c, ' '))
		;
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size) != 0)
		return false;
	c->at += size;
	return true;
}

/* {"time": " */
static bool take_member(struct cursor *c)
{
	skip_blanks(c);
	if (!take_word(c, "\"time\""))
		return false;
	skip_blanks(c);
	if (!take(c, ':'))
		return false;
	skip_blanks(c);
	return take(c, '"');
}

int64_t stamp_of_line(const char *bytes, size_t size)
{
	struct cursor c = { bytes, bytes + size };
	int64_t us;

	if (take(&c, '{') && !take_member(&c))
		return STAMP_NONE;
	take(&c, '[');
	return stamp_parse(c.at, (size_t)(c.end - c.at), &us) ? us : STAMP_NONE;
}
