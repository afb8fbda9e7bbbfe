/* SPDX-License-Identifier: MIT */
/* PID files.  Knows directories, names and numbers; not what a program is, nor when a process has
 * ended.
 *
 * A file becomes visible by a rename within its directory, so that a reader sees the whole number
 * or no file (P3), and never over something else, so that a stranger's file survives even when it
 * appears in the last moment (P5).  Nothing is synced to disk: after a power failure no PID means
 * anything. */
#include "os/pidfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "os/proc.h"
#include "os/rawcall.h"
#include "os/rundir.h"

enum {
	PID_TEXT_MAX = 16,   /* digits of a PID, newline, NUL */
	FILE_READ_MAX = 256, /* where a PID is looked for in somebody's file */
};

struct dir {
	char *path; /* owned; without trailing slash, "" is the root */
	int fd;     /* -1 = not open yet */
	dev_t device;
	ino_t inode;
};

struct pidfile_dirs {
	void *tree; /* struct dir by path: tsearch(3) */
};

static int compare_dirs(const void *a, const void *b)
{
	return strcmp(((const struct dir *)a)->path, ((const struct dir *)b)->path);
}

static void free_dir(void *p)
{
	struct dir *dir = p;

	fd_close(dir->fd);
	free(dir->path);
	free(dir);
}

struct pidfile_dirs *pidfile_dirs_new(void)
{
	return calloc(1, sizeof(struct pidfile_dirs));
}

void pidfile_dirs_free(struct pidfile_dirs *dirs)
{
	if (!dirs)
		return;
	tdestroy(dirs->tree, free_dir);
	free(dirs);
}

/* the entry of a path, made if need be; NULL when memory is out */
static struct dir *find_dir(struct pidfile_dirs *dirs, char *path)
{
	const struct dir key = { .path = path };
	struct dir *const *found = tfind(&key, &dirs->tree, compare_dirs);
	struct dir *dir;

	if (found)
		return *found;
	dir = malloc(sizeof *dir);
	if (!dir)
		return NULL;
	*dir = (struct dir){ .path = strdup(path), .fd = -1 };
	if (dir->path && tsearch(dir, &dirs->tree, compare_dirs))
		return dir;
	free_dir(dir);
	return NULL;
}

static void forget_dir(struct pidfile_dirs *dirs, struct dir *dir)
{
	tdelete(dir, &dirs->tree, compare_dirs);
	free_dir(dir);
}

/* whoever may write there may put any number under our name */
static int check_dir(const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return -ENOTDIR;
	if ((st->st_mode & S_IWOTH) && !(st->st_mode & S_ISVTX))
		return -EPERM;
	return 0;
}

static bool is_below(const char *path, const char *parent)
{
	size_t n = strlen(parent);

	while (n && parent[n - 1] == '/')
		n--;
	return n && !strncmp(path, parent, n) && (path[n] == '/' || path[n] == '\0');
}

