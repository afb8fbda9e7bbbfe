/* SPDX-License-Identifier: MIT */
/* Plans of starts: environment, command, directory, streams, PID file; and sentences for what went
 * wrong.  Knows nothing of how a process is made.
 *
 * Files are opened here and not in the child, without ever waiting for a peer: a FIFO without
 * reader would stop the child and whoever waits for it. */
#include "os/spawn_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/capture.h"
#include "os/proc.h"

enum {
	SCRIPT_LINE_MAX = 256, /* as much of a first line as the kernel looks at */
	ENV_ERROR_MAX = 256,
	STREAM_FILE_MODE = 0644,
};

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

static const char *const stream_names[] = { "stdin", "stdout", "stderr" };
static const enum spawn_step stream_steps[] = { SPAWN_STEP_STDIN, SPAWN_STEP_STDOUT,
	                                        SPAWN_STEP_STDERR };

__attribute__((format(printf, 2, 3))) static void say(char *detail, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(detail, PLAN_DETAIL_MAX, format, args);
	va_end(args);
}

/* ---- environment ---- */

struct env {
	char **items; /* NULL-terminated */
	size_t count, capacity;
	struct strv *owned;
};

static size_t count_strings(char *const *strings)
{
	size_t n = 0;

	while (strings && strings[n])
		n++;
	return n;
}

static int env_reserve(struct env *env, size_t capacity)
{
	char **items = realloc(env->items, capacity * sizeof *items);

	if (!items)
		return -ENOMEM;
	env->items = items;
	env->capacity = capacity;
	return 0;
}

static int env_append(struct env *env, char *pair)
{
	if (env->count + 2 > env->capacity) {
		int r = env_reserve(env, env->capacity * 2 + 8);

		if (r < 0)
			return r;
	}
	env->items[env->count++] = pair;
	env->items[env->count] = NULL;
	return 0;
}

/* in place of an earlier one of that name */
static int env_put(struct env *env, char *pair)
{
	size_t n = strcspn(pair, "=");

	for (size_t i = 0; i < env->count; i++) {
		if (!strncmp(env->items[i], pair, n) && env->items[i][n] == '=') {
			env->items[i] = pair;
			return 0;
		}
	}
	return env_append(env, pair);
}

static void env_remove(struct env *env, const char *name)
{
	size_t n = strlen(name), kept = 0;

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], name, n) != 0 || env->items[i][n] != '=')
			env->items[kept++] = env->items[i];
	env->count = kept;
	env->items[kept] = NULL;
}

/* sets name=value, or removes it when value is NULL */
static int env_set(struct env *env, const char *name, const char *value)
{
	char *pair;
	int r;

	if (!value) {
		env_remove(env, name);
		return 0;
	}
	if (asprintf(&pair, "%s=%s", name, value) < 0)
		return -ENOMEM;
	r = strv_add_taken(env->owned, pair);
	return r < 0 ? r : env_put(env, pair);
}

static int env_put_all(struct env *env, char *const *pairs)
{
	int r = 0;

	for (size_t i = 0; pairs && pairs[i] && r == 0; i++)
		r = env_put(env, pairs[i]);
	return r;
}

