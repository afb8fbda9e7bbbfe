/* SPDX-License-Identifier: MIT */
/* L3: rotation by size and age at line ends; a full disk takes the oldest rotated files first, then
 * holds, never corrupts. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "os/logfile.h"
#include "scratch.h"
#include "unit/suite.h"

enum {
	US_PER_S = 1000000,
	BIG = 1 << 20,
	NOBODY = 65534,
	LINE_SIZE = 32, /* of write_line */
};

/* 2026-11-30T08:15:00Z, a time that is told, not looked up */
#define NOW_US ((int64_t)1796026500 * US_PER_S)

static const struct logfile_policy unlimited = {
	.max_size = LOG_SIZE_NONE,
	.max_age_ms = MSEC_NEVER,
	.keep = 10,
};

static struct logfile_policy by_size(uint64_t max_size, unsigned keep)
{
	return (struct logfile_policy){ .max_size = max_size,
		                        .max_age_ms = MSEC_NEVER,
		                        .keep = keep };
}

static struct logfile_policy by_age(msec_t max_age_ms)
{
	return (struct logfile_policy){ .max_size = LOG_SIZE_NONE,
		                        .max_age_ms = max_age_ms,
		                        .keep = 10 };
}

static struct logfile *open_log(const char *name, struct logfile_policy policy)
{
	struct logfile *f = NULL;

	ck_assert_int_eq(logfile_open(&f, scratch_path(name), &policy), 0);
	ck_assert_ptr_nonnull(f);
	return f;
}

/* Writes as a caller does, going on where it stopped; the number of calls. */
static int write_all(struct logfile *f, const char *text, int64_t now_us)
{
	size_t size = strlen(text), done = 0;
	int calls = 0;

	while (done < size) {
		ssize_t n = logfile_write(f, text + done, size - done, now_us);

		ck_assert_msg(n > 0, "logfile_write: %s", strerror((int)-n));
		done += (size_t)n;
		calls++;
	}
	return calls;
}

/* Writes line `number`, LINE_SIZE bytes long. */
static void write_line(struct logfile *f, int number, int64_t now_us)
{
	char line[LINE_SIZE + 1];

	snprintf(line, sizeof line, "%0*d\n", LINE_SIZE - 1, number);
	write_all(f, line, now_us);
}

static void write_lines(struct logfile *f, int first, int count, int64_t now_us)
{
	for (int i = first; i < first + count; i++)
		write_line(f, i, now_us);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* The number of rotated files of `name`. */
static size_t count_rotated(const char *name)
{
	struct strv paths = STRV_INIT;
	size_t count;

	ck_assert_int_eq(logfile_list(scratch_path(name), &paths), 0);
	count = paths.count;
	strv_release(&paths);
	return count;
}

/* The n-th rotated file of `name`, oldest first; valid until the next call. */
static const char *rotated_file(const char *name, size_t n)
{
	static char path[SCRATCH_PATH_SIZE];
	struct strv paths = STRV_INIT;

	ck_assert_int_eq(logfile_list(scratch_path(name), &paths), 0);
	ck_assert_msg(n < paths.count, "%zu of %zu rotated files", n, paths.count);
	snprintf(path, sizeof path, "%s", paths.items[n]);
	strv_release(&paths);
	return path;
}

/* All that was written, from the oldest file to the current one; owned by the caller. */
static char *read_whole(const char *name)
{
	struct strv paths = STRV_INIT;
	char *all = calloc(1, BIG + 1);
	size_t used = 0;

	ck_assert_int_eq(logfile_list(scratch_path(name), &paths), 0);
	ck_assert_int_eq(strv_add(&paths, scratch_path(name)), 0);
	for (size_t i = 0; i < paths.count; i++) {
		FILE *file = fopen(paths.items[i], "r");

		ck_assert_ptr_nonnull(file);
		used += fread(all + used, 1, BIG - used, file);
		fclose(file);
	}
	strv_release(&paths);
	return all;
}

static bool ends_at_a_line_end(const char *path)
{
	const char *text = scratch_read(path);

	return *text && text[strlen(text) - 1] == '\n';
}

static void append_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void put_rotated(const char *name)
{
	scratch_put(name, "old\n", 0644);
}

/* --- files --- */

START_TEST(appends_to_what_is_there)
{
	struct logfile *f;
	struct stat st;

	scratch_put("log", "one\n", 0640);
	f = open_log("log", unlimited);
	ck_assert(logfile_is_regular(f));
	ck_assert_int_eq(logfile_write(f, "two\n", 4, NOW_US), 4);
	ck_assert_int_eq(logfile_write(f, "", 0, NOW_US), 0);
	ck_assert_str_eq(scratch_read(scratch_path("log")), "one\ntwo\n");
	ck_assert_int_eq(fcntl(logfile_fd(f), F_GETFD), FD_CLOEXEC);
	logfile_close(f);
	f = open_log("new", unlimited);
	ck_assert_int_eq(stat(scratch_path("new"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	logfile_close(f);
	logfile_close(NULL);
}
END_TEST

START_TEST(says_why_it_cannot_be_opened)
{
	struct logfile *f = NULL;

	ck_assert_int_eq(logfile_open(&f, scratch_path("no/log"), &unlimited), -ENOENT);
	ck_assert_int_eq(logfile_open(&f, scratch, &unlimited), -EISDIR);
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0644), 0);
	ck_assert_int_eq(logfile_open(&f, scratch_path("fifo"), &unlimited), -ENXIO);
	ck_assert_ptr_null(f);
}
END_TEST

START_TEST(never_waits_for_the_reader_of_a_fifo)
{
	_cleanup_fd_ int reader = -1;
	char lines[4096];
	struct logfile *f;
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0644), 0);
	reader = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK);
	f = open_log("fifo", by_size(10, 1));
	ck_assert(!logfile_is_regular(f));
	memset(lines, '\n', sizeof lines);
	do
		n = logfile_write(f, lines, sizeof lines, NOW_US);
	while (n > 0);
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert_int_eq(read(reader, lines, sizeof lines), sizeof lines);
	ck_assert_int_eq(logfile_write(f, lines, sizeof lines, NOW_US), sizeof lines);
	close(reader);
	reader = -1;
	ck_assert_int_eq(logfile_write(f, "x\n", 2, NOW_US), -EPIPE);
	ck_assert_int_eq(logfile_trouble(f), 0);
	ck_assert_int_eq(count_entries(scratch), 1);
	logfile_close(f);
}
END_TEST

