/* SPDX-License-Identifier: MIT */
/* Status, Why, Signal, Pid: what is told of programs, and that every sentence is true. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "control/meaning.h"
#include "unit/control/talk.h"
#include "unit/suite.h"

enum { DB, WEB, ODD, JOB };

static struct fake f;
static struct fake_client c;

static void begin(void)
{
	static const struct stop_step steps[] = { { SIGTERM, 5000 }, { SIGINT, 3000 } };
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);
	struct program_settings *db = casting_add(s, "db"), *web = casting_add(s, "web");
	struct program_settings *job;

	casting_add(s, "caf\xe9");
	job = casting_add(s, "job");
	job->type = PROGRAM_ONESHOT;
	job->autostart = false;
	casting_requires(s, web, db, CONDITION_READY);
	casting_stop(s, web, 2, steps);
	casting_group(s, "tier", db, web, NULL);
	db->pidfile = "/run/verger/db.pid";
	s->file = "/etc/verger/verger.ini";
	s->run_dir = "/run/verger";
	web->file = s->file;
	web->line = 12;
	fake_open(&f, s);
	fake_connect(&f, &c, ROLE_ADMIN);
}

static void end(void)
{
	fake_disconnect(&c);
	fake_close(&f);
}

/* the one program of a Status; the reply is kept in *reply */
static json_t *status_of(const char *name, const char *fields, json_t **reply)
{
	char params[256];

	snprintf(params, sizeof params, "{\"names\":[\"%s\"]%s%s}", name,
	         fields ? ",\"fields\":" : "", fields ? fields : "");
	*reply = talk_call(&c, "Status", params);
	return talk_item(*reply, "programs", 0);
}

static void expect_reason(const char *name, const char *expected)
{
	json_t *reply, *program = status_of(name, "[\"reason\"]", &reply);

	ck_assert_json_str(program, "reason", expected);
	json_decref(reply);
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "%s is no number", key);
	return json_integer_value(value);
}

START_TEST(all_members_that_scripts_depend_on_are_there)
{
	static const char *const members[] = {
		"name",    "state", "ready",  "since",         "uptime_ms", "restarts", "pid",
		"pidfile", "group", "health", "next_start_ms", "last_exit", "reason",
	};
	static const char *const daemon[] = { "version", "pid",      "config",       "run_dir",
		                              "pidfile", "since",    "loaded",       "uptime_ms",
		                              "reloads", "programs", "shutting_down" };
	json_t *reply = talk_call(&c, "Status", NULL), *object;

	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			ck_assert_msg(json_object_get(talk_item(reply, "programs", i),
			                              members[k]) != NULL,
			              "%s is missing", members[k]);
	object = json_object_get(talk_parameters(reply), "daemon");
	for (size_t k = 0; k < sizeof daemon / sizeof *daemon; k++)
		ck_assert_msg(json_object_get(object, daemon[k]) != NULL, "%s", daemon[k]);
	ck_assert_int_eq(number(object, "programs"), 4);
	json_decref(reply);
}
END_TEST

START_TEST(what_runs_is_told)
{
	json_t *reply, *program;

	fake_pass(&f, 1500);
	program = status_of("db", NULL, &reply);
	ck_assert_json_str(program, "state", "running");
	ck_assert_json_str(program, "group", "tier");
	ck_assert_json_str(program, "pidfile", "/run/verger/db.pid");
	ck_assert(json_is_true(json_object_get(program, "ready")));
	ck_assert_int_eq(number(program, "pid"), f.programs[DB].pid);
	ck_assert_int_eq(number(program, "uptime_ms"), 1500);
	ck_assert_int_eq(number(program, "restarts"), 0);
	ck_assert(json_is_null(json_object_get(program, "reason")));
	ck_assert(json_is_null(json_object_get(program, "last_exit")));
	ck_assert_json_str(program, "since", "2026-09-21T14:13:20.000000Z");
	json_decref(reply);
}
END_TEST

START_TEST(fields_choose_and_say_nothing_of_nothing)
{
	json_t *reply, *program = status_of("db", "[\"state\",\"pid\",\"reason\"]", &reply);

	ck_assert_uint_eq(json_object_size(program), 3);
	ck_assert_json_str(program, "name", "db");
	json_decref(reply);
}
END_TEST

