/* SPDX-License-Identifier: MIT */
/* Monitor and Logs: what happens reaches those who read, and those who do not cost nothing (B3,
 * C3).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/journal.h"
#include "control/session.h"
#include "unit/control/talk.h"
#include "unit/suite.h"

enum { DB, WEB };

static struct fake f;
static struct fake_client c;

static void begin(void)
{
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);

	casting_add(s, "db");
	casting_add(s, "web");
	fake_open(&f, s);
	fake_connect(&f, &c, ROLE_VIEW);
}

static void end(void)
{
	fake_disconnect(&c);
	fake_close(&f);
}

static bool continues(const json_t *reply)
{
	return json_is_true(json_object_get(reply, "continues"));
}

/* --- Monitor --- */

static void listen(struct fake_client *client, const char *params)
{
	json_t *reply;

	talk_send(client, "Monitor", params, "\"more\":true");
	reply = talk_next(client);
	ck_assert_ptr_nonnull(reply);
	ck_assert(continues(reply));
	ck_assert_uint_eq(json_array_size(json_object_get(talk_parameters(reply), "events")), 0);
	json_decref(reply);
}

static void expect_event(json_t *reply, size_t i, const char *program, const char *from,
                         const char *to)
{
	json_t *event = talk_item(reply, "events", i);

	ck_assert_json_str(event, "program", program);
	ck_assert_json_str(event, "from", from);
	ck_assert_json_str(event, "to", to);
	ck_assert_uint_eq(strlen(talk_string(event, "time")), CLOCK_RFC3339_SIZE - 1);
}

START_TEST(changes_are_told_as_they_happen)
{
	json_t *reply;

	listen(&c, NULL);
	ck_assert_uint_eq(c.wakes, 0);
	f.settings->programs[DB].restart_jitter_percent = 0;
	fake_exit(&f, DB, 3, 0);
	ck_assert_uint_gt(c.wakes, 0);
	reply = talk_next(&c);
	ck_assert(continues(reply));
	expect_event(reply, 0, "db", "running", "stopping");
	expect_event(reply, 1, "db", "stopping", "backoff");
	ck_assert_int_eq(json_integer_value(json_object_get(talk_item(reply, "events", 1), "code")),
	                 3);
	ck_assert_json_str(talk_item(reply, "events", 1), "reason",
	                   "exited with status 3 after 0ms; next try in 100ms (1 of 10)");
	json_decref(reply);
	fake_pass(&f, 1000);
	reply = talk_next(&c);
	expect_event(reply, 0, "db", "backoff", "waiting");
	expect_event(reply, 1, "db", "waiting", "starting");
	expect_event(reply, 2, "db", "starting", "running");
	json_decref(reply);
	ck_assert_ptr_null(talk_next(&c));
}
END_TEST

START_TEST(names_choose_whose_changes)
{
	json_t *reply;

	listen(&c, "{\"names\":[\"w*\"]}");
	fake_exit(&f, DB, 3, 0);
	ck_assert_uint_eq(c.wakes, 0);
	ck_assert_ptr_null(talk_next(&c));
	fake_exit(&f, WEB, 0, 9);
	reply = talk_next(&c);
	expect_event(reply, 0, "web", "running", "stopping");
	ck_assert_json_str(talk_item(reply, "events", 1), "signal", "SIGKILL");
	json_decref(reply);
}
END_TEST

START_TEST(one_who_never_reads_is_cut_and_nobody_else)
{
	struct fake_client slow[3];
	size_t told = 0;
	json_t *reply;

	listen(&c, NULL);
	for (int i = 0; i < 3; i++) {
		fake_connect(&f, &slow[i], ROLE_VIEW);
		listen(&slow[i], NULL);
		slow[i].deaf = true;
	}
	for (int i = 0; i < 10000 && !slow[2].cut; i++) {
		fake_exit(&f, DB, 0, 0);
		fake_pass(&f, 60000);
		for (int k = 0; k < 3; k++)
			fake_run(&slow[k]);
		while ((reply = talk_next(&c))) {
			told += json_array_size(json_object_get(talk_parameters(reply), "events"));
			json_decref(reply);
		}
		ck_assert_uint_le(f.control->journal.size, CONTROL_STREAM_MAX + 2 * 1024);
	}
	for (int k = 0; k < 3; k++) {
		size_t size;

		ck_assert_int_eq(slow[k].cut, -EPIPE);
		session_output(slow[k].session, &size);
		ck_assert_uint_le(size, 2 * SESSION_STREAM_CHUNK);
		fake_disconnect(&slow[k]);
	}
	ck_assert_uint_gt(told, 1000);
	ck_assert_int_eq(c.cut, 0);
	/* what nobody has to read any more is not kept */
	ck_assert_uint_eq(f.control->journal.size, 0);
}
END_TEST