/* opens it anew; a descriptor that children may be using keeps its number */
static int reopen_dir(struct dir *dir)
{
	int fd = open(*dir->path ? dir->path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : check_dir(&st);
	if (r == 0 && dir->fd >= 0) {
		r = dup3(fd, dir->fd, O_CLOEXEC) < 0 ? -errno : 0;
		fd_close(fd);
		fd = dir->fd;
	}
	if (r < 0) {
		if (fd != dir->fd)
			close(fd);
		return r;
	}
	dir->fd = fd;
	dir->device = st.st_dev;
	dir->inode = st.st_ino;
	return 0;
}

/* What stands under the name now; made if need be. */
static int look_up_dir(const char *path, bool create, struct stat *st)
{
	int r = stat(*path ? path : "/", st) < 0 ? -errno : 0;

	if (r == -ENOENT && create) {
		r = rundir_ensure(path);
		if (r == 0 && stat(path, st) < 0)
			r = -errno;
	}
	return r < 0 ? r : check_dir(st);
}

/* The descriptor of a directory, borrowed; opened again when another directory stands under its
 * name now. */
static int dirs_get(struct pidfile_dirs *dirs, char *path, bool create)
{
	struct dir *dir;
	struct stat st;
	int r = look_up_dir(path, create, &st);

	if (r < 0)
		return r;
	dir = find_dir(dirs, path);
	if (!dir)
		return -ENOMEM;
	if (dir->fd >= 0 && dir->device == st.st_dev && dir->inode == st.st_ino)
		return dir->fd;
	r = reopen_dir(dir);
	if (r == 0)
		return dir->fd;
	if (dir->fd < 0)
		forget_dir(dirs, dir);
	return r;
}

/* Splits at the last slash and opens the directory.  The descriptor, or negative errno. */
static int open_parent(struct pidfile_dirs *dirs, const char *path, const char *run_dir,
                       const char **name)
{
	char dir_path[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n;

	if (!slash)
		return -EINVAL;
	*name = slash + 1;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return -EISDIR;
	n = (size_t)(slash - path);
	while (n && path[n - 1] == '/')
		n--;
	if (n >= sizeof dir_path)
		return -ENAMETOOLONG;
	memcpy(dir_path, path, n);
	dir_path[n] = '\0';
	return dirs_get(dirs, dir_path, run_dir && is_below(dir_path, run_dir));
}

static uint64_t hash_name(const char *s)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	return hash;
}

/* ".NAME.new"; the same at every start, so that what a crash has left is replaced and does not pile
 * up */
static void name_temp(struct pidfile_target *target)
{
	static const char suffix[] = ".new";
	size_t n = strlen(target->name);
	char *p = target->temp_name;

	if (n + 1 + sizeof suffix > sizeof target->temp_name) {
		snprintf(p, sizeof target->temp_name, ".%.38s.%016llx%s", target->name,
		         (unsigned long long)hash_name(target->name), suffix);
		return;
	}
	*p++ = '.';
	memcpy(p, target->name, n);
	memcpy(p + n, suffix, sizeof suffix);
}

/* What the file is; as everything down to pidfile_write, for children as well. */
CHILD_CODE static long identify(int dir_fd, const char *name, int flags, mode_t *mode,
                                struct pidfile_identity *identity)
{
	struct statx sx;
	long r;

	sx.stx_mask = 0;
	r = sys_call(SYS_statx, dir_fd, name, flags,
	             STATX_TYPE | STATX_MODE | STATX_INO | STATX_BTIME, &sx);
	if (r < 0)
		return r;
	if (!(sx.stx_mask & STATX_INO))
		return -EIO;
	*mode = sx.stx_mode;
	identity->device = (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor;
	identity->inode = sx.stx_ino;
	identity->born_ns = 0;
	if (sx.stx_mask & STATX_BTIME)
		identity->born_ns = sx.stx_btime.tv_sec * 1000000000 + sx.stx_btime.tv_nsec;
	return 0;
}

CHILD_CODE static long create_temp(const struct pidfile_target *target)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	long fd = sys_call(SYS_openat, target->dir_fd, target->temp_name, flags, target->mode);

	if (fd != -EEXIST)
		return fd;
	fd = sys_call(SYS_unlinkat, target->dir_fd, target->temp_name, 0);
	if (fd < 0)
		return fd;
	return sys_call(SYS_openat, target->dir_fd, target->temp_name, flags, target->mode);
}

/* owner first: changing it may clear mode bits */
CHILD_CODE static long set_permissions(long fd, const struct pidfile_target *target, mode_t created)
{
	long r = 0;

	if (target->uid != (uid_t)-1 || target->gid != (gid_t)-1)
		r = sys_call(SYS_fchown, fd, target->uid, target->gid);
	if (r == 0 && (created & 07777) != target->mode) /* the umask has cut it */
		r = sys_call(SYS_fchmod, fd, target->mode);
	return r;
}

CHILD_CODE static long write_number(long fd, pid_t pid)
{
	char text[PID_TEXT_MAX];
	char *p = text + sizeof text;
	long size, r;

	*--p = '\n';
	for (unsigned value = (unsigned)pid; p == text + sizeof text - 1 || value; value /= 10)
		*--p = (char)('0' + value % 10);
	size = text + sizeof text - p;
	r = sys_call(SYS_write, fd, p, size);
	if (r < 0)
		return r;
	return r == size ? 0 : -ENOSPC;
}

CHILD_CODE static long rename_temp(const struct pidfile_target *target)
{
	long r = sys_call(SYS_renameat2, target->dir_fd, target->temp_name, target->dir_fd,
	                  target->name, RENAME_NOREPLACE);

	if (r != -EINVAL && r != -ENOSYS)
		return r;
	/* a file system or a kernel that cannot promise it: pidfile_prepare has looked */
	return sys_call(SYS_renameat2, target->dir_fd, target->temp_name, target->dir_fd,
	                target->name, 0);
}

CHILD_CODE int pidfile_write(const struct pidfile_target *target, pid_t pid,
                             struct pidfile_identity *published)
{
	mode_t mode = 0;
	long fd, r, closed;

	fd = create_temp(target);
	if (fd < 0)
		return (int)fd;
	r = identify((int)fd, "", AT_EMPTY_PATH, &mode, published);
	if (r == 0)
		r = set_permissions(fd, target, mode);
	if (r == 0)
		r = write_number(fd, pid);
	closed = sys_call(SYS_close, fd);
	if (r == 0)
		r = closed; /* where a full disk or a quota is noticed late */
	if (r == 0)
		r = rename_temp(target);
	if (r < 0) {
		published->inode = 0;
		sys_call(SYS_unlinkat, target->dir_fd, target->temp_name, 0);
	}
	return (int)r;
}

/* Whether the process is alive and not of our making.  Without /proc anything that takes a signal
 * counts. */
static bool is_foreign_process(pid_t pid)
{
	struct proc_stat stat;

	if (pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH))
		return false;
	if (proc_stat_read(pid, &stat) < 0)
		return true;
	return stat.parent != getpid() && proc_is_alive(pid, &stat);
}

