/* SPDX-License-Identifier: MIT */
/* The table of keys, and how a key is found in it. */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "config/keytype.h"
#include "base/suggest.h"

enum { OPTION_NAME_MAX = 64 };

/* not the array of base/log.h, which has no end mark */
static const char *const log_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

enum { IN_PROGRAMS = KEY_IN_PROGRAM | KEY_IN_DEFAULTS };

#define TYPE(t)       .parse = keytype_parse_##t, .format = keytype_format_##t
#define VERGER(field) .places = KEY_IN_VERGER, .offset = offsetof(struct settings, field)
/* the fields from `first` to `last` are the key's */
#define FIELDS(first, last)                                                                        \
	.offset = offsetof(struct program_settings, first),                                        \
	.size = offsetof(struct program_settings, last) +                                          \
	        sizeof(((struct program_settings *)0)->last) -                                     \
	        offsetof(struct program_settings, first)
#define PROGRAM(field)              PROGRAM_FIELDS(field, field)
#define PROGRAM_FIELDS(first, last) .places = IN_PROGRAMS, FIELDS(first, last)
#define PROGRAM_ONLY(field)         .places = KEY_IN_PROGRAM, FIELDS(field, field)
#define LIMIT(word, number, text)                                                                  \
	{                                                                                          \
		.name = "limit_" word, PROGRAM(limits), .flags = KEY_RESTARTS | KEY_EMPTY,         \
		TYPE(limit), .min = number, .form = "SOFT[:HARD]", .help = text                    \
	}
#define LATER(word)                                                                                \
	{                                                                                          \
		.name = word, .places = IN_PROGRAMS, .flags = KEY_LATER                            \
	}