START_TEST(a_name_that_is_not_utf8_is_told_and_can_be_given)
{
	json_t *reply = talk_call(&c, "Status", NULL), *odd = talk_item(reply, "programs", ODD);

	ck_assert_json_str(odd, "name", "caf\xef\xbf\xbd");
	ck_assert(json_is_true(json_object_get(odd, "lossy")));
	ck_assert_ptr_null(json_object_get(talk_item(reply, "programs", DB), "lossy"));
	json_decref(reply);
	ck_assert_int_gt(number(status_of("caf\xef\xbf\xbd", NULL, &reply), "pid"), 0);
	json_decref(reply);
	ck_assert_int_gt(number(status_of("caf?", NULL, &reply), "pid"), 0);
	json_decref(reply);
	reply = talk_call(&c, "Stop", "{\"names\":[\"caf\xef\xbf\xbd\"]}");
	ck_assert(json_is_true(json_object_get(talk_item(reply, "programs", 0), "lossy")));
	json_decref(reply);
}
END_TEST

START_TEST(a_backoff_tells_the_end_and_the_next_try)
{
	json_t *reply, *program;
	char reason[128];

	fake_pass(&f, 20);
	fake_exit(&f, DB, 3, 0);
	program = status_of("db", NULL, &reply);
	ck_assert_json_str(program, "state", "backoff");
	ck_assert_int_gt(number(program, "next_start_ms"), 0);
	ck_assert_int_le(number(program, "next_start_ms"), 110);
	snprintf(reason, sizeof reason,
	         "exited with status 3 after 20ms; next try in %lldms (1 of 10)",
	         (long long)number(program, "next_start_ms"));
	ck_assert_json_str(program, "reason", reason);
	ck_assert_int_eq(number(json_object_get(program, "last_exit"), "code"), 3);
	ck_assert(json_is_false(json_object_get(json_object_get(program, "last_exit"), "core")));
	json_decref(reply);
	fake_pass(&f, 200);
	ck_assert_int_eq(number(status_of("db", "[\"restarts\"]", &reply), "restarts"), 1);
	json_decref(reply);
}
END_TEST

START_TEST(R3_giving_up_is_told)
{
	f.settings->programs[DB].start_limit_count = 2;
	f.settings->programs[DB].restart_jitter_percent = 0;
	fake_exit(&f, DB, 0, SIGSEGV);
	fake_pass(&f, 1000);
	f.programs[DB].spawn_error = EACCES;
	fake_exit(&f, DB, 0, SIGSEGV);
	expect_reason("db", "given up after 2 failed starts within 1m; the last one: was killed by "
	                    "SIGSEGV after 900ms");
}
END_TEST

START_TEST(who_waits_says_for_whom)
{
	json_t *reply;

	f.settings->programs[DB].restart = RESTART_NEVER;
	json_decref(talk_call(&c, "Stop", "{\"names\":[\"db\"]}"));
	json_decref(talk_call(&c, "Start", "{\"names\":[\"web\"],\"wait\":false}"));
	expect_reason("web", "waits for db, which is stopped");
	f.programs[DB].slow_spawn = true;
	json_decref(talk_call(&c, "Start", "{\"names\":[\"db\"],\"wait\":false}"));
	expect_reason("web", "waits for db, which is starting");
	ck_assert_json_str(status_of("web", "[\"waits_for\"]", &reply), "waits_for", "db");
	json_decref(reply);
	f.programs[DB].slow_spawn = false;
	json_decref(talk_call(&c, "Stop", "{\"names\":[\"db\"],\"wait\":false}"));
}
END_TEST

START_TEST(S4_a_stop_names_what_is_left_and_what_comes_next)
{
	f.programs[WEB].stubborn = true;
	json_decref(talk_call(&c, "Stop", "{\"names\":[\"db\"],\"wait\":false}"));
	expect_reason("web", "still stopping: 102 (main); SIGINT in 5s");
	expect_reason("db", "stops as soon as web has stopped");
	fake_pass(&f, 6000);
	expect_reason("web", "still stopping: 102 (main); SIGKILL in 2s");
	f.programs[WEB].leftovers = 2;
	fake_exit(&f, WEB, 0, 0);
	f.programs[WEB].hung = true;
	fake_pass(&f, 500);
	expect_reason("web",
	              "still stopping: 9000 (left, 0), 9001 (left, 1); the next signal in 1.5s");
	fake_pass(&f, 3000);
	expect_reason("web", "being killed: 9000 (left, 0), 9001 (left, 1); killed again in 8.5s");
}
END_TEST

