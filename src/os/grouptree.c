/* SPDX-License-Identifier: MIT */
/* One directory, locked for as long as its vergerd lives: what is not locked was left by a dead
 * one. */
#include "os/grouptree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup.h"

#define BASE_PREFIX "verger-"

enum { MAKE_TRIES_MAX = 100, NAME_PART_MAX = 48 };

enum group_stage {
	GROUP_NONE,
	GROUP_MADE,
	GROUP_SPENT, /* killed: the kernel kills whatever is started in it from then on (seen
	                on 6.18) */
};

struct watched_group {
	int wd;
	uint32_t program;
};

struct grouptree {
	struct ev_loop *loop;
	const struct settings *settings;
	grouptree_changed *changed;
	void *context;
	char *parent;                  /* owned */
	char name[CGROUP_NAME_MAX];    /* of our directory in there */
	int parent_fd, fd;             /* fd is our directory, locked */
	unsigned char *stages;         /* enum group_stage by program; owned */
	size_t program_room;           /* of stages */
	struct watched_group *watched; /* owned */
	size_t watched_count, watched_capacity;
	ev_io inotify; /* .fd = -1: not to be had */
};

/* The index keeps names apart, the name is for people. */
static void group_name(const struct grouptree *g, uint32_t program, char name[CGROUP_NAME_MAX])
{
	int length = snprintf(name, CGROUP_NAME_MAX, "%u-%.*s", program, NAME_PART_MAX,
	                      g->settings->programs[program].name);

	for (int i = 0; i < length && i < CGROUP_NAME_MAX - 1; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.:@", name[i]))
			name[i] = '_';
}

/* The directory of a dead vergerd is neither locked nor populated. */
static void remove_stale(int parent_fd, const char *name)
{
	_cleanup_fd_ int fd = cgroup_open(parent_fd, name);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    cgroup_is_populated(parent_fd, name) == 0)
		cgroup_remove(parent_fd, name);
}

static void remove_all_stale(int parent_fd)
{
	int copy = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		fd_close(copy);
		return;
	}
	/* cppcheck-suppress readdirCalled; one thread */
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, BASE_PREFIX, strlen(BASE_PREFIX)) == 0)
			remove_stale(parent_fd, entry->d_name);
	closedir(dir);
}

static bool is_still_there(int parent_fd, const char *name, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
	       fstatat(parent_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino;
}

/* Makes and locks a directory that nobody else has.  0 or negative errno. */
static int make_base(struct grouptree *g)
{
	for (int i = 0; i < MAKE_TRIES_MAX; i++) {
		if (i == 0)
			snprintf(g->name, sizeof g->name, BASE_PREFIX "%d", (int)getpid());
		else
			snprintf(g->name, sizeof g->name, BASE_PREFIX "%d-%d", (int)getpid(), i);
		if (mkdirat(g->parent_fd, g->name, 0755) < 0) {
			if (errno == EEXIST)
				continue; /* another PID namespace's, or a dead one's with living
				             programs */
			return -errno;
		}
		g->fd = cgroup_open(g->parent_fd, g->name);
		if (g->fd >= 0 && flock(g->fd, LOCK_EX | LOCK_NB) == 0 &&
		    is_still_there(g->parent_fd, g->name, g->fd))
			return 0;
		g->fd = fd_close(g->fd); /* somebody took it for a stale one */
	}
	return -EEXIST;
}

static struct watched_group *find_watched(struct grouptree *g, uint32_t program)
{
	for (size_t i = 0; i < g->watched_count; i++)
		if (g->watched[i].program == program)
			return &g->watched[i];
	return NULL;
}

static void tell(struct grouptree *g, int wd)
{
	for (size_t i = 0; i < g->watched_count; i++) {
		if (g->watched[i].wd == wd) {
			g->changed(g->context, g->watched[i].program);
			return;
		}
	}
}

static void on_inotify(struct ev_loop *loop, ev_io *io, int events)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct grouptree *g = io->data;
	ssize_t got;

	(void)loop;
	(void)events;
	while ((got = read(io->fd, buffer, sizeof buffer)) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(void *)at;

			if (event->mask & IN_MODIFY)
				tell(g, event->wd);
			at += sizeof *event + event->len;
		}
	}
}

int grouptree_new(struct grouptree **out, struct ev_loop *loop, const char *parent,
                  const struct settings *settings, grouptree_changed *changed, void *context)
{
	struct grouptree *g = calloc(1, sizeof *g);
	int r = -ENOMEM;

	if (!g)
		return -ENOMEM;
	*g = (struct grouptree){ .loop = loop,
		                 .settings = settings,
		                 .changed = changed,
		                 .context = context,
		                 .parent_fd = -1,
		                 .fd = -1 };
	ev_io_init(&g->inotify, on_inotify, inotify_init1(IN_CLOEXEC | IN_NONBLOCK), EV_READ);
	g->inotify.data = g;
	g->parent = strdup(parent);
	if (!g->parent || grouptree_reserve(g, settings->program_count + 1))
		goto fail;
	g->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->parent_fd < 0) {
		r = -errno;
		goto fail;
	}
	remove_all_stale(g->parent_fd);
	r = make_base(g);
	if (r)
		goto fail;
	if (g->inotify.fd >= 0)
		ev_io_start(loop, &g->inotify);
	*out = g;
	return 0;
