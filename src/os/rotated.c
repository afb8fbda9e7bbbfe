/* SPDX-License-Identifier: MIT */
/* Rotated files.  Knows nothing of the log that they were. */
#include "os/rotated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum {
	STAMP_SIZE = sizeof "-20261130T081500.123456Z",
	MICROSECONDS_DIGITS = 6,
	US_PER_S = 1000000,
	FORM_COUNT = LOG_COMPRESS_XZ + 1,
};

#define TIME_END_US ((int64_t)253402300800 * US_PER_S) /* the year 10000 */

static const char half_suffix[] = ".tmp";

static const char *const suffixes[] = {
	[LOG_COMPRESS_NO] = "",
	[LOG_COMPRESS_GZIP] = ".gz",
	[LOG_COMPRESS_ZSTD] = ".zst",
	[LOG_COMPRESS_XZ] = ".xz",
};

/* --- names --- */

const char *rotated_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void format_stamp(char out[STAMP_SIZE], int64_t time_us)
{
	time_t sec = (time_t)(time_us / US_PER_S);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(out, STAMP_SIZE, "-%Y%m%dT%H%M%S", &tm);
	snprintf(out + n, STAMP_SIZE - n, ".%06uZ", (unsigned)(time_us % US_PER_S));
}

int rotated_format(char out[ROTATED_NAME_SIZE], const char *base, int64_t time_us,
                   enum log_compress form)
{
	char stamp[STAMP_SIZE];
	int n;

	if (time_us < 0 || time_us >= TIME_END_US)
		return -EOVERFLOW;
	format_stamp(stamp, time_us);
	n = snprintf(out, ROTATED_NAME_SIZE, "%s%s%s", base, stamp, suffixes[form]);
	return n < ROTATED_NAME_SIZE ? 0 : -ENAMETOOLONG;
}

char *rotated_path(const char *path, int64_t time_us, enum log_compress form)
{
	const char *base = rotated_base(path);
	char name[ROTATED_NAME_SIZE], *full;

	if (rotated_format(name, base, time_us, form) < 0)
		return NULL;
	return asprintf(&full, "%.*s%s", (int)(base - path), path, name) < 0 ? NULL : full;
}

char *rotated_packed_path(const char *plain_path, enum log_compress form, bool half)
{
	char *full;
	int n = asprintf(&full, "%s%s%s", plain_path, suffixes[form], half ? half_suffix : "");

	return n < 0 ? NULL : full;
}

/* Reads the stamp at the start of `text`, of which at least STAMP_SIZE - 1 bytes are there. */
static bool parse_stamp(const char *text, int64_t *time_us)
{
	char digits[MICROSECONDS_DIGITS + 1], again[STAMP_SIZE];
	struct tm tm = { 0 };
	int64_t fraction, seconds;
	const char *rest = strptime(text, "-%Y%m%dT%H%M%S.", &tm);

	if (!rest || strlen(rest) < MICROSECONDS_DIGITS)
		return false;
	memcpy(digits, rest, MICROSECONDS_DIGITS);
	digits[MICROSECONDS_DIGITS] = '\0';
	if (parse_int(digits, 0, US_PER_S - 1, &fraction) < 0)
		return false;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*time_us = seconds * US_PER_S + fraction;
	/* a day that no month has, a blank for a digit: whatever was not written by us */
	format_stamp(again, *time_us);
	return strncmp(again, text, STAMP_SIZE - 1) == 0;
}

static bool parse_suffix(const char *text, enum log_compress *form, bool *half)
{
	for (unsigned i = 0; i < FORM_COUNT; i++) {
		size_t n = strlen(suffixes[i]);
		bool is_half;

		if (strncmp(text, suffixes[i], n) != 0)
			continue;
		is_half = n > 0 && half && strcmp(text + n, half_suffix) == 0;
		if (text[n] && !is_half)
			continue;
		*form = (enum log_compress)i;
		if (half)
			*half = is_half;
		return true;
	}
	return false;
}

bool rotated_parse(const char *name, const char *base, int64_t *time_us, enum log_compress *form,
                   bool *half)
{
	size_t n = strlen(base);

	return strncmp(name, base, n) == 0 && strlen(name + n) >= STAMP_SIZE - 1 &&
	       parse_stamp(name + n, time_us) &&
	       parse_suffix(name + n + STAMP_SIZE - 1, form, half);
}

/* --- which there are --- */

int rotated_open_directory(const char *path)
{
	size_t n = (size_t)(rotated_base(path) - path);
	_cleanup_free_ char *dir = n ? strndup(path, n) : strdup(".");
	int fd;

	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Opens it once more: a copy of the descriptor would share the position.  NULL: *error is a
 * negative errno. */
static DIR *open_stream(int dir_fd, int *error)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	*error = dir ? 0 : -errno;
	if (!dir)
		fd_close(fd);
	return dir;
}

