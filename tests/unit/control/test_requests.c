/* SPDX-License-Identifier: MIT */
/* Start, Stop, Restart, Wait, ReloadProgram: one outcome each, whatever is in progress (S6, S4,
 * R3). */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "unit/control/talk.h"
#include "unit/suite.h"

/* db <- web (requires), job (oneshot), idle (not started by itself), pair:0 pair:1 in group duo */
enum { DB, WEB, JOB, IDLE, PAIR0, PAIR1 };

static struct fake f;
static struct fake_client c;

static struct settings *cast(void)
{
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);
	struct program_settings *db = casting_add(s, "db"), *web = casting_add(s, "web");
	struct program_settings *job = casting_add(s, "job"), *idle = casting_add(s, "idle");
	struct program_settings *one = casting_add(s, "pair:0"), *two = casting_add(s, "pair:1");

	casting_requires(s, web, db, CONDITION_READY);
	job->type = PROGRAM_ONESHOT;
	job->restart = RESTART_NEVER;
	job->autostart = idle->autostart = false;
	one->section = two->section = "pair";
	casting_group(s, "duo", one, two, NULL);
	return s;
}

static void begin(void)
{
	fake_open(&f, cast());
	fake_connect(&f, &c, ROLE_ADMIN);
}

static void end(void)
{
	fake_disconnect(&c);
	fake_close(&f);
}

static void expect_outcome(json_t *reply, size_t i, const char *name, const char *result,
                           const char *state)
{
	json_t *item = talk_item(reply, "programs", i);

	ck_assert_json_str(item, "name", name);
	ck_assert_json_str(item, "result", result);
	ck_assert_json_str(item, "state", state);
}

static void expect_reason(json_t *reply, size_t i, const char *part)
{
	const char *reason = talk_string(talk_item(reply, "programs", i), "reason");

	ck_assert_msg(strstr(reason, part) != NULL, "'%s' is not in '%s'", part, reason);
}

static size_t count(json_t *reply)
{
	return json_array_size(json_object_get(talk_parameters(reply), "programs"));
}

START_TEST(start_of_what_runs_is_done_at_once)
{
	json_t *reply = talk_call(&c, "Start", "{\"names\":[\"db\"]}");

	expect_outcome(reply, 0, "db", "done", "running");
	ck_assert_int_eq(
		json_integer_value(json_object_get(talk_item(reply, "programs", 0), "pid")),
		f.programs[DB].pid);
	ck_assert_uint_eq(count(reply), 1);
	json_decref(reply);
	ck_assert_str_eq(text_get(&f.notes), "start db: asked by root (PID 12)\n");
}
END_TEST

START_TEST(stop_of_what_is_stopped_is_done_at_once)
{
	json_t *reply = talk_call(&c, "Stop", "{\"names\":[\"idle\"]}");

	expect_outcome(reply, 0, "idle", "done", "stopped");
	json_decref(reply);
}
END_TEST

START_TEST(stop_names_those_that_it_takes_along)
{
	json_t *reply = talk_call(&c, "Stop", "{\"names\":[\"db\"]}");

	ck_assert_uint_eq(count(reply), 2);
	expect_outcome(reply, 0, "db", "done", "stopped");
	expect_outcome(reply, 1, "web", "done", "stopped");
	json_decref(reply);
}
END_TEST

START_TEST(a_stop_waits_and_says_for_what)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	talk_send(&c, "Stop", "{\"names\":[\"web\"],\"timeout_ms\":4000}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	ck_assert_int_eq(control_deadline(f.control), f.now + 4000);
	ck_assert(session_is_busy(c.session));
	fake_pass(&f, 3999);
	ck_assert_uint_eq(c.wakes, 0);
	fake_pass(&f, 1);
	ck_assert_uint_eq(c.wakes, 1);
	ck_assert_int_eq(control_deadline(f.control), MSEC_NEVER);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "web", "timed_out", "stopping");
	/* S4 */
	expect_reason(reply, 0, "not within 4s: still stopping: 103 (main); SIGKILL in 6s");
	json_decref(reply);
	ck_assert(!session_is_busy(c.session));
}
END_TEST

