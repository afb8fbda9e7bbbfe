/* SPDX-License-Identifier: MIT */
/* Bytes to messages to calls: any cut, any junk (B3). */
#include "control/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/suite.h"

enum { MAX = 100 };

static struct wire_input in;

static void begin(void)
{
	in = (struct wire_input){ 0 };
}

static void end(void)
{
	wire_input_release(&in);
}

static void expect_message(const char *expected)
{
	size_t size;
	const char *message = wire_input_message(&in, &size);

	ck_assert_ptr_nonnull(message);
	ck_assert_uint_eq(size, strlen(expected));
	ck_assert_mem_eq(message, expected, size);
}

START_TEST(a_message_may_come_in_any_pieces)
{
	static const char bytes[] = "one\0two\0\0three";
	size_t size;

	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		ck_assert_int_eq(wire_input_add(&in, bytes, cut, MAX), 0);
		ck_assert_int_eq(wire_input_add(&in, bytes + cut, sizeof bytes - cut, MAX), 0);
		expect_message("one");
		wire_input_next(&in, MAX);
		expect_message("two");
		wire_input_next(&in, MAX);
		expect_message("");
		wire_input_next(&in, MAX);
		expect_message("three");
		wire_input_next(&in, MAX);
		ck_assert_ptr_null(wire_input_message(&in, &size));
		/* nothing is kept for a client that is silent */
		ck_assert_ptr_null(in.bytes);
	}
}
END_TEST

START_TEST(single_bytes_make_a_message)
{
	static const char bytes[] = "{\"method\":\"a.B\"}";

	for (size_t i = 0; i < sizeof bytes; i++) {
		size_t size;

		ck_assert_ptr_null(wire_input_message(&in, &size));
		ck_assert_int_eq(wire_input_is_partial(&in), i > 0);
		ck_assert_int_eq(wire_input_add(&in, bytes + i, 1, MAX), 0);
	}
	expect_message(bytes);
	ck_assert(!wire_input_is_partial(&in));
}
END_TEST

START_TEST(a_message_has_a_longest_length)
{
	char bytes[MAX + 1];

	memset(bytes, 'x', sizeof bytes);
	ck_assert_int_eq(wire_input_add(&in, bytes, MAX, MAX), 0);
	ck_assert_int_eq(wire_input_add(&in, "", 1, MAX), 0);
	ck_assert_int_eq(wire_input_add(&in, bytes, MAX + 1, MAX), 0);
	/* the one behind it is too long */
	ck_assert_int_eq(wire_input_next(&in, MAX), -EMSGSIZE);
	wire_input_release(&in);
	ck_assert_int_eq(wire_input_add(&in, bytes, MAX, MAX), 0);
	ck_assert_int_eq(wire_input_add(&in, bytes, 1, MAX), -EMSGSIZE);
}
END_TEST

static int parse(const char *message, struct wire_call *call)
{
	return wire_call_parse(call, message, strlen(message));
}

START_TEST(a_call_is_read)
{
	struct wire_call call;

	ck_assert_int_eq(parse("{\"method\":\"a.B\",\"parameters\":{\"x\":1},\"more\":true,"
	                       "\"io.else\":{}}",
	                       &call),
	                 0);
	ck_assert_str_eq(call.method, "a.B");
	ck_assert(json_is_object(call.parameters));
	ck_assert(call.more && !call.oneway && !call.upgrade);
	wire_call_release(&call);
	ck_assert_int_eq(parse("{\"method\":\"a.B\",\"parameters\":null,\"oneway\":true,"
	                       "\"upgrade\":true,\"more\":false}",
	                       &call),
	                 0);
	ck_assert_ptr_null(call.parameters);
	ck_assert(!call.more && call.oneway && call.upgrade);
	wire_call_release(&call);
}
END_TEST

static const char *const no_calls[] = {
	"",
	" ",
	"null",
	"[]",
	"\"a.B\"",
	"{}",
	"{\"method\":1}",
	"{\"method\":\"a.B\"} x",
	"{\"method\":\"a.B\"",
	"{\"method\":\"a.B\",\"method\":\"a.C\"}",
	"{\"method\":\"a.B\",\"parameters\":[]}",
	"{\"method\":\"a.B\",\"parameters\":\"x\"}",
	"{\"method\":\"a.B\",\"more\":1}",
	"{\"method\":\"a.B\",\"oneway\":\"true\"}",
	"{\"method\":\"a.B\",\"upgrade\":null}",
	"{\"method\":\"a.B\",\"more\":true,\"oneway\":true}",
	"{\"method\":\"a\\u0000B\"}",
	"{\"method\":\"\xff\"}",
	"{'method':'a.B'}",
	"GET / HTTP/1.1\r\n\r\n",
};

START_TEST(what_is_no_call_is_refused)
{
	struct wire_call call;

	ck_assert_int_eq(parse(no_calls[_i], &call), -EBADMSG);
	ck_assert_ptr_null(call.root);
}
END_TEST

START_TEST(depth_is_limited)
{
	size_t size = 60000;
	char *deep = malloc(size);
	struct wire_call call;

	memset(deep, '[', size);
	ck_assert_int_eq(wire_call_parse(&call, deep, size), -EBADMSG);
	free(deep);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *messages = tcase_create("messages"), *calls = tcase_create("calls");

	tcase_add_checked_fixture(messages, begin, end);
	tcase_add_test(messages, a_message_may_come_in_any_pieces);
	tcase_add_test(messages, single_bytes_make_a_message);
	tcase_add_test(messages, a_message_has_a_longest_length);
	suite_add_tcase(suite, messages);
	tcase_add_test(calls, a_call_is_read);
	tcase_add_loop_test(calls, what_is_no_call_is_refused, 0,
	                    sizeof no_calls / sizeof *no_calls);
	tcase_add_test(calls, depth_is_limited);
	suite_add_tcase(suite, calls);
	return suite_run(suite);
}
