/* SPDX-License-Identifier: MIT */
/* Finds and makes the directory for PID files. */
#include "os/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strv.h"

/* Makes one directory; one that exists is taken. */
static int make_directory(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755) < 0 ? -errno
		                             : 0; /* a narrow umask of ours is not meant for it */
	return errno == EEXIST ? 0 : -errno;
}

/* Makes the missing ones of `path`, outermost first. */
static int make_directories(char *path)
{
	for (char *slash = path + strspn(path, "/"); *slash; slash++) {
		int r;

		if (*slash != '/')
			continue;
		*slash = '\0';
		/* an outer one that cannot be made may be there all the same, behind a read-only
		 * mount */
		r = access(path, F_OK) == 0 ? 0 : make_directory(path);
		*slash = '/';
		if (r)
			return r;
	}
	return make_directory(path);
}

int rundir_ensure(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;
	int r = copy ? 0 : -ENOMEM;

	if (!r && stat(path, &st) < 0)
		r = errno == ENOENT ? make_directories(copy) : -errno;
	if (r)
		return r;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

char *rundir_default(char *const *env, char *reason, unsigned long reason_size)
{
	const char *user_dir = strv_find_env(env, "XDG_RUNTIME_DIR");
	char *path = NULL;
	int r;

	if (geteuid() == 0) {
		path = strdup("/run/verger");
	} else if (!user_dir || *user_dir != '/') {
		snprintf(reason, reason_size, "XDG_RUNTIME_DIR is not set");
		return NULL;
	} else if (asprintf(&path, "%s/verger", user_dir) < 0) {
		path = NULL;
	}
	r = path ? rundir_ensure(path) : -ENOMEM;
	if (r) {
		snprintf(reason, reason_size, "%s: %s", path ? path : "run_dir", strerror(-r));
		free(path);
		return NULL;
	}
	return path;
}
