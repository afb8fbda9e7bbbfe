/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/rotated.h"
#include "scratch.h"
#include "unit/suite.h"

/* 2026-11-30T08:15:00.123456Z */
#define MOMENT_US ((int64_t)1796026500123456)

START_TEST(writes_names_as_it_reads_them)
{
	static const char *const names[] = { "log-20261130T081500.123456Z",
		                             "log-20261130T081500.123456Z.gz",
		                             "log-20261130T081500.123456Z.zst",
		                             "log-20261130T081500.123456Z.xz" };
	char name[ROTATED_NAME_SIZE];
	enum log_compress form;
	int64_t time_us;

	ck_assert_int_eq(rotated_format(name, "log", MOMENT_US, (enum log_compress)_i), 0);
	ck_assert_str_eq(name, names[_i]);
	ck_assert(rotated_parse(name, "log", &time_us, &form, NULL));
	ck_assert_int_eq(time_us, MOMENT_US);
	ck_assert_uint_eq(form, _i);
}
END_TEST

static const char *const strangers[] = {
	"",
	"log",
	"log-",
	"log-1",
	"log.1",
	"log-20261130",
	"log-20261130T081500Z",
	"log-20261130T081500.123456",
	"log-20261130T081500.12345Z",
	"log-20261130T081500.1234567Z",
	"log-20261130T081500.-23456Z",
	"log-20261130T081500. 23456Z",
	"log-20261130t081500.123456Z",
	"log-20261130T081500,123456Z",
	"log-2026113T0081500.123456Z",
	"log- 2026113T081500.123456Z",
	"log-20261130T 81500.123456Z",
	"log-20261330T081500.123456Z",
	"log-20260230T081500.123456Z",
	"log-20261130T241500.123456Z",
	"log-20261130T086000.123456Z",
	"log-20261130T081560.123456Z",
	"log-19691130T081500.123456Z",
	"log-20261130T081500.123456Z.",
	"log-20261130T081500.123456Z.g",
	"log-20261130T081500.123456Z.gzx",
	"log-20261130T081500.123456Z.gz.gz",
	"log-20261130T081500.123456Z.tmp",
	"log-20261130T081500.123456Z.gz.tmp", /* unless one asks for it */
	"log-20261130T081500.123456Zx",
	"og-20261130T081500.123456Z",
	"logs-20261130T081500.123456Z",
	"log--20261130T081500.123456Z",
};

START_TEST(takes_no_name_that_is_not_exactly_so)
{
	enum log_compress form;
	int64_t time_us;

	ck_assert_msg(!rotated_parse(strangers[_i], "log", &time_us, &form, NULL), "'%s'",
	              strangers[_i]);
}
END_TEST

START_TEST(knows_half_packed_ones_apart)
{
	enum log_compress form;
	int64_t time_us;
	bool half;

	ck_assert(rotated_parse("log-20261130T081500.123456Z.zst.tmp", "log", &time_us, &form,
	                        &half));
	ck_assert(half);
	ck_assert_uint_eq(form, LOG_COMPRESS_ZSTD);
	ck_assert(rotated_parse("log-20261130T081500.123456Z", "log", &time_us, &form, &half));
	ck_assert(!half);
	ck_assert(!rotated_parse("log-20261130T081500.123456Z.tmp", "log", &time_us, &form, &half));
}
END_TEST

START_TEST(has_no_names_beyond_their_form)
{
	char name[ROTATED_NAME_SIZE], base[NAME_MAX + 1];
	const int64_t last_us = (int64_t)253402300799 * 1000000 + 999999;

	ck_assert_int_eq(rotated_format(name, "log", last_us, LOG_COMPRESS_NO), 0);
	ck_assert_str_eq(name, "log-99991231T235959.999999Z");
	ck_assert_int_eq(rotated_format(name, "log", last_us + 1, LOG_COMPRESS_NO), -EOVERFLOW);
	ck_assert_int_eq(rotated_format(name, "log", -1, LOG_COMPRESS_NO), -EOVERFLOW);
	memset(base, 'x', NAME_MAX - 24);
	base[NAME_MAX - 24] = '\0';
	ck_assert_int_eq(rotated_format(name, base, MOMENT_US, LOG_COMPRESS_NO), 0);
	ck_assert_int_eq(rotated_format(name, base, MOMENT_US, LOG_COMPRESS_GZIP), -ENAMETOOLONG);
}
END_TEST

