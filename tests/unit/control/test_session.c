/* SPDX-License-Identifier: MIT */
/* One client and its bytes: who may what (B4), hostile bytes, floods and slow readers with bounded
 * memory (B3). */
#include "control/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/control/contract.h"
#include "unit/control/talk.h"
#include "unit/suite.h"

static struct fake f;
static struct fake_client c;

static void begin(void)
{
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);

	casting_add(s, "web");
	casting_add(s, "db");
	fake_open(&f, s);
	fake_connect(&f, &c, ROLE_ADMIN);
}

static void end(void)
{
	fake_disconnect(&c);
	fake_close(&f);
}

#define SERVICE "org.varlink.service."
#define OURS    "io.verger.Supervisor."

/* --- the protocol's own --- */

START_TEST(the_service_tells_of_itself)
{
	json_t *reply = talk_call(&c, SERVICE "GetInfo", NULL);

	ck_assert_json_str(talk_parameters(reply), "vendor", "verger");
	ck_assert_json_str(talk_parameters(reply), "product", "vergerd");
	ck_assert_json_str(talk_parameters(reply), "version", "1.2.3");
	ck_assert_str_eq(json_string_value(talk_item(reply, "interfaces", 1)),
	                 "io.verger.Supervisor");
	json_decref(reply);
	reply = talk_call(&c, SERVICE "GetInterfaceDescription",
	                  "{\"interface\":\"io.verger.Supervisor\"}");
	ck_assert_ptr_nonnull(strstr(talk_string(talk_parameters(reply), "description"),
	                             "\ninterface io.verger.Supervisor\n"));
	json_decref(reply);
	reply = talk_call(&c, SERVICE "GetInterfaceDescription",
	                  "{\"interface\":\"org.varlink.service\"}");
	ck_assert_ptr_nonnull(strstr(talk_string(talk_parameters(reply), "description"),
	                             "error ExpectedMore ()"));
	json_decref(reply);
	reply = talk_call(&c, SERVICE "GetInterfaceDescription", "{\"interface\":\"a.b\"}");
	ck_assert_json_str(talk_parameters(reply), "interface", "a.b");
	talk_expect_error(reply, SERVICE "InterfaceNotFound");
}
END_TEST

