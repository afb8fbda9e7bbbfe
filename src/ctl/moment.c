/* SPDX-License-Identifier: MIT */
#include "ctl/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

#define HALF_A_DAY_US (12 * 3600 * INT64_C(1000000))

static const struct {
	const char *name;
	msec_t ms;
} units[] = {
	{ "d", 24 * 3600 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
};

const char *moment_format_age(msec_t age, char out[MOMENT_SIZE])
{
	if (age < 0)
		age = 0;
	if (age < 1000) {
		snprintf(out, MOMENT_SIZE, "%dms", (int)age);
		return out;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (age < units[i].ms)
			continue;
		if (i + 1 == ARRAY_SIZE(units))
			snprintf(out, MOMENT_SIZE, "%" PRId64 "s", age / 1000);
		else
			snprintf(out, MOMENT_SIZE, "%" PRId64 "%s %" PRId64 "%s", age / units[i].ms,
			         units[i].name, age % units[i].ms / units[i + 1].ms,
			         units[i + 1].name);
		break;
	}
	return out;
}

/* Days from 1970-01-01 to a date: years are counted from March, so that a leap day is the last of
 * its year. */
static int64_t days_until(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* Takes `digits` digits, and `end` after them; false when they are not there. */
static bool take_number(const char **at, int digits, char end, int *out)
{
	*out = 0;
	for (; digits > 0; digits--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return !end || *(*at)++ == end;
}

static int64_t take_fraction(const char **at)
{
	int64_t us = 0, unit = 100000;

	if (**at != '.')
		return 0;
	for (++*at; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
		us += (**at - '0') * unit;
	return us;
}

int64_t moment_parse(const char *rfc3339)
{
	const char *at = rfc3339;
	int year, month, day, hour, minute, second;
	int64_t us;

	if (!take_number(&at, 4, '-', &year) || !take_number(&at, 2, '-', &month) ||
	    !take_number(&at, 2, 'T', &day) || !take_number(&at, 2, ':', &hour) ||
	    !take_number(&at, 2, ':', &minute) || !take_number(&at, 2, '\0', &second))
		return -EINVAL;
	us = take_fraction(&at);
	if (*at != 'Z' || month < 1 || month > 12)
		return -EINVAL;
	us += second * INT64_C(1000000) + (hour * 60 + minute) * INT64_C(60000000);
	return us + days_until(year, month, day) * INT64_C(86400000000);
}

const char *moment_format(const char *rfc3339, int64_t now_us, char out[MOMENT_SIZE])
{
	int64_t us = moment_parse(rfc3339);
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us < 0 || !localtime_r(&seconds, &tm)) {
		snprintf(out, MOMENT_SIZE, "%s", rfc3339);
		return out;
	}
	strftime(out, MOMENT_SIZE,
	         llabs(now_us - us) < HALF_A_DAY_US ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}
