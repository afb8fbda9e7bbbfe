/* SPDX-License-Identifier: MIT */
#include <verger/client.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "listener.h"
#include "unit/suite.h"

static struct listener listener;
static struct verger_client *client;

static void set_up(void)
{
	listener_open(&listener, 0);
}

static void tear_down(void)
{
	verger_client_close(client);
	client = NULL;
	listener_close(&listener);
}

/* Plays `answer` (a string; its NUL is sent) and connects. */
static void connect_to(const char *answer, size_t piece, int keeps)
{
	listener_play(&listener, answer, strlen(answer) + 1, piece, keeps);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	verger_client_set_timeout(client, 5000);
}

START_TEST(a_call_returns_the_parameters_of_its_reply)
{
	json_t *reply = NULL;

	connect_to("{\"parameters\":{\"pid\":12}}", 1000, 0);
	ck_assert_int_eq(verger_call(client, "Pid", json_pack("{s:s}", "name", "web"), &reply), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(reply, "pid")), 12);
	json_decref(reply);
}
END_TEST

START_TEST(b3_a_reply_may_come_byte_by_byte)
{
	json_t *reply = NULL;

	connect_to("{ \"parameters\" : {\"a\\\"}\":[1,{}]} }", 1, 0);
	ck_assert_int_eq(verger_call(client, "Status", NULL, &reply), 0);
	ck_assert_int_eq(json_array_size(json_object_get(reply, "a\"}")), 2);
	json_decref(reply);
}
END_TEST

START_TEST(replies_to_more_come_one_by_one_even_when_they_came_together)
{
	static const char replies[] =
		"{\"parameters\":{\"n\":1},\"continues\":true}\0{\"parameters\":{\"n\":2}}";
	json_t *reply;

	listener_play(&listener, replies, sizeof replies, sizeof replies, 0);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	ck_assert_int_eq(verger_call_more(client, "Monitor", NULL), 0);
	ck_assert_int_eq(verger_call_more(client, "Monitor", NULL), -EBUSY);
	ck_assert_int_eq(verger_next(client, &reply), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(reply, "n")), 1);
	json_decref(reply);
	ck_assert_int_eq(verger_next(client, &reply), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(reply, "n")), 2);
	json_decref(reply);
	ck_assert_int_eq(verger_next(client, NULL), -ECONNRESET);
}
END_TEST

START_TEST(a_raw_reply_is_the_message_as_it_came)
{
	const char *message;
	size_t size;

	connect_to("{\"parameters\":{} , \"continues\":false}", 1000, 0);
	ck_assert_int_eq(verger_call_more(client, "Status", NULL), 0);
	ck_assert_int_eq(verger_next_raw(client, &message, &size), 0);
	ck_assert_str_eq(message, "{\"parameters\":{} , \"continues\":false}");
	ck_assert_uint_eq(size, strlen(message));
}
END_TEST

START_TEST(an_error_is_told_with_its_parameters)
{
	const json_t *parameters;

	connect_to("{\"error\":\"io.verger.Supervisor.NoSuchProgram\",\"parameters\":{\"name\":"
	           "\"x\"}}",
	           9, 0);
	ck_assert_int_eq(verger_call(client, "Pid", NULL, NULL), -EREMOTE);
	ck_assert_str_eq(verger_client_error(client, &parameters),
	                 VERGER_INTERFACE ".NoSuchProgram");
	ck_assert_str_eq(json_string_value(json_object_get(parameters, "name")), "x");
}
END_TEST

static const struct {
	const char *answer;
	int result;
} hostile[] = {
	{ "", -EBADMSG },
	{ "x", -EBADMSG },
	{ "[]", -EBADMSG },
	{ "{\"parameters\":{}", -EBADMSG },
	{ "{\"parameters\":{}} x", -EBADMSG },
	{ "{\"parameters\":[]}", -EBADMSG },
	{ "{\"parameters\":\"x\"}", -EBADMSG },
	{ "{\"parameters\":{\"a\":}}", -EBADMSG },
	{ "{\"parameters\":{},\"parameters\":{}}", -EBADMSG },
	{ "{\"parameters\":{\"a\":\"\xff\"}}", -EBADMSG },
	{ "{\"error\":7}", -EBADMSG },
	{ "{\"error\":\"x\",\"parameters\":7}", -EBADMSG },
	{ "{\"continues\":1}", -EBADMSG },
	{ "{\"continues\":true}", -EBADMSG }, /* nobody asked for more */
	{ "{\"a\":\"\\", -EBADMSG },
	{ "{\"parameters\":{[}]}", -EBADMSG },
	{ "{\"a\" 1}", -EBADMSG },
	{ "{,}", -EBADMSG },
	{ "{}", 0 },
	{ "{\"parameters\":null,\"error\":null,\"continues\":null}", 0 },
	{ "{\"later\":[{\"x\":\"}\"}],\"parameters\":{}}", 0 },
	{ "\n{\"parameters\":\t{}\r\n} ", 0 },
};

START_TEST(b3_what_is_no_reply_is_an_error)
{
	connect_to(hostile[_i].answer, 1000, 0);
	ck_assert_msg(verger_call(client, "Status", NULL, NULL) == hostile[_i].result, "%s",
	              hostile[_i].answer);
	if (hostile[_i].result < 0) /* and nothing is believed afterwards */
		ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -ECONNRESET);
}
END_TEST

