/* SPDX-License-Identifier: MIT */
#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/suite.h"

enum { MEMORY = 64, BUFFER_SIZE = 4096 };

static int poll_fd, end;
static struct channel *channel;
static char buffer[BUFFER_SIZE];

static void set_up(void)
{
	const struct program_settings p = {
		.name = "a",
		.instance = 3,
		.log = { .format = LOG_FORMAT_JSON, .stalled = LOG_STALLED_DROP, .memory = MEMORY }
	};

	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	channel = channel_new(&p, 7, 2, LINECUT_MAX, poll_fd);
	ck_assert_ptr_nonnull(channel);
	end = channel_open_end(channel, NULL);
	ck_assert_int_ge(end, 0);
}

static void tear_down(void)
{
	close(end);
	channel_free(channel);
	close(poll_fd);
}

static void put(const char *text)
{
	ck_assert_int_eq(write(end, text, strlen(text)), (ssize_t)strlen(text));
}

static void begin(pid_t pid)
{
	channel_begin_life(channel);
	channel_set_pid(channel, pid);
}

/* Reads what may be read at once, and expects it to be that. */
static void expect(const char *text)
{
	ssize_t got = channel_read(channel, buffer, sizeof buffer);

	ck_assert_int_eq(got, (ssize_t)strlen(text));
	ck_assert_mem_eq(buffer, text, strlen(text));
	channel_note(channel, buffer, (size_t)got);
}

static void expect_empty(void)
{
	ck_assert_int_eq(channel_read(channel, buffer, sizeof buffer), -EAGAIN);
}

static void expect_end(void)
{
	ck_assert_int_eq(channel_read(channel, buffer, sizeof buffer), 0);
	ck_assert(channel_at_life_end(channel));
}

static void expect_words(const char *text)
{
	ck_assert_uint_eq(channel->last_words_size, strlen(text));
	if (*text)
		ck_assert_mem_eq(channel->last_words, text, strlen(text));
}

/* How many events there are. */
static int hear(void)
{
	struct epoll_event events[2];
	int n = epoll_wait(poll_fd, events, 2, 0);

	if (n == 1)
		ck_assert_ptr_eq(events[0].data.ptr, channel);
	return n;
}

/* --- the pipe --- */

