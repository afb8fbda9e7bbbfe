/* SPDX-License-Identifier: MIT */
/* Looks at PID files as a control script would, one open and one read, and remembers which file it
 * was. */
#include "observer/sighting.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

static enum sighting_form parse_text(struct sighting *s, size_t size)
{
	char digits[SIGHTING_TEXT_SIZE];
	int64_t pid;

	if (size == 0)
		return SIGHTING_EMPTY;
	memcpy(digits, s->text, size);
	if (digits[size - 1] != '\n' || digits[0] == '0')
		return SIGHTING_TORN;
	digits[size - 1] = '\0';
	if (strlen(digits) != size - 1 || parse_int(digits, 1, 1 << 22, &pid) < 0)
		return SIGHTING_TORN;
	s->pid = (pid_t)pid;
	return SIGHTING_PID;
}

void sighting_take(struct sighting *s, int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size;

	*s = (struct sighting){ .form = SIGHTING_ABSENT };
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || fstat(fd, &s->stat) < 0) {
		snprintf(s->text, sizeof s->text, "(error %d)", errno);
		s->form = SIGHTING_TORN;
		return;
	}
	size = read(fd, s->text, sizeof s->text - 1);
	s->form = size < 0 ? SIGHTING_TORN : parse_text(s, (size_t)size);
}

bool sighting_is_same(const struct sighting *a, const struct sighting *b)
{
	return a->form == b->form && a->stat.st_ino == b->stat.st_ino &&
	       a->stat.st_ctim.tv_sec == b->stat.st_ctim.tv_sec &&
	       a->stat.st_ctim.tv_nsec == b->stat.st_ctim.tv_nsec && strcmp(a->text, b->text) == 0;
}

bool comm_read(pid_t pid, char comm[COMM_SIZE])
{
	_cleanup_fd_ int fd = -1;
	char path[32];
	ssize_t size;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, comm, COMM_SIZE);
	if (size <= 0)
		return false;
	comm[size - 1] = '\0'; /* the kernel ends it with a newline */
	return true;
}
