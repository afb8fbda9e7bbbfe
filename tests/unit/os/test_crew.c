/* SPDX-License-Identifier: MIT */
#include "os/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "patience.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum {
	DEVICE = 1000, /* lanes of the tests count from here */
	JOBS_MAX = 64,
	MANY = 20000,
	NEVER_MS = 10 * PATIENCE_MS,
};

/* Work that may hang: it waits for a byte in a pipe. */
struct work {
	struct crew_job job;
	bool hangs;
	_Atomic int begun, ended;
	int again; /* how often it adds itself */
};

static struct crew *crew;
static struct work works[JOBS_MAX];
static int hold[2]; /* what work that hangs waits for */
static _Atomic int cleared;

static void run(struct crew_job *job, void **bench)
{
	struct work *w = (struct work *)job;
	bool again = w->again > 0 && w->again--; /* before anybody may see that it has ended */
	char byte;

	if (!*bench)
		*bench = malloc(1);
	w->begun++;
	if (w->hangs)
		ck_assert_int_eq(read(hold[0], &byte, 1), 1);
	w->ended++;
	if (again)
		crew_add(crew, job);
}

static void clear(void *bench)
{
	free(bench);
	cleared++;
}

static void *do_nothing(void *arg)
{
	return arg;
}

static void set_up(void)
{
	pthread_t first;

	/* a sanitizer's own thread comes with the first, and stays */
	ck_assert_int_eq(pthread_create(&first, NULL, do_nothing, NULL), 0);
	pthread_join(first, NULL);
	memset(works, 0, sizeof works);
	cleared = 0;
	ck_assert_int_eq(pipe(hold), 0);
	crew = crew_new(clear);
	ck_assert_ptr_nonnull(crew);
}

static void tear_down(void)
{
	if (crew)
		ck_assert(crew_free(crew, NEVER_MS));
	close(hold[0]);
	close(hold[1]);
}

static void add(size_t i, uint64_t lane, bool hangs)
{
	works[i].job = (struct crew_job){ .run = run, .lane = lane };
	works[i].hangs = hangs;
	crew_add(crew, &works[i].job);
}

/* Lets some of those that hang go on. */
static void release(size_t n)
{
	for (; n > 0; n--)
		ck_assert_int_eq(write(hold[1], "x", 1), 1);
}

static int count_ended(size_t from, size_t to)
{
	int n = 0;

	for (size_t i = from; i < to; i++)
		n += works[i].ended;
	return n;
}

static int count_begun(size_t from, size_t to)
{
	int n = 0;

	for (size_t i = from; i < to; i++)
		n += works[i].begun;
	return n;
}

static int count_threads(void)
{
	return count_entries("/proc/self/task");
}

/* --- lanes --- */

START_TEST(the_third_at_a_device_waits)
{
	for (size_t i = 0; i < 3; i++)
		add(i, DEVICE, true);
	AWAIT(count_begun(0, 3) == CREW_LANE_THREADS);
	/* one that came later and is to be begun before: the third was passed over */
	add(3, DEVICE + 1, false);
	AWAIT(works[3].ended);
	ck_assert_int_eq(works[2].begun, 0);
	release(1);
	AWAIT(works[2].begun);
	release(2);
	AWAIT(count_ended(0, 3) == 3);
}
END_TEST

START_TEST(a_device_that_hangs_holds_up_no_other)
{
	for (size_t i = 0; i < 10; i++)
		add(i, DEVICE, true);
	for (size_t i = 10; i < 20; i++)
		add(i, DEVICE + i, false);
	for (size_t i = 20; i < 30; i++)
		add(i, CREW_PROMPT, false);
	AWAIT(count_ended(10, 30) == 20);
	ck_assert(crew_is_full(crew, DEVICE));
	ck_assert(!crew_is_full(crew, DEVICE + 1));
	ck_assert(!crew_is_full(crew, CREW_PROMPT));
	release(10);
	AWAIT(count_ended(0, 10) == 10);
}
END_TEST

