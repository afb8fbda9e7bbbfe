/* SPDX-License-Identifier: MIT */
/* The text of one value as one type each.  Pure: no file, no account, no clock is asked.
 *
 * Each reads the whole of `text` and returns 0 with the result written, or FAULTY with the result
 * untouched and a sentence in `fault`, or -ENOMEM. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "base/text.h"
#include "config/fault.h"
#include "core/settings.h"

enum { VALUE_STOP_STEPS_MAX = 16 };

/* What a log may be at the least before it is rotated: below, it would be rotated all the time. */
enum { VALUE_LOG_SIZE_MIN = 4096, VALUE_LOG_AGE_MIN_MS = 1000 };

/* A stop step without a time of its own. */
#define VALUE_NO_WAIT (-1)

int value_duration(const char *text, msec_t *out, struct fault *fault);

/* A duration, or "none" for MSEC_NEVER. */
int value_deadline(const char *text, msec_t *out, struct fault *fault);
int value_bool(const char *text, bool *out, struct fault *fault);

/* One of `names`, which ends with NULL or after `count`; its index. */
int value_choice(const char *text, const char *const *names, size_t count, int *out,
                 struct fault *fault);
int value_integer(const char *text, int64_t min, int64_t max, int64_t *out, struct fault *fault);

/* "64k", "10M", from min to max bytes. */
int value_size(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct fault *fault);

/* The size at which a log is rotated: a size, "auto" (LOG_SIZE_AUTO) or "none" (LOG_SIZE_NONE). */
int value_log_size(const char *text, uint64_t *out, struct fault *fault);

/* The age at which a log is rotated: a duration, or "none" for MSEC_NEVER. */
int value_log_age(const char *text, msec_t *out, struct fault *fault);
int value_octal(const char *text, unsigned max, unsigned *out, struct fault *fault);
int value_percent(const char *text, unsigned *out, struct fault *fault);

/* "TERM/5s INT KILL": steps[0 … *count - 1]. */
int value_stop_steps(const char *text, struct stop_step steps[VALUE_STOP_STEPS_MAX], size_t *count,
                     struct fault *fault);

/* "HUP"; neither KILL nor STOP, which no program hears. */
int value_reload_signal(const char *text, int *out, struct fault *fault);

/* "0 2 TERM" */
int value_exit_set(const char *text, struct exit_set *out, struct fault *fault);

/* "10/60s", or "none" for a count of 0. */
int value_start_limit(const char *text, unsigned *count, msec_t *window_ms, struct fault *fault);

enum { VALUE_FORWARD_MAX = 64 };

/* "HUP USR1:QUIT WINCH:0", "all" or "none"; a signal may be named once. */
int value_forward(const char *text, struct forward_rule rules[VALUE_FORWARD_MAX], size_t *count,
                  struct fault *fault);

/* Whether vergerd can give this signal to a program when it receives it: all but those that nobody
 * can catch, SIGCHLD, and those of the C library. */
bool value_signal_is_forwardable(int signo);

/* "soft:hard", "both", "unlimited"; sizes may have a unit.  `resource` stays as it is. */
int value_limit(const char *text, struct limit *out, struct fault *fault);

/* NAME=value words, set in `env`: later ones win. */
int value_environment(const char *text, struct strv *env, struct fault *fault);

/* "all" (*all is set), "none", or names of variables. */
int value_env_inherit(const char *text, bool *all, struct strv *names, struct fault *fault);

/* A path, taken as it is; or, when `quoted`, one word with quotes around or in it.  Appended to
 * `out`, absolute. */
int value_path(const char *text, bool quoted, const char *here, struct text *out,
               struct fault *fault);

/* The same for something that is not a folder: no slash at its end. */
int value_file(const char *text, bool quoted, const char *here, struct text *out,
               struct fault *fault);

/* A list of paths of environment files, a '-' before a path stays. */
int value_env_files(const char *text, const char *here, struct strv *out, struct fault *fault);

/* Whether `name` can be the name of a program or a group: 1 to 255 bytes of letters, digits, `_ . -
 * +` and UTF-8, the first neither '.' nor '-'. */
int value_name(const char *name, struct fault *fault);

/* Whether `name` can be the name of a variable: letters, digits, '_', no digit first. */
bool value_is_variable_name(const char *name);
