/* SPDX-License-Identifier: MIT */
/* A directory of its own for each test, and the files in it.  Use scratch_make and scratch_remove
 * as a checked fixture. */
#pragma once

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRATCH_PATHS_MAX = 8, SCRATCH_PATH_SIZE = 512, SCRATCH_TEXT_SIZE = 8192 };

static char scratch[sizeof "/tmp/verger-test-XXXXXX"];

static inline void scratch_make(void)
{
	umask(022);
	memcpy(scratch, "/tmp/verger-test-XXXXXX", sizeof scratch);
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chmod(scratch, 0755), 0);
}

static inline int scratch_remove_entry(const char *path, const struct stat *st, int type,
                                       struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static inline void scratch_remove(void)
{
	(void)chmod(scratch, 0755); /* a test may have closed it */
	nftw(scratch, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Root goes on as another user, who owns the directory. */
static inline void scratch_become(uid_t id)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(scratch, id, id), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(id, id, id), 0);
	ck_assert_int_eq(setresuid(id, id, id), 0);
}

/* The path of `name` in the directory; valid for a few calls more. */
static inline const char *scratch_path(const char *name)
{
	static char paths[SCRATCH_PATHS_MAX][SCRATCH_PATH_SIZE];
	static unsigned next;
	char *path = paths[next++ % SCRATCH_PATHS_MAX];

	snprintf(path, SCRATCH_PATH_SIZE, "%s/%s", scratch, name);
	return path;
}

static inline const char *scratch_put(const char *name, const char *text, mode_t mode)
{
	const char *path = scratch_path(name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

/* The content of a file, valid until the next call. */
static inline const char *scratch_read(const char *path)
{
	static char text[SCRATCH_TEXT_SIZE];
	FILE *f = fopen(path, "r");

	ck_assert_msg(f != NULL, "%s is not there", path);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static inline bool scratch_has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* How many entries a directory has. */
static inline int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}
