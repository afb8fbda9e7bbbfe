/* SPDX-License-Identifier: MIT */
/* What the operator asked for, validated: the result of reading a configuration, and all that core
 * knows of it.  What the pointers lead to lives in one arena and is never changed after it was
 * made; a reload (supervisor_reload) puts new values into the structures themselves, so that
 * whoever borrows them sees what holds now. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

enum program_type {
	PROGRAM_SIMPLE,  /* the process started is the server */
	PROGRAM_FORKING, /* the process started leaves a daemon behind and exits 0 */
	PROGRAM_ONESHOT, /* runs to an end; success means done */
};

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };

/* What the end of a program for good means for others (X1). */
enum end_policy { END_IGNORE, END_EXIT, END_STOP_GROUP };

/* Which processes of a program a signal goes to. */
enum signal_scope {
	SCOPE_MAIN,  /* the main process */
	SCOPE_GROUP, /* the process group of the main process */
	SCOPE_TREE,  /* every process of the program's family */
};

/* When vergerd ends by itself. */
enum exit_when { EXIT_WHEN_NEVER, EXIT_WHEN_ALL, EXIT_WHEN_ANY };

/* What a dependency must have reached. */
enum condition { CONDITION_STARTED, CONDITION_READY, CONDITION_DONE };

/* One step of a stop: send `signal`, wait `wait_ms` for the family to be gone, go on to the next.
 * After the last step everything left is killed. */
struct stop_step {
	int signal;
	msec_t wait_ms;
};

struct stop_plan {
	size_t count; /* at least 1 */
	struct stop_step steps[];
};

/* A signal vergerd receives and what the program gets instead of it; to = 0 drops it. */
struct forward_rule {
	int from, to;
};

struct forward_rules {
	size_t count;
	struct forward_rule rules[];
};

/* Exits that count as success. */
struct exit_set {
	uint8_t codes[32]; /* bit N%8 of byte N/8: exit code N */
	uint64_t signals;  /* bit N-1: death by signal N */
};

struct limit {
	int resource; /* RLIMIT_… */
	uint64_t soft, hard;
	bool hard_given; /* "N" alone sets both */
};

struct limits {
	size_t count;
	struct limit items[];
};

/* Who the program runs as.  Ids are resolved when the file is read. */
struct credentials {
	bool set_user, set_group;
	uid_t uid;
	gid_t gid;
	const char *user_name; /* as in passwd; NULL for a number without entry */
	const char *home, *shell;
	size_t group_count;
	gid_t groups[]; /* supplementary groups */
};

enum stream_kind {
	STREAM_NULL,    /* /dev/null */
	STREAM_INHERIT, /* vergerd's own */
	STREAM_FILE,    /* `path`: read for stdin, appended to otherwise */
	STREAM_STDOUT,  /* stderr only: the same as stdout */
	STREAM_SYSLOG,  /* the system log, /dev/log */
	STREAM_JOURNAL, /* systemd's journal, by its own protocol */
};

struct stream {
	enum stream_kind kind;
	bool shared; /* another program writes to the same file */
	const char *path;
};

/* What a line looks like in a log. */
enum log_format {
	LOG_FORMAT_RAW,       /* as it was written */
	LOG_FORMAT_TIMESTAMP, /* RFC 3339, and as it was written */
	LOG_FORMAT_PREFIX,    /* the program's name, and as it was written */
	LOG_FORMAT_JSON,      /* an object (JSON Lines) */
};

/* What becomes of the output of a program whose log takes nothing. */
enum log_stalled {
	LOG_STALLED_BLOCK, /* it waits in a pipe, and so does the program when that is full */
	LOG_STALLED_DROP,  /* it is counted */
};

enum log_compress { LOG_COMPRESS_NO, LOG_COMPRESS_GZIP, LOG_COMPRESS_ZSTD, LOG_COMPRESS_XZ };

#define LOG_SIZE_NONE UINT64_MAX    /* log_max_size = none */
#define LOG_SIZE_AUTO ((uint64_t)0) /* not said */
#define LOG_SIZE_DEFAULT                                                                           \
	((uint64_t)50 * 1048576) /* what that means where vergerd writes the file */

/* How a program's output is kept (docs/adr/0012). */
struct log_policy {
	uint64_t max_size; /* bytes, LOG_SIZE_AUTO or LOG_SIZE_NONE */
	msec_t max_age_ms; /* MSEC_NEVER = none */
	unsigned keep;     /* rotated files */
	unsigned memory;   /* bytes of the last lines that are kept in memory; 0 = none */
	enum log_compress compress;
	enum log_format format;
	enum log_stalled stalled;
};

struct dependency {
	uint32_t program; /* index in settings.programs */
	enum condition condition;
	bool required; /* requires: wait for it whatever happens; after: only if it is to run as
	                  well */
};

struct dependencies {
	size_t count;
	struct dependency items[];
};

#define NO_GROUP   UINT32_MAX
#define NO_PROGRAM UINT32_MAX

/* One program; for `instances = N` there are N of these.  Strings are borrowed from the arena,
 * often shared. */
struct program_settings {
	const char *name;    /* "web", or "web:0" with instances */
	const char *section; /* "web" */
	const char *file;    /* where [program:web] stands */
	unsigned line;
	unsigned instance;
	unsigned generation; /* of the settings whose arena holds it (struct settings) */
	uint32_t group;      /* index in settings.groups or NO_GROUP */

