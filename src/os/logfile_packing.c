/* SPDX-License-Identifier: MIT */
/* What becomes of the rotated files of a log.  Knows nothing of how they are packed. */
#include "os/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/logfile_private.h"
#include "os/rotated.h"

int logfile_read_rotated(struct logfile *f, struct rotated_list *list)
{
	int dir_fd = rotated_open_directory(f->path);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	if (!f->swept)
		rotated_sweep(dir_fd, logfile_base(f), f->packing_us);
	f->swept = true;
	r = rotated_list_read(list, dir_fd, logfile_base(f));
	if (r == 0)
		return dir_fd;
	close(dir_fd);
	return r;
}

void logfile_forget_next(struct logfile *f)
{
	free(f->next_to_pack);
	f->next_to_pack = NULL;
}

static char *find_to_pack(struct logfile *f)
{
	struct rotated_list list;
	int dir_fd = logfile_read_rotated(f, &list);
	char *path = NULL;
	size_t i = 0;

	if (dir_fd < 0)
		return NULL;
	close(dir_fd);
	while (i < list.count && (list.items[i].forms != 1u << LOG_COMPRESS_NO ||
	                          list.items[i].time_us <= f->packed_us))
		i++;
	if (i < list.count)
		path = rotated_path(f->path, list.items[i].time_us, LOG_COMPRESS_NO);
	rotated_list_release(&list);
	return path;
}

const char *logfile_next_to_pack(struct logfile *f)
{
	if (f->policy.compress == LOG_COMPRESS_NO || f->packing_us || !f->may_pack ||
	    !logfile_may_rotate(f) || f->displaced)
		return NULL;
	if (!f->next_to_pack)
		f->next_to_pack = find_to_pack(f);
	f->may_pack = f->next_to_pack != NULL;
	return f->next_to_pack;
}

int logfile_set_packing(struct logfile *f, const char *plain_path)
{
	enum log_compress form;
	int64_t time_us = 0;

	if (plain_path &&
	    !rotated_parse(rotated_base(plain_path), logfile_base(f), &time_us, &form, NULL))
		return -EINVAL;
	f->packing_us = time_us;
	if (time_us)
		f->packed_us = time_us;
	logfile_forget_next(f);
	return 0;
}

/* Takes over what people go by, and makes it last. */
static int complete(const char *half, const struct stat *plain)
{
	const struct timespec times[2] = { plain->st_atim, plain->st_mtim };
	_cleanup_fd_ int fd = open(half, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* even of nothing a packer makes something */
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return -EIO;
	(void)futimens(fd, times);
	return fsync(fd) < 0 ? -errno : 0;
}

/* Puts what was packed in the place of the plain file, if that is still wanted. */
static int replace(const char *plain_path, const char *packed, const char *half)
{
	_cleanup_fd_ int dir_fd = rotated_open_directory(plain_path);
	struct stat st;
	int r;

	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
	if (lstat(plain_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	r = complete(half, &st);
	if (r < 0)
		return r;
	if (rename(half, packed) < 0)
		return -errno;
	/* the plain one must not go before the packed one is there for good */
	if (fsync(dir_fd) < 0 && errno != EINVAL)
		return -errno;
	return unlink(plain_path) < 0 && errno != ENOENT ? -errno : 0;
}

int logfile_finish_packing(const char *plain_path, enum log_compress compress, bool succeeded)
{
	_cleanup_free_ char *packed = rotated_packed_path(plain_path, compress, false);
	_cleanup_free_ char *half = rotated_packed_path(plain_path, compress, true);
	int r;

	if (!packed || !half)
		return -ENOMEM;
	r = succeeded ? replace(plain_path, packed, half) : 0;
	/* it has taken its place, or it is of no use */
	if (unlink(half) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	return r;
}

/* --- for readers --- */

static int add_path(struct strv *out, const char *path, const struct rotated *r)
{
	enum log_compress form = LOG_COMPRESS_NO;

	/* the plain one, where both are: whoever lists can read that */
	while (!(r->forms >> form & 1))
		form++;
	return strv_add_taken(out, rotated_path(path, r->time_us, form));
}

int logfile_list(const char *path, struct strv *out)
{
	_cleanup_fd_ int dir_fd = rotated_open_directory(path);
	struct rotated_list list;
	int r;

	if (dir_fd < 0)
		return dir_fd;
	r = rotated_list_read(&list, dir_fd, rotated_base(path));
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = add_path(out, path, &list.items[i]);
	rotated_list_release(&list);
	return r;
}