START_TEST(a_stop_ends_with_the_kill)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	talk_send(&c, "Stop", "{\"names\":[\"web\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	/* the longest that stopping takes, and a minute (S6) */
	ck_assert_int_eq(control_deadline(f.control), f.now + 70000);
	fake_pass(&f, 10000);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "web", "done", "stopped");
	json_decref(reply);
}
END_TEST

START_TEST(nothing_waits_for_ever)
{
	json_t *reply;

	f.programs[WEB].hung = true;
	talk_send(&c, "Restart", "{\"names\":[\"web\"]}", NULL);
	fake_run(&c);
	fake_pass(&f, 69999);
	ck_assert_ptr_null(talk_next(&c));
	fake_pass(&f, 1);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "web", "timed_out", "stopping");
	expect_reason(reply, 0, "being killed: 103 (main)");
	json_decref(reply);
}
END_TEST

START_TEST(restart_is_done_with_another_process)
{
	pid_t before = f.programs[DB].pid;
	json_t *reply = talk_call(&c, "Restart", "{\"names\":[\"db\"]}");

	expect_outcome(reply, 0, "db", "done", "running");
	ck_assert_int_ne(f.programs[DB].pid, before);
	json_decref(reply);
}
END_TEST

START_TEST(a_start_that_fails_is_missed_with_the_reason)
{
	json_t *reply;

	f.programs[IDLE].spawn_error = ENOENT;
	f.programs[IDLE].failure = "command gunicorn: not found in PATH /usr/bin:/bin";
	reply = talk_call(&c, "Start", "{\"names\":[\"idle\"]}");
	expect_outcome(reply, 0, "idle", "failed", "backoff");
	expect_reason(reply, 0, "command gunicorn: not found in PATH /usr/bin:/bin; next try in ");
	expect_reason(reply, 0, " (1 of 10)");
	json_decref(reply);
}
END_TEST

START_TEST(a_start_names_the_dependency_that_rests)
{
	json_t *reply = talk_call(&c, "Stop", "{\"names\":[\"db\"]}");

	json_decref(reply);
	reply = talk_call(&c, "Start", "{\"names\":[\"web\"]}");
	expect_outcome(reply, 0, "web", "failed", "waiting");
	expect_reason(reply, 0, "waits for db, which is stopped; start db as well");
	json_decref(reply);
	/* both at once, the dependent first: judged when both are asked for */
	reply = talk_call(&c, "Start", "{\"names\":[\"web\",\"db\"]}");
	expect_outcome(reply, 0, "db", "done", "running");
	expect_outcome(reply, 1, "web", "done", "running");
	json_decref(reply);
}
END_TEST

START_TEST(a_oneshot_is_up_when_it_is_done)
{
	json_t *reply;

	talk_send(&c, "Start", "{\"names\":[\"job\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	fake_exit(&f, JOB, 0, 0);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "job", "done", "exited");
	json_decref(reply);
	talk_send(&c, "Start", "{\"names\":[\"job\"]}", NULL);
	fake_run(&c);
	fake_pass(&f, 20);
	fake_exit(&f, JOB, 3, 0);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "job", "failed", "failed");
	expect_reason(reply, 0, "exited with status 3 after 20ms (restart = never)");
	json_decref(reply);
}
END_TEST

START_TEST(changes_on_the_way_are_told_with_more)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	talk_send(&c, "Restart", "{\"names\":[\"web\"]}", "\"more\":true");
	reply = talk_next(&c);
	ck_assert(json_is_true(json_object_get(reply, "continues")));
	expect_outcome(reply, 0, "web", "pending", "stopping");
	expect_reason(reply, 0, "SIGKILL in 10s; then it starts again");
	json_decref(reply);
	ck_assert_ptr_null(talk_next(&c));
	f.programs[WEB].slow_spawn = true;
	fake_exit(&f, WEB, 0, 0);
	reply = talk_next(&c);
	ck_assert(json_is_true(json_object_get(reply, "continues")));
	expect_outcome(reply, 0, "web", "pending", "starting");
	json_decref(reply);
	fake_spawned(&f, WEB);
	reply = talk_next(&c);
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	expect_outcome(reply, 0, "web", "done", "running");
	json_decref(reply);
}
END_TEST