pid_t pidfile_read(int dir_fd, const char *name)
{
	_cleanup_fd_ int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[FILE_READ_MAX + 1];
	const char *start;
	struct stat st;
	int64_t pid;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = read(fd, text, sizeof text - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	start = text + strspn(text, " \t\r\n");
	if (start == text + n)
		return -ENODATA;
	text[start - text + (ptrdiff_t)strcspn(start, " \t\r\n")] = '\0';
	r = parse_int(start, 1, INT_MAX, &pid);
	return r < 0 ? r : (pid_t)pid;
}

/* Something stands at the path: removes it if it is proved stale. */
static int clear_path(int dir_fd, const char *name, mode_t mode,
                      const struct pidfile_identity *identity, pid_t *owner)
{
	pid_t pid;
	int r;

	if (S_ISLNK(mode))
		return -ELOOP;
	if (S_ISDIR(mode))
		return -EISDIR;
	if (!S_ISREG(mode))
		return -EINVAL;
	pid = pidfile_read(dir_fd, name);
	if (pid < 0 && pid != -ENODATA && pid != -ERANGE)
		return pid;
	if (pid > 0 && is_foreign_process(pid)) {
		*owner = pid;
		return -EEXIST;
	}
	r = pidfile_remove(dir_fd, name, identity);
	return r == -ENOENT ? 0 : r;
}

int pidfile_prepare(struct pidfile_dirs *dirs, const char *path, const char *run_dir,
                    struct pidfile_target *target, pid_t *owner)
{
	struct pidfile_identity identity = { 0 };
	const char *name;
	mode_t mode = 0;
	int dir_fd, r;

	*owner = 0;
	dir_fd = open_parent(dirs, path, run_dir, &name);
	if (dir_fd < 0)
		return dir_fd;
	r = (int)identify(dir_fd, name, AT_SYMLINK_NOFOLLOW, &mode, &identity);
	if (r == 0)
		r = clear_path(dir_fd, name, mode, &identity, owner);
	if (r < 0 && r != -ENOENT)
		return r;
	target->dir_fd = dir_fd;
	target->name = name;
	name_temp(target);
	return 0;
}

void pidfile_published(struct pidfile *pf, const char *path,
                       const struct pidfile_identity *identity)
{
	*pf = (struct pidfile){ .path = path, .identity = *identity };
}

void pidfile_rename_path(struct pidfile *pf, const char *path)
{
	assert(path || pf->identity.inode == 0);
	pf->path = path;
}

int pidfile_publish(struct pidfile_dirs *dirs, struct pidfile *pf,
                    const struct pidfile_target *target, const char *path, pid_t pid)
{
	struct pidfile_identity identity = { 0 };
	int r;

	(void)pidfile_drop(dirs, pf); /* a file that is not ours makes the rename fail */
	r = pidfile_write(target, pid, &identity);
	if (r == 0)
		pidfile_published(pf, path, &identity);
	return r;
}

int pidfile_remove(int dir_fd, const char *name, const struct pidfile_identity *identity)
{
	struct pidfile_identity found = { 0 };
	mode_t mode;
	int r = (int)identify(dir_fd, name, AT_SYMLINK_NOFOLLOW, &mode, &found);

	if (r < 0)
		return r;
	if (found.device != identity->device || found.inode != identity->inode ||
	    found.born_ns != identity->born_ns)
		return -ESTALE;
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int pidfile_drop(struct pidfile_dirs *dirs, struct pidfile *pf)
{
	const struct pidfile_identity identity = pf->identity;
	const char *name;
	int dir_fd;

	pf->identity = (struct pidfile_identity){ 0 };
	if (identity.inode == 0)
		return 0;
	dir_fd = open_parent(dirs, pf->path, NULL, &name);
	if (dir_fd < 0)
		return dir_fd;
	return pidfile_remove(dir_fd, name, &identity);
}
