/* SPDX-License-Identifier: MIT */
/* The rotated files of a log: how they are called, which there are, and the end of those that are
 * too many.
 *
 * PATH-20261130T081500.123456Z is one, by the moment of its rotation (UTC); packed, it has .gz,
 * .zst or .xz behind that; while it is being packed, the packed one has .tmp behind that again.  A
 * name that is not exactly of this form is somebody else's file, and so is everything that is not
 * a regular file. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/settings.h"

/* Of a name in its directory, with its NUL. */
enum { ROTATED_NAME_SIZE = NAME_MAX + 1 };

struct rotated {
	int64_t time_us; /* of the rotation; tells them apart */
	unsigned forms;  /* 1u << enum log_compress for each that is there: plain and packed both,
	                    for a moment */
};

struct rotated_list {
	struct rotated *items; /* oldest first; owned */
	size_t count;
	int64_t last_us; /* of the latest name that is taken, by whatever it may be; 0 = none */
	/* private */
	size_t capacity;
};

#define ROTATED_LIST_INIT                                                                          \
	{                                                                                          \
		0                                                                                  \
	}

/* Where the name begins in a path. */
const char *rotated_base(const char *path);

/* Opens the directory of `path` for the calls below.  A descriptor, or negative errno. */
int rotated_open_directory(const char *path);

/* Writes the name of a form.  0, -ENAMETOOLONG, or -EOVERFLOW after the year 9999. */
int rotated_format(char out[ROTATED_NAME_SIZE], const char *base, int64_t time_us,
                   enum log_compress form);

/* The same as a path beside `path`, malloc'ed; NULL when memory is out or there is no such name. */
char *rotated_path(const char *path, int64_t time_us, enum log_compress form);

/* What the plain file becomes; `half`: the name it has until it is complete.  malloc'ed, NULL when
 * memory is out. */
char *rotated_packed_path(const char *plain_path, enum log_compress form, bool half);

/* Whether `name` is one of `base`; a half-packed one (.tmp) is only when `half` is not NULL, and
 * tells there that it is. */
bool rotated_parse(const char *name, const char *base, int64_t *time_us, enum log_compress *form,
                   bool *half);

/* Whether the file of this name is packed. */
bool rotated_is_packed(const char *name);

/* Puts the path of the same file packed in place of *path (malloc'ed), if there is one: it was
 * packed since it was listed. */
bool rotated_find_packed(char **path);

/* Reads which there are.  0, or negative errno with an empty list. */
int rotated_list_read(struct rotated_list *list, int dir_fd, const char *base);
void rotated_list_release(struct rotated_list *list);

/* Removes all forms of one.  0 (also when there is none), or negative errno. */
int rotated_remove(int dir_fd, const char *base, const struct rotated *r);

/* Removes the oldest until `keep` are left.  0, or the first negative errno; the others are tried
 * all the same. */
int rotated_prune(int dir_fd, const char *base, const struct rotated_list *list, unsigned keep);

/* Removes what packers have left that died: half-packed files, and plain ones that are packed
 * already; but not of the one that is being packed now (0 = none). */
void rotated_sweep(int dir_fd, const char *base, int64_t packing_us);

/* Gives a new file mode and owner of another as far as that is allowed, and never lets more people
 * in. */
void rotated_dress(int fd, const struct stat *like);