START_TEST(a_program_has_an_end_of_its_own)
{
	struct stat ours, its;

	ck_assert_int_eq(fcntl(end, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(end, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	ck_assert_int_eq(fcntl(channel->fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK),
	                 O_RDWR | O_NONBLOCK);
	ck_assert_int_eq(fstat(channel->fd, &ours), 0);
	ck_assert_int_eq(fstat(end, &its), 0);
	ck_assert_uint_eq(ours.st_ino, its.st_ino);
	ck_assert_uint_eq(channel->program, 7);
	ck_assert_int_eq(channel->stream, 2);
	ck_assert_uint_eq(channel->instance, 3);
}
END_TEST

START_TEST(a_program_with_another_user_may_open_it_again)
{
	const struct credentials who = { .set_user = true, .uid = 65534 };
	struct stat st;
	int other;

	if (geteuid() != 0)
		return;
	other = channel_open_end(channel, &who);
	ck_assert_int_eq(fstat(other, &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	close(other);
}
END_TEST

START_TEST(it_never_ends)
{
	put("last");
	close(end);
	expect("last");
	expect_empty();
	end = channel_open_end(channel, NULL);
	put("next");
	expect("next");
}
END_TEST

START_TEST(it_is_told_of_once)
{
	ck_assert_int_eq(hear(), 0);
	put("x");
	ck_assert_int_eq(hear(), 1);
	put("y");
	ck_assert_int_eq(hear(), 0);
	channel_arm(channel); /* there is something already */
	ck_assert_int_eq(hear(), 1);
	expect("xy");
	channel_arm(channel);
	ck_assert_int_eq(hear(), 0);
}
END_TEST

/* A child that has not exec'ed yet. */
START_TEST(nothing_is_told_of_one_that_is_free)
{
	const struct program_settings p = { .name = "b" };
	struct channel *freed = channel_new(&p, 8, 1, LINECUT_MAX, poll_fd);
	int copy = dup(freed->fd);

	ck_assert_int_eq(write(copy, "x", 1), 1);
	channel_free(freed);
	ck_assert_int_eq(hear(), 0);
	close(copy);
}
END_TEST

START_TEST(a_hurry_makes_it_wide)
{
	int before = fcntl(channel->fd, F_GETPIPE_SZ);

	channel_widen(channel);
	ck_assert_int_gt(fcntl(channel->fd, F_GETPIPE_SZ), before);
	ck_assert(channel->wide);
}
END_TEST

/* --- lives --- */

START_TEST(a_read_ends_where_a_life_ended)
{
	begin(101);
	put("one");
	channel_end_life(channel);
	begin(102);
	put("two");
	ck_assert_int_eq(channel_pid(channel), 101);
	expect("one");
	ck_assert_int_eq(channel_pid(channel), 101);
	expect_end();
	channel_next_life(channel);
	expect_words("one");
	expect("two");
	ck_assert_int_eq(channel_pid(channel), 102);
	expect_empty();
	channel_end_life(channel);
	expect_end();
	channel_next_life(channel);
	expect_words("two");
	ck_assert_int_eq(channel_pid(channel), 0);
	expect_empty();
}
END_TEST

START_TEST(nothing_is_read_before_the_pid_is_known)
{
	channel_begin_life(channel);
	put("early");
	ck_assert_int_eq(channel_read(channel, buffer, sizeof buffer), 0);
	ck_assert(!channel_at_life_end(channel));
	channel_set_pid(channel, 103);
	expect("early");
}
END_TEST

START_TEST(a_life_that_did_not_come_about_has_nothing)
{
	channel_begin_life(channel);
	channel_set_pid(channel, 0);
	channel_end_life(channel);
	expect_end();
	channel_next_life(channel);
	expect_words("");
	begin(104);
	put("next");
	expect("next");
	ck_assert_int_eq(channel_pid(channel), 104);
}
END_TEST

START_TEST(a_life_that_begins_ends_the_one_before)
{
	begin(101);
	put("one");
	begin(102);
	put("two");
	expect("one");
	expect_end();
	channel_next_life(channel);
	expect("two");
	ck_assert_int_eq(channel_pid(channel), 102);
}
END_TEST

START_TEST(too_many_lives_are_taken_for_one)
{
	char text[8];

	for (int i = 0; i < 3 * CHANNEL_LIVES_MAX; i++) {
		begin(100 + i);
		snprintf(text, sizeof text, "%d\n", i);
		put(text);
		channel_end_life(channel);
	}
	for (int i = 0; i < CHANNEL_LIVES_MAX - 1; i++) {
		snprintf(text, sizeof text, "%d\n", i);
		expect(text);
		ck_assert_int_eq(channel_pid(channel), 100 + i);
		expect_end();
		channel_next_life(channel);
	}
	ck_assert_int_gt(channel_read(channel, buffer, sizeof buffer), 0);
	ck_assert_int_eq(channel_pid(channel), 0); /* any of several */
	expect_end();
	channel_next_life(channel);
	expect_empty();
}
END_TEST

START_TEST(last_words_are_the_last_lines_of_their_life)
{
	begin(101);
	put("of another life\n");
	channel_end_life(channel);
	expect("of another life\n");
	channel_next_life(channel);
	begin(102);
	put("bye\n");
	channel_end_life(channel);
	expect("bye\n");
	channel_next_life(channel);
	expect_words("bye\n");
}
END_TEST

/* What was said is counted without an end; what is kept has one. */
START_TEST(who_talked_much_has_few_last_words)
{
	begin(101);
	for (int i = 0; i < 100; i++) {
		put("a line of nineteen\n");
		expect("a line of nineteen\n");
	}
	channel->said += (size_t)1 << 60;
	channel_end_life(channel);
	channel_next_life(channel);
	expect_words("a line of nineteen\na line of nineteen\na line of nineteen\n");
}
END_TEST

/* --- dropping --- */

static void drop(void)
{
	ck_assert(!channel_drop(channel, buffer, sizeof buffer, ENOSPC));
}

static void expect_lost(unsigned lines, unsigned bytes)
{
	ck_assert_uint_eq(channel->lost_lines, lines);
	ck_assert_uint_eq(channel->lost_bytes, bytes);
	ck_assert_uint_eq(channel->total_lost_lines, lines);
	ck_assert_uint_eq(channel->total_lost_bytes, bytes);
}

START_TEST(what_is_dropped_is_counted_by_lines)
{
	put("one\ntwo\nthr");
	drop();
	expect_lost(3, 11);
	ck_assert(channel->gap);
	ck_assert_int_eq(channel->lost_for, ENOSPC);
	put("ee\nfour\n");
	drop();
	expect_lost(4, 19); /* the third one is counted once */
	drop();
	expect_lost(4, 19);
	expect_empty();
}
END_TEST

START_TEST(a_gap_ends_with_its_line)
{
	const char *bytes = "ee and so on";
	size_t size = strlen(bytes);

	put("thr");
	drop();
	ck_assert(!channel_close_gap(channel, &bytes, &size));
	ck_assert_uint_eq(size, 0);
	expect_lost(1, 15);
	bytes = "\nfour\n";
	size = strlen(bytes);
	ck_assert(channel_close_gap(channel, &bytes, &size));
	ck_assert_str_eq(bytes, "four\n");
	ck_assert_uint_eq(size, 5);
	expect_lost(1, 16);
	ck_assert(channel_close_gap(channel, &bytes, &size));
	expect_lost(1, 16);
}
END_TEST

START_TEST(lives_are_dropped_one_after_the_other)
{
	begin(101);
	put("unfinished");
	channel_end_life(channel);
	begin(102);
	put("of the next\nmore");
	drop();
	expect_lost(3, 26);
	ck_assert_int_eq(channel_pid(channel), 102);
	expect_words("unfinished");
	ck_assert(!channel->cut_is_over);
	channel_end_life(channel);
	drop();
	ck_assert_int_eq(channel_pid(channel), 0);
	expect_words("of the next\nmore");
}
END_TEST

START_TEST(a_life_of_which_nothing_was_dropped_ends_a_line)
{
	begin(101);
	put("unfinished");
	expect("unfinished"); /* the thread has it */
	channel_end_life(channel);
	begin(102);
	drop();
	expect_lost(0, 0);
	ck_assert(channel->cut_is_over);
}
END_TEST

START_TEST(a_flood_is_dropped_by_and_by)
{
	ck_assert_uint_gt(CHANNEL_DROP_MAX, CHANNEL_PIPE);
	channel->lives[0] = (struct life){ .end = UINT64_MAX, .pid = 1 };
	channel->life_count = 1;
	fcntl(end, F_SETFL, O_NONBLOCK);
	memset(buffer, 'x', sizeof buffer);
	while (write(end, buffer, sizeof buffer) > 0)
		;
	drop();
	ck_assert_uint_eq(channel->lost_bytes, CHANNEL_PIPE);
	ck_assert_uint_eq(channel->lost_lines, 1);
	ck_assert_uint_eq(channel_waiting(channel), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("channel");
	TCase *ends = tcase_create("pipe"), *lives = tcase_create("lives"),
	      *drops = tcase_create("drops");
	TCase *all[] = { ends, lives, drops };

	for (size_t i = 0; i < 3; i++) {
		tcase_add_checked_fixture(all[i], set_up, tear_down);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(ends, a_program_has_an_end_of_its_own);
	tcase_add_test(ends, a_program_with_another_user_may_open_it_again);
	tcase_add_test(ends, it_never_ends);
	tcase_add_test(ends, it_is_told_of_once);
	tcase_add_test(ends, nothing_is_told_of_one_that_is_free);
	tcase_add_test(ends, a_hurry_makes_it_wide);
	tcase_add_test(lives, a_read_ends_where_a_life_ended);
	tcase_add_test(lives, nothing_is_read_before_the_pid_is_known);
	tcase_add_test(lives, a_life_that_did_not_come_about_has_nothing);
	tcase_add_test(lives, a_life_that_begins_ends_the_one_before);
	tcase_add_test(lives, too_many_lives_are_taken_for_one);
	tcase_add_test(lives, last_words_are_the_last_lines_of_their_life);
	tcase_add_test(lives, who_talked_much_has_few_last_words);
	tcase_add_test(drops, what_is_dropped_is_counted_by_lines);
	tcase_add_test(drops, a_gap_ends_with_its_line);
	tcase_add_test(drops, lives_are_dropped_one_after_the_other);
	tcase_add_test(drops, a_life_of_which_nothing_was_dropped_ends_a_line);
	tcase_add_test(drops, a_flood_is_dropped_by_and_by);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
