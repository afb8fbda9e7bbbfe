/* SPDX-License-Identifier: MIT */
/* Sets the scene.  Everything lies on a tmpfs of our mount namespace and every process in our PID
 * namespace: when its PID 1 ends, nothing of it is left, however the test went. */
#include "observer/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PATH_SIZE = 128, LOG_TAIL = 4000 };

/* How the programs behave, and by what policy they come back. */
static const struct {
	const char *mode, *restart;
} parts[] = {
	{ "stay", "always" },  { "stay", "always" },      { "stay", "always" },
	{ "stay", "always" },  { "parent", "always" },    { "parent", "always" },
	{ "brief", "always" }, { "lucky", "on-failure" },
};

static void join(char path[PATH_SIZE], const struct stage *stage, const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", stage->dir, name);
}

static int copy_program(const struct stage *stage, const char *name)
{
	_cleanup_fd_ int from = open(stage->hosted, O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int to = -1;
	char path[PATH_SIZE];
	struct stat st;

	join(path, stage, name);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return -errno;
	return sendfile(to, from, NULL, (size_t)st.st_size) == st.st_size ? 0 : -EIO;
}

static void write_program(FILE *config, const struct stage *stage, const char *name, size_t part)
{
	fprintf(config, "[program:%s]\ncommand = %s/%s %s\nrestart = %s\n", name, stage->dir, name,
	        parts[part].mode, parts[part].restart);
}

static int write_config(const struct stage *stage, struct cast *cast)
{
	char path[PATH_SIZE];
	FILE *config;

	join(path, stage, "verger.ini");
	config = fopen(path, "we");
	if (!config)
		return -errno;
	fprintf(config,
	        "[verger]\nrun_dir = %s/run\nlog = %s/log\nlog_level = error\n"
	        "[defaults]\nrestart_delay = 0\nmin_uptime = 0\nstart_limit = none\n"
	        "stdout = null\nstderr = null\n",
	        stage->dir, stage->dir);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int r;

		snprintf(cast->names[i], sizeof cast->names[i], "hosted-%zu", i);
		cast->count = i + 1;
		write_program(config, stage, cast->names[i], i);
		r = copy_program(stage, cast->names[i]);
		if (r < 0) {
			fclose(config);
			return r;
		}
	}
	return fclose(config) == 0 ? 0 : -errno;
}

int stage_build(struct stage *stage, struct cast *cast)
{
	char path[PATH_SIZE];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
	    mount("tmpfs", stage->dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return -errno;
	if (access("/proc/sys/kernel/ns_last_pid", W_OK) < 0)
		return -errno; /* a kernel that lets nobody choose PIDs */
	join(path, stage, "run");
	if (mkdir(path, 0755) < 0)
		return -errno;
	stage->run_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* by this name its children are known before their exec, whatever the binary is called */
	join(path, stage, SUPERVISOR_NAME);
	if (stage->run_fd < 0 || symlink(stage->vergerd, path) < 0)
		return -errno;
	return write_config(stage, cast);
}

pid_t stage_start_vergerd(const struct stage *stage, bool cgroups)
{
	char program[PATH_SIZE], config[PATH_SIZE], output[PATH_SIZE];
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	join(program, stage, SUPERVISOR_NAME);
	join(config, stage, "verger.ini");
	join(output, stage, "log");
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	if (!cgroups)
		setenv("VERGER_CGROUP", "no", 1);
	execl(program, SUPERVISOR_NAME, "-c", config, (char *)NULL);
	_exit(127);
}

unsigned stage_count_pidfiles(const struct stage *stage)
{
	DIR *dir = fdopendir(openat(stage->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += strstr(entry->d_name, "hosted-") != NULL; /* half-made ones as well */
	closedir(dir);
	return count;
}

void stage_print_log(const struct stage *stage)
{
	char path[PATH_SIZE], text[LOG_TAIL + 1];
	_cleanup_fd_ int fd = -1;
	ssize_t size;

	join(path, stage, "log");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (lseek(fd, -LOG_TAIL, SEEK_END) < 0)
		lseek(fd, 0, SEEK_SET);
	size = read(fd, text, LOG_TAIL);
	if (size > 0)
		fprintf(stderr, "--- the end of vergerd's log\n%.*s---\n", (int)size, text);
}
