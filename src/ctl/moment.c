/* SPDX-License-Identifier: MIT */
#include "ctl/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/stamp.h"

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

int64_t moment_parse(const char *rfc3339)
{
	int64_t us;
	size_t size = stamp_parse(rfc3339, strlen(rfc3339), &us);

	return size && rfc3339[size - 1] == 'Z' ? us : -EINVAL;
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

/* --- points in time that people write --- */

/* Midnight of today, or so many days before it, in local time. */
static int64_t midnight(int64_t now_us, int days_before)
{
	time_t now = (time_t)(now_us / 1000000);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days_before;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000000;
}

/* `prefix` before `text` and `suffix` behind it, as a stamp. */
static bool parse_completed(const char *prefix, const char *text, const char *suffix, int64_t *us)
{
	char stamp[2 * MOMENT_SIZE];
	int size = snprintf(stamp, sizeof stamp, "%s%s%s", prefix, text, suffix);

	return size > 0 && (size_t)size < sizeof stamp &&
	       stamp_parse(stamp, (size_t)size, us) == (size_t)size;
}

/* What a person leaves out is today, a whole minute, midnight. */
static bool parse_part(const char *text, int64_t now_us, int64_t *us)
{
	time_t now = (time_t)(now_us / 1000000);
	char today[MOMENT_SIZE];
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(today, sizeof today, "%Y-%m-%d ", &tm))
		return false;
	return parse_completed("", text, "", us) || parse_completed("", text, ":00", us) ||
	       parse_completed("", text, " 00:00:00", us) || parse_completed(today, text, "", us) ||
	       parse_completed(today, text, ":00", us);
}

int moment_parse_since(const char *text, int64_t now_us, int64_t *us)
{
	msec_t back_ms;

	if (strcmp(text, "today") == 0)
		*us = midnight(now_us, 0);
	else if (strcmp(text, "yesterday") == 0)
		*us = midnight(now_us, 1);
	else if (parse_duration(text, &back_ms) == 0)
		*us = now_us - back_ms * 1000;
	else if (!parse_part(text, now_us, us))
		return -EINVAL;
	return *us < 0 ? -EINVAL : 0;
}
