/* SPDX-License-Identifier: MIT */
#include "ctl/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where there is no room for files, memory has to do. */
static int make_file(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("vergerctl", MFD_CLOEXEC);
}

static FILE *open_file(void)
{
	int fd = make_file();
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

void spool_add(struct spool *s, const char *bytes, size_t size)
{
	if (!s->file && !s->error)
		s->file = open_file();
	if (!s->error &&
	    (!s->file || fwrite(bytes, 1, size, s->file) != size || putc('\n', s->file) == EOF))
		s->error = errno ? -errno : -EIO;
	if (!s->error)
		s->size += size + 1;
}

const char *spool_read(struct spool *s)
{
	if (s->error || s->size == 0)
		return NULL;
	if (!s->map && fflush(s->file) == 0)
		s->map = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fileno(s->file), 0);
	if (s->map && s->map != MAP_FAILED)
		return s->map;
	s->map = NULL;
	s->error = errno ? -errno : -EIO;
	return NULL;
}

void spool_release(struct spool *s)
{
	if (s->map)
		munmap(s->map, s->size);
	if (s->file)
		fclose(s->file);
	*s = (struct spool){ 0 };
}