fail:
	grouptree_free(g);
	return r;
}

void grouptree_free(struct grouptree *g)
{
	if (!g)
		return;
	/* by what is there: programs that were removed have no name any more */
	if (g->fd >= 0)
		cgroup_remove(g->parent_fd, g->name);
	ev_io_stop(g->loop, &g->inotify);
	fd_close(g->inotify.fd);
	fd_close(g->fd);
	fd_close(g->parent_fd);
	free(g->parent);
	free(g->stages);
	free(g->watched);
	free(g);
}

int grouptree_reserve(struct grouptree *g, size_t count)
{
	unsigned char *stages;

	if (count <= g->program_room)
		return 0;
	stages = realloc(g->stages, count * sizeof *stages);
	if (!stages)
		return -ENOMEM;
	memset(stages + g->program_room, GROUP_NONE, count - g->program_room);
	g->stages = stages;
	g->program_room = count;
	return 0;
}

int grouptree_open(struct grouptree *g, uint32_t program)
{
	char name[CGROUP_NAME_MAX];

	if (g->stages[program] == GROUP_SPENT)
		grouptree_remove(g, program);
	if (g->stages[program] == GROUP_SPENT)
		return -EBUSY;
	group_name(g, program, name);
	if (g->stages[program] == GROUP_NONE) {
		int r = cgroup_make(g->fd, name);

		if (r)
			return r;
		g->stages[program] = GROUP_MADE;
	}
	return cgroup_open(g->fd, name);
}

bool grouptree_is_populated(struct grouptree *g, uint32_t program)
{
	char name[CGROUP_NAME_MAX];

	group_name(g, program, name);
	/* what cannot be read is not proved empty */
	return g->stages[program] && cgroup_is_populated(g->fd, name) != 0;
}

int grouptree_watch(struct grouptree *g, uint32_t program)
{
	char path[PATH_MAX], name[CGROUP_NAME_MAX];
	int wd;

	if (find_watched(g, program))
		return 0;
	if (g->inotify.fd < 0)
		return -EMFILE;
	if (g->watched_count == g->watched_capacity) {
		size_t capacity = g->watched_capacity ? g->watched_capacity * 2 : 16;
		struct watched_group *watched = reallocarray(g->watched, capacity, sizeof *watched);

		if (!watched)
			return -ENOMEM;
		g->watched = watched;
		g->watched_capacity = capacity;
	}
	group_name(g, program, name);
	snprintf(path, sizeof path, "%s/%s/%s/cgroup.events", g->parent, g->name, name);
	wd = inotify_add_watch(g->inotify.fd, path, IN_MODIFY);
	if (wd < 0)
		return -errno;
	g->watched[g->watched_count++] = (struct watched_group){ wd, program };
	return 0;
}

void grouptree_unwatch(struct grouptree *g, uint32_t program)
{
	struct watched_group *watched = find_watched(g, program);

	if (!watched)
		return;
	inotify_rm_watch(g->inotify.fd, watched->wd);
	*watched = g->watched[--g->watched_count];
}

int grouptree_kill(struct grouptree *g, uint32_t program)
{
	char name[CGROUP_NAME_MAX];

	if (g->stages[program] == GROUP_NONE)
		return 0;
	group_name(g, program, name);
	g->stages[program] = GROUP_SPENT;
	return cgroup_kill(g->fd, name);
}

int grouptree_members(struct grouptree *g, uint32_t program, struct pid_list *out)
{
	char name[CGROUP_NAME_MAX];
	int r;

	group_name(g, program, name);
	r = g->stages[program] ? cgroup_members(g->fd, name, out) : 0;
	pid_list_make_unique(out);
	return r;
}

/* Whether the file says that its process is in the group (or below it). */
static bool names_group(int fd, const struct grouptree *g, const char *name)
{
	char text[PATH_MAX + 256], path[2 * CGROUP_NAME_MAX + 4], *found;
	ssize_t got = read(fd, text, sizeof text - 1);
	size_t length;

	if (got <= 0)
		return false;
	text[got] = '\0';
	length = (size_t)snprintf(path, sizeof path, "/%s/%s", g->name, name);
	found = strstr(text, path);
	return found && strchr("/\n", found[length]);
}

int grouptree_signal(struct grouptree *g, uint32_t program, pid_t pid, int signo)
{
	_cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	_cleanup_fd_ int fd = -1;
	char name[CGROUP_NAME_MAX], path[64];

	if (pidfd < 0)
		return -errno;
	group_name(g, program, name);
	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* the number may be a stranger's by now: hold on to it, look, and only then signal */
	if (fd < 0 || !names_group(fd, g, name))
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

void grouptree_remove(struct grouptree *g, uint32_t program)
{
	char name[CGROUP_NAME_MAX];

	if (g->stages[program] == GROUP_NONE)
		return;
	group_name(g, program, name);
	grouptree_unwatch(g, program);
	if (cgroup_remove(g->fd, name) == 0)
		g->stages[program] = GROUP_NONE;
}

void grouptree_forget(struct grouptree *g, uint32_t program)
{
	grouptree_remove(g, program);
	/* one that could not be removed is in nobody's way, unless the program comes back under the
	 * same name: then it is removed first */
	if (g->stages[program] != GROUP_NONE)
		g->stages[program] = GROUP_SPENT;
}
