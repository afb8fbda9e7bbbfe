/* SPDX-License-Identifier: MIT */
/* vergerd's own log: one event a line, `TIME LEVEL program: what happened`.  Only src/os,
 * src/daemon and src/ctl log; base, core and config return. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names as they stand in the configuration: error, warning, info, debug. */
extern const char *const log_level_names[LOG_LEVEL_DEBUG + 1];

/* Receives each line, without newline and without stamp.  `subject` (a program's name) may be NULL.
 */
typedef void log_sink(void *context, enum log_level level, const char *subject,
                      const char *message);

/* Sends lines of at most `level` to `sink`.  Without a call everything of INFO goes to standard
 * error.  `context` is borrowed. */
void log_set_sink(log_sink *sink, void *context);
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

void log_write(enum log_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(subject, ...)   log_write(LOG_LEVEL_ERROR, subject, __VA_ARGS__)
#define log_warning(subject, ...) log_write(LOG_LEVEL_WARNING, subject, __VA_ARGS__)
#define log_info(subject, ...)    log_write(LOG_LEVEL_INFO, subject, __VA_ARGS__)
#define log_debug(subject, ...)   log_write(LOG_LEVEL_DEBUG, subject, __VA_ARGS__)