START_TEST(nobody_listens_and_nothing_is_written)
{
	fake_exit(&f, DB, 0, 0);
	ck_assert_uint_eq(f.control->journal.size, 0);
	listen(&c, NULL);
	session_end_of_input(c.session);
	ck_assert(session_is_over(c.session));
	fake_exit(&f, WEB, 0, 0);
	ck_assert_uint_eq(f.control->journal.size, 0);
}
END_TEST

START_TEST(the_end_of_vergerd_ends_the_stream)
{
	json_t *reply;

	listen(&c, NULL);
	fake_event(&f, (struct event){ .type = EVENT_SHUTDOWN });
	ck_assert(f.quit);
	control_shutdown(f.control);
	reply = talk_next(&c);
	ck_assert(!continues(reply));
	expect_event(reply, 0, "db", "running", "stopping");
	json_decref(reply);
	ck_assert(!session_is_busy(c.session));
}
END_TEST

START_TEST(there_are_seats_for_so_many)
{
	struct fake_client many[JOURNAL_READERS_MAX + 1];

	for (size_t i = 0; i < JOURNAL_READERS_MAX; i++) {
		fake_connect(&f, &many[i], ROLE_VIEW);
		listen(&many[i], NULL);
	}
	fake_connect(&f, &many[JOURNAL_READERS_MAX], ROLE_VIEW);
	talk_send(&many[JOURNAL_READERS_MAX], "Monitor", NULL, "\"more\":true");
	talk_expect_error(talk_next(&many[JOURNAL_READERS_MAX]), "io.verger.Supervisor.Busy");
	for (size_t i = 0; i <= JOURNAL_READERS_MAX; i++)
		fake_disconnect(&many[i]);
	listen(&c, NULL);
}
END_TEST

/* --- Logs --- */

START_TEST(the_last_lines_are_told)
{
	json_t *reply;

	fake_write(&f, DB, 100);
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"]}");
	ck_assert_json_str(talk_parameters(reply), "program", "db");
	ck_assert_uint_eq(json_array_size(json_object_get(talk_parameters(reply), "lines")), 10);
	ck_assert_str_eq(json_string_value(talk_item(reply, "lines", 0)), "line 91");
	json_decref(reply);
	ck_assert_ptr_null(f.programs[DB].tail);
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"],\"lines\":0}");
	ck_assert_uint_eq(json_array_size(json_object_get(talk_parameters(reply), "lines")), 0);
	json_decref(reply);
}
END_TEST

START_TEST(lines_that_are_not_utf8_are_told_and_marked)
{
	json_t *reply;

	f.programs[DB].line = "na\xefve";
	fake_write(&f, DB, 1);
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"]}");
	ck_assert_str_eq(json_string_value(talk_item(reply, "lines", 0)), "na\xef\xbf\xbdve");
	ck_assert(json_is_true(json_object_get(talk_parameters(reply), "lossy")));
	json_decref(reply);
}
END_TEST

START_TEST(output_that_goes_nowhere_is_said_so)
{
	json_t *reply;

	f.programs[DB].no_output = true;
	fake_write(&f, WEB, 1);
	talk_send(&c, "Logs", NULL, "\"more\":true");
	reply = talk_next(&c);
	ck_assert(continues(reply));
	ck_assert_json_str(talk_parameters(reply), "note", "its output goes nowhere");
	json_decref(reply);
	reply = talk_next(&c);
	ck_assert(!continues(reply));
	ck_assert_json_str(talk_parameters(reply), "program", "web");
	json_decref(reply);
}
END_TEST