static const struct {
	const char *method, *params, *extra, *error, *key, *value;
} refusals[] = {
	{ "com.example.Foo", NULL, NULL, SERVICE "InterfaceNotFound", "interface", "com.example" },
	{ ".", NULL, NULL, SERVICE "InterfaceNotFound", "interface", "" },
	{ "io.verger.Supervisor", NULL, NULL, SERVICE "InterfaceNotFound", "interface",
	  "io.verger" },
	{ "io.verger.Supervisors.Status", NULL, NULL, SERVICE "InterfaceNotFound", "interface",
	  "io.verger.Supervisors" },
	{ "Nonsense", NULL, NULL, SERVICE "MethodNotFound", "method",
	  "io.verger.Supervisor.Nonsense" },
	{ "status", NULL, NULL, SERVICE "MethodNotFound", "method", "io.verger.Supervisor.status" },
	{ SERVICE "Status", NULL, NULL, SERVICE "MethodNotFound", "method", SERVICE "Status" },
	{ "Status", NULL, "\"upgrade\":true", SERVICE "MethodNotImplemented", "method",
	  "io.verger.Supervisor.Status" },
	{ "Status", "{\"name\":\"web\"}", NULL, SERVICE "InvalidParameter", "parameter", "name" },
	{ "Status", "{\"names\":\"web\"}", NULL, SERVICE "InvalidParameter", "parameter", "names" },
	{ "Status", "{\"names\":[\"web\",1]}", NULL, SERVICE "InvalidParameter", "parameter",
	  "names" },
	{ "Status", "{\"fields\":[\"colour\"]}", NULL, SERVICE "InvalidParameter", "parameter",
	  "fields" },
	{ "Pid", "{}", NULL, SERVICE "InvalidParameter", "parameter", "name" },
	{ "Pid", "{\"name\":null}", NULL, SERVICE "InvalidParameter", "parameter", "name" },
	{ "Start", "{\"names\":[\"web\"],\"wait\":1}", NULL, SERVICE "InvalidParameter",
	  "parameter", "wait" },
	{ "Start", "{\"names\":[\"web\"],\"timeout_ms\":-1}", NULL, SERVICE "InvalidParameter",
	  "parameter", "timeout_ms" },
	{ "Start", "{\"names\":[\"web\"],\"timeout_ms\":1.5}", NULL, SERVICE "InvalidParameter",
	  "parameter", "timeout_ms" },
	{ "Signal", "{\"names\":[\"web\"],\"signal\":\"NONE\"}", NULL, SERVICE "InvalidParameter",
	  "parameter", "signal" },
	{ "Signal", "{\"names\":[\"web\"],\"signal\":\"0\"}", NULL, SERVICE "InvalidParameter",
	  "parameter", "signal" },
	{ "Signal", "{\"names\":[\"web\"],\"signal\":\"HUP\",\"to\":\"all\"}", NULL,
	  SERVICE "InvalidParameter", "parameter", "to" },
	{ "Logs", "{\"names\":[\"web\"],\"lines\":99999999}", NULL, SERVICE "InvalidParameter",
	  "parameter", "lines" },
	{ "Monitor", NULL, NULL, SERVICE "ExpectedMore", NULL, NULL },
	{ "Logs", "{\"follow\":true,\"names\":[\"web\"]}", NULL, SERVICE "ExpectedMore", NULL,
	  NULL },
	{ "Logs", NULL, NULL, SERVICE "ExpectedMore", NULL, NULL },
	{ "Status",
	  "{\"names\":[\"a*\",\"b*\",\"c*\",\"d*\",\"e*\",\"f*\",\"g*\",\"h*\",\"i*\","
	  "\"j*\",\"k*\",\"l*\",\"m*\",\"n*\",\"o*\",\"p*\",\"q*\"]}",
	  NULL, SERVICE "InvalidParameter", "parameter", "names" },
	{ "Why", "{\"name\":\"webb\"}", NULL, OURS "NoSuchProgram", "similar", "web" },
	{ "Why", "{\"name\":\"*\"}", NULL, OURS "Failed", "reason",
	  "that names several programs; name one of them" },
};

START_TEST(the_contract_and_the_tables_have_the_same_methods)
{
	char name[64];
	size_t described = 0, in_table = 0;

	for (; contract_method(described, name); described++) {
		json_t *reply;

		talk_send(&c, name, "{\"nonsense\":true}", NULL);
		reply = talk_next(&c);
		ck_assert_json_str(talk_parameters(reply), "parameter", "nonsense");
		talk_expect_error(reply, SERVICE "InvalidParameter");
		ck_assert_msg(verb_find_method(name) != NULL, "no verb has the method %s", name);
	}
	for (size_t i = 0; i < verb_count; i++)
		in_table += verbs[i].method != NULL;
	ck_assert_uint_eq(described, in_table);
}
END_TEST

/* what holds all replies to the contract can tell what breaks it */
START_TEST(a_breach_of_the_contract_is_found)
{
	static const struct {
		const char *method, *parameters, *fault;
	} breaches[] = {
		{ "Pid", "{\"name\":\"a\",\"pid\":1}", "" },
		{ "Pid", "{\"name\":\"a\",\"pid\":1,\"pidfile\":null}", "" },
		{ "Pid", "{\"name\":\"a\"}", "Pid has no pid" },
		{ "Pid", "{\"name\":\"a\",\"pid\":null}", "pid is no int" },
		{ "Pid", "{\"name\":1,\"pid\":1}", "name is no string" },
		{ "Pid", "{\"name\":\"a\",\"pid\":1,\"x\":1}", "Pid has a member x" },
		{ "Start", "{\"programs\":[{\"name\":\"a\",\"result\":\"so\",\"state\":\"b\"}]}",
		  "result is none of its words" },
		{ "Start", "{\"programs\":{}}", "programs is no array" },
		{ "Doctor", "{\"findings\":[{\"level\":\"good\",\"subject\":\"s\"}]}",
		  "findings has no text" },
		{ "Shutdown", "{\"x\":1}", "Shutdown has members" },
		{ "Nothing", "{}", "method Nothing is not described" },
	};
	char fault[CONTRACT_FAULT_SIZE];

	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
		json_t *parameters = json_loads(breaches[i].parameters, 0, NULL);

		contract_reply(breaches[i].method, parameters, fault);
		ck_assert_str_eq(fault, breaches[i].fault);
		json_decref(parameters);
	}
}
END_TEST

