/* SPDX-License-Identifier: MIT */
/* Packers of log files.  Knows nothing of logs. */
#include "os/packer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signame.h"
#include "os/rotated.h"
#include "os/spawn.h"

enum {
	NICE_LAST = 19,
	COMPLAINT_MAX = 200,
	PROC_PATH_MAX = 64,
	/* linux/ioprio.h, which older systems do not have */
	IO_WHO_GROUP = 2,
	IO_CLASS_IDLE = 3,
	IO_CLASS_SHIFT = 13,
};

struct packer {
	const struct probe *probe;
	char *const *environ;
	struct spawner *spawner; /* made when the first one is needed */
	pid_t pid;               /* not reaped: also the number of its process group; 0 = none */
	char *plain_path;        /* owned */
	enum log_compress compress;
	int complaint_fd; /* what it says on standard error; -1 = is not kept */
	bool killed;
	struct spawn_result *result; /* of the start that is under way, borrowed */
};

static const char *const commands[][4] = {
	[LOG_COMPRESS_NO] = { NULL },
	[LOG_COMPRESS_GZIP] = { "gzip", "-c", NULL },
	[LOG_COMPRESS_ZSTD] = { "zstd", "-q", "-c", NULL },
	[LOG_COMPRESS_XZ] = { "xz", "-c", NULL },
};

/* --- its files --- */