START_TEST(leaves_devices_where_they_are)
{
	struct logfile_policy policy = by_size(1, 0);
	struct logfile *f;

	ck_assert_int_eq(logfile_open(&f, "/dev/null", &policy), 0);
	ck_assert(!logfile_is_regular(f));
	write_lines(f, 0, 10, NOW_US);
	ck_assert_int_eq(logfile_check(f, NOW_US), 0);
	ck_assert_ptr_null(logfile_next_to_pack(f));
	ck_assert_int_eq(logfile_trouble(f), 0);
	logfile_close(f);
}
END_TEST

START_TEST(writes_through_a_link_and_never_rotates_it)
{
	struct logfile *f;
	struct stat st;

	ck_assert_int_eq(symlink("target", scratch_path("log")), 0);
	f = open_log("log", by_size(LINE_SIZE, 1));
	write_lines(f, 0, 3, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("target")), 3 * LINE_SIZE);
	ck_assert_int_eq(count_entries(scratch), 2);
	ck_assert_int_eq(lstat(scratch_path("log"), &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(logfile_trouble(f), 0);
	logfile_close(f);
}
END_TEST

START_TEST(says_where_it_stopped)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = 100 };
	struct logfile *f = open_log("log", unlimited);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	write_lines(f, 0, 3, NOW_US);
	ck_assert_int_eq(logfile_write(f, "12345678", 8, NOW_US), 100 - 3 * LINE_SIZE);
	ck_assert_int_eq(logfile_write(f, "5678", 4, NOW_US), -EFBIG);
	ck_assert_int_eq(size_of(scratch_path("log")), 100);
	logfile_close(f);
}
END_TEST

/* --- rotation by size --- */