START_TEST(refusals_have_their_names)
{
	json_t *reply;

	talk_send(&c, refusals[_i].method, refusals[_i].params, refusals[_i].extra);
	reply = talk_next(&c);
	ck_assert_ptr_nonnull(reply);
	if (refusals[_i].key)
		ck_assert_json_str(talk_parameters(reply), refusals[_i].key, refusals[_i].value);
	talk_expect_error(reply, refusals[_i].error);
	/* and the connection goes on */
	talk_expect_error(talk_call(&c, "Status", NULL), "");
}
END_TEST

/* --- roles (B4) --- */

static const struct {
	const char *method, *params;
	enum control_role role;
} takes[] = {
	{ SERVICE "GetInfo", NULL, ROLE_VIEW },
	{ "Status", NULL, ROLE_VIEW },
	{ "Why", "{\"name\":\"web\"}", ROLE_VIEW },
	{ "Wait", "{\"names\":[\"web\"],\"state\":\"running\"}", ROLE_VIEW },
	{ "Pid", "{\"name\":\"web\"}", ROLE_VIEW },
	{ "Logs", "{\"names\":[\"web\"]}", ROLE_VIEW },
	{ "Start", "{\"names\":[\"web\"]}", ROLE_OPERATE },
	{ "Stop", "{\"names\":[\"web\"]}", ROLE_OPERATE },
	{ "Restart", "{\"names\":[\"web\"]}", ROLE_OPERATE },
	{ "ReloadProgram", "{\"names\":[\"web\"]}", ROLE_OPERATE },
	{ "Signal", "{\"names\":[\"web\"],\"signal\":\"HUP\"}", ROLE_OPERATE },
	{ "Doctor", NULL, ROLE_OPERATE },
	{ "ReopenLogs", NULL, ROLE_OPERATE },
	{ "Config", NULL, ROLE_ADMIN },
	{ "Reload", "{\"dry_run\":true}", ROLE_ADMIN },
	{ "Shutdown", NULL, ROLE_ADMIN },
};

START_TEST(B4_each_role_may_what_it_may)
{
	for (int role = ROLE_VIEW; role <= ROLE_ADMIN; role++) {
		struct fake_client other;
		json_t *reply;
		bool denied;

		fake_connect(&f, &other, (enum control_role)role);
		text_reset(&f.notes);
		reply = talk_call(&other, takes[_i].method, takes[_i].params);
		denied = !strcmp(talk_string(reply, "error"), SERVICE "PermissionDenied");
		ck_assert_msg(denied == (role < (int)takes[_i].role), "%s by %s", takes[_i].method,
		              control_role_names[role]);
		if (denied)
			ck_assert_ptr_nonnull(strstr(text_get(&f.notes), " refused: asked by "));
		json_decref(reply);
		fake_disconnect(&other);
	}
}
END_TEST

START_TEST(B4_a_refusal_is_logged_once)
{
	struct fake_client other;

	fake_connect(&f, &other, ROLE_VIEW);
	for (int i = 0; i < 100; i++)
		talk_expect_error(talk_call(&other, "Stop", "{\"all\":true}"),
		                  SERVICE "PermissionDenied");
	ck_assert_str_eq(text_get(&f.notes), "Stop refused: asked by root (PID 12), whose role is "
	                                     "view; it takes operate\n");
	ck_assert_int_gt(f.programs[0].pid, 0);
	fake_disconnect(&other);
}
END_TEST

START_TEST(B4_nobody_gets_one_answer)
{
	struct fake_client other;

	fake_connect(&f, &other, ROLE_NONE);
	talk_send(&other, SERVICE "GetInfo", NULL, NULL);
	talk_send(&other, "Status", NULL, NULL);
	talk_expect_error(talk_next(&other), SERVICE "PermissionDenied");
	ck_assert_ptr_null(talk_next(&other));
	ck_assert(session_is_over(other.session));
	ck_assert(!session_wants_input(other.session));
	fake_disconnect(&other);
}
END_TEST

