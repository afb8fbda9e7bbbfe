/* SPDX-License-Identifier: MIT */
/* Reload, Config, Doctor, ReopenLogs, Shutdown; and those who wait while programs come and go. */
#include <errno.h>
#include <string.h>

#include "unit/control/talk.h"
#include "unit/suite.h"

enum { DB, WEB };

static struct fake f;
static struct fake_client c;

/* db (always), web unless `removed`, and new if `added`; those that are to restart are told by a
 * line of 1000 */
static struct settings *cast(bool removed, bool added, bool restarted)
{
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);

	casting_add(s, "db")->line = restarted ? 1000 : 1;
	if (!removed)
		casting_add(s, "web");
	if (added)
		casting_add(s, "new");
	s->file = "verger.ini";
	return s;
}

static void begin(void)
{
	fake_open(&f, cast(false, false, false));
	fake_connect(&f, &c, ROLE_ADMIN);
}

static void end(void)
{
	fake_disconnect(&c);
	fake_close(&f);
}

static const char *action_of(json_t *reply, const char *program)
{
	json_t *changes = json_object_get(talk_parameters(reply), "changes");

	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *change = json_array_get(changes, i);

		if (!strcmp(talk_string(change, "program"), program))
			return talk_string(change, "action");
	}
	return "none";
}

static json_t *outcome_of(json_t *reply, const char *name)
{
	json_t *programs = json_object_get(talk_parameters(reply), "programs");

	for (size_t i = 0; i < json_array_size(programs); i++)
		if (!strcmp(talk_string(json_array_get(programs, i), "name"), name))
			return json_array_get(programs, i);
	return NULL;
}

START_TEST(a_dry_run_tells_and_changes_nothing)
{
	pid_t before = f.programs[DB].pid;
	json_t *reply;

	f.fresh = cast(true, true, true);
	reply = talk_call(&c, "Reload", "{\"dry_run\":true}");
	ck_assert(json_is_false(json_object_get(talk_parameters(reply), "applied")));
	ck_assert_str_eq(action_of(reply, "db"), "restart");
	ck_assert_str_eq(action_of(reply, "web"), "stop");
	ck_assert_str_eq(action_of(reply, "new"), "start");
	ck_assert_str_eq(action_of(reply, ""), "daemon");
	ck_assert_ptr_null(json_object_get(talk_parameters(reply), "programs"));
	ck_assert_json_str(talk_item(reply, "warnings", 0), "level", "warning");
	json_decref(reply);
	ck_assert_int_eq(f.programs[DB].pid, before);
	ck_assert_uint_eq(f.notes.size, 0);
}
END_TEST

START_TEST(a_reload_waits_for_all_that_it_changes)
{
	json_t *reply, *change;

	f.fresh = cast(true, true, true);
	f.programs[DB].stubborn = f.programs[WEB].stubborn = true;
	talk_send(&c, "Reload", NULL, "\"more\":true");
	reply = talk_next(&c);
	ck_assert(json_is_true(json_object_get(reply, "continues")));
	ck_assert_json_str(outcome_of(reply, "db"), "result", "pending");
	ck_assert_json_str(outcome_of(reply, "new"), "result", "done");
	ck_assert_ptr_nonnull(strstr(talk_string(outcome_of(reply, "web"), "reason"),
	                             "no longer in the configuration; still stopping: 101 (main)"));
	/* the plan comes first, before the waiting */
	ck_assert_uint_eq(json_array_size(json_object_get(talk_parameters(reply), "changes")), 4);
	json_decref(reply);
	/* what was removed and still stops can be named, and is not started again */
	struct fake_client other;

	fake_connect(&f, &other, ROLE_OPERATE);
	reply = talk_call(&other, "Start", "{\"names\":[\"web\"]}");
	ck_assert_json_str(talk_item(reply, "programs", 0), "result", "failed");
	ck_assert_json_str(talk_item(reply, "programs", 0), "reason",
	                   "is no longer in the configuration");
	json_decref(reply);
	talk_send(&other, "Wait", "{\"names\":[\"web\"],\"state\":\"failed\"}", NULL);
	ck_assert_ptr_null(talk_next(&other));
	fake_exit(&f, WEB, 0, 0);
	reply = talk_next(&other);
	ck_assert_json_str(talk_item(reply, "programs", 0), "name", "web");
	ck_assert_json_str(talk_item(reply, "programs", 0), "result", "failed");
	ck_assert_json_str(talk_item(reply, "programs", 0), "reason",
	                   "was removed: it is no longer in the configuration");
	json_decref(reply);
	fake_disconnect(&other);
	reply = talk_next(&c);
	ck_assert_json_str(outcome_of(reply, "web"), "result", "done");
	ck_assert_ptr_null(outcome_of(reply, "db"));
	json_decref(reply);
	fake_exit(&f, DB, 0, 0);
	reply = talk_next(&c);
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	ck_assert(json_is_true(json_object_get(talk_parameters(reply), "applied")));
	ck_assert_json_str(outcome_of(reply, "db"), "result", "done");
	ck_assert_json_str(outcome_of(reply, "web"), "result", "done");
	ck_assert_str_eq(action_of(reply, "db"), "restart");
	change = json_array_get(json_object_get(talk_item(reply, "changes", 2), "keys"), 0);
	ck_assert_json_str(change, "old", "/bin/old");
	ck_assert_json_str(change, "new", "/bin/n\xef\xbf\xbdw");
	json_decref(reply);
	ck_assert_str_eq(text_get(&f.notes), "reload: asked by root (PID 12)\n"
	                                     "start web: asked by root (PID 12)\n");
}
END_TEST

