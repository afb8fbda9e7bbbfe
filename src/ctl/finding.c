/* SPDX-License-Identifier: MIT */
#include "ctl/finding.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const level_names[FINDING_LEVELS] = { "good", "note", "warning", "bad" };

static const enum ink level_inks[FINDING_LEVELS] = { INK_GOOD, INK_FAINT, INK_BUSY, INK_BAD };

enum finding_level finding_level_of(const char *name)
{
	for (int i = 0; i < FINDING_LEVELS; i++)
		if (strcmp(level_names[i], name) == 0)
			return (enum finding_level)i;
	return FINDING_NOTE;
}

static void print(const struct screen *screen, enum finding_level level, const char *subject,
                  const char *advice, const char *text)
{
	screen_put(screen, level_inks[level], "%-8s", level_names[level]);
	screen_put(screen, INK_STRONG, "%s", subject);
	screen_say(screen, INK_PLAIN, ": %s", text);
	if (*advice)
		screen_say(screen, INK_PLAIN, "        -> %s", advice);
}

void finding_add(struct findings *f, enum finding_level level, const char *subject,
                 const char *advice, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	f->counts[level]++;
	if (!text)
		return;
	if (f->list)
		json_array_append_new(f->list, json_pack("{s:s, s:s, s:s, s:s}", "level",
		                                         level_names[level], "subject", subject,
		                                         "text", text, "advice", advice));
	else
		print(&f->ctl->screen, level, subject, advice, text);
}