START_TEST(l3_rotates_before_a_line_that_does_not_fit)
{
	struct logfile *f = open_log("log", by_size(3 * LINE_SIZE + 1, 10));

	write_lines(f, 0, 3, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_lines(f, 3, 1, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	ck_assert_str_eq(rotated_file("log", 0), scratch_path("log-20261130T081500.000000Z"));
	ck_assert_int_eq(size_of(rotated_file("log", 0)), 3 * LINE_SIZE);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	ck_assert_int_eq(logfile_trouble(f), 0);
	logfile_close(f);
}
END_TEST

START_TEST(fills_a_file_to_the_last_byte)
{
	struct logfile *f = open_log("log", by_size(2 * LINE_SIZE, 10));

	write_lines(f, 0, 4, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	ck_assert_int_eq(size_of(scratch_path("log")), 2 * LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(cuts_after_the_last_line_that_fits)
{
	struct logfile *f = open_log("log", by_size(10, 10));

	ck_assert_int_eq(logfile_write(f, "one\ntwo\nthree\n", 14, NOW_US), 8);
	ck_assert_int_eq(logfile_write(f, "three\n", 6, NOW_US), 6);
	ck_assert_str_eq(scratch_read(rotated_file("log", 0)), "one\ntwo\n");
	ck_assert_str_eq(scratch_read(scratch_path("log")), "three\n");
	/* "four" fits, "five" does not */
	ck_assert_int_eq(logfile_write(f, "4th\nfive\n", 9, NOW_US), 4);
	logfile_close(f);
}
END_TEST

START_TEST(keeps_a_line_whole_that_no_file_could_hold)
{
	struct logfile *f = open_log("log", by_size(10, 10));

	ck_assert_int_eq(write_all(f, "a\nthis is a long line\nb\n", NOW_US), 3);
	ck_assert_str_eq(scratch_read(rotated_file("log", 0)), "a\n");
	ck_assert_str_eq(scratch_read(rotated_file("log", 1)), "this is a long line\n");
	ck_assert_str_eq(scratch_read(scratch_path("log")), "b\n");
	logfile_close(f);
}
END_TEST

START_TEST(ends_the_line_of_an_earlier_life_first)
{
	struct logfile *f;

	scratch_put("log", "0123456789 unfinished", 0644);
	f = open_log("log", by_size(10, 10));
	ck_assert_int_eq(logfile_write(f, " end\nnext\n", 10, NOW_US), 5);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(logfile_write(f, "next\n", 5, NOW_US), 5);
	ck_assert_str_eq(scratch_read(rotated_file("log", 0)), "0123456789 unfinished end\n");
	ck_assert_str_eq(scratch_read(scratch_path("log")), "next\n");
	logfile_close(f);
}
END_TEST

START_TEST(begins_with_what_a_full_file_needs)
{
	struct logfile *f;

	scratch_put("log", "0123456789\n", 0644);
	f = open_log("log", by_size(10, 10));
	write_all(f, "next\n", NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	ck_assert_str_eq(scratch_read(scratch_path("log")), "next\n");
	logfile_close(f);
}
END_TEST

/* Bytes as a pipe gives them, of lines of all lengths: nothing lost, doubled or out of order, and
 * files end where lines do. */
START_TEST(l3_takes_pieces_of_any_size)
{
	enum { LIMIT = 300, TOTAL = 20000, PIECE_MAX = 700, LINE_MAX_SIZE = 120 };
	struct logfile *f = open_log("log", by_size(LIMIT, 1000));
	_cleanup_free_ char *written = malloc(TOTAL + 1), *found = NULL;
	size_t done = 0, rotated;

	srand((unsigned)_i);
	for (size_t i = 0, left = 0; i < TOTAL; i++, left--) {
		if (left == 0)
			left = 1 + (size_t)rand() % LINE_MAX_SIZE;
		written[i] = left == 1 ? '\n' : (char)('a' + i % 26);
	}
	written[TOTAL] = '\0';
	while (done < TOTAL) {
		size_t piece = 1 + (size_t)rand() % PIECE_MAX;
		ssize_t n;

		if (piece > TOTAL - done)
			piece = TOTAL - done;
		n = logfile_write(f, written + done, piece, NOW_US + (int64_t)done);
		ck_assert_int_gt(n, 0);
		done += (size_t)n;
	}
	rotated = count_rotated("log");
	ck_assert_uint_gt(rotated, TOTAL / (LIMIT + LINE_MAX_SIZE) - 1);
	for (size_t i = 0; i < rotated; i++) {
		ck_assert(ends_at_a_line_end(rotated_file("log", i)));
		ck_assert_int_le(size_of(rotated_file("log", i)), LIMIT + LINE_MAX_SIZE);
	}
	found = read_whole("log");
	ck_assert_str_eq(found, written);
	logfile_close(f);
}
END_TEST

START_TEST(gives_later_names_always)
{
	static const int64_t times[] = { 0, 0, 0, -US_PER_S, -86400 * (int64_t)US_PER_S, 5 };
	struct logfile *f;

	/* whatever form it has, the name is taken */
	put_rotated("log-20261130T081500.000003Z.zst");
	f = open_log("log", by_size(LINE_SIZE, 100));
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		write_line(f, (int)i, NOW_US + times[i]);
	ck_assert_uint_eq(count_rotated("log"), 6);
	for (size_t i = 1; i < 6; i++) {
		char expected[64];

		snprintf(expected, sizeof expected, "log-20261130T081500.00000%zuZ", i + 3);
		ck_assert_str_eq(rotated_file("log", i), scratch_path(expected));
		ck_assert_int_eq(strtol(scratch_read(rotated_file("log", i)), NULL, 10), i - 1);
	}
	logfile_close(f);
}
END_TEST

START_TEST(has_no_name_after_the_last)
{
	struct logfile *f;

	put_rotated("log-99991231T235959.999999Z");
	f = open_log("log", by_size(LINE_SIZE, 100));
	write_lines(f, 0, 3, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), -EOVERFLOW);
	ck_assert_int_eq(size_of(scratch_path("log")), 3 * LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(removes_the_oldest_beyond_keep)
{
	struct logfile *f;

	put_rotated("log-20260101T000000.000000Z.gz");
	put_rotated("log-20260102T000000.000000Z");
	put_rotated("log-20260103T000000.000000Z.xz");
	put_rotated("log-20260104T000000.000000Z.zst");
	/* somebody else's */
	put_rotated("log-20260101");
	put_rotated("log.1");
	put_rotated("logs-20260101T000000.000000Z");
	put_rotated("log-20260101T000000.000000Z.gz.old");
	ck_assert_int_eq(mkdir(scratch_path("log-20250101T000000.000000Z"), 0755), 0);
	f = open_log("log", by_size(LINE_SIZE, 3));
	write_lines(f, 0, 2, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 3);
	ck_assert_str_eq(rotated_file("log", 0), scratch_path("log-20260103T000000.000000Z.xz"));
	ck_assert_str_eq(rotated_file("log", 1), scratch_path("log-20260104T000000.000000Z.zst"));
	ck_assert_str_eq(rotated_file("log", 2), scratch_path("log-20261130T081500.000000Z"));
	ck_assert_int_eq(count_entries(scratch), 1 + 3 + 5);
	ck_assert_int_eq(logfile_trouble(f), 0);
	logfile_close(f);
}
END_TEST

START_TEST(keeps_none_if_told_so)
{
	struct logfile *f = open_log("log", by_size(LINE_SIZE, 0));

	put_rotated("log-20260101T000000.000000Z.gz");
	write_lines(f, 0, 5, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(strtol(scratch_read(scratch_path("log")), NULL, 10), 4);
	logfile_close(f);
}
END_TEST

START_TEST(gives_owner_and_mode_to_the_next_file)
{
	struct logfile *f;
	struct stat st;

	scratch_put("log", "one\n", 0640);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(scratch_path("log"), 4711, 4712), 0);
	f = open_log("log", by_size(4, 1));
	write_all(f, "two\n", NOW_US);
	ck_assert_int_eq(stat(scratch_path("log"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		ck_assert_uint_eq(st.st_uid, 4711);
		ck_assert_uint_eq(st.st_gid, 4712);
	}
	logfile_close(f);
}
END_TEST

START_TEST(goes_by_a_new_policy_at_once)
{
	struct logfile *f = open_log("log", unlimited);
	const struct logfile_policy policy = by_size(LINE_SIZE, 1);

	write_lines(f, 0, 4, NOW_US);
	logfile_set_policy(f, &policy);
	write_line(f, 4, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_set_policy(f, &unlimited);
	write_lines(f, 5, 4, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	ck_assert_int_eq(size_of(scratch_path("log")), 5 * LINE_SIZE);
	logfile_close(f);
}
END_TEST

/* --- others at the same file --- */

START_TEST(notices_what_others_append)
{
	struct logfile *f = open_log("log", by_size(3 * LINE_SIZE, 10));

	write_line(f, 0, NOW_US);
	append_to(scratch_path("log"), "a line of another process, of about two lines in length\n");
	/* not yet looked at */
	write_line(f, 1, NOW_US + 1);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 2, NOW_US + US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

START_TEST(leaves_the_line_of_another_whole)
{
	struct logfile *f = open_log("log", by_size(LINE_SIZE, 10));

	write_line(f, 0, NOW_US);
	append_to(scratch_path("log"), "another has beg");
	write_line(f, 1, NOW_US + US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 2, NOW_US + US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

/* logrotate, copytruncate */
START_TEST(counts_anew_when_the_file_was_cut)
{
	struct logfile *f = open_log("log", by_size(4 * LINE_SIZE, 10));

	write_lines(f, 0, 4, NOW_US);
	ck_assert_int_eq(truncate(scratch_path("log"), 0), 0);
	/* before a rotation it is looked at in any case */
	write_lines(f, 4, 4, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(strtol(scratch_read(scratch_path("log")), NULL, 10), 4);
	write_line(f, 8, NOW_US);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

/* logrotate, create: moved away until it is told */
START_TEST(stays_with_a_file_that_was_renamed)
{
	struct logfile *f = open_log("log", unlimited);

	write_line(f, 0, NOW_US);
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log.1")), 0);
	scratch_put("log", "", 0600);
	ck_assert_int_eq(logfile_check(f, NOW_US + 10 * US_PER_S), 0);
	write_line(f, 1, NOW_US + 10 * US_PER_S);
	ck_assert_int_eq(size_of(scratch_path("log.1")), 2 * LINE_SIZE);
	ck_assert_int_eq(logfile_reopen(f), 0);
	write_line(f, 2, NOW_US + 10 * US_PER_S);
	ck_assert_int_eq(size_of(scratch_path("log.1")), 2 * LINE_SIZE);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(takes_the_rotation_of_another_for_its_own)
{
	struct logfile *f = open_log("log", by_size(LINE_SIZE, 10));

	write_line(f, 0, NOW_US);
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log.1")), 0);
	if (_i)
		scratch_put("log", "", 0644);
	write_line(f, 1, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("log.1")), LINE_SIZE);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(logfile_trouble(f), 0);
	logfile_close(f);
}
END_TEST

START_TEST(stays_with_the_old_file_when_it_cannot_reopen)
{
	struct logfile *f = open_log("log", unlimited);

	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("old")), 0);
	ck_assert_int_eq(mkdir(scratch_path("log"), 0755), 0);
	ck_assert_int_eq(logfile_reopen(f), -EISDIR);
	write_line(f, 0, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("old")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(reopens_with_the_mode_it_had)
{
	struct logfile *f;
	struct stat st;

	scratch_put("log", "", 0600);
	f = open_log("log", unlimited);
	ck_assert_int_eq(rename(scratch_path("log"), scratch_path("old")), 0);
	ck_assert_int_eq(logfile_reopen(f), 0);
	ck_assert_int_eq(stat(scratch_path("log"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	logfile_close(f);
}
END_TEST

/* --- rotations that cannot be done --- */

START_TEST(goes_on_in_the_file_it_cannot_rotate)
{
	struct logfile *f;

	scratch_become(NOBODY);
	f = open_log("log", by_size(2 * LINE_SIZE, 10));
	ck_assert_int_eq(chmod(scratch, 0555), 0);
	write_lines(f, 0, 10, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), -EACCES);
	ck_assert_int_eq(size_of(scratch_path("log")), 10 * LINE_SIZE);
	ck_assert_int_eq(chmod(scratch, 0755), 0);
	/* tried again once a second */
	write_line(f, 10, NOW_US + US_PER_S - 1);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 11, NOW_US + US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	ck_assert_int_eq(logfile_trouble(f), 0);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(takes_pieces_whole_while_it_cannot_rotate)
{
	struct logfile *f;

	scratch_become(NOBODY);
	f = open_log("log", by_size(4, 10));
	write_all(f, "one\n", NOW_US);
	ck_assert_int_eq(chmod(scratch, 0555), 0);
	ck_assert_int_eq(write_all(f, "two\nthree\nfour\nfive\n", NOW_US), 1);
	logfile_close(f);
}
END_TEST

START_TEST(tells_of_old_files_that_stay)
{
	struct logfile *f;

	/* what root has put into a sticky directory is not ours to remove */
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(scratch, 01777), 0);
	put_rotated("log-20260101T000000.000000Z.gz");
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, 0), 0);
	f = open_log("log", by_size(LINE_SIZE, 1));
	write_lines(f, 0, 3, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), -EPERM);
	/* rotated all the same, and the one that may go went */
	ck_assert_uint_eq(count_rotated("log"), 2);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	logfile_close(f);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

/* Who may write to the directory could lead a privileged writer elsewhere. */
START_TEST(follows_no_link_that_was_put_in_its_place)
{
	struct logfile *f = open_log("log", by_size(LINE_SIZE, 10));

	write_line(f, 0, NOW_US);
	scratch_put("victim", "", 0644);
	if (_i == 0) {
		ck_assert_int_eq(unlink(scratch_path("log")), 0);
		ck_assert_int_eq(symlink("victim", scratch_path("log")), 0);
		ck_assert_int_eq(logfile_check(f, NOW_US), -ELOOP);
		ck_assert_int_eq(logfile_check(f, NOW_US + 1), -ELOOP);
	} else {
		ck_assert_int_eq(rename(scratch_path("log"), scratch_path("log.1")), 0);
		ck_assert_int_eq(symlink("victim", scratch_path("log")), 0);
	}
	write_line(f, 1, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("victim")), 0);
	ck_assert_int_eq(logfile_trouble(f), -ELOOP);
	/* whoever says "open it again" means it */
	ck_assert_int_eq(logfile_reopen(f), 0);
	write_line(f, 2, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("victim")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

/* --- rotation by age --- */

START_TEST(l3_rotates_by_the_age_of_the_first_line)
{
	struct logfile *f = open_log("log", by_age(60 * 1000));

	/* an empty file has no age */
	write_line(f, 0, NOW_US + 3600 * (int64_t)US_PER_S);
	write_line(f, 1, NOW_US + 3659 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 2, NOW_US + 3660 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	write_line(f, 3, NOW_US + 3719 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	write_line(f, 4, NOW_US + 9999 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 2);
	logfile_close(f);
}
END_TEST

START_TEST(knows_the_age_of_a_file_from_before)
{
	int64_t now_us = clock_realtime_us();
	struct logfile *f;

	scratch_put("log", "one\n", 0644);
	f = open_log("log", by_age(3600 * 1000));
	write_line(f, 0, now_us);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 1, now_us + 3660 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

START_TEST(ends_the_line_before_it_goes_by_age)
{
	struct logfile *f = open_log("log", by_age(1000));

	write_all(f, "half a", NOW_US);
	ck_assert_int_eq(logfile_write(f, " line\nnext\n", 11, NOW_US + US_PER_S), 6);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(logfile_write(f, "next\n", 5, NOW_US + US_PER_S), 5);
	ck_assert_str_eq(scratch_read(rotated_file("log", 0)), "half a line\n");
	logfile_close(f);
}
END_TEST

START_TEST(keeps_its_age_when_the_same_file_is_opened_again)
{
	int64_t later_us = clock_realtime_us() + 86400 * (int64_t)US_PER_S;
	struct logfile *f = open_log("log", by_age(60 * 1000));

	write_line(f, 0, later_us);
	ck_assert_int_eq(logfile_reopen(f), 0);
	write_line(f, 1, later_us + 59 * US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 2, later_us + 60 * US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

START_TEST(outlives_a_clock_that_goes_back)
{
	struct logfile *f = open_log("log", by_age(60 * 1000));

	write_line(f, 0, NOW_US);
	write_line(f, 1, NOW_US - 86400 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 0);
	write_line(f, 2, NOW_US - 86340 * (int64_t)US_PER_S);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
}
END_TEST

/* --- gone and back --- */

START_TEST(opens_a_removed_file_anew)
{
	struct logfile *f = open_log("log", unlimited);

	ck_assert_int_eq(logfile_check(f, NOW_US), 0);
	ck_assert_int_eq(unlink(scratch_path("log")), 0);
	/* looked at once a second */
	ck_assert_int_eq(logfile_check(f, NOW_US + US_PER_S - 1), 0);
	ck_assert(!scratch_has(scratch_path("log")));
	ck_assert_int_eq(logfile_check(f, NOW_US + US_PER_S), 0);
	write_line(f, 0, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("log")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(waits_for_a_directory_that_vanished)
{
	struct logfile *f;

	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	f = open_log("d/log", unlimited);
	write_line(f, 0, NOW_US);
	if (_i == 0)
		ck_assert_int_eq(unlink(scratch_path("d/log")), 0);
	ck_assert_int_eq(rename(scratch_path("d"), scratch_path("moved")), 0);
	ck_assert_int_eq(logfile_check(f, NOW_US), -ENOENT);
	ck_assert_int_eq(logfile_check(f, NOW_US + 1), -ENOENT);
	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	ck_assert_int_eq(logfile_check(f, NOW_US + US_PER_S), 0);
	write_line(f, 1, NOW_US + US_PER_S);
	ck_assert_int_eq(size_of(scratch_path("d/log")), LINE_SIZE);
	logfile_close(f);
}
END_TEST

START_TEST(notices_another_directory_in_its_place)
{
	struct logfile *f;

	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	f = open_log("d/log", unlimited);
	ck_assert_int_eq(rename(scratch_path("d"), scratch_path("moved")), 0);
	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	ck_assert_int_eq(logfile_check(f, NOW_US), 0);
	write_line(f, 0, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("d/log")), LINE_SIZE);
	ck_assert_int_eq(size_of(scratch_path("moved/log")), 0);
	logfile_close(f);
}
END_TEST

START_TEST(works_with_a_relative_path)
{
	struct logfile_policy policy = by_size(LINE_SIZE, 1);
	struct logfile *f;

	ck_assert_int_eq(chdir(scratch), 0);
	ck_assert_int_eq(logfile_open(&f, "log", &policy), 0);
	ck_assert_int_eq(logfile_check(f, NOW_US), 0);
	write_lines(f, 0, 4, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), 0);
	ck_assert_int_eq(count_entries(scratch), 2);
	logfile_close(f);
}
END_TEST

/* --- a full disk --- */

/* Mounts a small disk on the directory, for this process alone.  False: not allowed here. */
static bool mount_disk(const char *options)
{
	/* the tests' own wish to be left alone by others must come first */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("verger-test", scratch, "tmpfs", 0, options) == 0)
		return true;
	fprintf(stderr, "skipped: no disk can be mounted here: %s\n", strerror(errno));
	return false;
}

static void unmount_disk(void)
{
	umount2(scratch, MNT_DETACH);
}

/* A file that takes what is left of the disk but for `left` bytes. */
static void fill_disk(const char *name, off_t left)
{
	static char block[4096];
	FILE *file = fopen(scratch_path(name), "w");
	off_t size = 0;

	ck_assert_ptr_nonnull(file);
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(block, sizeof block, 1, file) == 1)
		size += sizeof block;
	ck_assert_int_eq(fflush(file), 0);
	ck_assert_int_eq(ftruncate(fileno(file), size > left ? size - left : 0), 0);
	fclose(file);
}

START_TEST(l3_a_full_disk_takes_the_oldest_first)
{
	enum { OLD_COUNT = 3, OLD_SIZE = 16 * 1024 };
	static const char *const old[OLD_COUNT] = { "log-20260101T000000.000000Z",
		                                    "log-20260102T000000.000000Z.gz",
		                                    "log-20260103T000000.000000Z" };
	static char content[OLD_SIZE + 1];
	struct logfile *f;
	int written = 0;
	char line[LINE_SIZE + 1];

	if (!mount_disk("size=256k"))
		return;
	memset(content, 'x', OLD_SIZE);
	for (int i = 0; i < OLD_COUNT; i++)
		scratch_put(old[i], content, 0644);
	put_rotated("stranger-20260101T000000.000000Z");
	f = open_log("log", unlimited);
	write_line(f, written++, NOW_US);
	fill_disk("rest", 0);
	for (int gone = 0; gone <= OLD_COUNT;) {
		ssize_t n;

		snprintf(line, sizeof line, "%0*d\n", LINE_SIZE - 1, written);
		n = logfile_write(f, line, LINE_SIZE, NOW_US);
		if (n == -ENOSPC) {
			ck_assert_int_eq(gone, OLD_COUNT);
			break;
		}
		ck_assert_int_eq(n, LINE_SIZE);
		written++;
		while (gone < OLD_COUNT && !scratch_has(scratch_path(old[gone])))
			gone++;
		for (int i = gone; i < OLD_COUNT; i++)
			ck_assert(scratch_has(scratch_path(old[i])));
	}
	ck_assert(scratch_has(scratch_path("stranger-20260101T000000.000000Z")));
	/* then it holds */
	ck_assert_int_eq(logfile_write(f, line, LINE_SIZE, NOW_US), -ENOSPC);
	ck_assert_int_eq(unlink(scratch_path("rest")), 0);
	write_lines(f, written, 10, NOW_US);
	written += 10;
	/* nothing is missing, doubled or torn */
	{
		_cleanup_free_ char *all = read_whole("log");

		ck_assert_uint_eq(strlen(all), (size_t)written * LINE_SIZE);
		for (int i = 0; i < written; i++)
			ck_assert_int_eq(strtol(all + (size_t)i * LINE_SIZE, NULL, 10), i);
	}
	logfile_close(f);
	unmount_disk();
}
END_TEST

/* What goes into the last block of a disk goes in half, and the other half afterwards. */
START_TEST(l3_goes_on_where_a_full_disk_stopped_it)
{
	enum { CHUNK = 10000, CHUNKS = 60 };
	struct logfile *f;
	_cleanup_free_ char *written = malloc((size_t)CHUNK * CHUNKS + 1), *found = NULL;
	size_t total = (size_t)CHUNK * CHUNKS, done = 0;
	bool was_short = false;

	if (!mount_disk("size=256k"))
		return;
	for (size_t i = 0; i < total; i++)
		written[i] = i % 50 == 49 ? '\n' : (char)('a' + i / 50 % 26);
	written[total] = '\0';
	/* more than the disk holds: what is oldest makes room for what is new */
	f = open_log("log", by_size(40000, 100));
	while (done < total) {
		size_t size = total - done < CHUNK ? total - done : CHUNK;
		ssize_t n = logfile_write(f, written + done, size, NOW_US);

		ck_assert_msg(n > 0, "after %zu: %s", done, strerror((int)-n));
		was_short |= (size_t)n < size;
		done += (size_t)n;
	}
	ck_assert(was_short);
	found = read_whole("log");
	/* the end of it, without a gap */
	ck_assert_uint_gt(strlen(found), 100000);
	ck_assert_str_eq(found, written + total - strlen(found));
	logfile_close(f);
	unmount_disk();
}
END_TEST

/* There is room for bytes and none for another file. */
START_TEST(takes_a_rotation_back_that_it_cannot_finish)
{
	struct logfile *f;
	char name[16];
	int files = 0, fd;

	if (!mount_disk("size=256k,nr_inodes=8"))
		return;
	f = open_log("log", by_size(LINE_SIZE, 10));
	write_line(f, 0, NOW_US);
	do {
		snprintf(name, sizeof name, "%d", files++);
		fd = open(scratch_path(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	} while (fd >= 0 && close(fd) == 0);
	ck_assert_int_gt(files, 1);
	write_lines(f, 1, 3, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), -ENOSPC);
	ck_assert_uint_eq(count_rotated("log"), 0);
	ck_assert_int_eq(size_of(scratch_path("log")), 4 * LINE_SIZE);
	ck_assert_int_eq(unlink(scratch_path("0")), 0);
	write_line(f, 4, NOW_US + US_PER_S);
	ck_assert_int_eq(logfile_trouble(f), 0);
	ck_assert_uint_eq(count_rotated("log"), 1);
	logfile_close(f);
	unmount_disk();
}
END_TEST

/* A container's file that is mounted into it cannot be moved away. */
START_TEST(goes_on_in_a_file_that_is_a_mount)
{
	struct logfile *f;

	if (!mount_disk("size=256k"))
		return;
	scratch_put("log", "", 0644);
	ck_assert_int_eq(mount(scratch_path("log"), scratch_path("log"), NULL, MS_BIND, NULL), 0);
	f = open_log("log", by_size(LINE_SIZE, 10));
	write_lines(f, 0, 3, NOW_US);
	ck_assert_int_eq(logfile_trouble(f), -EBUSY);
	ck_assert_int_eq(size_of(scratch_path("log")), 3 * LINE_SIZE);
	logfile_close(f);
	umount2(scratch_path("log"), MNT_DETACH);
	unmount_disk();
}
END_TEST

START_TEST(says_that_a_disk_is_read_only)
{
	struct logfile *f = NULL;

	if (!mount_disk("size=256k"))
		return;
	ck_assert_int_eq(mkdir(scratch_path("d"), 0755), 0);
	f = open_log("d/log", unlimited);
	/* another one is mounted over the directory: read-only, then not */
	ck_assert_int_eq(mount("verger-test", scratch_path("d"), "tmpfs", MS_RDONLY, "size=64k"),
	                 0);
	ck_assert_int_eq(logfile_check(f, NOW_US), -EROFS);
	ck_assert_int_eq(mount(NULL, scratch_path("d"), NULL, MS_REMOUNT, "size=64k"), 0);
	ck_assert_int_eq(logfile_check(f, NOW_US + US_PER_S), 0);
	write_line(f, 0, NOW_US);
	ck_assert_int_eq(size_of(scratch_path("d/log")), LINE_SIZE);
	logfile_close(f);
	umount2(scratch_path("d"), MNT_DETACH);
	unmount_disk();
}
END_TEST

/* --- packing --- */

static struct logfile_policy packing(enum log_compress compress)
{
	struct logfile_policy policy = by_size(LINE_SIZE, 10);

	policy.compress = compress;
	return policy;
}

START_TEST(offers_the_oldest_plain_file)
{
	struct logfile *f;

	put_rotated("log-20260101T000000.000000Z.gz");
	put_rotated("log-20260102T000000.000000Z");
	put_rotated("log-20260103T000000.000000Z");
	f = open_log("log", packing(LOG_COMPRESS_GZIP));
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20260102T000000.000000Z"));
	/* until it is taken */
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20260102T000000.000000Z"));
	ck_assert_int_eq(logfile_set_packing(f, logfile_next_to_pack(f)), 0);
	ck_assert_ptr_null(logfile_next_to_pack(f));
	ck_assert_int_eq(logfile_set_packing(f, NULL), 0);
	/* the last one was not packed after all: the next */
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20260103T000000.000000Z"));
	ck_assert_int_eq(logfile_set_packing(f, logfile_next_to_pack(f)), 0);
	ck_assert_int_eq(logfile_set_packing(f, NULL), 0);
	ck_assert_ptr_null(logfile_next_to_pack(f));
	/* a rotation makes another try */
	write_lines(f, 0, 2, NOW_US);
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20260102T000000.000000Z"));
	ck_assert_int_eq(logfile_set_packing(f, "/elsewhere/log"), -EINVAL);
	logfile_close(f);
}
END_TEST

START_TEST(offers_nothing_that_is_not_to_be_packed)
{
	struct logfile *f = open_log("log", packing(LOG_COMPRESS_NO));
	const struct logfile_policy xz = packing(LOG_COMPRESS_XZ);

	write_lines(f, 0, 3, NOW_US);
	ck_assert_ptr_null(logfile_next_to_pack(f));
	logfile_set_policy(f, &xz);
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20261130T081500.000000Z"));
	logfile_close(f);
}
END_TEST

START_TEST(offers_no_file_that_has_gone)
{
	struct logfile_policy policy = packing(LOG_COMPRESS_GZIP);
	struct logfile *f;

	policy.keep = 1;
	f = open_log("log", policy);
	write_lines(f, 0, 2, NOW_US);
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20261130T081500.000000Z"));
	write_line(f, 2, NOW_US);
	ck_assert_str_eq(logfile_next_to_pack(f), scratch_path("log-20261130T081500.000001Z"));
	logfile_close(f);
}
END_TEST

START_TEST(sweeps_what_dead_packers_have_left)
{
	struct logfile *f;

	put_rotated("log-20260101T000000.000000Z");
	put_rotated("log-20260101T000000.000000Z.gz.tmp");
	put_rotated("log-20260102T000000.000000Z");
	put_rotated("log-20260102T000000.000000Z.gz.tmp");
	put_rotated("log-20260103T000000.000000Z");
	put_rotated("log-20260103T000000.000000Z.gz");
	put_rotated("other-20260103T000000.000000Z.gz.tmp");
	f = open_log("log", packing(LOG_COMPRESS_GZIP));
	/* one lives, from before a reload */
	ck_assert_int_eq(logfile_set_packing(f, scratch_path("log-20260102T000000.000000Z")), 0);
	write_lines(f, 0, 2, NOW_US);
	ck_assert(!scratch_has(scratch_path("log-20260101T000000.000000Z.gz.tmp")));
	ck_assert(scratch_has(scratch_path("log-20260101T000000.000000Z")));
	ck_assert(scratch_has(scratch_path("log-20260102T000000.000000Z.gz.tmp")));
	/* it was packed, only not removed any more */
	ck_assert(!scratch_has(scratch_path("log-20260103T000000.000000Z")));
	ck_assert(scratch_has(scratch_path("log-20260103T000000.000000Z.gz")));
	ck_assert(scratch_has(scratch_path("other-20260103T000000.000000Z.gz.tmp")));
	logfile_close(f);
}
END_TEST

START_TEST(puts_the_packed_file_in_the_place_of_the_plain_one)
{
	const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1100000000 } };
	const char *plain = scratch_path("log-20260101T000000.000000Z");
	struct stat st;

	put_rotated("log-20260101T000000.000000Z");
	ck_assert_int_eq(utimensat(AT_FDCWD, plain, times, 0), 0);
	scratch_put("log-20260101T000000.000000Z.xz.tmp", "packed", 0640);
	ck_assert_int_eq(logfile_finish_packing(plain, LOG_COMPRESS_XZ, true), 0);
	ck_assert_int_eq(count_entries(scratch), 1);
	ck_assert_str_eq(scratch_read(rotated_file("log", 0)), "packed");
	ck_assert_int_eq(stat(rotated_file("log", 0), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1100000000);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(leaves_the_plain_file_when_packing_failed)
{
	const char *plain = scratch_path("log-20260101T000000.000000Z");

	put_rotated("log-20260101T000000.000000Z");
	scratch_put("log-20260101T000000.000000Z.xz.tmp", "pack", 0640);
	ck_assert_int_eq(logfile_finish_packing(plain, LOG_COMPRESS_XZ, false), 0);
	ck_assert_int_eq(count_entries(scratch), 1);
	/* it says that it has worked, and there is nothing */
	ck_assert_int_eq(logfile_finish_packing(plain, LOG_COMPRESS_XZ, true), -ENOENT);
	scratch_put("log-20260101T000000.000000Z.xz.tmp", "", 0640);
	ck_assert_int_eq(logfile_finish_packing(plain, LOG_COMPRESS_XZ, true), -EIO);
	ck_assert_int_eq(count_entries(scratch), 1);
	ck_assert_str_eq(scratch_read(plain), "old\n");
}
END_TEST

START_TEST(brings_back_nothing_that_was_removed_meanwhile)
{
	const char *plain = scratch_path("log-20260101T000000.000000Z");

	scratch_put("log-20260101T000000.000000Z.gz.tmp", "packed", 0640);
	ck_assert_int_eq(logfile_finish_packing(plain, LOG_COMPRESS_GZIP, true), 0);
	ck_assert_int_eq(count_entries(scratch), 0);
	ck_assert_int_eq(logfile_finish_packing(scratch_path("no/log-20260101T000000.000000Z"),
	                                        LOG_COMPRESS_GZIP, true),
	                 0);
}
END_TEST

START_TEST(lists_the_plain_one_where_both_are)
{
	struct strv paths = STRV_INIT;

	put_rotated("log-20260102T000000.000000Z");
	put_rotated("log-20260101T000000.000000Z");
	put_rotated("log-20260101T000000.000000Z.zst");
	put_rotated("log-20260101T000000.000000Z.zst.tmp");
	ck_assert_int_eq(logfile_list(scratch_path("log"), &paths), 0);
	ck_assert_uint_eq(paths.count, 2);
	ck_assert_str_eq(paths.items[0], scratch_path("log-20260101T000000.000000Z"));
	ck_assert_str_eq(paths.items[1], scratch_path("log-20260102T000000.000000Z"));
	strv_release(&paths);
	ck_assert_int_eq(logfile_list(scratch_path("no/log"), &paths), -ENOENT);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logfile");
	TCase *files = tcase_create("files");
	TCase *size = tcase_create("size");
	TCase *age = tcase_create("age");
	TCase *others = tcase_create("others");
	TCase *refused = tcase_create("refused");
	TCase *gone = tcase_create("gone");
	TCase *full = tcase_create("full");
	TCase *packed = tcase_create("packing");
	TCase *const all[] = { files, size, age, others, refused, gone, full, packed };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		tcase_add_checked_fixture(all[i], scratch_make, scratch_remove);
		suite_add_tcase(suite, all[i]);
	}
	tcase_add_test(files, appends_to_what_is_there);
	tcase_add_test(files, says_why_it_cannot_be_opened);
	tcase_add_test(files, never_waits_for_the_reader_of_a_fifo);
	tcase_add_test(files, leaves_devices_where_they_are);
	tcase_add_test(files, writes_through_a_link_and_never_rotates_it);
	tcase_add_test(files, says_where_it_stopped);
	tcase_add_test(files, works_with_a_relative_path);
	tcase_add_test(size, l3_rotates_before_a_line_that_does_not_fit);
	tcase_add_test(size, fills_a_file_to_the_last_byte);
	tcase_add_test(size, cuts_after_the_last_line_that_fits);
	tcase_add_test(size, keeps_a_line_whole_that_no_file_could_hold);
	tcase_add_test(size, ends_the_line_of_an_earlier_life_first);
	tcase_add_test(size, begins_with_what_a_full_file_needs);
	tcase_add_loop_test(size, l3_takes_pieces_of_any_size, 0, 8);
	tcase_add_test(size, gives_later_names_always);
	tcase_add_test(size, has_no_name_after_the_last);
	tcase_add_test(size, removes_the_oldest_beyond_keep);
	tcase_add_test(size, keeps_none_if_told_so);
	tcase_add_test(size, gives_owner_and_mode_to_the_next_file);
	tcase_add_test(size, goes_by_a_new_policy_at_once);
	tcase_add_test(age, l3_rotates_by_the_age_of_the_first_line);
	tcase_add_test(age, knows_the_age_of_a_file_from_before);
	tcase_add_test(age, ends_the_line_before_it_goes_by_age);
	tcase_add_test(age, keeps_its_age_when_the_same_file_is_opened_again);
	tcase_add_test(age, outlives_a_clock_that_goes_back);
	tcase_add_test(others, notices_what_others_append);
	tcase_add_test(others, leaves_the_line_of_another_whole);
	tcase_add_test(others, counts_anew_when_the_file_was_cut);
	tcase_add_test(others, stays_with_a_file_that_was_renamed);
	tcase_add_loop_test(others, takes_the_rotation_of_another_for_its_own, 0, 2);
	tcase_add_test(others, stays_with_the_old_file_when_it_cannot_reopen);
	tcase_add_test(others, reopens_with_the_mode_it_had);
	tcase_add_test(refused, goes_on_in_the_file_it_cannot_rotate);
	tcase_add_test(refused, takes_pieces_whole_while_it_cannot_rotate);
	tcase_add_test(refused, tells_of_old_files_that_stay);
	tcase_add_loop_test(refused, follows_no_link_that_was_put_in_its_place, 0, 2);
	tcase_add_test(gone, opens_a_removed_file_anew);
	tcase_add_loop_test(gone, waits_for_a_directory_that_vanished, 0, 2);
	tcase_add_test(gone, notices_another_directory_in_its_place);
	tcase_add_test(full, l3_a_full_disk_takes_the_oldest_first);
	tcase_add_test(full, l3_goes_on_where_a_full_disk_stopped_it);
	tcase_add_test(full, takes_a_rotation_back_that_it_cannot_finish);
	tcase_add_test(full, goes_on_in_a_file_that_is_a_mount);
	tcase_add_test(full, says_that_a_disk_is_read_only);
	tcase_add_test(packed, offers_the_oldest_plain_file);
	tcase_add_test(packed, offers_nothing_that_is_not_to_be_packed);
	tcase_add_test(packed, offers_no_file_that_has_gone);
	tcase_add_test(packed, sweeps_what_dead_packers_have_left);
	tcase_add_test(packed, puts_the_packed_file_in_the_place_of_the_plain_one);
	tcase_add_test(packed, leaves_the_plain_file_when_packing_failed);
	tcase_add_test(packed, brings_back_nothing_that_was_removed_meanwhile);
	tcase_add_test(packed, lists_the_plain_one_where_both_are);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