START_TEST(b3_a_reply_without_end_is_cut_off)
{
	size_t size = VERGER_REPLY_MAX + 1000;
	char *giant = malloc(size);

	memset(giant, ' ', size);
	listener_play(&listener, giant, size, 1 << 20, 1);
	free(giant);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -EMSGSIZE);
}
END_TEST

START_TEST(b3_a_reply_as_long_as_it_may_be_is_taken)
{
	char *giant = malloc(VERGER_REPLY_MAX + 1);

	memset(giant, ' ', VERGER_REPLY_MAX);
	memcpy(giant, "{}", 2);
	giant[VERGER_REPLY_MAX] = '\0';
	listener_play(&listener, giant, VERGER_REPLY_MAX + 1, 1 << 20, 1);
	free(giant);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), 0);
}
END_TEST

START_TEST(the_end_of_the_connection_is_no_reply)
{
	listener_play(&listener, "{\"para", 6, 6, 0);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -ECONNRESET);
}
END_TEST

START_TEST(s6_a_wait_ends_in_time)
{
	msec_t start = clock_monotonic_ms(), waited;

	listener_play(&listener, "{\"para", 6, 6, 1);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	verger_client_set_timeout(client, 100);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -ETIMEDOUT);
	waited = clock_monotonic_ms() - start;
	ck_assert_int_ge(waited, 99);
	ck_assert_int_lt(waited, 25000); /* it would be for ever */
	/* the reply that still may come would be taken for another's */
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -ECONNRESET);
}
END_TEST

START_TEST(nothing_is_lost_when_a_wait_for_the_next_ends_in_time)
{
	int r;

	connect_to("{\"parameters\":{}}", 3, 1);
	verger_client_set_timeout(client, 0);
	ck_assert_int_eq(verger_call_more(client, "Monitor", NULL), 0);
	while ((r = verger_next(client, NULL)) == -ETIMEDOUT)
		poll(NULL, 0, 1);
	ck_assert_int_eq(r, 0);
}
END_TEST

static void on_alarm(int signo)
{
	(void)signo;
}

START_TEST(signals_do_not_disturb_a_wait)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { .it_interval = { 0, 5000 }, .it_value = { 0, 5000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	listener_play(&listener, "", 0, 1, 1);
	ck_assert_int_eq(verger_client_open(&client, listener.path), 0);
	verger_client_set_timeout(client, 200);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), -ETIMEDOUT);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_not_sent)
{
	connect_to("{}", 1000, 0);
	ck_assert_int_eq(verger_call(client, "x\xff", NULL, NULL), -ENOMEM);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	static const char file[] = "/tmp";

	ck_assert_int_eq(verger_client_open(&client, "/nonexistent/s"), -ENOENT);
	ck_assert_int_eq(verger_client_open(&client, ""), -ENOENT);
	ck_assert_int_eq(verger_client_open(&client, file), -ENOTSOCK);
	close(listener.fd);
	listener.fd = -1;
	ck_assert_int_eq(verger_client_open(&client, listener.path), -ECONNREFUSED);
}
END_TEST

START_TEST(paths_of_any_length_are_taken)
{
	listener_close(&listener);
	listener_open(&listener, 3);
	ck_assert_uint_gt(strlen(listener.path), 300);
	connect_to("{}", 1000, 0);
	ck_assert_int_eq(verger_call(client, "Status", NULL, NULL), 0);
}
END_TEST

START_TEST(the_socket_that_is_meant)
{
	char *path;

	setenv("VERGER_SOCKET", "/x/y", 1);
	path = verger_socket_path();
	ck_assert_str_eq(path, "/x/y");
	free(path);
	unsetenv("VERGER_SOCKET");
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	path = verger_socket_path();
	ck_assert_str_eq(path, "/run/verger/control.sock");
	free(path);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *call = tcase_create("call");
	TCase *wrong = tcase_create("wrong");
	TCase *place = tcase_create("place");

	tcase_add_checked_fixture(call, set_up, tear_down);
	tcase_add_test(call, a_call_returns_the_parameters_of_its_reply);
	tcase_add_test(call, b3_a_reply_may_come_byte_by_byte);
	tcase_add_test(call, replies_to_more_come_one_by_one_even_when_they_came_together);
	tcase_add_test(call, a_raw_reply_is_the_message_as_it_came);
	tcase_add_test(call, an_error_is_told_with_its_parameters);
	tcase_add_test(call, nothing_is_lost_when_a_wait_for_the_next_ends_in_time);
	suite_add_tcase(suite, call);

	tcase_add_checked_fixture(wrong, set_up, tear_down);
	tcase_add_loop_test(wrong, b3_what_is_no_reply_is_an_error, 0,
	                    (int)(sizeof hostile / sizeof hostile[0]));
	tcase_add_test(wrong, b3_a_reply_without_end_is_cut_off);
	tcase_add_test(wrong, b3_a_reply_as_long_as_it_may_be_is_taken);
	tcase_add_test(wrong, the_end_of_the_connection_is_no_reply);
	tcase_add_test(wrong, s6_a_wait_ends_in_time);
	tcase_add_test(wrong, signals_do_not_disturb_a_wait);
	tcase_add_test(wrong, text_that_is_no_utf8_is_not_sent);
	suite_add_tcase(suite, wrong);

	tcase_add_checked_fixture(place, set_up, tear_down);
	tcase_add_test(place, what_cannot_be_opened_says_why);
	tcase_add_test(place, paths_of_any_length_are_taken);
	tcase_add_test(place, the_socket_that_is_meant);
	suite_add_tcase(suite, place);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
