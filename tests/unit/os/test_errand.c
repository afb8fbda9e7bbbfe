/* SPDX-License-Identifier: MIT */
/* Calls that hang: open(2) of a FIFO that has no peer waits for one. */
#include "os/errand.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/logfile.h"
#include "patience.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum { DEVICE = 1000, SHORT_MS = 20 };

static const struct logfile_policy policy = { .max_size = LOG_SIZE_NONE, .max_age_ms = MSEC_NEVER };
static struct crew *crew;

static void set_up(void)
{
	scratch_make();
	crew = crew_new(NULL);
	ck_assert_ptr_nonnull(crew);
}

static void tear_down(void)
{
	ck_assert(crew_free(crew, PATIENCE_MS));
	scratch_remove();
}

static const char *make_fifo(const char *name)
{
	const char *path = scratch_path(name);

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	return path;
}

static int open_here(const char *path, int flags)
{
	return errand_open(crew, DEVICE, path, flags, 0600, PATIENCE_MS);
}

START_TEST(what_is_opened_is_as_if_it_were_opened_here)
{
	const char *path = scratch_path("file");
	int fd = open_here(path, O_WRONLY | O_CREAT);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	ck_assert_str_eq(scratch_read(path), "x");
	ck_assert_int_eq(open_here(scratch_path("missing"), O_RDONLY), -ENOENT);
	ck_assert_int_eq(open_here(path, O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
}
END_TEST

START_TEST(a_logfile_is_opened_likewise)
{
	struct logfile *file = NULL;

	ck_assert_int_eq(
		errand_open_logfile(crew, DEVICE, &file, scratch_path("log"), &policy, PATIENCE_MS),
		0);
	ck_assert_ptr_nonnull(file);
	logfile_close(file);
	file = NULL;
	ck_assert_int_eq(errand_open_logfile(crew, DEVICE, &file, scratch_path("no/log"), &policy,
	                                     PATIENCE_MS),
	                 -ENOENT);
	ck_assert_ptr_null(file);
}
END_TEST

/* Two of them hang; one that was given up before a thread came to it does not. */
static void hang(const char *path)
{
	while (!crew_is_full(crew, DEVICE))
		ck_assert_int_eq(errand_open(crew, DEVICE, path, O_WRONLY, 0, SHORT_MS),
		                 -ETIMEDOUT);
}

/* What comes after all is closed: its peer sees the end. */
START_TEST(what_hangs_is_given_up)
{
	const char *path = make_fifo("fifo");
	struct pollfd end = { .events = POLLIN };
	char byte;

	hang(path);
	end.fd = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(end.fd, 0);
	ck_assert_int_eq(poll(&end, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(read(end.fd, &byte, 1), 0);
	close(end.fd);
}
END_TEST

START_TEST(what_was_never_begun_is_not_done_later)
{
	const char *path = make_fifo("fifo"), *never = scratch_path("never");
	int fd;

	hang(path);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(
			errand_open(crew, DEVICE, never, O_WRONLY | O_CREAT, 0600, SHORT_MS),
			-ETIMEDOUT);
	/* somebody else's way is free */
	fd = errand_open(crew, DEVICE + 1, scratch_path("other"), O_WRONLY | O_CREAT, 0600,
	                 PATIENCE_MS);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	AWAIT(!crew_is_full(crew, DEVICE));
	ck_assert(crew_free(crew, PATIENCE_MS));
	ck_assert(!scratch_has(never));
	close(fd);
	crew = crew_new(NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("errand");
	TCase *tc = tcase_create("errand");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, PATIENCE_MS / 1000);
	tcase_add_test(tc, what_is_opened_is_as_if_it_were_opened_here);
	tcase_add_test(tc, a_logfile_is_opened_likewise);
	tcase_add_test(tc, what_hangs_is_given_up);
	tcase_add_test(tc, what_was_never_begun_is_not_done_later);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
