/* SPDX-License-Identifier: MIT */
/* One look at a PID file, and whom a PID belongs to. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { SIGHTING_TEXT_SIZE = 32, COMM_SIZE = 16 };

enum sighting_form {
	SIGHTING_ABSENT, /* there was no file */
	SIGHTING_EMPTY,
	SIGHTING_TORN, /* anything but decimal digits and one newline */
	SIGHTING_PID,
};

struct sighting {
	enum sighting_form form;
	pid_t pid;
	char text[SIGHTING_TEXT_SIZE];
	/* private */
	struct stat stat;
};

/* Reads the file `name`. */
void sighting_take(struct sighting *s, int dir_fd, const char *name);

/* Whether both saw the same file with the same text.  tmpfs gives an inode number to one file only,
 * so that this cannot be another file that looks alike. */
bool sighting_is_same(const struct sighting *a, const struct sighting *b);

/* Writes the name of the process, which the kernel changes at exec and hands on at fork.  False: no
 * process has this PID. */
bool comm_read(pid_t pid, char comm[COMM_SIZE]);