START_TEST(a_reload_without_waiting_says_what_is_on_its_way)
{
	json_t *reply;

	f.fresh = cast(false, true, true);
	f.programs[DB].stubborn = true;
	reply = talk_call(&c, "Reload", "{\"wait\":false}");
	ck_assert_json_str(outcome_of(reply, "db"), "result", "pending");
	ck_assert_json_str(outcome_of(reply, "new"), "result", "done");
	ck_assert_int_eq(json_integer_value(json_object_get(talk_parameters(reply), "untouched")),
	                 1);
	json_decref(reply);
}
END_TEST

START_TEST(faults_change_nothing_and_are_told)
{
	json_t *reply = talk_call(&c, "Reload", NULL), *fault = talk_item(reply, "faults", 0);

	ck_assert_json_str(fault, "level", "error");
	ck_assert_json_str(fault, "file", "verger.ini");
	ck_assert_int_eq(json_integer_value(json_object_get(fault, "line")), 12);
	ck_assert_json_str(fault, "text", "[program:web] retries: caf\xef\xbf\xbd is no number");
	talk_expect_error(reply, "io.verger.Supervisor.Faults");
	ck_assert(!session_is_busy(c.session));
}
END_TEST

START_TEST(reloads_that_cannot_be_say_why)
{
	f.reload_result = HOST_RELOAD_NO_FILE;
	talk_expect_error(talk_call(&c, "Reload", NULL), "io.verger.Supervisor.NoConfiguration");
	f.reload_result = HOST_RELOAD_NO_MEMORY;
	talk_expect_error(talk_call(&c, "Reload", NULL), "io.verger.Supervisor.Failed");
	f.reload_result = HOST_RELOAD_DONE;
	f.programs[DB].hung = true;
	fake_event(&f, (struct event){ .type = EVENT_SHUTDOWN });
	talk_expect_error(talk_call(&c, "Reload", NULL), "io.verger.Supervisor.ShuttingDown");
}
END_TEST

START_TEST(removal_and_arrival_are_events)
{
	struct fake_client other;
	json_t *reply;

	fake_connect(&f, &other, ROLE_VIEW);
	talk_send(&other, "Monitor", "{\"names\":[\"[nw]*\"]}", "\"more\":true");
	json_decref(talk_next(&other));
	f.fresh = cast(true, true, true);
	json_decref(talk_call(&c, "Reload", NULL));
	reply = talk_next(&other);
	/* "new" was not there when it began to listen */
	for (size_t i = 0, told = 0;; i++) {
		json_t *event = talk_item(reply, "events", i);

		ck_assert_str_ne(talk_string(event, "program"), "db");
		told += !strcmp(talk_string(event, "to"), "removed");
		told += !strcmp(talk_string(event, "program"), "new") &&
		        !strcmp(talk_string(event, "to"), "running");
		if (told == 2)
			break;
	}
	json_decref(reply);
	fake_disconnect(&other);
}
END_TEST