START_TEST(P8_pid_is_proven_or_refused)
{
	json_t *reply = talk_call(&c, "Pid", "{\"name\":\"db\"}");

	ck_assert_int_eq(number(talk_parameters(reply), "pid"), f.programs[DB].pid);
	ck_assert_json_str(talk_parameters(reply), "pidfile", "/run/verger/db.pid");
	json_decref(reply);
	f.programs[DB].dead = true;
	reply = talk_call(&c, "Pid", "{\"name\":\"db\"}");
	ck_assert_json_str(talk_parameters(reply), "state", "running");
	talk_expect_error(reply, "io.verger.Supervisor.NotRunning");
	reply = talk_call(&c, "Pid", "{\"name\":\"job\"}");
	ck_assert_json_str(talk_parameters(reply), "state", "stopped");
	talk_expect_error(reply, "io.verger.Supervisor.NotRunning");
}
END_TEST

START_TEST(P8_signals_reach_those_that_are_there)
{
	json_t *reply = talk_call(&c, "Signal", "{\"names\":[\"db\",\"job\"],\"signal\":\"USR1\"}");

	ck_assert_int_eq(f.programs[DB].signal, SIGUSR1);
	ck_assert_json_str(talk_item(reply, "programs", 0), "result", "done");
	ck_assert_json_str(talk_item(reply, "programs", 1), "result", "failed");
	ck_assert_json_str(talk_item(reply, "programs", 1), "reason", "has no process to signal");
	json_decref(reply);
	ck_assert_str_eq(text_get(&f.notes), "SIGUSR1 to db, job: asked by root (PID 12)\n");
}
END_TEST

/* --- Why --- */

static bool has(json_t *reply, const char *array, const char *part)
{
	json_t *items = json_object_get(talk_parameters(reply), array);

	for (size_t i = 0; i < json_array_size(items); i++)
		if (strstr(json_string_value(json_array_get(items, i)), part))
			return true;
	return false;
}

START_TEST(why_tells_ends_output_and_advice)
{
	json_t *reply, *last;

	f.settings->programs[WEB].stdout_stream =
		(struct stream){ .kind = STREAM_FILE, .path = "/var/log/web.log" };
	for (int i = 0; i < 20; i++) {
		fake_exit(&f, WEB, i, 0);
		fake_pass(&f, 60000);
	}
	fake_exit(&f, WEB, 0, SIGKILL);
	history_set_output(f.programs[WEB].history, "one\ntwo\xff\n", 9, f.now_us);
	reply = talk_call(&c, "Why", "{\"name\":\"web\"}");
	/* R3: at least the last ten */
	last = talk_item(reply, "ends", 0);
	ck_assert_json_str(last, "signal", "SIGKILL");
	ck_assert_json_str(last, "meaning",
	                   "killed by SIGKILL: not by vergerd; probably the kernel, "
	                   "out of memory (see dmesg)");
	ck_assert_int_eq(number(talk_item(reply, "ends", 9), "code"), 11);
	ck_assert_str_eq(json_string_value(talk_item(reply, "output", 0)), "one");
	ck_assert_str_eq(json_string_value(talk_item(reply, "output", 1)), "two\xef\xbf\xbd");
	ck_assert(json_is_true(json_object_get(talk_parameters(reply), "lossy")));
	ck_assert_json_str(talk_parameters(reply), "output_from", "/var/log/web.log");
	ck_assert(has(reply, "advice", "dmesg"));
	ck_assert(has(reply, "advice", "vergerctl logs -n 100 web"));
	json_decref(reply);
}
END_TEST

START_TEST(why_tells_where_to_correct_a_start_that_fails)
{
	json_t *reply;

	f.programs[WEB].spawn_error = ENOENT;
	f.programs[WEB].failure = "command gunicorn: not found";
	fake_exit(&f, WEB, 1, 0);
	fake_pass(&f, 1000);
	reply = talk_call(&c, "Why", "{\"name\":\"web\"}");
	ck_assert_json_str(talk_item(reply, "ends", 0), "error",
	                   "command: No such file or directory");
	ck_assert(has(reply, "advice",
	              "correct it in /etc/verger/verger.ini:12 ([program:web]), then: "
	              "vergerctl reload"));
	ck_assert(has(reply, "advice", "at once: vergerctl start web"));
	json_decref(reply);
}
END_TEST

START_TEST(why_names_each_process_that_holds_up_a_stop)
{
	json_t *reply;

	f.programs[WEB].hung = true;
	f.programs[WEB].leftovers = 2;
	json_decref(talk_call(&c, "Stop", "{\"names\":[\"web\"],\"wait\":false}"));
	reply = talk_call(&c, "Why", "{\"name\":\"web\"}");
	ck_assert_str_eq(json_string_value(talk_item(reply, "processes", 0)), "102 (main)");
	ck_assert_str_eq(json_string_value(talk_item(reply, "processes", 1)), "9000 (left, 0)");
	ck_assert_str_eq(json_string_value(talk_item(reply, "processes", 2)), "9001 (left, 1)");
	ck_assert(has(reply, "advice", "vergerctl signal web KILL --to tree"));
	json_decref(reply);
}
END_TEST