START_TEST(makes_paths)
{
	char *path = rotated_path("/var/log/a", MOMENT_US, LOG_COMPRESS_XZ);
	char *half = rotated_packed_path("b-1", LOG_COMPRESS_GZIP, true);
	char *packed = rotated_packed_path("b-1", LOG_COMPRESS_GZIP, false);

	ck_assert_str_eq(path, "/var/log/a-20261130T081500.123456Z.xz");
	ck_assert_str_eq(half, "b-1.gz.tmp");
	ck_assert_str_eq(packed, "b-1.gz");
	ck_assert_str_eq(rotated_base("/var/log/a"), "a");
	ck_assert_str_eq(rotated_base("a"), "a");
	free(path);
	free(half);
	free(packed);
}
END_TEST

START_TEST(lists_what_there_is_in_order)
{
	_cleanup_fd_ int dir_fd = open(scratch, O_RDONLY | O_DIRECTORY);
	struct rotated_list list;

	scratch_put("log", "", 0644);
	scratch_put("log-20260102T000000.000000Z.gz", "", 0644);
	scratch_put("log-20260102T000000.000000Z", "", 0644);
	scratch_put("log-20250102T000000.000000Z", "", 0644);
	scratch_put("log-20260101T000000.000000Z.xz", "", 0644);
	scratch_put("log-20270101T000000.000000Z.xz.tmp", "", 0644);
	scratch_put("logs-20260103T000000.000000Z", "", 0644);
	ck_assert_int_eq(mkdir(scratch_path("log-20260104T000000.000000Z"), 0755), 0);
	ck_assert_int_eq(symlink("log", scratch_path("log-20260105T000000.000000Z")), 0);
	ck_assert_int_eq(rotated_list_read(&list, dir_fd, "log"), 0);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_uint_eq(list.items[0].forms, 1u << LOG_COMPRESS_NO);
	ck_assert_uint_eq(list.items[1].forms, 1u << LOG_COMPRESS_XZ);
	ck_assert_uint_eq(list.items[2].forms, 1u << LOG_COMPRESS_NO | 1u << LOG_COMPRESS_GZIP);
	ck_assert_int_lt(list.items[0].time_us, list.items[1].time_us);
	/* a half-packed one takes a name as well */
	ck_assert_int_eq(list.last_us, (int64_t)1798761600 * 1000000);
	rotated_list_release(&list);
}
END_TEST

START_TEST(lists_thousands)
{
	_cleanup_fd_ int dir_fd = open(scratch, O_RDONLY | O_DIRECTORY);
	struct rotated_list list;
	char name[64];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "log-20260101T%02d%02d%02d.000000Z", i % 24,
		         i / 24 % 60, i / 1440);
		scratch_put(name, "", 0644);
	}
	ck_assert_int_eq(rotated_list_read(&list, dir_fd, "log"), 0);
	ck_assert_uint_eq(list.count, 3000);
	for (size_t i = 1; i < list.count; i++)
		ck_assert_int_lt(list.items[i - 1].time_us, list.items[i].time_us);
	ck_assert_int_eq(rotated_prune(dir_fd, "log", &list, 10), 0);
	ck_assert_int_eq(count_entries(scratch), 10);
	rotated_list_release(&list);
}
END_TEST

/* What somebody may read must not become more people's by a rotation. */
START_TEST(dresses_one_file_like_another)
{
	_cleanup_fd_ int fd = open(scratch_put("new", "", 0600), O_WRONLY);
	struct stat like, st;

	ck_assert_int_eq(stat(scratch_put("old", "", 0640), &like), 0);
	if (geteuid() == 0)
		like.st_gid = 4242;
	rotated_dress(fd, &like);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_gid, like.st_gid);
}
END_TEST

START_TEST(lets_no_strange_group_in)
{
	_cleanup_fd_ int fd = -1;
	struct stat like, st;

	scratch_become(4711);
	fd = open(scratch_put("new", "", 0600), O_WRONLY);
	ck_assert_int_eq(stat(scratch_put("old", "", 0664), &like), 0);
	like.st_gid = 4343;
	if (getegid() == 4343)
		return;
	rotated_dress(fd, &like);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0604);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rotated");
	TCase *names = tcase_create("names");
	TCase *files = tcase_create("files");

	tcase_add_loop_test(names, writes_names_as_it_reads_them, 0, 4);
	tcase_add_loop_test(names, takes_no_name_that_is_not_exactly_so, 0, ARRAY_SIZE(strangers));
	tcase_add_test(names, knows_half_packed_ones_apart);
	tcase_add_test(names, has_no_names_beyond_their_form);
	tcase_add_test(names, makes_paths);
	suite_add_tcase(suite, names);
	tcase_add_checked_fixture(files, scratch_make, scratch_remove);
	tcase_add_test(files, lists_what_there_is_in_order);
	tcase_add_test(files, lists_thousands);
	tcase_add_test(files, dresses_one_file_like_another);
	tcase_add_test(files, lets_no_strange_group_in);
	suite_add_tcase(suite, files);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
