/* SPDX-License-Identifier: MIT */
/* Programs that daemonize by themselves (type = forking, P7), as traces. */
#include <check.h>
#include <signal.h>

#include "sim/casting.h"
#include "sim/stage.h"
#include "unit/suite.h"

enum { HTTPD };

static struct stage stage; /* each test runs in a process of its own */
static struct settings *settings;
static struct program_settings *httpd;

static void cast_httpd(void)
{
	settings = casting_new(1);
	httpd = casting_add(settings, "httpd");
	httpd->type = PROGRAM_FORKING;
	httpd->ready_timeout_ms = 3000;
	httpd->restart_jitter_percent = 0;
}

static void open_starting(void)
{
	stage_open(&stage, settings);
	stage_boot(&stage);
	stage_spawned(&stage, HTTPD);
	stage_forget(&stage);
}

START_TEST(the_daemon_that_is_found_is_the_main_process) /* P7 */
{
	cast_httpd();
	open_starting();
	ck_assert_int_eq(stage_status(&stage, HTTPD).deadline_ms, 3000);
	stage_until(&stage, 100);
	stage_exit(&stage, HTTPD, 0);
	stage_until(&stage, 150);
	stage_main_found(&stage, HTTPD);
	stage_expect(&stage, "t=100 httpd STARTING→LAUNCHED find\n"
	                     "t=150 httpd LAUNCHED→RUNNING\n");
	ck_assert_int_eq(stage_status(&stage, HTTPD).pid, 101);
	ck_assert_int_eq(supervisor_deadline(stage.sv), MSEC_NEVER);
	stage_close(&stage);
}
END_TEST