	/* identity and surroundings: how it is started */
	char *const *command;                  /* words, NULL-terminated, at least one */
	const char *argv0;                     /* NULL = the command */
	const char *directory;                 /* NULL = vergerd's */
	const struct credentials *credentials; /* NULL = vergerd's */
	const struct limits *limits;           /* NULL = vergerd's */
	char *const *environment;              /* NAME=value, NULL-terminated; NULL = none */
	char *const *
		env_files; /* paths, "-" before = may be missing; read at each start; NULL = none */
	char *const *env_inherit; /* NULL = all; else names, may be empty for none */
	struct stream stdin_stream, stdout_stream, stderr_stream;
	struct log_policy log;
	const char *pidfile;       /* absolute; NULL = none */
	const char *main_pid_file; /* absolute; NULL = none; forking only */
	const char *cgroup;        /* reserved for a later version */
	mode_t pidfile_mode;
	uid_t pidfile_uid; /* (uid_t)-1 = as created */
	gid_t pidfile_gid; /* (gid_t)-1 = as created */
	int umask_value;   /* -1 = vergerd's */
	int nice_value;
	int oom_score_adj;
	bool nice_set, oom_set;
	bool no_new_privs;
	bool take_terminal; /* own group, in the foreground of our terminal, instead of an own
	                       session */

	/* policy: what core decides by */
	bool autostart;
	enum program_type type;
	enum restart_policy restart;
	enum end_policy on_exit, on_failure;
	enum signal_scope kill;
	enum signal_scope forward_to;
	unsigned restart_jitter_percent;
	unsigned start_limit_count; /* 0 = never give up */
	msec_t start_limit_window_ms;
	msec_t min_uptime_ms;
	msec_t restart_delay_ms, restart_delay_max_ms;
	msec_t ready_timeout_ms;
	const struct exit_set *success_exit;
	const struct stop_plan *stop;
	char *const *stop_command;    /* words, run instead of the first stop signal; NULL = none */
	char *const *reload_command;  /* words, what `vergerctl reload NAME` runs; NULL = none */
	int reload_signal;            /* what it sends instead; 0 = none */
	char *const *on_state_change; /* words, run after each change of state; NULL = none */
	const struct forward_rules *forward; /* NULL = none */
	const struct dependencies *depends;  /* NULL = none */
};

struct group_settings {
	const char *name;
	size_t count;
	const uint32_t *programs; /* indices in settings.programs */
};

enum log_target { LOG_TARGET_STDERR, LOG_TARGET_FILE, LOG_TARGET_SYSLOG, LOG_TARGET_JOURNAL };

/* Settings that were replaced and that some program still lives by. */
struct settings_past {
	struct settings_past *next;
	struct arena *arena;
	unsigned generation;
	uint32_t users; /* program_settings of this generation */
};

struct settings {
	struct arena *arena;        /* owns everything below but `programs` */
	struct settings_past *past; /* owned; after a reload only (supervisor_reload) */
	unsigned generation;        /* counts reloads */

	const char *file;           /* the main file; NULL for `vergerd -- CMD` */
	const char *run_dir;        /* absolute; NULL = none was given and none can be had */
	bool run_dir_given;         /* the operator named it: not having it is a fault */
	const char *control_socket; /* absolute; NULL = none */
	gid_t control_gid;          /* may operate (B4); (gid_t)-1 = nobody */
	gid_t view_gid;             /* may look; (gid_t)-1 = nobody */
	const char *pidfile;        /* vergerd's own; NULL = none */
	enum log_target log_target;
	const char *log_path;
	enum log_level log_level;
	bool log_json; /* vergerd's own lines are JSON objects */
	enum exit_when exit_when;
	uint32_t exit_code_from; /* program or NO_PROGRAM */
	msec_t stop_deadline_ms; /* MSEC_NEVER = none */
	msec_t stop_delay_ms;
	char *const *environment; /* for all programs; NULL = none */
	char *const *env_files;

	size_t program_count;
	struct program_settings *programs; /* malloc'ed, owned: their places outlive a reload; one
	                                      that has no name is free */
	size_t group_count;
	struct group_settings *groups;
};

/* The defaults of the native dialect, for one program (config.md): everything but name and command.
 */
void program_settings_defaults(struct program_settings *p);

/* The defaults of [verger], with an empty arena and no program; NULL when memory is out. */
struct settings *settings_new(void);
void settings_free(struct settings *s);

/* Whether an exit (a code, or a signal when `signal` > 0) is in the set. */
bool exit_set_has(const struct exit_set *set, int code, int signal);
void exit_set_add_code(struct exit_set *set, unsigned code);
void exit_set_add_signal(struct exit_set *set, int signal);

/* The stream behind descriptor `fd` (1 or 2) of a program: for stderr = stdout, stdout's. */
const struct stream *program_stream(const struct program_settings *p, int fd);

/* Whether what the program writes to descriptor `fd` (1 or 2) goes through vergerd.  Where nothing
 * is asked for that takes vergerd, the program has the file or vergerd's own stream itself: that
 * costs nothing and outlives vergerd. */
bool program_is_captured(const struct program_settings *p, int fd);

/* The size at which a captured log is rotated; LOG_SIZE_NONE = never. */
uint64_t log_policy_max_size(const struct log_policy *log);

/* Names of the enums above as they stand in the file, NULL-terminated. */
extern const char *const program_type_names[];
extern const char *const restart_policy_names[];
extern const char *const end_policy_names[];
extern const char *const signal_scope_names[];
extern const char *const exit_when_names[];
extern const char *const condition_names[];
extern const char *const log_format_names[];
extern const char *const log_stalled_names[];
extern const char *const log_compress_names[];