/* --- bytes (B3) --- */

START_TEST(two_calls_in_one_read_are_answered_in_turn)
{
	static const char calls[] = "{\"method\":\"io.verger.Supervisor.Pid\",\"parameters\":"
				    "{\"name\":\"web\"}}\0"
				    "{\"method\":\"io.verger.Supervisor.Pid\",\"parameters\":"
				    "{\"name\":\"db\"}}";
	json_t *reply;

	for (size_t cut = 0; cut <= sizeof calls; cut++) {
		fake_send(&c, calls, cut);
		fake_run(&c);
		fake_send(&c, calls + cut, sizeof calls - cut);
		reply = talk_next(&c);
		ck_assert_json_str(talk_parameters(reply), "name", "web");
		json_decref(reply);
		reply = talk_next(&c);
		ck_assert_json_str(talk_parameters(reply), "name", "db");
		json_decref(reply);
		ck_assert(!session_is_busy(c.session));
	}
}
END_TEST

START_TEST(one_call_a_step)
{
	size_t size;

	talk_send(&c, "Status", NULL, NULL);
	talk_send(&c, "Status", NULL, NULL);
	ck_assert(!session_wants_input(c.session));
	ck_assert(session_is_ready(c.session));
	ck_assert_int_eq(session_step(c.session), 0);
	ck_assert_ptr_nonnull(session_output(c.session, &size));
	ck_assert_uint_gt(size, 0);
	/* the next one is not begun before this is written */
	ck_assert(!session_is_ready(c.session));
	session_sent(c.session, size - 1);
	ck_assert(!session_is_ready(c.session));
	session_sent(c.session, 1);
	ck_assert(session_is_ready(c.session));
}
END_TEST

START_TEST(malformed_bytes_cut_the_client)
{
	fake_send(&c, "GET / HTTP/1.1\r\n\r\n", 19);
	fake_run(&c);
	ck_assert_int_eq(c.cut, -EBADMSG);
}
END_TEST

START_TEST(a_stream_without_end_is_cut_early)
{
	char bytes[16384];
	size_t sent = 0;

	memset(bytes, 'x', sizeof bytes);
	while (!c.cut && sent < 1 << 30) {
		fake_send(&c, bytes, sizeof bytes);
		sent += sizeof bytes;
	}
	ck_assert_int_eq(c.cut, -EMSGSIZE);
	ck_assert_uint_le(sent, CONTROL_MESSAGE_MAX + sizeof bytes);
}
END_TEST

START_TEST(half_a_message_is_partial_and_no_more)
{
	fake_send(&c, "{\"method\":", 10);
	ck_assert(session_is_partial(c.session));
	ck_assert(!session_is_ready(c.session));
	ck_assert(!session_is_busy(c.session));
	ck_assert(session_wants_input(c.session));
	session_end_of_input(c.session);
	ck_assert(session_is_over(c.session));
}
END_TEST

START_TEST(the_last_call_is_answered_after_the_end_of_input)
{
	talk_send(&c, "Pid", "{\"name\":\"web\"}", NULL);
	session_end_of_input(c.session);
	ck_assert(!session_is_over(c.session));
	talk_expect_error(talk_next(&c), "");
	ck_assert(session_is_over(c.session));
}
END_TEST

START_TEST(silence_costs_nothing)
{
	talk_expect_error(talk_call(&c, "Status", NULL), "");
	ck_assert_ptr_null(c.session->input.bytes);
	ck_assert_ptr_null(c.session->output.data);
	ck_assert_uint_eq(f.control->output_size, 0);
}
END_TEST

/* --- room for all --- */