static int open_plain(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		r = -errno;
	else if (!S_ISREG(st->st_mode))
		r = -EINVAL;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* What an earlier one has left is nobody's any more, even if that one still writes to it. */
static int make_half(const char *path)
{
	int fd;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int packer_open(const char *plain_path, enum log_compress compress, int *in, int *out)
{
	_cleanup_free_ char *half = rotated_packed_path(plain_path, compress, true);
	_cleanup_fd_ int plain_fd = -1;
	struct stat st;
	int half_fd;

	if (!half)
		return -ENOMEM;
	if (compress == LOG_COMPRESS_NO)
		return -EINVAL;
	plain_fd = open_plain(plain_path, &st);
	if (plain_fd < 0)
		return plain_fd;
	half_fd = make_half(half);
	if (half_fd < 0)
		return half_fd;
	rotated_dress(half_fd, &st);
	*in = plain_fd;
	*out = half_fd;
	plain_fd = -1;
	return 0;
}

/* --- its process --- */

static void on_spawned(void *context, struct spawn_result *result)
{
	struct packer *p = context;

	fd_close(result->pidfd); /* it is reaped like any orphan */
	*p->result = *result;
}

static void write_autogroup(pid_t pid)
{
	char path[PROC_PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/autogroup", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "19", 2);
	close(fd);
}

/* Everybody else comes first.  Where something of this is not allowed, it is nice at least. */
static void stand_back(pid_t pid)
{
	const struct sched_param param = { 0 };

	(void)sched_setscheduler(pid, SCHED_IDLE, &param);
	(void)syscall(SYS_ioprio_set, IO_WHO_GROUP, pid, IO_CLASS_IDLE << IO_CLASS_SHIFT);
	/* where the kernel shares the processors out by sessions, being nice counts within one only
	 */
	write_autogroup(pid);
}

static int make_plan(struct packer *p, const struct program_settings *settings,
                     struct spawn_plan *plan, char detail[PLAN_DETAIL_MAX])
{
	const struct spawn_surroundings around = { .environ = p->environ, .cgroup_fd = -1 };
	int error = 0;

	if (spawn_plan_make(plan, settings, &around, &error, detail) == SPAWN_STEP_NONE)
		return 0;
	return -error;
}

static int spawn(struct packer *p, const struct program_settings *settings, int in, int out,
                 char detail[PLAN_DETAIL_MAX])
{
	struct spawn_result result = { 0 };
	struct spawn_plan plan;
	int r = make_plan(p, settings, &plan, detail);

	if (r < 0)
		return r;
	plan.stdio[0] = in;
	plan.stdio[1] = out;
	if (p->complaint_fd >= 0)
		plan.stdio[2] = p->complaint_fd;
	p->result = &result;
	spawner_start(p->spawner, NO_PROGRAM, &plan);
	spawner_finish(p->spawner);
	p->result = NULL;
	if (result.step == SPAWN_STEP_NONE) {
		p->pid = result.pid;
		return 0;
	}
	memcpy(detail, result.detail, PLAN_DETAIL_MAX);
	return -result.error;
}

static int start(struct packer *p, const char *plain_path, enum log_compress compress, int in,
                 int out, char detail[PLAN_DETAIL_MAX])
{
	struct program_settings settings;
	int r;

	if (!p->spawner)
		p->spawner = spawner_new(p->probe, on_spawned, p);
	free(p->plain_path);
	p->plain_path = strdup(plain_path);
	if (!p->spawner || !p->plain_path)
		return -ENOMEM;
	p->compress = compress;
	p->killed = false;
	program_settings_defaults(&settings);
	settings.name = commands[compress][0];
	settings.command = (char *const *)commands[compress]; /* execve does not write to it */
	settings.nice_set = true;
	settings.nice_value = NICE_LAST;
	settings.stdin_stream.kind = STREAM_INHERIT;
	settings.stdout_stream.kind = STREAM_INHERIT;
	/* in memory: nobody has to read it, and it cannot block */
	p->complaint_fd = memfd_create("verger-packer", MFD_CLOEXEC);
	settings.stderr_stream.kind = p->complaint_fd < 0 ? STREAM_NULL : STREAM_INHERIT;
	r = spawn(p, &settings, in, out, detail);
	if (r < 0)
		p->complaint_fd = fd_close(p->complaint_fd);
	else
		stand_back(p->pid);
	return r;
}

int packer_start(struct packer *p, const char *plain_path, enum log_compress compress, int in,
                 int out, char detail[PLAN_DETAIL_MAX])
{
	int r = -EINVAL;

	detail[0] = '\0';
	if (p->pid)
		r = -EBUSY;
	else if (compress != LOG_COMPRESS_NO)
		r = start(p, plain_path, compress, in, out, detail);
	if (r < 0 && !*detail)
		snprintf(detail, PLAN_DETAIL_MAX, "packer: %s", strerror(-r));
	close(in);
	close(out);
	return r;
}

/* --- its end --- */

/* the first line of what it has said */
static void read_complaint(const struct packer *p, char out[COMPLAINT_MAX])
{
	ssize_t n = p->complaint_fd < 0 ? 0 : pread(p->complaint_fd, out, COMPLAINT_MAX - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void say_why(const struct packer *p, const struct reaper_exit *exit,
                    char detail[PLAN_DETAIL_MAX])
{
	const char *command = commands[p->compress][0];
	char complaint[COMPLAINT_MAX], name[SIGNAME_SIZE];

	read_complaint(p, complaint);
	if (exit->signal)
		snprintf(detail, PLAN_DETAIL_MAX, "%s: killed by %s", command,
		         signame_format(exit->signal, name));
	else
		snprintf(detail, PLAN_DETAIL_MAX, "%s: ended with status %d%s%s", command,
		         exit->code, *complaint ? ": " : "", complaint);
}

bool packer_on_exit(struct packer *p, const struct reaper_exit *exit, struct packer_end *end)
{
	if (!packer_owns(p, exit->pid))
		return false;
	*end = (struct packer_end){
		.plain_path = p->plain_path,
		.compress = p->compress,
		.succeeded = exit->signal == 0 && exit->code == 0,
	};
	if (!end->succeeded && !p->killed)
		say_why(p, exit, end->detail);
	p->complaint_fd = fd_close(p->complaint_fd);
	p->pid = 0;
	return true;
}

bool packer_is_busy(const struct packer *p)
{
	return p->pid > 0;
}

bool packer_owns(const struct packer *p, pid_t pid)
{
	return pid > 0 && p->pid == pid;
}

void packer_kill(struct packer *p)
{
	if (!p->pid)
		return;
	p->killed = true;
	/* it is not reaped, so that the number cannot be another group's */
	kill(-p->pid, SIGKILL);
}

struct packer *packer_new(const struct probe *probe, char *const *environment)
{
	struct packer *p = calloc(1, sizeof *p);

	if (p)
		*p = (struct packer){ .probe = probe, .environ = environment, .complaint_fd = -1 };
	return p;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	packer_kill(p);
	fd_close(p->complaint_fd);
	spawner_free(p->spawner);
	free(p->plain_path);
	free(p);
}
