/* SPDX-License-Identifier: MIT */
/* Files of unix sockets.  An address has room for 107 bytes; what is longer is reached through a
 * descriptor of its directory, whose name in /proc is short. */
#include "os/socketfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Where the file is to be. */
struct place {
	const char *path, *name; /* borrowed; name is its last part */
	int dir_fd;
	struct sockaddr_un address;
};

static int open_directory(const char *path, const char *name)
{
	_cleanup_free_ char *directory = NULL;
	int fd;

	if (name == path)
		directory = strdup(".");
	else
		directory = strndup(path, name - path > 1 ? (size_t)(name - path - 1) : 1);
	if (!directory)
		return -ENOMEM;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_address(struct place *place)
{
	struct sockaddr_un *address = &place->address;
	int length;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(place->path) < sizeof address->sun_path)
		length = snprintf(address->sun_path, sizeof address->sun_path, "%s", place->path);
	else
		length = snprintf(address->sun_path, sizeof address->sun_path,
		                  "/proc/self/fd/%d/%s", place->dir_fd, place->name);
	return length < (int)sizeof address->sun_path ? 0 : -ENAMETOOLONG;
}

static int place_init(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	int r;

	*place = (struct place){ .path = path, .name = slash ? slash + 1 : path, .dir_fd = -1 };
	if (!*place->name)
		return -EISDIR;
	place->dir_fd = open_directory(path, place->name);
	if (place->dir_fd < 0)
		return place->dir_fd;
	r = make_address(place);
	if (r < 0)
		place->dir_fd = fd_close(place->dir_fd);
	return r;
}

static int make_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Asks whether somebody listens there.  -EADDRINUSE if so; 0 if nobody does; another negative errno
 * when it cannot be told. */
static int knock(const struct place *place)
{
	_cleanup_fd_ int fd = make_socket();

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&place->address, sizeof place->address) == 0)
		return -EADDRINUSE;
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED: return 0;
	case EAGAIN: return -EADDRINUSE; /* more are waiting there than it takes */
	case EPROTOTYPE: return -EEXIST; /* not a stream */
	default: return -errno;
	}
}

/* Something may stand at the path: removes it if it is a socket that nobody listens at. */
static int clear(const struct place *place)
{
	struct stat st;
	int r;

	if (fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode) || (geteuid() != 0 && st.st_uid != geteuid()))
		return -EEXIST;
	r = knock(place);
	if (r < 0)
		return r;
	return unlinkat(place->dir_fd, place->name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Makes the file, which nobody can connect to before its socket listens. */
static int make_file(const struct place *place, int fd, mode_t mode)
{
	mode_t mask = umask(0777 & ~mode);
	int r = bind(fd, (const struct sockaddr *)&place->address, sizeof place->address);

	if (r < 0)
		r = -errno;
	umask(mask);
	return r;
}

static int take_note(struct socketfile *sf, const struct place *place, mode_t mode)
{
	struct stat st;

	if (fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	sf->device = st.st_dev;
	sf->inode = st.st_ino;
	/* a default ACL of the directory takes the place of the mask */
	if ((st.st_mode & 07777) == mode)
		return 0;
	return fchmodat(place->dir_fd, place->name, mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int listen_at(struct socketfile *sf, const struct place *place, mode_t mode)
{
	_cleanup_fd_ int fd = -1;
	int r = clear(place), result;

	if (r < 0)
		return r;
	fd = make_socket();
	if (fd < 0)
		return fd;
	r = make_file(place, fd, mode);
	if (r < 0)
		return r;
	r = take_note(sf, place, mode);
	if (r == 0 && listen(fd, SOMAXCONN) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(place->dir_fd, place->name, 0);
		return r;
	}
	result = fd;
	fd = -1;
	return result;
}

int socketfile_listen(struct socketfile *sf, const char *path, mode_t mode)
{
	struct place place;
	int r = place_init(&place, path);

	*sf = (struct socketfile){ 0 };
	if (r < 0)
		return r;
	sf->path = strdup(path);
	r = sf->path ? listen_at(sf, &place, mode) : -ENOMEM;
	fd_close(place.dir_fd);
	if (r < 0) {
		free(sf->path);
		sf->path = NULL;
	}
	return r;
}

bool socketfile_is_ours(const struct socketfile *sf)
{
	struct stat st;

	return sf->path && lstat(sf->path, &st) == 0 && st.st_ino == sf->inode &&
	       st.st_dev == sf->device;
}

int socketfile_set_mode(const struct socketfile *sf, mode_t mode)
{
	if (!socketfile_is_ours(sf))
		return -ESTALE;
	return fchmodat(AT_FDCWD, sf->path, mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

void socketfile_remove(struct socketfile *sf)
{
	if (socketfile_is_ours(sf))
		unlink(sf->path);
	free(sf->path);
	*sf = (struct socketfile){ 0 };
}