START_TEST(many_lines_come_in_pieces)
{
	size_t told = 0, replies = 0;
	bool more = true;

	fake_write(&f, DB, 50000);
	talk_send(&c, "Logs", "{\"names\":[\"db\"],\"lines\":50000}", "\"more\":true");
	while (more) {
		json_t *reply = talk_next(&c);

		ck_assert_ptr_nonnull(reply);
		told += json_array_size(json_object_get(talk_parameters(reply), "lines"));
		more = continues(reply);
		replies++;
		json_decref(reply);
	}
	ck_assert_uint_eq(told, 50000);
	ck_assert_uint_gt(replies, 10);
	/* without `more` there is one, and it says that it is not all */
	talk_send(&c, "Logs", "{\"names\":[\"db\"],\"lines\":50000}", NULL);
	json_t *reply = talk_next(&c);

	ck_assert(!continues(reply));
	ck_assert_ptr_nonnull(strstr(talk_string(talk_parameters(reply), "note"), "`more`"));
	json_decref(reply);
	ck_assert_ptr_null(talk_next(&c));
}
END_TEST

static size_t count_of(json_t *reply, const char *key)
{
	return json_array_size(json_object_get(talk_parameters(reply), key));
}

/* C3: a search in many steps, each of which is one turn. */
START_TEST(a_long_search_is_no_reply)
{
	json_t *reply;

	f.programs[DB].searches = 5;
	fake_write(&f, DB, 20);
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"]}");
	ck_assert_uint_eq(count_of(reply, "lines"), 10);
	json_decref(reply);
	talk_send(&c, "Logs", "{\"names\":[\"db\"],\"follow\":true}", "\"more\":true");
	reply = talk_next(&c);
	ck_assert_uint_eq(count_of(reply, "lines"), 10);
	json_decref(reply);
}
END_TEST

START_TEST(files_that_are_not_read_are_told_before_the_lines)
{
	json_t *reply;

	f.programs[DB].unread = 3;
	fake_write(&f, DB, 2);
	talk_send(&c, "Logs", "{\"names\":[\"db\"]}", "\"more\":true");
	reply = talk_next(&c);
	ck_assert_uint_eq(count_of(reply, "unread"), 2);
	ck_assert_str_eq(json_string_value(talk_item(reply, "unread", 1)), "/log-2.gz");
	ck_assert_int_eq(
		json_integer_value(json_object_get(talk_parameters(reply), "unread_lines")), 7);
	ck_assert_uint_eq(count_of(reply, "lines"), 0);
	json_decref(reply);
	reply = talk_next(&c);
	ck_assert_uint_eq(count_of(reply, "unread"), 1);
	ck_assert_ptr_null(json_object_get(talk_parameters(reply), "unread_lines"));
	ck_assert_uint_eq(count_of(reply, "lines"), 2);
	ck_assert(!continues(reply));
	json_decref(reply);
	/* one reply has room for the files before its lines */
	f.programs[DB].unread = 2;
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"]}");
	ck_assert_uint_eq(count_of(reply, "unread"), 2);
	ck_assert_uint_eq(count_of(reply, "lines"), 2);
	json_decref(reply);
}
END_TEST

START_TEST(two_files_are_told_apart)
{
	static const char *const streams[] = { "stdout", "stderr", "stdout" };
	json_t *reply;

	f.programs[DB].two_streams = true;
	fake_write(&f, DB, 5); /* out, err, err, out, out */
	talk_send(&c, "Logs", "{\"names\":[\"db\"]}", "\"more\":true");
	for (int i = 0; i < 3; i++) {
		reply = talk_next(&c);
		ck_assert_json_str(talk_parameters(reply), "stream", streams[i]);
		ck_assert_uint_eq(count_of(reply, "lines"), i == 0 ? 1 : 2);
		ck_assert(continues(reply) == (i < 2));
		json_decref(reply);
	}
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"]}");
	ck_assert_uint_eq(count_of(reply, "lines"), 5);
	ck_assert_ptr_null(json_object_get(talk_parameters(reply), "stream"));
	json_decref(reply);
}
END_TEST

START_TEST(a_time_is_passed_on)
{
	fake_write(&f, DB, 20);
	json_t *reply =
		talk_call(&c, "Logs", "{\"names\":[\"db\"],\"since\":\"2026-11-30T08:15:00.5Z\"}");

	ck_assert_int_eq(f.programs[DB].since_us, INT64_C(1796026500500000));
	ck_assert_uint_eq(count_of(reply, "lines"), 20); /* not the last ten of them */
	json_decref(reply);
	reply = talk_call(&c, "Logs",
	                  "{\"names\":[\"db\"],\"since\":\"2026-11-30T08:15:00Z\",\"lines\":3}");
	ck_assert_uint_eq(count_of(reply, "lines"), 3);
	json_decref(reply);
	reply = talk_call(&c, "Logs", "{\"names\":[\"db\"],\"since\":\"yesterday\"}");
	talk_expect_error(reply, "org.varlink.service.InvalidParameter");
}
END_TEST