START_TEST(when_all_devices_hang_prompt_work_is_done)
{
	int most = CREW_THREADS_MAX - CREW_PROMPT_THREADS;

	for (size_t i = 0; i < 40; i++)
		add(i, DEVICE + i, true);
	AWAIT(count_begun(0, 40) == most);
	for (size_t i = 40; i < 50; i++)
		add(i, CREW_PROMPT, false);
	AWAIT(count_ended(40, 50) == 10);
	ck_assert_int_eq(count_begun(0, 40), most);
	ck_assert(crew_is_full(crew, DEVICE + 60));
	release(40);
	AWAIT(count_ended(0, 40) == 40);
}
END_TEST

START_TEST(work_of_a_lane_is_begun_in_order)
{
	add(0, DEVICE, true);
	add(1, DEVICE, true);
	AWAIT(count_begun(0, 2) == 2);
	for (size_t i = 2; i < 10; i++)
		add(i, DEVICE, true);
	for (size_t i = 2; i < 10; i++) {
		release(1);
		AWAIT(works[i].begun);
		ck_assert_int_eq(count_begun(i + 1, 10), 0);
	}
	release(2);
	AWAIT(count_ended(0, 10) == 10);
}
END_TEST

START_TEST(work_that_was_not_begun_can_be_taken_back)
{
	for (size_t i = 0; i < 4; i++)
		add(i, DEVICE, true);
	AWAIT(count_begun(0, 4) == 2);
	ck_assert(!crew_cancel(crew, &works[0].job));
	ck_assert(crew_cancel(crew, &works[3].job));
	ck_assert(!crew_cancel(crew, &works[3].job));
	add(4, DEVICE, true); /* the end of the queue is where it was */
	ck_assert(crew_cancel(crew, &works[2].job));
	release(3);
	AWAIT(works[4].ended);
	ck_assert_int_eq(count_begun(2, 4), 0);
}
END_TEST

/* --- threads --- */

START_TEST(threads_end_when_there_is_nothing_to_do)
{
	int before = count_threads();

	for (size_t i = 0; i < JOBS_MAX; i++)
		add(i, i % 2 ? CREW_PROMPT : DEVICE + i % 5, false);
	AWAIT(count_ended(0, JOBS_MAX) == JOBS_MAX);
	AWAIT(count_threads() <= before);
	ck_assert_int_gt(cleared, 0);
	add(0, DEVICE, false);
	AWAIT(works[0].ended == 2);
}
END_TEST

/* Outlets of one device have work at once: the third thread would find nothing that it may do. */
START_TEST(no_more_threads_are_made_than_may_work)
{
	int before, most = 0;

	add(0, DEVICE, true);
	add(1, DEVICE, true);
	AWAIT(count_begun(0, 2) == 2);
	before = count_threads();
	for (size_t i = 2; i < JOBS_MAX; i++)
		add(i, DEVICE, true);
	ck_assert_int_le(count_threads(), before);
	release(JOBS_MAX);
	AWAIT(count_ended(0, JOBS_MAX) == JOBS_MAX);
	AWAIT(count_threads() < before - 1);

	before = count_threads();
	for (size_t i = 0; i < JOBS_MAX; i++)
		add(i, DEVICE, false);
	while (count_ended(0, JOBS_MAX) < 2 * JOBS_MAX) {
		int now = count_threads();

		most = now > most ? now : most;
	}
	/* one more: who comes back and who is called may both look for the same */
	ck_assert_int_le(most, before + CREW_LANE_THREADS + 1);
}
END_TEST

START_TEST(work_may_add_itself)
{
	for (size_t i = 0; i < 8; i++) {
		works[i].again = MANY / 8;
		add(i, i % 2 ? CREW_PROMPT : DEVICE, false);
	}
	AWAIT(count_ended(0, 8) == MANY + 8);
}
END_TEST