START_TEST(the_end_of_the_daemon_is_an_end_like_any_other) /* P7, S3 */
{
	cast_httpd();
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_main_found(&stage, HTTPD);
	stage_until(&stage, 9000);
	stage_forget(&stage);
	stage_killed(&stage, HTTPD, SIGSEGV);
	stage_expect(&stage, "t=9000 httpd RUNNING→CLEARING watch\n"
	                     "t=9000 httpd CLEARING→WAITING\n"
	                     "t=9000 httpd WAITING→SPAWNING spawn\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_launcher_that_leaves_nothing_behind_has_failed)
{
	cast_httpd();
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_empty(&stage, HTTPD);
	stage_expect(&stage, "t=0 httpd STARTING→LAUNCHED find\n"
	                     "t=0 httpd LAUNCHED→BACKOFF\n");
	ck_assert_uint_eq(stage_status(&stage, HTTPD).failures, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(a_launcher_that_fails_has_failed_however_long_it_took) /* R2 */
{
	cast_httpd();
	open_starting();
	stage_until(&stage, 2900);
	stage_gone(&stage, HTTPD, 1);
	stage_expect(&stage, "t=2900 httpd STARTING→CLEARING watch\n"
	                     "t=2900 httpd CLEARING→BACKOFF\n");
	ck_assert_uint_eq(stage_status(&stage, HTTPD).failures, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(a_launcher_that_takes_too_long_is_stopped) /* S6 */
{
	cast_httpd();
	open_starting();
	stage_until(&stage, 3500);
	stage_killed(&stage, HTTPD, SIGTERM);
	stage_expect(&stage, "t=3000 httpd STARTING→STOPPING leftovers TERM+CONT:tree\n"
	                     "t=3500 httpd STOPPING→CLEARING watch\n"
	                     "t=3500 httpd CLEARING→BACKOFF\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_daemon_that_cannot_be_found_in_time_is_cleared_away) /* S3, S6 */
{
	cast_httpd();
	open_starting();
	stage_until(&stage, 1000);
	stage_exit(&stage, HTTPD, 0);
	stage_until(&stage, 3000);
	stage_left(&stage, HTTPD);
	stage_until(&stage, 3200);
	stage_empty(&stage, HTTPD);
	stage_expect(&stage, "t=1000 httpd STARTING→LAUNCHED find\n"
	                     "t=3000 httpd LAUNCHED→CLEARING leftovers watch\n"
	                     "t=3000 httpd CLEARING TERM+CONT:tree\n"
	                     "t=3200 httpd CLEARING→BACKOFF\n");
	ck_assert_uint_eq(stage_status(&stage, HTTPD).failures, 1);
	stage_close(&stage);
}
END_TEST

START_TEST(a_failed_launch_is_never_taken_for_a_good_end) /* X1 */
{
	cast_httpd();
	httpd->restart = RESTART_ON_FAILURE;
	httpd->start_limit_count = 1;
	httpd->on_failure = END_EXIT;
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_empty(&stage, HTTPD);
	stage_expect(&stage, "t=0 httpd STARTING→LAUNCHED find\n"
	                     "t=0 httpd LAUNCHED→FAILED\n"
	                     "t=0 quit 1\n");
	stage_close(&stage);
}
END_TEST

START_TEST(failed_launches_count_even_where_no_life_is_too_short) /* R3 */
{
	cast_httpd();
	httpd->min_uptime_ms = 0;
	open_starting();
	stage_gone(&stage, HTTPD, 1);
	ck_assert_uint_eq(stage_status(&stage, HTTPD).failures, 1);
	ck_assert_int_eq(stage_status(&stage, HTTPD).state, LIFE_BACKOFF);
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_of_the_launcher_takes_what_it_has_launched) /* S3, R1 */
{
	cast_httpd();
	open_starting();
	stage_stop(&stage, HTTPD);
	stage_exit(&stage, HTTPD, 0);
	stage_left(&stage, HTTPD);
	stage_until(&stage, 10000);
	stage_empty(&stage, HTTPD);
	stage_expect(&stage,
	             "t=0 httpd STARTING→STOPPING TERM+CONT:tree\n"
	             "t=0 httpd STOPPING→CLEARING watch\n"
	             /* the daemon may have been born while the first one was handed round */
	             "t=0 httpd CLEARING TERM+CONT:tree\n"
	             "t=10000 httpd CLEARING→KILLING leftovers sweep\n"
	             "t=10000 httpd KILLING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_stop_while_the_daemon_is_looked_for_takes_it_as_well) /* S3, R1 */
{
	cast_httpd();
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_until(&stage, 2000);
	stage_stop(&stage, HTTPD);
	stage_left(&stage, HTTPD);
	stage_until(&stage, 12000);
	stage_empty(&stage, HTTPD);
	stage_expect(&stage, "t=0 httpd STARTING→LAUNCHED find\n"
	                     "t=2000 httpd LAUNCHED→CLEARING watch\n"
	                     "t=2000 httpd CLEARING TERM+CONT:tree\n"
	                     "t=12000 httpd CLEARING→KILLING leftovers sweep\n"
	                     "t=12000 httpd KILLING→STOPPED\n");
	stage_close(&stage);
}
END_TEST

START_TEST(the_time_to_become_ready_does_not_run_on_in_a_stop) /* S6 */
{
	cast_httpd();
	settings->stop_delay_ms = 3000;
	httpd->autostart = false;
	stage_open(&stage, settings);
	stage_shutdown(&stage); /* from here both deadlines are the same moment */
	stage_start(&stage, HTTPD);
	stage_spawned(&stage, HTTPD);
	stage_exit(&stage, HTTPD, 0);
	stage_forget(&stage);
	stage_until(&stage, 3000);
	stage_expect(&stage, "t=3000 httpd LAUNCHED→CLEARING watch\n");
	stage_left(&stage, HTTPD);
	stage_expect(&stage, "t=3000 httpd CLEARING TERM+CONT:tree\n");
	stage_close(&stage);
}
END_TEST

START_TEST(a_daemon_found_too_late_is_one_of_the_family) /* P7 */
{
	cast_httpd();
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_stop(&stage, HTTPD);
	stage_main_found(&stage, HTTPD); /* was on its way */
	ck_assert_int_eq(stage_status(&stage, HTTPD).pid, 0);
	stage_left(&stage, HTTPD);
	stage_die(&stage, HTTPD, SIGTERM); /* it was known by then, and its end is told */
	stage_empty(&stage, HTTPD);
	ck_assert_int_eq(stage_status(&stage, HTTPD).state, LIFE_STOPPED);
	stage_close(&stage);
}
END_TEST

START_TEST(a_daemon_found_twice_is_the_one_found_first)
{
	cast_httpd();
	open_starting();
	stage_exit(&stage, HTTPD, 0);
	stage_main_found(&stage, HTTPD);
	stage_main_found(&stage, HTTPD);
	ck_assert_int_eq(stage_status(&stage, HTTPD).pid, 101);
	stage_close(&stage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim-forking");
	TCase *launch = tcase_create("launch");
	TCase *failure = tcase_create("failure");
	TCase *stop = tcase_create("stop");
	TCase *late = tcase_create("late");

	tcase_add_test(launch, the_daemon_that_is_found_is_the_main_process);
	tcase_add_test(launch, the_end_of_the_daemon_is_an_end_like_any_other);
	suite_add_tcase(s, launch);
	tcase_add_test(failure, a_launcher_that_leaves_nothing_behind_has_failed);
	tcase_add_test(failure, a_launcher_that_fails_has_failed_however_long_it_took);
	tcase_add_test(failure, a_launcher_that_takes_too_long_is_stopped);
	tcase_add_test(failure, a_daemon_that_cannot_be_found_in_time_is_cleared_away);
	tcase_add_test(failure, a_failed_launch_is_never_taken_for_a_good_end);
	tcase_add_test(failure, failed_launches_count_even_where_no_life_is_too_short);
	suite_add_tcase(s, failure);
	tcase_add_test(stop, a_stop_of_the_launcher_takes_what_it_has_launched);
	tcase_add_test(stop, a_stop_while_the_daemon_is_looked_for_takes_it_as_well);
	tcase_add_test(stop, the_time_to_become_ready_does_not_run_on_in_a_stop);
	suite_add_tcase(s, stop);
	tcase_add_test(late, a_daemon_found_too_late_is_one_of_the_family);
	tcase_add_test(late, a_daemon_found_twice_is_the_one_found_first);
	suite_add_tcase(s, late);
	return suite_run(s);
}