const struct key config_keys[] = {
	{ .name = "run_dir",
	  VERGER(run_dir),
	  .flags = KEY_FIXED,
	  .parse = keytype_parse_run_dir,
	  .format = keytype_format_folder,
	  .form = "FOLDER",
	  .default_text = "(/run/verger for root, $XDG_RUNTIME_DIR/verger for others)",
	  .help = "Folder of the PID files and the control socket; without one, there are none "
	          "unless they are named" },
	{ .name = "control_socket",
	  VERGER(control_socket),
	  .flags = KEY_FIXED,
	  TYPE(control_socket),
	  .form = "PATH",
	  .default_text = "${run_dir}/control.sock",
	  .help = "Socket that vergerctl talks to; empty for none" },
	{ .name = "control_group",
	  VERGER(control_gid),
	  .flags = KEY_EMPTY,
	  TYPE(role_group),
	  .form = "GROUP",
	  .help = "Name or number of the group whose members may start, stop and signal programs" },
	{ .name = "view_group",
	  VERGER(view_gid),
	  .flags = KEY_EMPTY,
	  TYPE(role_group),
	  .form = "GROUP",
	  .help = "Name or number of the group whose members may look" },
	{ .name = "pidfile",
	  VERGER(pidfile),
	  .flags = KEY_FIXED,
	  TYPE(verger_pidfile),
	  .form = "PATH",
	  .default_text = "${run_dir}/vergerd.pid",
	  .help = "PID file of vergerd itself, locked as long as it runs, so that a second vergerd "
	          "is refused; empty for none" },
	{ .name = "log",
	  VERGER(log_target),
	  TYPE(log),
	  .form = "stderr | syslog | PATH",
	  .default_text = "stderr",
	  .help = "Where vergerd's own log goes" },
	{ .name = "log_level",
	  VERGER(log_level),
	  TYPE(choice),
	  .names = log_names,
	  .form = "error | warning | info | debug",
	  .default_text = "info",
	  .help = "What is worth a line in the log" },
	{ .name = "exit_when",
	  VERGER(exit_when),
	  TYPE(choice),
	  .names = exit_when_names,
	  .form = "never | all | any",
	  .default_text = "never",
	  .help = "End vergerd when all programs have ended for good, or when the first one does" },
	{ .name = "exit_code_from",
	  VERGER(exit_code_from),
	  .flags = KEY_EMPTY,
	  .format = keytype_format_exit_code_from,
	  .form = "PROGRAM",
	  .default_text = "(the first that ended badly)",
	  .help = "Program whose exit status becomes that of vergerd" },
	{ .name = "stop_deadline",
	  VERGER(stop_deadline_ms),
	  TYPE(deadline),
	  .form = "DURATION | none",
	  .default_text = "none",
	  .help = "Longest time that a shutdown may take; what is left then is killed" },
	{ .name = "stop_delay",
	  VERGER(stop_delay_ms),
	  TYPE(duration),
	  .form = "DURATION",
	  .default_text = "0s",
	  .help = "Time between the request to shut down and the first stop, for load balancers to "
	          "look away" },
	{ .name = "environment",
	  VERGER(environment),
	  .flags = KEY_WORDS | KEY_EMPTY | KEY_ADDS | KEY_RESTARTS,
	  TYPE(environment),
	  .form = "NAME=value ...",
	  .help = "Environment of all programs; programs add to it and override it" },
	{ .name = "env_file",
	  VERGER(env_files),
	  .flags = KEY_WORDS | KEY_EMPTY | KEY_ADDS | KEY_RESTARTS,
	  TYPE(env_files),
	  .form = "[-]PATH ...",
	  .help = "Files of NAME=value lines for all programs, read at each start; with '-' a file "
	          "may be missing" },
	{ .name = "include",
	  .places = KEY_IN_VERGER,
	  .flags = KEY_WORDS | KEY_EMPTY,
	  .form = "PATTERN ...",
	  .help = "Further files, relative to this one and in sorted order; a pattern may match "
	          "nothing, a plain name must be there" },

	{ .name = "command",
	  PROGRAM_ONLY(command),
	  .flags = KEY_WORDS | KEY_RESTARTS | KEY_FILE_ONLY,
	  TYPE(words),
	  .form = "WORD ...",
	  .default_text = "(required)",
	  .help = "The program and its arguments, quoted as in a shell; it is looked up in its own "
	          "PATH, and no shell runs" },
	{ .name = "argv0",
	  PROGRAM(argv0),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(title),
	  .form = "TEXT",
	  .default_text = "(the first word of command)",
	  .help = "What the program is told to be called" },
	{ .name = "type",
	  PROGRAM(type),
	  .flags = KEY_RESTARTS,
	  TYPE(choice),
	  .names = program_type_names,
	  .form = "simple | forking | oneshot",
	  .default_text = "simple",
	  .help = "simple: the process started is the server; forking: it leaves a daemon behind "
	          "and exits; oneshot: it runs to its end" },
	{ .name = "directory",
	  PROGRAM(directory),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(folder),
	  .form = "FOLDER",
	  .default_text = "(that of vergerd)",
	  .help = "Working directory" },
	{ .name = "umask",
	  PROGRAM(umask_value),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(umask),
	  .form = "OCTAL",
	  .default_text = "(that of vergerd)",
	  .help = "File mode creation mask" },
	{ .name = "user",
	  PROGRAM(credentials),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(user),
	  .form = "USER",
	  .default_text = "(that of vergerd)",
	  .help = "Name or number of the user to run as, with that user's groups, HOME, USER, "
	          "LOGNAME and SHELL; a number without an entry runs in the group of the same "
	          "number" },
	{ .name = "group",
	  PROGRAM(credentials),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(group),
	  .form = "GROUP",
	  .default_text = "(that of user)",
	  .help = "Name or number of the primary group" },
	{ .name = "nice",
	  PROGRAM_FIELDS(nice_value, oom_set),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(nice),
	  .min = -20,
	  .max = 19,
	  .form = "NUMBER",
	  .default_text = "(that of vergerd)",
	  .help = "Scheduling priority, -20 to 19" },
	{ .name = "oom_score_adj",
	  PROGRAM_FIELDS(nice_value, oom_set),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(oom),
	  .min = -1000,
	  .max = 1000,
	  .form = "NUMBER",
	  .default_text = "(that of vergerd)",
	  .help = "How readily the kernel kills it when memory is out, -1000 to 1000" },
	{ .name = "environment",
	  PROGRAM(environment),
	  .flags = KEY_WORDS | KEY_EMPTY | KEY_ADDS | KEY_RESTARTS,
	  TYPE(environment),
	  .form = "NAME=value ...",
	  .help = "Variables added to the environment; those of [verger], [defaults] and the "
	          "program add up" },
	{ .name = "env_file",
	  PROGRAM(env_files),
	  .flags = KEY_WORDS | KEY_EMPTY | KEY_ADDS | KEY_RESTARTS,
	  TYPE(env_files),
	  .form = "[-]PATH ...",
	  .help = "Files of NAME=value lines, read at each start; with '-' a file may be missing" },
	{ .name = "env_inherit",
	  PROGRAM(env_inherit),
	  .flags = KEY_WORDS | KEY_RESTARTS,
	  TYPE(env_inherit),
	  .form = "all | none | NAME ...",
	  .default_text = "all",
	  .help = "Which variables of vergerd's own environment the program gets" },
	LIMIT("as", RLIMIT_AS, "Address space, in bytes"),
	LIMIT("core", RLIMIT_CORE, "Size of a core file, in bytes"),
	LIMIT("cpu", RLIMIT_CPU, "CPU time, in seconds"),
	LIMIT("data", RLIMIT_DATA, "Data segment, in bytes"),
	LIMIT("fsize", RLIMIT_FSIZE, "Size of a file, in bytes"),
	LIMIT("locks", RLIMIT_LOCKS, "File locks"),
	LIMIT("memlock", RLIMIT_MEMLOCK, "Locked memory, in bytes"),
	LIMIT("msgqueue", RLIMIT_MSGQUEUE, "POSIX message queues, in bytes"),
	LIMIT("nice", RLIMIT_NICE, "Ceiling of the nice value, as 20 minus that value"),
	LIMIT("nofile", RLIMIT_NOFILE, "Open files"),
	LIMIT("nproc", RLIMIT_NPROC, "Processes of the user"),
	LIMIT("rss", RLIMIT_RSS, "Resident set, in bytes (without effect on Linux)"),
	LIMIT("rtprio", RLIMIT_RTPRIO, "Real-time priority"),
	LIMIT("rttime", RLIMIT_RTTIME,
	      "CPU time of a real-time process without a pause, in microseconds"),
	LIMIT("sigpending", RLIMIT_SIGPENDING, "Signals that wait"),
	LIMIT("stack", RLIMIT_STACK, "Stack, in bytes"),
	{ .name = "no_new_privs",
	  PROGRAM(no_new_privs),
	  .flags = KEY_RESTARTS,
	  TYPE(bool),
	  .form = "yes | no",
	  .default_text = "no",
	  .help = "Whether set-user-ID programs have no effect below it" },
	{ .name = "stdin",
	  PROGRAM(stdin_stream),
	  .flags = KEY_RESTARTS,
	  TYPE(stream),
	  .form = "null | inherit | PATH",
	  .default_text = "null",
	  .help = "Standard input" },
	{ .name = "stdout",
	  PROGRAM(stdout_stream),
	  .flags = KEY_RESTARTS,
	  TYPE(stream),
	  .form = "inherit | null | PATH",
	  .default_text = "inherit",
	  .help = "Standard output; a file is appended to by the program itself" },
	{ .name = "stderr",
	  PROGRAM(stderr_stream),
	  .flags = KEY_RESTARTS,
	  TYPE(stream),
	  .form = "inherit | null | stdout | PATH",
	  .default_text = "inherit",
	  .help = "Standard error; stdout sends it where standard output goes" },
	{ .name = "enabled",
	  .places = IN_PROGRAMS,
	  .flags = KEY_FILE_ONLY,
	  .parse = keytype_parse_enabled,
	  .form = "yes | no",
	  .default_text = "yes",
	  .help = "With no, the program is checked and left out" },
	{ .name = "autostart",
	  PROGRAM(autostart),
	  TYPE(bool),
	  .form = "yes | no",
	  .default_text = "yes",
	  .help = "Whether vergerd starts it when it starts itself" },
	{ .name = "instances",
	  .places = KEY_IN_PROGRAM,
	  .flags = KEY_FILE_ONLY,
	  .parse = keytype_parse_instances,
	  .min = 1,
	  .max = 10000,
	  .form = "NUMBER",
	  .default_text = "1",
	  .help = "How many of it to run; with more than one they are called NAME:0, NAME:1 and so "
	          "on" },
	{ .name = "pidfile",
	  PROGRAM(pidfile),
	  .flags = KEY_RESTARTS,
	  TYPE(program_pidfile),
	  .form = "PATH",
	  .default_text = "${run_dir}/${program}.pid",
	  .help = "File that holds the PID of the main process as long as it runs, and is absent "
	          "otherwise; empty for none" },
	{ .name = "pidfile_mode",
	  PROGRAM(pidfile_mode),
	  .flags = KEY_RESTARTS,
	  TYPE(mode),
	  .form = "OCTAL",
	  .default_text = "0644",
	  .help = "Permissions of the PID file" },
	{ .name = "pidfile_owner",
	  PROGRAM_FIELDS(pidfile_uid, pidfile_gid),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(owner),
	  .form = "USER[:GROUP]",
	  .default_text = "(that of vergerd)",
	  .help = "Owner of the PID file" },
	{ .name = "main_pid_file",
	  PROGRAM_ONLY(main_pid_file),
	  .flags = KEY_RESTARTS | KEY_EMPTY,
	  TYPE(file),
	  .form = "PATH",
	  .help = "With type = forking: the PID file that the daemon writes itself" },
	{ .name = "restart",
	  PROGRAM(restart),
	  TYPE(choice),
	  .names = restart_policy_names,
	  .form = "always | on-failure | never",
	  .default_text = "always",
	  .help = "What to do when the program ends by itself" },
	{ .name = "success_exit",
	  PROGRAM(success_exit),
	  TYPE(exit_set),
	  .form = "CODE|SIGNAL ...",
	  .default_text = "0",
	  .help = "Exits that count as success" },
	{ .name = "min_uptime",
	  PROGRAM(min_uptime_ms),
	  TYPE(duration),
	  .form = "DURATION",
	  .default_text = "1s",
	  .help = "A program that ends sooner counts as not started" },
	{ .name = "restart_delay",
	  PROGRAM(restart_delay_ms),
	  TYPE(duration),
	  .form = "DURATION",
	  .default_text = "100ms",
	  .help = "Delay before the first repetition of a failed start; it doubles from there" },
	{ .name = "restart_delay_max",
	  PROGRAM(restart_delay_max_ms),
	  TYPE(duration),
	  .form = "DURATION",
	  .default_text = "30s",
	  .help = "Longest delay" },
	{ .name = "restart_jitter",
	  PROGRAM(restart_jitter_percent),
	  TYPE(percent),
	  .form = "PERCENT",
	  .default_text = "10%",
	  .help = "How much a delay may vary, so that many programs do not start at once" },
	{ .name = "start_limit",
	  PROGRAM_FIELDS(start_limit_count, start_limit_window_ms),
	  TYPE(start_limit),
	  .form = "COUNT/DURATION | none",
	  .default_text = "10/1m",
	  .help = "How many failed starts within that time before giving up" },
	{ .name = "on_exit",
	  PROGRAM(on_exit),
	  TYPE(choice),
	  .names = end_policy_names,
	  .form = "ignore | exit | stop-group",
	  .default_text = "ignore",
	  .help = "What to do when the program has ended for good: nothing, shut down and exit "
	          "with its status, or stop its group" },
	{ .name = "on_failure",
	  PROGRAM(on_failure),
	  TYPE(choice),
	  .names = end_policy_names,
	  .form = "ignore | exit | stop-group",
	  .default_text = "ignore",
	  .help = "The same when it has failed for good" },
	{ .name = "stop_signal",
	  PROGRAM(stop),
	  TYPE(stop_signal),
	  .form = "SIGNAL[/DURATION] ...",
	  .default_text = "TERM/10s",
	  .help = "Signals that ask it to stop, each with the time to wait before the next; what "
	          "is left after the last is killed" },
	{ .name = "stop_timeout",
	  PROGRAM(stop),
	  .parse = keytype_parse_stop_timeout,
	  .form = "DURATION",
	  .default_text = "10s",
	  .help = "Time to wait after a signal of stop_signal that names none" },
	{ .name = "stop_command",
	  PROGRAM(stop_command),
	  .flags = KEY_WORDS | KEY_EMPTY,
	  TYPE(words),
	  .form = "WORD ...",
	  .help = "Command run instead of the first stop signal" },
	{ .name = "kill",
	  PROGRAM(kill),
	  TYPE(choice),
	  .names = signal_scope_names,
	  .form = "tree | group | main",
	  .default_text = "tree",
	  .help = "Which processes get the stop signals: all of the program, its process group, or "
	          "the main one" },
	{ .name = "forward_signals",
	  PROGRAM_ONLY(forward),
	  .flags = KEY_EMPTY,
	  TYPE(forward),
	  .form = "SIGNAL[:SIGNAL|:0] ... | all | none",
	  .default_text = "none",
	  .help = "Signals to vergerd that this program gets instead, as another one after ':', or "
	          "not at all with :0; TERM, INT and QUIT (and all) need on_exit = exit" },
	{ .name = "forward_to",
	  PROGRAM(forward_to),
	  TYPE(choice),
	  .names = signal_scope_names,
	  .form = "main | group | tree",
	  .default_text = "main",
	  .help = "Which processes get forwarded signals" },
	{ .name = "reload_signal",
	  PROGRAM(reload_signal),
	  .flags = KEY_EMPTY | KEY_FILE_ONLY,
	  TYPE(reload_signal),
	  .form = "SIGNAL",
	  .help = "Signal to the main process that has it read its own files again, for "
	          "vergerctl reload NAME" },
	{ .name = "reload_command",
	  PROGRAM(reload_command),
	  .flags = KEY_WORDS | KEY_EMPTY | KEY_FILE_ONLY,
	  TYPE(words),
	  .form = "WORD ...",
	  .help = "Command that does the same, instead of a signal" },
	{ .name = "on_state_change",
	  PROGRAM(on_state_change),
	  .flags = KEY_WORDS | KEY_EMPTY,
	  TYPE(words),
	  .form = "WORD ...",
	  .help = "Command run after each change of state, with the facts in its environment; "
	          "nothing waits for it" },
	{ .name = "ready",
	  .places = IN_PROGRAMS,
	  .parse = keytype_parse_ready,
	  .form = "exec",
	  .default_text = "exec",
	  .help = "When it is ready: exec, as soon as it runs" },
	{ .name = "ready_timeout",
	  PROGRAM(ready_timeout_ms),
	  TYPE(duration),
	  .form = "DURATION",
	  .default_text = "1m",
	  .help = "How long it may take to become ready" },
	{ .name = "requires",
	  PROGRAM(depends),
	  .flags = KEY_WORDS | KEY_EMPTY,
	  TYPE(requires),
	  .form = "PROGRAM[:started|:ready|:done] ...",
	  .help = "Programs that must have come that far before it starts; ready if not said, done "
	          "for a oneshot" },
	{ .name = "after",
	  PROGRAM(depends),
	  .flags = KEY_WORDS | KEY_EMPTY,
	  TYPE(after),
	  .form = "PROGRAM[:started|:ready|:done] ...",
	  .help = "The same, but only for those that are to run as well" },

	{ .name = "programs",
	  .places = KEY_IN_GROUP,
	  .flags = KEY_WORDS,
	  .form = "PROGRAM ...",
	  .default_text = "(required)",
	  .help = "Members of the group" },

	LATER("health"),
	LATER("health_interval"),
	LATER("health_timeout"),
	LATER("health_failures"),
	LATER("on_unhealthy"),
	LATER("restart_with"),
	LATER("listen"),
	LATER("rolling"),
	LATER("log_max_size"),
	LATER("log_max_age"),
	LATER("log_keep"),
	LATER("log_compress"),
	LATER("log_format"),
	LATER("log_stalled"),
	LATER("memory_max"),
	LATER("cpu_max"),
	LATER("pids_max"),
	LATER("cgroup"),
	LATER("capabilities"),
};