static void *add_many(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < MANY / 10; i++) {
		crew_add(crew, &w->job);
		while (w->ended <= i)
			poll(NULL, 0, 0);
	}
	return NULL;
}

START_TEST(whoever_adds_is_heard)
{
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++) {
		works[i].job =
			(struct crew_job){ .run = run, .lane = i % 2 ? CREW_PROMPT : DEVICE };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &works[i]), 0);
	}
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(count_ended(0, 8), 8 * (MANY / 10));
}
END_TEST

/* The limit is not for root. */
static void become_somebody(void)
{
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

static struct rlimit forbid_threads(void)
{
	struct rlimit before, none;

	getrlimit(RLIMIT_NPROC, &before);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
	return before;
}

START_TEST(a_thread_that_could_not_be_made_is_made_later)
{
	struct rlimit before;

	become_somebody();
	before = forbid_threads();
	add(0, DEVICE, false);
	crew_retry(crew);
	ck_assert_int_eq(works[0].begun, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
	crew_retry(crew);
	AWAIT(works[0].ended);
}
END_TEST

START_TEST(also_when_those_that_are_there_hang)
{
	struct rlimit before;

	become_somebody();
	add(0, DEVICE, true);
	AWAIT(works[0].begun);
	before = forbid_threads();
	add(1, DEVICE + 1, false);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
	crew_retry(crew);
	AWAIT(works[1].ended);
	release(1);
}
END_TEST

/* --- the end --- */

START_TEST(the_end_waits_for_those_that_work)
{
	add(0, DEVICE, true);
	AWAIT(works[0].begun);
	release(1);
	ck_assert(crew_free(crew, NEVER_MS));
	crew = NULL;
	ck_assert_int_eq(works[0].ended, 1);
	ck_assert_int_eq(cleared, 1);
}
END_TEST

START_TEST(the_end_does_not_wait_for_those_that_hang)
{
	int before = count_threads();

	for (size_t i = 0; i < 5; i++)
		add(i, DEVICE, true);
	AWAIT(count_begun(0, 5) == 2);
	ck_assert(!crew_free(crew, 1));
	crew = NULL;
	release(2);
	AWAIT(count_threads() <= before); /* they come back and find their way out */
	ck_assert_int_eq(count_begun(0, 5), 2);
}
END_TEST

START_TEST(without_work_there_is_nothing_to_free)
{
	ck_assert(crew_free(NULL, 0));
	ck_assert(crew_free(crew, 0));
	crew = NULL;
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("crew");
	TCase *lanes = tcase_create("lanes"), *threads = tcase_create("threads"),
	      *end = tcase_create("end");
	TCase *all[] = { lanes, threads, end };

	for (size_t i = 0; i < 3; i++) {
		tcase_add_checked_fixture(all[i], set_up, tear_down);
		tcase_set_timeout(all[i], PATIENCE_MS / 1000);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(lanes, the_third_at_a_device_waits);
	tcase_add_test(lanes, a_device_that_hangs_holds_up_no_other);
	tcase_add_test(lanes, when_all_devices_hang_prompt_work_is_done);
	tcase_add_test(lanes, work_of_a_lane_is_begun_in_order);
	tcase_add_test(lanes, work_that_was_not_begun_can_be_taken_back);
	tcase_add_test(threads, threads_end_when_there_is_nothing_to_do);
	tcase_add_test(threads, no_more_threads_are_made_than_may_work);
	tcase_add_test(threads, work_may_add_itself);
	tcase_add_test(threads, whoever_adds_is_heard);
	tcase_add_test(threads, a_thread_that_could_not_be_made_is_made_later);
	tcase_add_test(threads, also_when_those_that_are_there_hang);
	tcase_add_test(end, the_end_waits_for_those_that_work);
	tcase_add_test(end, the_end_does_not_wait_for_those_that_hang);
	tcase_add_test(end, without_work_there_is_nothing_to_free);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