START_TEST(why_of_what_waits_leads_to_what_it_waits_for)
{
	json_t *reply;

	json_decref(talk_call(&c, "Stop", "{\"names\":[\"db\"]}"));
	json_decref(talk_call(&c, "Start", "{\"names\":[\"web\"],\"wait\":false}"));
	reply = talk_call(&c, "Why", "{\"name\":\"web\"}");
	ck_assert(has(reply, "advice", "vergerctl start db"));
	json_decref(reply);
	reply = talk_call(&c, "Why", "{\"name\":\"job\"}");
	ck_assert(has(reply, "advice", "it does not start by itself (autostart = no)"));
	ck_assert(has(reply, "advice", "vergerctl start job"));
	json_decref(reply);
}
END_TEST

static const struct {
	struct past_end end;
	const char *told, *meaning;
} ends[] = {
	{ { .code = 0, .uptime_ms = 60000 }, "exited with status 0 after 60s", "" },
	{ { .code = 127, .uptime_ms = 3 },
	  "exited with status 127 after 3ms",
	  "status 127: a shell did not find a command" },
	{ { .code = 126 },
	  "exited with status 126 after 0ms",
	  "status 126: a shell found a command that it may not run" },
	{ { .code = 143, .uptime_ms = 9999 },
	  "exited with status 143 after 9.9s",
	  "status 143: a shell says so of a command killed by SIGTERM" },
	{ { .signal = SIGSEGV, .core_dumped = true, .uptime_ms = 7200000 },
	  "was killed by SIGSEGV (core dumped) after 2h",
	  "it crashed: it touched memory that is not its own; core dumped" },
	{ { .signal = SIGKILL, .out_of_memory = true },
	  "was killed by SIGKILL after 0ms",
	  "killed by the kernel: memory was out (see dmesg)" },
	{ { .signal = SIGTERM, .uptime_ms = 172800000 },
	  "was killed by SIGTERM after 2d",
	  "somebody told it to end: not vergerd" },
	{ { .signal = SIGTERM, .asked = true, .uptime_ms = 121000 },
	  "was killed by SIGTERM after 2m",
	  "asked for" },
	{ { .signal = SIGKILL, .asked = true, .uptime_ms = 119999 },
	  "was killed by SIGKILL after 119s",
	  "asked for; it did not end within its grace and was killed" },
	{ { .step = SPAWN_STEP_DIRECTORY, .error = ENOENT },
	  "directory: No such file or directory",
	  "" },
	{ { .signal = SIGUSR2 }, "was killed by SIGUSR2 after 0ms", "" },
};

START_TEST(ends_have_their_words)
{
	struct text text;

	text_init(&text, 1000);
	meaning_put_end(&text, &ends[_i].end);
	ck_assert_str_eq(text_get(&text), ends[_i].told);
	text_reset(&text);
	meaning_put_meaning(&text, &ends[_i].end, &f.settings->programs[DB]);
	ck_assert_str_eq(text_get(&text), ends[_i].meaning);
	text_release(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");
	TCase *tc = tcase_create("status");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, all_members_that_scripts_depend_on_are_there);
	tcase_add_test(tc, what_runs_is_told);
	tcase_add_test(tc, fields_choose_and_say_nothing_of_nothing);
	tcase_add_test(tc, a_name_that_is_not_utf8_is_told_and_can_be_given);
	suite_add_tcase(suite, tc);
	tc = tcase_create("reasons");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_backoff_tells_the_end_and_the_next_try);
	tcase_add_test(tc, R3_giving_up_is_told);
	tcase_add_test(tc, who_waits_says_for_whom);
	tcase_add_test(tc, S4_a_stop_names_what_is_left_and_what_comes_next);
	tcase_add_loop_test(tc, ends_have_their_words, 0, sizeof ends / sizeof *ends);
	suite_add_tcase(suite, tc);
	tc = tcase_create("reaching");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, P8_pid_is_proven_or_refused);
	tcase_add_test(tc, P8_signals_reach_those_that_are_there);
	suite_add_tcase(suite, tc);
	tc = tcase_create("why");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, why_tells_ends_output_and_advice);
	tcase_add_test(tc, why_tells_where_to_correct_a_start_that_fails);
	tcase_add_test(tc, why_names_each_process_that_holds_up_a_stop);
	tcase_add_test(tc, why_of_what_waits_leads_to_what_it_waits_for);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