START_TEST(lines_of_what_is_removed_end)
{
	struct fake_client other;
	json_t *reply;

	fake_connect(&f, &other, ROLE_VIEW);
	talk_send(&other, "Logs", "{\"names\":[\"web\"],\"follow\":true}", "\"more\":true");
	json_decref(talk_next(&other));
	f.fresh = cast(true, false, false);
	json_decref(talk_call(&c, "Reload", NULL));
	reply = talk_next(&other);
	ck_assert_json_str(talk_parameters(reply), "program", "web");
	ck_assert_ptr_nonnull(strstr(talk_string(talk_parameters(reply), "note"), "removed"));
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	json_decref(reply);
	ck_assert(!session_is_busy(other.session));
	fake_disconnect(&other);
}
END_TEST

/* --- the rest of vergerd --- */

START_TEST(values_are_told_with_their_origin)
{
	json_t *reply = talk_call(&c, "Config", NULL), *value;

	ck_assert_json_str(talk_parameters(reply), "file", "verger.ini");
	ck_assert_json_str(talk_item(reply, "values", 0), "section", "verger");
	value = talk_item(reply, "values", 1);
	ck_assert_json_str(value, "section", "db");
	ck_assert_json_str(value, "differs", "/bin/false");
	ck_assert_int_eq(json_integer_value(json_object_get(value, "line")), 3);
	json_decref(reply);
	reply = talk_call(&c, "Config", "{\"names\":[\"web\"]}");
	ck_assert_uint_eq(json_array_size(json_object_get(talk_parameters(reply), "values")), 1);
	json_decref(reply);
}
END_TEST

START_TEST(findings_are_told)
{
	json_t *reply = talk_call(&c, "Doctor", NULL);

	ck_assert_json_str(talk_item(reply, "findings", 0), "level", "good");
	ck_assert_json_str(talk_item(reply, "findings", 1), "level", "bad");
	ck_assert_json_str(talk_item(reply, "findings", 1), "advice", "chmod");
	json_decref(reply);
}
END_TEST

START_TEST(logs_are_reopened_or_it_is_told_why_not)
{
	json_t *reply;

	f.reopen_pending = 2;
	f.reopen_failed = "log /x cannot be opened again: Permission denied";
	reply = talk_call(&c, "ReopenLogs", NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(talk_parameters(reply), "pending")), 2);
	json_decref(reply);
	/* what failed is told when nothing is waited for any more */
	f.reopen_pending = 0;
	talk_expect_error(talk_call(&c, "ReopenLogs", "{\"only_ask\":true}"),
	                  "io.verger.Supervisor.Failed");
	ck_assert_uint_eq(f.reopened, 1);
}
END_TEST

START_TEST(a_shutdown_is_answered_before_it_begins)
{
	f.programs[DB].stubborn = true;
	talk_expect_error(talk_call(&c, "Shutdown", NULL), "");
	ck_assert(supervisor_is_shutting_down(f.sv));
	/* asking twice is no impatience */
	talk_expect_error(talk_call(&c, "Shutdown", NULL), "");
	ck_assert_int_gt(f.programs[DB].pid, 0);
	talk_expect_error(talk_call(&c, "Shutdown", "{\"now\":true}"), "");
	ck_assert_int_eq(f.programs[DB].pid, 0);
	ck_assert(f.quit);
	ck_assert_str_eq(text_get(&f.notes), "shutdown: asked by root (PID 12)\n"
	                                     "shutdown: asked by root (PID 12)\n"
	                                     "shutdown without grace: asked by root (PID 12)\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_dry_run_tells_and_changes_nothing);
	tcase_add_test(tc, a_reload_waits_for_all_that_it_changes);
	tcase_add_test(tc, a_reload_without_waiting_says_what_is_on_its_way);
	tcase_add_test(tc, faults_change_nothing_and_are_told);
	tcase_add_test(tc, reloads_that_cannot_be_say_why);
	tcase_add_test(tc, removal_and_arrival_are_events);
	tcase_add_test(tc, lines_of_what_is_removed_end);
	suite_add_tcase(suite, tc);
	tc = tcase_create("upkeep");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, values_are_told_with_their_origin);
	tcase_add_test(tc, findings_are_told);
	tcase_add_test(tc, logs_are_reopened_or_it_is_told_why_not);
	tcase_add_test(tc, a_shutdown_is_answered_before_it_begins);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
