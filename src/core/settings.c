/* SPDX-License-Identifier: MIT */
/* Settings and their defaults.  Knows nothing of the file they were read from. */
#include "core/settings.h"

#include <signal.h>
#include <stdlib.h>

const char *const program_type_names[] = {
	[PROGRAM_SIMPLE] = "simple",
	[PROGRAM_FORKING] = "forking",
	[PROGRAM_ONESHOT] = "oneshot",
	NULL,
};
const char *const restart_policy_names[] = {
	[RESTART_ALWAYS] = "always",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_NEVER] = "never",
	NULL,
};
const char *const end_policy_names[] = {
	[END_IGNORE] = "ignore",
	[END_EXIT] = "exit",
	[END_STOP_GROUP] = "stop-group",
	NULL,
};
const char *const signal_scope_names[] = {
	[SCOPE_MAIN] = "main",
	[SCOPE_GROUP] = "group",
	[SCOPE_TREE] = "tree",
	NULL,
};
const char *const exit_when_names[] = {
	[EXIT_WHEN_NEVER] = "never",
	[EXIT_WHEN_ALL] = "all",
	[EXIT_WHEN_ANY] = "any",
	NULL,
};
const char *const condition_names[] = {
	[CONDITION_STARTED] = "started",
	[CONDITION_READY] = "ready",
	[CONDITION_DONE] = "done",
	NULL,
};

const char *const log_format_names[] = {
	[LOG_FORMAT_RAW] = "raw",
	[LOG_FORMAT_TIMESTAMP] = "timestamp",
	[LOG_FORMAT_PREFIX] = "prefix",
	[LOG_FORMAT_JSON] = "json",
	NULL,
};

const char *const log_stalled_names[] = {
	[LOG_STALLED_BLOCK] = "block",
	[LOG_STALLED_DROP] = "drop",
	NULL,
};

const char *const log_compress_names[] = {
	[LOG_COMPRESS_NO] = "no",
	[LOG_COMPRESS_GZIP] = "gzip",
	[LOG_COMPRESS_ZSTD] = "zstd",
	[LOG_COMPRESS_XZ] = "xz",
	NULL,
};

static const struct exit_set success_zero = { .codes = { 1 } };
static const struct stop_plan stop_term = { .count = 1,
	                                    .steps = { { .signal = SIGTERM, .wait_ms = 10000 } } };

void program_settings_defaults(struct program_settings *p)
{
	*p = (struct program_settings){
		.group = NO_GROUP,
		.stdin_stream = { .kind = STREAM_NULL },
		.stdout_stream = { .kind = STREAM_INHERIT },
		.stderr_stream = { .kind = STREAM_INHERIT },
		.log = { .max_age_ms = MSEC_NEVER, .keep = 10, .memory = 4096 },
		.pidfile_mode = 0644,
		.pidfile_uid = (uid_t)-1,
		.pidfile_gid = (gid_t)-1,
		.umask_value = -1,
		.autostart = true,
		.type = PROGRAM_SIMPLE,
		.restart = RESTART_ALWAYS,
		.kill = SCOPE_TREE,
		.forward_to = SCOPE_MAIN,
		.restart_jitter_percent = 10,
		.start_limit_count = 10,
		.start_limit_window_ms = 60000,
		.min_uptime_ms = 1000,
		.restart_delay_ms = 100,
		.restart_delay_max_ms = 30000,
		.ready_timeout_ms = 60000,
		.success_exit = &success_zero,
		.stop = &stop_term,
	};
}

struct settings *settings_new(void)
{
	struct settings *s = malloc(sizeof *s);

	if (!s)
		return NULL;
	*s = (struct settings){
		.arena = arena_new(),
		.log_target = LOG_TARGET_STDERR,
		.log_level = LOG_LEVEL_INFO,
		.exit_when = EXIT_WHEN_NEVER,
		.exit_code_from = NO_PROGRAM,
		.stop_deadline_ms = MSEC_NEVER,
		.control_gid = (gid_t)-1,
		.view_gid = (gid_t)-1,
	};
	if (!s->arena) {
		free(s);
		return NULL;
	}
	return s;
}

void settings_free(struct settings *s)
{
	struct settings_past *past;

	if (!s)
		return;
	while ((past = s->past)) {
		s->past = past->next;
		arena_free(past->arena);
		free(past);
	}
	free(s->programs);
	arena_free(s->arena);
	free(s);
}

const struct stream *program_stream(const struct program_settings *p, int fd)
{
	return fd == 2 && p->stderr_stream.kind != STREAM_STDOUT ? &p->stderr_stream
	                                                         : &p->stdout_stream;
}

/* what only somebody between the program and its log can do */
static bool asks_for_more(const struct log_policy *log)
{
	return log->format != LOG_FORMAT_RAW || log->stalled != LOG_STALLED_BLOCK;
}

static bool asks_for_rotation(const struct log_policy *log)
{
	return (log->max_size != LOG_SIZE_AUTO && log->max_size != LOG_SIZE_NONE) ||
	       log->max_age_ms != MSEC_NEVER;
}

bool program_is_captured(const struct program_settings *p, int fd)
{
	const struct stream *stream = program_stream(p, fd);

	switch (stream->kind) {
	case STREAM_NULL:
	case STREAM_STDOUT: return false;
	case STREAM_INHERIT: return asks_for_more(&p->log);
	case STREAM_FILE:
		return stream->shared || asks_for_more(&p->log) || asks_for_rotation(&p->log);
	case STREAM_SYSLOG:
	case STREAM_JOURNAL: return true;
	}
	return false;
}

uint64_t log_policy_max_size(const struct log_policy *log)
{
	return log->max_size == LOG_SIZE_AUTO ? LOG_SIZE_DEFAULT : log->max_size;
}

bool exit_set_has(const struct exit_set *set, int code, int signal)
{
	if (signal > 0)
		return signal <= 64 && (set->signals >> (signal - 1) & 1);
	return code >= 0 && code < 256 && (set->codes[code / 8] >> (code % 8) & 1);
}

void exit_set_add_code(struct exit_set *set, unsigned code)
{
	set->codes[code / 8 % 32] |= (uint8_t)(1u << (code % 8));
}

void exit_set_add_signal(struct exit_set *set, int signal)
{
	set->signals |= (uint64_t)1 << (signal - 1);
}