const size_t config_key_count = ARRAY_SIZE(config_keys);

const struct key *key_find(const char *name, enum key_place place)
{
	const struct key *elsewhere = NULL;

	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		if (*key->name != *name || strcmp(key->name, name) != 0)
			continue;
		if (key->places & place)
			return key;
		elsewhere = key;
	}
	return elsewhere;
}

const struct key *key_find_option(const char *name)
{
	char own[OPTION_NAME_MAX];
	const struct key *key;

	if (strlen(name) >= sizeof own)
		return NULL;
	snprintf(own, sizeof own, "%s", strcmp(name, "forward") != 0 ? name : "forward_signals");
	for (char *p = own; *p; p++)
		if (*p == '-')
			*p = '_';
	key = key_find(own, KEY_IN_PROGRAM);
	return key && key->places & KEY_IN_PROGRAM && !(key->flags & (KEY_LATER | KEY_FILE_ONLY))
	               ? key
	               : NULL;
}

const char *key_suggest(const char *name, enum key_place place, char *out, size_t size)
{
	char text[SUGGESTION_SIZE];
	struct suggestion s;

	suggestion_init(&s, name);
	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].places & place && !(config_keys[i].flags & KEY_LATER))
			suggestion_offer(&s, config_keys[i].name);
	snprintf(out, size, "%s", suggestion_format(&s, text));
	return out;
}