START_TEST(large_answers_wait_for_room)
{
	struct fake_client many[64];
	size_t full = 0;
	json_t *reply;

	/* as if others had much to read */
	f.control->output_size = CONTROL_OUTPUT_MAX;
	talk_send(&c, "Status", NULL, NULL);
	fake_run(&c);
	ck_assert(!session_is_ready(c.session));
	ck_assert(session_is_busy(c.session));
	/* what is small, or must not wait, does not */
	for (size_t i = 0; i < 64; i++) {
		fake_connect(&f, &many[i], ROLE_ADMIN);
		reply = talk_call(&many[i], i % 2 ? "Pid" : "Restart",
		                  i % 2 ? "{\"name\":\"web\"}" : "{\"names\":[\"web\"]}");
		full += reply != NULL;
		json_decref(reply);
	}
	ck_assert_uint_eq(full, 64);
	f.control->output_size = CONTROL_OUTPUT_MAX - 1;
	many[0].deaf = true;
	talk_send(&many[0], "Pid", "{\"name\":\"web\"}", NULL);
	fake_run(&many[0]);
	ck_assert_uint_eq(c.wakes, 0);
	/* one who goes makes room */
	for (size_t i = 0; i < 64; i++)
		fake_disconnect(&many[i]);
	ck_assert_uint_eq(c.wakes, 1);
	f.control->output_size = 0;
	reply = talk_next(&c);
	talk_expect_error(reply, "");
}
END_TEST

START_TEST(an_answer_that_is_too_large_says_so)
{
	json_t *reply;

	c.session->output.max_size = 300;
	reply = talk_call(&c, "Status", NULL);
	ck_assert_json_str(talk_parameters(reply), "reason",
	                   "the answer is too large; name fewer programs");
	talk_expect_error(reply, OURS "Failed");
}
END_TEST

START_TEST(a_flood_is_answered_call_by_call)
{
	char *flood = malloc(60000);
	static const char call[] = "{\"method\":\"io.verger.Supervisor.ReopenLogs\"}";
	size_t count = 60000 / sizeof call, answered = 0;
	json_t *reply;

	for (size_t i = 0; i < count; i++)
		memcpy(flood + i * sizeof call, call, sizeof call);
	fake_send(&c, flood, count * sizeof call);
	ck_assert_int_eq(c.cut, 0);
	while ((reply = talk_next(&c))) {
		talk_expect_error(reply, "");
		answered++;
	}
	ck_assert_uint_eq(answered, count);
	free(flood);
}
END_TEST

START_TEST(many_names_and_few_programs_take_no_time)
{
	struct text params;

	text_init(&params, 60000);
	text_add_string(&params, "{\"names\":[");
	for (int i = 0; i < 6000; i++)
		text_add_format(&params, "\"n%d\",", i);
	text_add_string(&params, "\"web\"]}");
	talk_expect_error(talk_call(&c, "Status", text_get(&params)), OURS "NoSuchProgram");
	text_release(&params);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("service");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, the_service_tells_of_itself);
	tcase_add_test(tc, a_breach_of_the_contract_is_found);
	tcase_add_test(tc, the_contract_and_the_tables_have_the_same_methods);
	tcase_add_loop_test(tc, refusals_have_their_names, 0, sizeof refusals / sizeof *refusals);
	suite_add_tcase(suite, tc);
	tc = tcase_create("roles");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, B4_each_role_may_what_it_may, 0, sizeof takes / sizeof *takes);
	tcase_add_test(tc, B4_a_refusal_is_logged_once);
	tcase_add_test(tc, B4_nobody_gets_one_answer);
	suite_add_tcase(suite, tc);
	tc = tcase_create("bytes");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, two_calls_in_one_read_are_answered_in_turn);
	tcase_add_test(tc, one_call_a_step);
	tcase_add_test(tc, malformed_bytes_cut_the_client);
	tcase_add_test(tc, a_stream_without_end_is_cut_early);
	tcase_add_test(tc, half_a_message_is_partial_and_no_more);
	tcase_add_test(tc, the_last_call_is_answered_after_the_end_of_input);
	tcase_add_test(tc, silence_costs_nothing);
	suite_add_tcase(suite, tc);
	tc = tcase_create("room");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, large_answers_wait_for_room);
	tcase_add_test(tc, an_answer_that_is_too_large_says_so);
	tcase_add_test(tc, a_flood_is_answered_call_by_call);
	tcase_add_test(tc, many_names_and_few_programs_take_no_time);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