/* what was told to vergerd about vergerd */
static bool is_private(const char *pair)
{
	static const char *const starts[] = { "NOTIFY_SOCKET=", "WATCHDOG_",       "LISTEN_FDS=",
		                              "LISTEN_PID=",    "LISTEN_FDNAMES=", "VERGER_" };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (*pair == *starts[i] && !strncmp(pair, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static bool is_listed(const char *pair, char *const *names)
{
	size_t n = strcspn(pair, "=");

	for (size_t i = 0; names[i]; i++)
		if (!strncmp(pair, names[i], n) && names[i][n] == '\0')
			return true;
	return false;
}

static int env_inherit(struct env *env, char *const *pairs, char *const *names)
{
	int r = 0;

	for (size_t i = 0; pairs && pairs[i] && r == 0; i++)
		if (!is_private(pairs[i]) && (!names || is_listed(pairs[i], names)))
			r = env_append(env, pairs[i]);
	return r;
}

/* Names of the account; where there is none, nothing that speaks of another one. */
static int env_set_account(struct env *env, const struct credentials *who)
{
	const struct {
		const char *name, *value;
	} pairs[] = {
		{ "HOME", who->home ? who->home : "/" },
		{ "USER", who->user_name },
		{ "LOGNAME", who->user_name },
		{ "SHELL", who->shell },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pairs) && r == 0; i++)
		r = env_set(env, pairs[i].name, pairs[i].value);
	return r;
}

/* moves the strings to the plan */
static int env_take_all(struct env *env, struct strv *pairs)
{
	int r = 0;

	for (size_t i = 0; i < pairs->count; i++) {
		char *pair = pairs->items[i];

		if (r < 0)
			free(pair);
		else
			r = strv_add_taken(env->owned, pair);
		if (r == 0)
			r = env_put(env, pair);
	}
	pairs->count = 0;
	strv_release(pairs);
	return r;
}

static int env_load_file(struct env *env, const char *name, const struct spawn_surroundings *around,
                         char *detail)
{
	bool optional = *name == '-';
	const char *path = name + optional;
	char reason[ENV_ERROR_MAX] = "";
	struct strv pairs = STRV_INIT;
	int r = around->load_env_file ? around->load_env_file(path, &pairs, reason, sizeof reason)
	                              : -ENOSYS;

	if (r >= 0)
		return env_take_all(env, &pairs);
	strv_release(&pairs);
	if (r == -ENOENT && optional)
		return 0;
	say(detail, "environment file %s: %s", path, *reason ? reason : strerror(-r));
	return r;
}

static int env_load_files(struct env *env, char *const *names,
                          const struct spawn_surroundings *around, char *detail)
{
	int r = 0;

	for (size_t i = 0; names && names[i] && r == 0; i++)
		r = env_load_file(env, names[i], around, detail);
	return r;
}

/* how the program can tell where it runs, and how its processes are known */
static int env_set_marks(struct env *env, const struct program_settings *program,
                         const char *family)
{
	char instance[16];
	int r = env_set(env, "VERGER_PROGRAM", program->name);

	snprintf(instance, sizeof instance, "%u", program->instance);
	if (r == 0)
		r = env_set(env, "VERGER_INSTANCE", instance);
	if (r == 0 && family)
		r = env_set(env, "VERGER_FAMILY", family);
	return r;
}

static int fill_env(struct env *env, const struct program_settings *program,
                    const struct spawn_surroundings *around, char *detail)
{
	const struct settings *all = around->settings;
	int r = env_inherit(env, around->environ, program->env_inherit);

	if (r == 0 && program->credentials && program->credentials->set_user)
		r = env_set_account(env, program->credentials);
	if (r == 0 && all)
		r = env_load_files(env, all->env_files, around, detail);
	if (r == 0 && all)
		r = env_put_all(env, all->environment);
	if (r == 0)
		r = env_load_files(env, program->env_files, around, detail);
	if (r == 0)
		r = env_put_all(env, program->environment);
	if (r == 0)
		r = env_set_marks(env, program, around->family);
	return r;
}

static int make_environment(struct spawn_plan *plan, const struct spawn_surroundings *around,
                            char *detail)
{
	struct env env = { .owned = &plan->owned_env };
	size_t expected = count_strings(around->environ) +
	                  count_strings(plan->program->environment) +
	                  (around->settings ? count_strings(around->settings->environment) : 0) + 8;
	int r = env_reserve(&env, expected);

	if (r == 0) {
		env.items[0] = NULL;
		r = fill_env(&env, plan->program, around, detail);
	}
	plan->envp = env.items;
	if (r == -ENOMEM)
		say(detail, "environment: %s", strerror(ENOMEM));
	return r;
}

/* ---- command ---- */

/* the directory that relative paths count from */
static int base_dir(const struct spawn_plan *plan)
{
	return plan->dir_fd >= 0 ? plan->dir_fd : AT_FDCWD;
}

/* Whether `path` can be executed.  0, or negative errno; a directory is as good as nothing. */
static int check_candidate(int dir_fd, const char *path)
{
	struct stat st;

	if (fstatat(dir_fd, path, &st, 0) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -ENOENT;
	return faccessat(dir_fd, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Looks `name` up as execvp does.  0 with *found (malloc'ed); -ENOENT; -EACCES with *found for a
 * file that is there but may not be executed. */
static int search_path(int dir_fd, const char *name, const char *path, char **found)
{
	char candidate[PATH_MAX];
	int result = -ENOENT;

	for (const char *dir = path, *end;; dir = end + 1) {
		end = strchrnul(dir, ':');
		int n = snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)(end - dir), dir,
		                 end == dir ? "./" : "/", name);
		int r = n < (int)sizeof candidate ? check_candidate(dir_fd, candidate)
		                                  : -ENAMETOOLONG;

		if (r == 0 || (r == -EACCES && result == -ENOENT)) {
			free(*found);
			*found = strdup(candidate);
			result = *found ? r : -ENOMEM;
		}
		if (r == 0 || *end == '\0')
			return result;
	}
}

static int find_command(struct spawn_plan *plan, char *detail)
{
	const char *name = plan->program->command[0];
	const char *path;
	int r;

	if (strchr(name, '/')) {
		plan->path = name; /* execve itself says whether it is there */
		return 0;
	}
	path = strv_find_env(plan->envp, "PATH");
	if (!path)
		path = default_path;
	r = *name ? search_path(base_dir(plan), name, path, &plan->owned_path) : -ENOENT;
	plan->path = plan->owned_path;
	if (r == -ENOENT)
		say(detail, "command %s: not found in PATH %s", name, path);
	else if (r == -EACCES)
		say(detail, "command %s: %s (%s is not executable)", name, strerror(EACCES),
		    plan->path);
	else if (r < 0)
		say(detail, "command %s: %s", name, strerror(-r));
	return r;
}

static int make_arguments(struct spawn_plan *plan, char *detail)
{
	char *const *command = plan->program->command;
	size_t n = count_strings(command);

	plan->argv = command;
	if (!plan->program->argv0)
		return 0;
	plan->owned_argv = calloc(n + 1, sizeof *plan->owned_argv);
	if (!plan->owned_argv) {
		say(detail, "command %s: %s", command[0], strerror(ENOMEM));
		return -ENOMEM;
	}
	memcpy(plan->owned_argv, command, n * sizeof *command);
	plan->owned_argv[0] = (char *)plan->program->argv0; /* execve does not write to it */
	plan->argv = plan->owned_argv;
	return 0;
}

/* ---- directory and streams ---- */

static int open_directory(struct spawn_plan *plan, char *detail)
{
	int r;

	if (!plan->program->directory)
		return 0;
	plan->dir_fd = open(plan->program->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->dir_fd >= 0)
		return 0;
	r = -errno;
	say(detail, "directory %s: %s", plan->program->directory, strerror(-r));
	return r;
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* A descriptor that is closed on exec, or negative errno. */
static int open_patiently(struct capture *capture, const char *path, int flags)
{
	int fd;

	if (capture)
		return capture_open_direct(capture, path, flags, STREAM_FILE_MODE);
	fd = open(path, flags | O_CLOEXEC, STREAM_FILE_MODE);
	return fd < 0 ? -errno : fd;
}

/* Opens without waiting for a peer, and then lets the program wait. */
static int open_file(struct capture *capture, const char *path, bool writing)
{
	int flags = writing ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY;
	int fd = open_patiently(capture, path, flags | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return fd;
	if (!writing && is_kind(path, S_IFDIR))
		r = -EISDIR;
	else
		r = fcntl(fd, F_SETFL, writing ? O_APPEND : 0) < 0 ? -errno : fd;
	if (r < 0)
		close(fd);
	return r;
}

static int open_stream_file(struct capture *capture, const char *path, int index, char *detail)
{
	int fd = open_file(capture, path, index > 0);

	if (fd == -ETIMEDOUT)
		say(detail, "%s %s: does not answer", stream_names[index], path);
	else if (fd == -ENXIO && is_kind(path, S_IFIFO))
		say(detail, "%s %s: nobody has opened this FIFO for reading", stream_names[index],
		    path);
	else if (fd < 0)
		say(detail, "%s %s: %s", stream_names[index], path, strerror(-fd));
	return fd;
}

static int open_null(struct spawn_plan *plan, int index, int null_fd, char *detail)
{
	int r;

	if (null_fd > 0) {
		plan->stdio[index] = null_fd;
		return 0;
	}
	plan->stdio[index] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (plan->stdio[index] < 0) {
		r = -errno;
		say(detail, "%s /dev/null: %s", stream_names[index], strerror(-r));
		return r;
	}
	plan->owned_stdio[index] = true;
	return 0;
}

/* What the program writes goes through vergerd. */
static int open_captured(struct spawn_plan *plan, const struct spawn_surroundings *around,
                         int index, const struct stream *stream, char *detail)
{
	const char *target = stream->kind == STREAM_FILE ? stream->path : "of vergerd";
	char reason[PLAN_DETAIL_MAX];
	int fd = capture_open(around->capture, plan->program, around->id, index, reason,
	                      sizeof reason);

	if (fd < 0) {
		say(detail, "%s %s: %s", stream_names[index], target, reason);
		return fd;
	}
	plan->stdio[index] = fd;
	plan->owned_stdio[index] = true;
	return 0;
}

static int open_stream(struct spawn_plan *plan, int index, const struct stream *stream,
                       const struct spawn_surroundings *around, char *detail)
{
	int fd;

	if (index > 0 && stream->kind != STREAM_STDOUT && around->capture &&
	    program_is_captured(plan->program, index))
		return open_captured(plan, around, index, stream, detail);
	switch (stream->kind) {
	case STREAM_INHERIT: return 0; /* as it is by default */
	case STREAM_STDOUT: plan->stdio[index] = plan->stdio[1]; return 0;
	case STREAM_NULL: return open_null(plan, index, around->null_fd, detail);
	case STREAM_SYSLOG:
	case STREAM_JOURNAL: return -EOPNOTSUPP;
	case STREAM_FILE:
		fd = open_stream_file(around->capture, stream->path, index, detail);
		if (fd < 0)
			return fd;
		plan->stdio[index] = fd;
		plan->owned_stdio[index] = true;
		return 0;
	}
	return -EINVAL;
}

static int open_streams(struct spawn_plan *plan, const struct spawn_surroundings *around,
                        char *detail, enum spawn_step *step)
{
	const struct stream *streams[] = { &plan->program->stdin_stream,
		                           &plan->program->stdout_stream,
		                           &plan->program->stderr_stream };
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		*step = stream_steps[i];
		r = open_stream(plan, i, streams[i], around, detail);
	}
	return r;
}

/* ---- PID file ---- */

/* Whether the directory is to blame; the sentence is written then. */
static bool say_pidfile_directory(char *detail, const char *path, int error)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof dir, "%.*s", slash > path ? (int)(slash - path) : 1, path);
	if (stat(dir, &st) < 0) {
		if (error != ENOENT)
			return false;
		say(detail, "pidfile %s: the directory %s does not exist", path, dir);
		return true;
	}
	if (error != EPERM || !(st.st_mode & S_IWOTH) || (st.st_mode & S_ISVTX))
		return false;
	say(detail,
	    "pidfile %s: the directory %s may be written by everybody (mode %04o, no sticky bit)",
	    path, dir, (unsigned)(st.st_mode & 07777));
	return true;
}

/* what is wrong with the thing that stands at the path */
static const char *pidfile_reason(const char *path, int error)
{
	switch (error) {
	case ELOOP: return "is a symbolic link, which is never followed";
	case EISDIR: return "is a directory";
	case EINVAL:
		return is_kind(path, S_IFREG) ? "holds something else than a PID and is left alone"
		                              : "is not a regular file";
	default: return strerror(error);
	}
}

static void say_owner(char *detail, const char *path, pid_t owner)
{
	struct proc_stat stat;

	say(detail, "pidfile %s: names the living process %d (%s), which vergerd did not start",
	    path, (int)owner, proc_stat_read(owner, &stat) == 0 ? stat.name : "unknown");
}

static void say_pidfile(char *detail, const char *path, int error, pid_t owner)
{
	if (owner > 0)
		say_owner(detail, path, owner);
	else if (!say_pidfile_directory(detail, path, error))
		say(detail, "pidfile %s: %s", path, pidfile_reason(path, error));
}

static int prepare_pidfile(struct spawn_plan *plan, const struct spawn_surroundings *around,
                           char *detail)
{
	const struct program_settings *program = plan->program;
	const char *run_dir = around->settings ? around->settings->run_dir : NULL;
	pid_t owner;
	int r;

	if (!program->pidfile)
		return 0;
	plan->pidfile.mode = program->pidfile_mode;
	plan->pidfile.uid = program->pidfile_uid;
	plan->pidfile.gid = program->pidfile_gid;
	r = pidfile_prepare(around->dirs, program->pidfile, run_dir, &plan->pidfile, &owner);
	if (r < 0)
		say_pidfile(detail, program->pidfile, -r, owner);
	if (program->type == PROGRAM_FORKING)
		plan->pidfile.dir_fd = -1; /* the launcher's PID is nobody's business */
	return r;
}

/* ---- the whole ---- */

/* Without privileges, a program that is to run as we do needs no change (and may not ask for one).
 */
static bool must_change_ids(const struct credentials *who)
{
	if (!who || (!who->set_user && !who->set_group))
		return false;
	return geteuid() == 0 || (who->set_user && who->uid != geteuid()) ||
	       (who->set_group && who->gid != getegid());
}

static int make_parts(struct spawn_plan *plan, const struct spawn_surroundings *around,
                      char *detail, enum spawn_step *step)
{
	int r;

	*step = SPAWN_STEP_ENVIRONMENT;
	r = make_environment(plan, around, detail);
	if (r < 0)
		return r;
	*step = SPAWN_STEP_DIRECTORY;
	r = open_directory(plan, detail);
	if (r < 0)
		return r;
	*step = SPAWN_STEP_COMMAND;
	r = find_command(plan, detail);
	if (r == 0)
		r = make_arguments(plan, detail);
	if (r < 0)
		return r;
	r = open_streams(plan, around, detail, step);
	if (r < 0)
		return r;
	*step = SPAWN_STEP_PIDFILE;
	return prepare_pidfile(plan, around, detail);
}

enum spawn_step spawn_plan_make(struct spawn_plan *plan, const struct program_settings *program,
                                const struct spawn_surroundings *around, int *error,
                                char detail[PLAN_DETAIL_MAX])
{
	enum spawn_step step;
	int r;

	*plan = (struct spawn_plan){
		.dir_fd = -1,
		.stdio = { 0, 1, 2 },
		.cgroup_fd = around->cgroup_fd,
		.changes_ids = must_change_ids(program->credentials),
		.pidfile.dir_fd = -1,
		.program = program,
		.nofile = around->nofile,
	};
	r = make_parts(plan, around, detail, &step);
	if (r == 0)
		return SPAWN_STEP_NONE;
	spawn_plan_release(plan);
	*error = -r;
	return step;
}

void spawn_plan_release(struct spawn_plan *plan)
{
	for (int i = 0; i < 3; i++)
		if (plan->owned_stdio[i])
			close(plan->stdio[i]);
	fd_close(plan->dir_fd);
	strv_release(&plan->owned_env);
	free(plan->envp);
	free(plan->owned_argv);
	free(plan->owned_path);
	*plan = (struct spawn_plan){ .dir_fd = -1, .cgroup_fd = -1, .pidfile.dir_fd = -1 };
}

/* ---- sentences ---- */

/* The first line of a script, without "#!" and blanks.  The count of bytes read; -1 when the file
 * cannot be read. */
static ssize_t read_first_line(const struct spawn_plan *plan, char line[SCRIPT_LINE_MAX])
{
	_cleanup_fd_ int fd =
		openat(base_dir(plan), plan->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	n = read(fd, line, SCRIPT_LINE_MAX - 1);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return n;
}

static void say_missing(const struct spawn_plan *plan, const char *name, char *detail)
{
	char line[SCRIPT_LINE_MAX];
	ssize_t n = read_first_line(plan, line);

	if (n > 2 && !strncmp(line, "#!", 2)) {
		const char *interpreter = line + 2 + strspn(line + 2, " \t");

		say(detail, "command %s: its interpreter %.*s does not exist (first line %s)", name,
		    (int)strcspn(interpreter, " \t"), interpreter, line);
	} else if (n > 0) {
		say(detail,
		    "command %s: its program loader does not exist (built for another system?)",
		    name);
	} else {
		say(detail, "command %s: %s", name, strerror(ENOENT));
	}
}

static void say_not_executable(const struct spawn_plan *plan, const char *name, char *detail)
{
	const char *reason = strerror(EACCES);
	struct statvfs fs;
	struct stat st;

	if (fstatat(base_dir(plan), plan->path, &st, 0) < 0)
		say(detail, "command %s: %s", name, reason);
	else if (S_ISDIR(st.st_mode))
		say(detail, "command %s: is a directory", name);
	else if (!(st.st_mode & 0111))
		say(detail, "command %s: %s (the file is not executable)", name, reason);
	else if (plan->dir_fd < 0 && statvfs(plan->path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		say(detail, "command %s: %s (its file system is mounted noexec)", name, reason);
	else
		say(detail, "command %s: %s", name, reason);
}

static void say_not_a_program(const struct spawn_plan *plan, const char *name, char *detail)
{
	char line[SCRIPT_LINE_MAX];
	ssize_t n = read_first_line(plan, line);

	if (n > 3 && !memcmp(line, "\177ELF", 4))
		say(detail, "command %s: %s (built for another machine)", name, strerror(ENOEXEC));
	else
		say(detail, "command %s: %s (a script needs a first line such as #!/bin/sh)", name,
		    strerror(ENOEXEC));
}

static void say_exec(const struct spawn_plan *plan, int error, char *detail)
{
	const char *name = plan->program->command[0];

	switch (error) {
	case ENOENT: say_missing(plan, name, detail); break;
	case EACCES: say_not_executable(plan, name, detail); break;
	case ENOEXEC: say_not_a_program(plan, name, detail); break;
	case EAGAIN:
		say(detail, "command %s: %s (its user has as many processes as allowed)", name,
		    strerror(error));
		break;
	case ETIMEDOUT: say(detail, "command %s: could not be loaded in time", name); break;
	default: say(detail, "command %s: %s", name, strerror(error)); break;
	}
}

static const char *limit_name(int resource)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "cpu",           [RLIMIT_FSIZE] = "fsize",
		[RLIMIT_DATA] = "data",         [RLIMIT_STACK] = "stack",
		[RLIMIT_CORE] = "core",         [RLIMIT_RSS] = "rss",
		[RLIMIT_NPROC] = "nproc",       [RLIMIT_NOFILE] = "nofile",
		[RLIMIT_MEMLOCK] = "memlock",   [RLIMIT_AS] = "as",
		[RLIMIT_LOCKS] = "locks",       [RLIMIT_SIGPENDING] = "sigpending",
		[RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
		[RLIMIT_RTPRIO] = "rtprio",     [RLIMIT_RTTIME] = "rttime",
	};

	return resource >= 0 && (size_t)resource < ARRAY_SIZE(names) ? names[resource] : "?";
}

/* The child has set them in order and stopped at the first that was refused; our own hard limits
 * tell which. */
static void say_limits(const struct limits *limits, int error, char *detail)
{
	for (size_t i = 0; limits && i < limits->count; i++) {
		const struct limit *limit = &limits->items[i];
		uint64_t hard = limit->hard_given ? limit->hard : limit->soft;
		struct rlimit ours;

		if (limit->soft > hard ||
		    getrlimit((__rlimit_resource_t)limit->resource, &ours) < 0 ||
		    hard > ours.rlim_max) {
			say(detail, "limit_%s: %s", limit_name(limit->resource), strerror(error));
			return;
		}
	}
	say(detail, "limits: %s", strerror(error));
}

static void say_account(const char *what, const char *name, unsigned id, int error, char *detail)
{
	if (name)
		say(detail, "%s %s: %s", what, name, strerror(error));
	else
		say(detail, "%s %u: %s", what, id, strerror(error));
}

void spawn_plan_explain(const struct spawn_plan *plan, enum spawn_step step, int error,
                        char detail[PLAN_DETAIL_MAX])
{
	const struct program_settings *program = plan->program;
	const struct credentials *who = program->credentials;
	const char *reason = strerror(error);

	switch (step) {
	case SPAWN_STEP_COMMAND:
	case SPAWN_STEP_EXEC: say_exec(plan, error, detail); return;
	case SPAWN_STEP_DIRECTORY:
		say(detail, "directory %s: %s", program->directory ? program->directory : ".",
		    reason);
		return;
	case SPAWN_STEP_STDIN:
	case SPAWN_STEP_STDOUT:
	case SPAWN_STEP_STDERR:
		say(detail, "%s: %s", stream_names[step - SPAWN_STEP_STDIN], reason);
		return;
	case SPAWN_STEP_PIDFILE: say_pidfile(detail, program->pidfile, error, 0); return;
	case SPAWN_STEP_LIMITS: say_limits(program->limits, error, detail); return;
	case SPAWN_STEP_NICE: say(detail, "nice %d: %s", program->nice_value, reason); return;
	case SPAWN_STEP_OOM:
		say(detail, "oom_score_adj %d: %s", program->oom_score_adj, reason);
		return;
	case SPAWN_STEP_GROUP:
		say_account("group", NULL, who ? who->gid : 0, error, detail);
		return;
	case SPAWN_STEP_USER:
		say_account("user", who ? who->user_name : NULL, who ? who->uid : 0, error, detail);
		return;
	case SPAWN_STEP_GROUPS: say(detail, "supplementary groups: %s", reason); return;
	case SPAWN_STEP_PROCESS: say(detail, "new process: %s", reason); return;
	case SPAWN_STEP_CGROUP: say(detail, "cgroup: %s", reason); return;
	case SPAWN_STEP_SESSION: say(detail, "session: %s", reason); return;
	case SPAWN_STEP_NO_NEW_PRIVS: say(detail, "no_new_privs: %s", reason); return;
	case SPAWN_STEP_ENVIRONMENT: say(detail, "environment: %s", reason); return;
	case SPAWN_STEP_CANCELLED:
	case SPAWN_STEP_NONE: break;
	}
	say(detail, "%s", reason);
}
