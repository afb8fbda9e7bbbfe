/* SPDX-License-Identifier: MIT */
/* Control groups through their files.  Descriptors are opened when needed and closed again: ten
 * thousand programs must not cost ten thousand descriptors. */
#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How deep programs may have nested groups of their own in theirs (a vergerd in a vergerd …). */
enum { CGROUP_DEPTH_MAX = 32 };

struct mount {
	char *root, *point; /* owned */
};

static void mount_release(struct mount *m)
{
	free(m->root);
	free(m->point);
}

/* mountinfo writes blanks and the like as \ooo. */
static void decode_octal(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Reads one line of mountinfo; true when it is a mount of version 2. */
static bool parse_mount(char *line, struct mount *m)
{
	char *separator = strstr(line, " - "), *root, *point;

	if (!separator || strncmp(separator, " - cgroup2 ", 11) != 0)
		return false;
	*separator = '\0';
	for (int field = 1; field < 4; field++) /* mount ID, parent ID, device */
		strsep(&line, " ");
	root = strsep(&line, " ");
	point = strsep(&line, " ");
	if (!root || !point)
		return false;
	decode_octal(root);
	decode_octal(point);
	m->root = strdup(root);
	m->point = strdup(point);
	return m->root && m->point;
}

static bool find_mount(struct mount *m)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0) {
		mount_release(m);
		*m = (struct mount){ 0 };
		found = parse_mount(line, m);
	}
	free(line);
	fclose(file);
	return found;
}

/* Our path in the hierarchy of version 2, malloc'ed. */
static char *find_membership(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char *line = NULL, *path = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	while (!path && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			path = strdup(line + 3);
	}
	free(line);
	fclose(file);
	return path;
}

/* The directory of `path` below the mount; NULL when the mount does not show it. */
static char *join(const struct mount *m, const char *path)
{
	size_t root_length = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);
	char *directory;

	if (strncmp(path, m->root, root_length) != 0 || strstr(path, "/.."))
		return NULL;
	path += root_length;
	if (asprintf(&directory, "%s%s", m->point, strcmp(path, "/") == 0 ? "" : path) < 0)
		return NULL;
	return directory;
}

/* systemd owns the tree and gives parts of it away by this mark; elsewhere it may remove what it
 * did not make. */
static bool is_delegated(const char *directory)
{
	char value[8];

	if (access("/run/systemd/system", F_OK) < 0)
		return true;
	return (getxattr(directory, "user.delegate", value, sizeof value) > 0 && value[0] == '1') ||
	       (getxattr(directory, "trusted.delegate", value, sizeof value) > 0 &&
	        value[0] == '1');
}

char *cgroup_own(char reason[CGROUP_REASON_MAX])
{
	struct mount m = { 0 };
	_cleanup_free_ char *path = find_membership();
	char *directory = NULL;

	if (!path) {
		snprintf(reason, CGROUP_REASON_MAX, "no control groups (version 2) in this kernel");
	} else if (!find_mount(&m)) {
		snprintf(reason, CGROUP_REASON_MAX, "control groups (version 2) are not mounted");
	} else if (!(directory = join(&m, path))) {
		snprintf(reason, CGROUP_REASON_MAX,
		         "our control group lies outside of what is mounted");
	} else if (!is_delegated(directory)) {
		snprintf(reason, CGROUP_REASON_MAX,
		         "systemd has not delegated our control group (Delegate=yes)");
		free(directory);
		directory = NULL;
	}
	mount_release(&m);
	return directory;
}

int cgroup_make(int dir_fd, const char *name)
{
	return mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int cgroup_open(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_file(int dir_fd, const char *name, const char *file, int flags)
{
	char path[CGROUP_NAME_MAX + 32];
	int fd;

	snprintf(path, sizeof path, "%s/%s", name, file);
	fd = openat(dir_fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_is_populated(int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = open_file(dir_fd, name, "cgroup.events", O_RDONLY);
	char text[256];
	ssize_t got;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof text - 1);
	if (got < 0)
		return errno == ENODEV ? 0 : -errno; /* removed meanwhile */
	text[got] = '\0';
	return strstr(text, "populated 0") == NULL;
}

int cgroup_kill(int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = open_file(dir_fd, name, "cgroup.kill", O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}

typedef int visit_group(int dir_fd, const char *name, void *context);

/* Calls visit for every group in the directory `fd`. */
static int each_group(int fd, visit_group *visit, void *context)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		fd_close(copy);
		return r;
	}
	rewinddir(dir);
	/* cppcheck-suppress readdirCalled; one thread */
	while (!r && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = visit(fd, entry->d_name, context);
	closedir(dir);
	return r;
}

struct members_search {
	struct pid_list *out;
	int depth;
};

static int visit_members(int dir_fd, const char *name, void *context)
{
	struct members_search *search = context, below = { search->out, search->depth + 1 };
	_cleanup_fd_ int fd = cgroup_open(dir_fd, name);
	_cleanup_fd_ int procs_fd = -1;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	procs_fd = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	/* a threaded group lists its processes in its root only */
	r = procs_fd < 0 ? 0 : pid_list_read(search->out, procs_fd);
	if (r && r != -EOPNOTSUPP && r != -ENODEV)
		return r;
	return below.depth > CGROUP_DEPTH_MAX ? 0 : each_group(fd, visit_members, &below);
}

int cgroup_members(int dir_fd, const char *name, struct pid_list *out)
{
	struct members_search search = { out, 0 };

	return visit_members(dir_fd, name, &search);
}

static int visit_remove(int dir_fd, const char *name, void *context)
{
	int depth = *(int *)context + 1;
	_cleanup_fd_ int fd = -1;

	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	fd = cgroup_open(dir_fd, name);
	if (fd < 0 || depth > CGROUP_DEPTH_MAX)
		return -EBUSY;
	each_group(fd, visit_remove, &depth);
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cgroup_remove(int dir_fd, const char *name)
{
	int depth = 0;

	return visit_remove(dir_fd, name, &depth);
}
