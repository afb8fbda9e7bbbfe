/* SPDX-License-Identifier: MIT */
/* Reads files to their end, pipes too.  Knows nothing of what is in them. */
#include "config/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static int read_all(int fd, struct text *out)
{
	char block[16384];

	for (;;) {
		ssize_t n = read(fd, block, sizeof block);
		int r = n < 0 ? -errno : 0;

		if (r == -EINTR)
			continue;
		if (r < 0 || n == 0)
			return r;
		r = text_add(out, block, (size_t)n);
		if (r < 0)
			return r == -E2BIG ? -EFBIG : r;
	}
}

int slurp(const char *path, enum slurp_kind kind, size_t max_size, char **bytes, size_t *size,
          struct stat *status)
{
	/* a FIFO without writer would hold the open() itself */
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (kind == SLURP_REGULAR ? O_NONBLOCK : 0);
	_cleanup_fd_ int fd = open(path, flags);
	struct stat own;
	struct text text;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &own) < 0)
		return -errno;
	if (S_ISDIR(own.st_mode))
		return -EISDIR;
	if (kind == SLURP_REGULAR && !S_ISREG(own.st_mode))
		return -EINVAL;
	text_init(&text, max_size);
	r = read_all(fd, &text);
	if (r == 0) {
		*size = text.size;
		*bytes = text_take(&text);
		r = *bytes ? 0 : -ENOMEM;
		if (status)
			*status = own;
	}
	text_release(&text);
	return r;
}