START_TEST(one_who_does_not_read_costs_one_message)
{
	size_t size;

	f.programs[IDLE].slow_spawn = true;
	c.deaf = true;
	talk_send(&c, "Wait", "{\"names\":[\"*\"],\"state\":\"failed\"}", "\"more\":true");
	fake_run(&c);
	for (int i = 0; i < 1000; i++) {
		fake_exit(&f, DB, 1, 0);
		fake_pass(&f, 60000);
		fake_run(&c);
	}
	session_output(c.session, &size);
	ck_assert_uint_lt(size, 4096);
	ck_assert_int_eq(c.cut, 0);
}
END_TEST

START_TEST(who_does_not_wait_is_told_what_is_so)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	reply = talk_call(&c, "Stop", "{\"names\":[\"web\"],\"wait\":false}");
	expect_outcome(reply, 0, "web", "pending", "stopping");
	json_decref(reply);
	reply = talk_call(&c, "Start", "{\"names\":[\"web\"],\"timeout_ms\":0}");
	expect_outcome(reply, 0, "web", "timed_out", "stopping");
	expect_reason(reply, 0, "then it starts again");
	json_decref(reply);
}
END_TEST

START_TEST(groups_sections_and_patterns_are_names)
{
	static const char *const names[] = { "duo", "pair", "pair:*", "duo:*", "p?ir:[01]" };
	char params[64];

	for (size_t i = 0; i < 5; i++) {
		json_t *reply;

		snprintf(params, sizeof params, "{\"names\":[\"%s\",\"pair:0\"]}", names[i]);
		reply = talk_call(&c, "Restart", params);
		ck_assert_uint_eq(count(reply), 2);
		expect_outcome(reply, 0, "pair:0", "done", "running");
		expect_outcome(reply, 1, "pair:1", "done", "running");
		json_decref(reply);
	}
	ck_assert_ptr_nonnull(
		strstr(text_get(&f.notes), "restart pair:0, pair:1: asked by root (PID 12)\n"));
}
END_TEST

