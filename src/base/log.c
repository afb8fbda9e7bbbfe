/* SPDX-License-Identifier: MIT */
/* The log sink: the one file-scope variable of verger.  Where lines go is src/os/logtarget.c's
 * business. */
#include "base/log.h"

#include <stdio.h>

const char *const log_level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

enum { LOG_LINE_MAX = 4096 };

static void sink_stderr(void *context, enum log_level level, const char *subject,
                        const char *message)
{
	(void)context;
	(void)level;
	fprintf(stderr, "vergerd: %s%s%s\n", subject ? subject : "", subject ? ": " : "", message);
}

static struct {
	log_sink *sink;
	void *context;
	enum log_level level;
} target = { .sink = sink_stderr, .level = LOG_LEVEL_INFO };

void log_set_sink(log_sink *sink, void *context)
{
	target.sink = sink ? sink : sink_stderr;
	target.context = context;
}

void log_set_level(enum log_level level)
{
	target.level = level;
}

bool log_wants(enum log_level level)
{
	return level <= target.level;
}

void log_write(enum log_level level, const char *subject, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	target.sink(target.context, level, subject, message);
}