static const struct {
	const char *recent;
	unsigned lines;
	const char *expected; /* the first line */
	size_t count;
} memories[] = {
	{ "a\nb\nc\n", 2, "b", 2 }, { "a\nb\nc", 2, "b", 2 },    { "a\nb\nc\n", 9, "a", 3 },
	{ "\n\n\n", 2, "", 2 },     { "a\nb\nc\n", 0, NULL, 0 }, { "abc", 1, "abc", 1 },
};

START_TEST(what_is_in_no_file_is_told_from_memory)
{
	char parameters[64];
	json_t *reply;

	f.programs[DB].no_output = true;
	f.programs[DB].recent = memories[_i].recent;
	snprintf(parameters, sizeof parameters, "{\"names\":[\"db\"],\"lines\":%u}",
	         memories[_i].lines);
	reply = talk_call(&c, "Logs", parameters);
	ck_assert_uint_eq(count_of(reply, "lines"), memories[_i].count);
	if (memories[_i].count)
		ck_assert_str_eq(json_string_value(talk_item(reply, "lines", 0)),
		                 memories[_i].expected);
	ck_assert_ptr_nonnull(strstr(talk_string(talk_parameters(reply), "note"), "log_memory"));
	json_decref(reply);
}
END_TEST

START_TEST(what_is_written_is_followed)
{
	json_t *reply;

	talk_send(&c, "Logs", "{\"follow\":true}", "\"more\":true");
	for (int i = 0; i < 2; i++) {
		reply = talk_next(&c);
		ck_assert(continues(reply));
		json_decref(reply);
	}
	ck_assert_ptr_null(talk_next(&c));
	fake_write(&f, WEB, 2);
	ck_assert_uint_eq(c.wakes, 1);
	reply = talk_next(&c);
	ck_assert_json_str(talk_parameters(reply), "program", "web");
	ck_assert_str_eq(json_string_value(talk_item(reply, "lines", 1)), "line 2");
	json_decref(reply);
	/* one who does not read is not read for */
	c.deaf = true;
	fake_write(&f, DB, 1);
	fake_run(&c);
	for (int i = 0; i < 1000; i++) {
		fake_write(&f, DB, 100);
		fake_run(&c);
	}
	ck_assert_uint_le(f.control->output_size, 256);
	c.deaf = false;
	session_end_of_input(c.session);
	ck_assert_ptr_null(f.programs[DB].tail);
}
END_TEST

START_TEST(the_end_of_vergerd_ends_the_lines)
{
	json_t *reply;

	talk_send(&c, "Logs", "{\"follow\":true,\"names\":[\"db\"]}", "\"more\":true");
	json_decref(talk_next(&c));
	control_shutdown(f.control);
	reply = talk_next(&c);
	ck_assert(!continues(reply));
	json_decref(reply);
	ck_assert_ptr_null(f.programs[DB].tail);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams");
	TCase *tc = tcase_create("monitor");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, changes_are_told_as_they_happen);
	tcase_add_test(tc, names_choose_whose_changes);
	tcase_add_test(tc, one_who_never_reads_is_cut_and_nobody_else);
	tcase_add_test(tc, nobody_listens_and_nothing_is_written);
	tcase_add_test(tc, the_end_of_vergerd_ends_the_stream);
	tcase_add_test(tc, there_are_seats_for_so_many);
	suite_add_tcase(suite, tc);
	tc = tcase_create("logs");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, the_last_lines_are_told);
	tcase_add_test(tc, lines_that_are_not_utf8_are_told_and_marked);
	tcase_add_test(tc, output_that_goes_nowhere_is_said_so);
	tcase_add_test(tc, many_lines_come_in_pieces);
	tcase_add_test(tc, a_long_search_is_no_reply);
	tcase_add_test(tc, files_that_are_not_read_are_told_before_the_lines);
	tcase_add_test(tc, two_files_are_told_apart);
	tcase_add_test(tc, a_time_is_passed_on);
	tcase_add_loop_test(tc, what_is_in_no_file_is_told_from_memory, 0,
	                    sizeof memories / sizeof memories[0]);
	tcase_add_test(tc, what_is_written_is_followed);
	tcase_add_test(tc, the_end_of_vergerd_ends_the_lines);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