START_TEST(all_are_asked_for_by_all)
{
	json_t *reply = talk_call(&c, "Stop", "{\"all\":true}");

	ck_assert_uint_eq(count(reply), 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_json_str(talk_item(reply, "programs", i), "result", "done");
	json_decref(reply);
	ck_assert_str_eq(text_get(&f.notes),
	                 "stop db, web, job, idle, pair:0, pair:1: asked by root (PID 12)\n");
	talk_expect_error(talk_call(&c, "Stop", NULL), "org.varlink.service.InvalidParameter");
	talk_expect_error(talk_call(&c, "Stop", "{\"names\":[]}"),
	                  "org.varlink.service.InvalidParameter");
	talk_expect_error(talk_call(&c, "Stop", "{\"names\":[\"db\"],\"all\":true}"),
	                  "org.varlink.service.InvalidParameter");
}
END_TEST

START_TEST(a_name_that_is_none_is_told_with_a_similar_one)
{
	json_t *reply = talk_call(&c, "Start", "{\"names\":[\"db\",\"wep\"]}");

	ck_assert_json_str(talk_parameters(reply), "name", "wep");
	ck_assert_json_str(talk_parameters(reply), "similar", "web");
	talk_expect_error(reply, "io.verger.Supervisor.NoSuchProgram");
	talk_expect_error(talk_call(&c, "Start", "{\"names\":[\"x*\"]}"),
	                  "io.verger.Supervisor.NoSuchProgram");
	/* nothing was done for the one that is there */
	ck_assert_uint_eq(f.notes.size, 0);
}
END_TEST

START_TEST(a_stop_that_somebody_undoes_is_missed)
{
	struct fake_client other;
	json_t *reply;

	fake_connect(&f, &other, ROLE_OPERATE);
	f.programs[WEB].stubborn = true;
	talk_send(&c, "Stop", "{\"names\":[\"web\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	talk_send(&other, "Start", "{\"names\":[\"web\"]}", NULL);
	ck_assert_ptr_null(talk_next(&other));
	fake_exit(&f, WEB, 0, 0);
	reply = talk_next(&c);
	ck_assert_ptr_nonnull(reply);
	expect_outcome(reply, 0, "web", "failed", "stopping");
	expect_reason(reply, 0, "was started again by somebody else");
	json_decref(reply);
	reply = talk_next(&other);
	expect_outcome(reply, 0, "web", "done", "running");
	json_decref(reply);
	fake_disconnect(&other);
}
END_TEST

START_TEST(one_who_waits_is_woken_by_what_another_does)
{
	struct fake_client other;
	json_t *reply;

	fake_connect(&f, &other, ROLE_VIEW);
	talk_send(&other, "Wait", "{\"names\":[\"db\"],\"state\":\"stopped\"}", NULL);
	ck_assert_ptr_null(talk_next(&other));
	json_decref(talk_call(&c, "Stop", "{\"names\":[\"db\"]}"));
	ck_assert_uint_eq(other.wakes, 1);
	reply = talk_next(&other);
	expect_outcome(reply, 0, "db", "done", "stopped");
	json_decref(reply);
	fake_disconnect(&other);
}
END_TEST

START_TEST(wait_takes_states_as_people_name_them)
{
	json_t *reply = talk_call(&c, "Wait", "{\"names\":[\"db\"],\"state\":\"running\"}");

	expect_outcome(reply, 0, "db", "done", "running");
	json_decref(reply);
	talk_expect_error(talk_call(&c, "Wait", "{\"names\":[\"db\"],\"state\":\"up\"}"),
	                  "org.varlink.service.InvalidParameter");
	talk_expect_error(talk_call(&c, "Wait", "{\"names\":[\"db\"]}"),
	                  "org.varlink.service.InvalidParameter");
	reply = talk_call(&c, "Wait", "{\"names\":[\"db\"],\"state\":\"failed\",\"timeout_ms\":0}");
	expect_outcome(reply, 0, "db", "timed_out", "running");
	expect_reason(reply, 0, "is running");
	json_decref(reply);
}
END_TEST

START_TEST(the_end_of_vergerd_is_told_to_who_waits)
{
	json_t *reply;

	f.programs[WEB].hung = true;
	talk_send(&c, "Stop", "{\"names\":[\"web\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	control_shutdown(f.control);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "web", "failed", "stopping");
	expect_reason(reply, 0, "vergerd has ended: still stopping");
	json_decref(reply);
}
END_TEST

START_TEST(nothing_starts_during_a_shutdown)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	talk_send(&c, "Start", "{\"names\":[\"job\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	fake_event(&f, (struct event){ .type = EVENT_SHUTDOWN });
	reply = talk_next(&c);
	expect_outcome(reply, 0, "job", "failed", "stopping");
	expect_reason(reply, 0, "was stopped by somebody else");
	json_decref(reply);
	talk_expect_error(talk_call(&c, "Start", "{\"names\":[\"db\"]}"),
	                  "io.verger.Supervisor.ShuttingDown");
	talk_expect_error(talk_call(&c, "Restart", "{\"all\":true}"),
	                  "io.verger.Supervisor.ShuttingDown");
	/* a stop is what happens anyway */
	reply = talk_call(&c, "Stop", "{\"names\":[\"pair\"]}");
	expect_outcome(reply, 0, "pair:0", "done", "stopped");
	json_decref(reply);
}
END_TEST

START_TEST(who_ends_his_input_is_answered_and_left)
{
	json_t *reply;

	f.programs[WEB].stubborn = true;
	talk_send(&c, "Stop", "{\"names\":[\"web\"]}", NULL);
	ck_assert_ptr_null(talk_next(&c));
	session_end_of_input(c.session);
	reply = talk_next(&c);
	expect_outcome(reply, 0, "web", "failed", "stopping");
	json_decref(reply);
	ck_assert(session_is_over(c.session));
	ck_assert(!session_wants_input(c.session));
}
END_TEST

START_TEST(a_oneway_call_is_done_and_not_answered)
{
	talk_send(&c, "Stop", "{\"names\":[\"db\"]}", "\"oneway\":true");
	ck_assert_ptr_null(talk_next(&c));
	ck_assert_int_eq(f.programs[DB].pid, 0);
	ck_assert(!session_is_busy(c.session));
	talk_send(&c, "Stop", "{\"names\":[\"nobody\"]}", "\"oneway\":true");
	ck_assert_ptr_null(talk_next(&c));
	f.programs[PAIR0].hung = true;
	talk_send(&c, "Stop", "{\"names\":[\"pair\"]}", "\"oneway\":true");
	ck_assert_ptr_null(talk_next(&c));
	ck_assert(!session_is_busy(c.session));
}
END_TEST

START_TEST(a_program_reloads_if_it_can)
{
	json_t *reply;

	f.settings->programs[DB].reload_signal = SIGHUP;
	f.settings->programs[IDLE].reload_signal = SIGHUP;
	reply = talk_call(&c, "ReloadProgram", "{\"names\":[\"db\",\"idle\",\"web\"]}");
	expect_outcome(reply, 0, "db", "done", "running");
	expect_outcome(reply, 1, "web", "failed", "running");
	expect_reason(reply, 1, "has neither reload_signal nor reload_command");
	expect_outcome(reply, 2, "idle", "failed", "stopped");
	expect_reason(reply, 2, "is not running");
	json_decref(reply);
	ck_assert_str_eq(text_get(&f.notes), "reload db, web, idle: asked by root (PID 12)\n");
}
END_TEST

int main(void)
{
	const TTest *const goals[] = {
		start_of_what_runs_is_done_at_once,
		stop_of_what_is_stopped_is_done_at_once,
		stop_names_those_that_it_takes_along,
		restart_is_done_with_another_process,
		a_start_that_fails_is_missed_with_the_reason,
		a_start_names_the_dependency_that_rests,
		a_oneshot_is_up_when_it_is_done,
		a_program_reloads_if_it_can,
		wait_takes_states_as_people_name_them,
	};
	const TTest *const waits[] = {
		a_stop_waits_and_says_for_what,
		a_stop_ends_with_the_kill,
		nothing_waits_for_ever,
		changes_on_the_way_are_told_with_more,
		one_who_does_not_read_costs_one_message,
		who_does_not_wait_is_told_what_is_so,
		a_stop_that_somebody_undoes_is_missed,
		one_who_waits_is_woken_by_what_another_does,
		the_end_of_vergerd_is_told_to_who_waits,
		nothing_starts_during_a_shutdown,
		who_ends_his_input_is_answered_and_left,
		a_oneway_call_is_done_and_not_answered,
	};
	const TTest *const names[] = {
		groups_sections_and_patterns_are_names,
		all_are_asked_for_by_all,
		a_name_that_is_none_is_told_with_a_similar_one,
	};
	Suite *suite = suite_create("requests");
	TCase *tc = tcase_create("goals");

	tcase_add_checked_fixture(tc, begin, end);
	for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
		tcase_add_test(tc, goals[i]);
	suite_add_tcase(suite, tc);
	tc = tcase_create("waits");
	tcase_add_checked_fixture(tc, begin, end);
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
		tcase_add_test(tc, waits[i]);
	suite_add_tcase(suite, tc);
	tc = tcase_create("names");
	tcase_add_checked_fixture(tc, begin, end);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		tcase_add_test(tc, names[i]);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