static bool is_regular(DIR *dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

static int add(struct rotated_list *list, int64_t time_us, enum log_compress form)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct rotated *items = reallocarray(list->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = (struct rotated){ .time_us = time_us, .forms = 1u << form };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct rotated *first = a, *second = b;

	return (first->time_us > second->time_us) - (first->time_us < second->time_us);
}

/* Sorts, and makes one of the forms of each. */
static void put_in_order(struct rotated_list *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, compare);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && list->items[kept - 1].time_us == list->items[i].time_us)
			list->items[kept - 1].forms |= list->items[i].forms;
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static int read_entries(struct rotated_list *list, DIR *dir, const char *base)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		enum log_compress form;
		int64_t time_us;
		bool half;

		if (!rotated_parse(entry->d_name, base, &time_us, &form, &half))
			continue;
		if (time_us > list->last_us)
			list->last_us = time_us;
		if (!half && is_regular(dir, entry))
			r = add(list, time_us, form);
	}
	return r ? r : -errno;
}

int rotated_list_read(struct rotated_list *list, int dir_fd, const char *base)
{
	DIR *dir;
	int r;

	*list = (struct rotated_list)ROTATED_LIST_INIT;
	dir = open_stream(dir_fd, &r);
	if (!dir)
		return r;
	r = read_entries(list, dir, base);
	closedir(dir);
	if (r < 0)
		rotated_list_release(list);
	else
		put_in_order(list);
	return r;
}

void rotated_list_release(struct rotated_list *list)
{
	free(list->items);
	*list = (struct rotated_list)ROTATED_LIST_INIT;
}

/* --- the end of them --- */

static int remove_form(int dir_fd, const char *base, int64_t time_us, enum log_compress form)
{
	char name[ROTATED_NAME_SIZE];
	int r = rotated_format(name, base, time_us, form);

	if (r < 0)
		return r;
	return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int rotated_remove(int dir_fd, const char *base, const struct rotated *r)
{
	int result = 0;

	for (unsigned form = 0; form < FORM_COUNT; form++) {
		if (r->forms & 1u << form) {
			int one = remove_form(dir_fd, base, r->time_us, (enum log_compress)form);

			if (result == 0)
				result = one;
		}
	}
	return result;
}

int rotated_prune(int dir_fd, const char *base, const struct rotated_list *list, unsigned keep)
{
	int r = 0;

	for (size_t i = 0; list->count - i > keep; i++) {
		int one = rotated_remove(dir_fd, base, &list->items[i]);

		if (r == 0)
			r = one;
	}
	return r;
}

static void sweep_half_packed(DIR *dir, const char *base, int64_t packing_us)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		enum log_compress form;
		int64_t time_us;
		bool half;

		if (rotated_parse(entry->d_name, base, &time_us, &form, &half) && half &&
		    time_us != packing_us && is_regular(dir, entry))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
}

/* A packer's work is made to last before it gets its name, so the plain one is the one too many. */
static void sweep_packed(int dir_fd, const char *base, int64_t packing_us)
{
	const unsigned plain = 1u << LOG_COMPRESS_NO;
	struct rotated_list list;

	if (rotated_list_read(&list, dir_fd, base) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct rotated *r = &list.items[i];

		if (r->time_us != packing_us && (r->forms & plain) && r->forms != plain)
			remove_form(dir_fd, base, r->time_us, LOG_COMPRESS_NO);
	}
	rotated_list_release(&list);
}

void rotated_sweep(int dir_fd, const char *base, int64_t packing_us)
{
	int error;
	DIR *dir = open_stream(dir_fd, &error);

	if (!dir)
		return;
	sweep_half_packed(dir, base, packing_us);
	closedir(dir);
	sweep_packed(dir_fd, base, packing_us);
}

static enum log_compress form_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (int form = LOG_COMPRESS_NO + 1; dot && form < FORM_COUNT; form++)
		if (!strcmp(dot, suffixes[form]))
			return (enum log_compress)form;
	return LOG_COMPRESS_NO;
}

bool rotated_is_packed(const char *name)
{
	return form_of(name) != LOG_COMPRESS_NO;
}

bool rotated_find_packed(char **path)
{
	for (int form = LOG_COMPRESS_NO + 1; form < FORM_COUNT; form++) {
		char *packed = rotated_packed_path(*path, (enum log_compress)form, false);

		if (packed && access(packed, F_OK) == 0) {
			free(*path);
			*path = packed;
			return true;
		}
		free(packed);
	}
	return false;
}

void rotated_dress(int fd, const struct stat *like)
{
	mode_t mode = like->st_mode & 0777;
	struct stat st;

	/* the bits of a group are for that group */
	if (fstat(fd, &st) < 0 || ((st.st_uid != like->st_uid || st.st_gid != like->st_gid) &&
	                           fchown(fd, like->st_uid, like->st_gid) < 0))
		mode &= ~(mode_t)070;
	(void)fchmod(fd, mode);
}
