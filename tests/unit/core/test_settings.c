/* SPDX-License-Identifier: MIT */
#include "core/settings.h"

#include <check.h>
#include <signal.h>

#include "unit/suite.h"

START_TEST(a_program_starts_from_the_documented_defaults) /* config.md's table, line by line */
{
	struct program_settings p;

	program_settings_defaults(&p);
	ck_assert_int_eq(p.type, PROGRAM_SIMPLE);
	ck_assert(p.autostart);
	ck_assert_int_eq(p.restart, RESTART_ALWAYS);
	ck_assert(exit_set_has(p.success_exit, 0, 0));
	for (int code = 1; code < 256; code++)
		ck_assert(!exit_set_has(p.success_exit, code, 0));
	ck_assert_int_eq(p.min_uptime_ms, 1000);
	ck_assert_int_eq(p.restart_delay_ms, 100);
	ck_assert_int_eq(p.restart_delay_max_ms, 30000);
	ck_assert_uint_eq(p.restart_jitter_percent, 10);
	ck_assert_uint_eq(p.start_limit_count, 10);
	ck_assert_int_eq(p.start_limit_window_ms, 60000);
	ck_assert_int_eq(p.on_exit, END_IGNORE);
	ck_assert_int_eq(p.on_failure, END_IGNORE);
	ck_assert_uint_eq(p.stop->count, 1);
	ck_assert_int_eq(p.stop->steps[0].signal, SIGTERM);
	ck_assert_int_eq(p.stop->steps[0].wait_ms, 10000);
	ck_assert_int_eq(p.kill, SCOPE_TREE);
	ck_assert_int_eq(p.ready_timeout_ms, 60000);
	ck_assert_int_eq(p.stdin_stream.kind, STREAM_NULL);
	ck_assert_int_eq(p.stdout_stream.kind, STREAM_INHERIT);
	ck_assert_int_eq(p.stderr_stream.kind, STREAM_INHERIT);
	ck_assert_uint_eq(p.log.max_size, LOG_SIZE_AUTO);
	ck_assert_int_eq(p.log.max_age_ms, MSEC_NEVER);
	ck_assert_uint_eq(p.log.keep, 10);
	ck_assert_uint_eq(p.log.memory, 4096);
	ck_assert_int_eq(p.log.compress, LOG_COMPRESS_NO);
	ck_assert_int_eq(p.log.format, LOG_FORMAT_RAW);
	ck_assert_int_eq(p.log.stalled, LOG_STALLED_BLOCK);
	ck_assert_uint_eq(p.pidfile_mode, 0644);
	ck_assert_int_eq(p.umask_value, -1);
	ck_assert(!p.nice_set && !p.oom_set && !p.no_new_privs && !p.take_terminal);
	ck_assert_uint_eq(p.group, NO_GROUP);
	ck_assert_ptr_null(p.credentials);
	ck_assert_ptr_null(p.forward);
	ck_assert_ptr_null(p.depends);
}
END_TEST

START_TEST(vergerd_starts_from_the_documented_defaults)
{
	struct settings *s = settings_new();

	ck_assert_ptr_nonnull(s->arena);
	ck_assert_uint_eq(s->program_count, 0);
	ck_assert_int_eq(s->log_target, LOG_TARGET_STDERR);
	ck_assert_int_eq(s->log_level, LOG_LEVEL_INFO);
	ck_assert(!s->log_json);
	ck_assert_int_eq(s->exit_when, EXIT_WHEN_NEVER);
	ck_assert_uint_eq(s->exit_code_from, NO_PROGRAM);
	ck_assert_int_eq(s->stop_deadline_ms, MSEC_NEVER);
	ck_assert_int_eq(s->stop_delay_ms, 0);
	settings_free(s);
	settings_free(NULL);
}
END_TEST

START_TEST(an_exit_set_holds_every_code_and_signal_by_itself)
{
	for (unsigned code = 0; code < 256; code++) {
		struct exit_set set = { 0 };

		exit_set_add_code(&set, code);
		for (int other = -1; other <= 256; other++)
			ck_assert_int_eq(exit_set_has(&set, other, 0), other == (int)code);
	}
	for (int signal = 1; signal <= 64; signal++) {
		struct exit_set set = { 0 };

		exit_set_add_signal(&set, signal);
		for (int other = 1; other <= 65; other++)
			ck_assert_int_eq(exit_set_has(&set, 0, other), other == signal);
	}
}
END_TEST

static const struct {
	const char *const *names;
	const char *last;
	int count;
} name_lists[] = {
	{ program_type_names, "oneshot", PROGRAM_ONESHOT + 1 },
	{ restart_policy_names, "never", RESTART_NEVER + 1 },
	{ end_policy_names, "stop-group", END_STOP_GROUP + 1 },
	{ signal_scope_names, "tree", SCOPE_TREE + 1 },
	{ exit_when_names, "any", EXIT_WHEN_ANY + 1 },
	{ condition_names, "done", CONDITION_DONE + 1 },
	{ log_format_names, "json", LOG_FORMAT_JSON + 1 },
	{ log_stalled_names, "drop", LOG_STALLED_DROP + 1 },
	{ log_compress_names, "xz", LOG_COMPRESS_XZ + 1 },
};

START_TEST(every_value_has_a_name_and_the_list_an_end)
{
	for (int i = 0; i < name_lists[_i].count; i++)
		ck_assert_ptr_nonnull(name_lists[_i].names[i]);
	ck_assert_str_eq(name_lists[_i].names[name_lists[_i].count - 1], name_lists[_i].last);
	ck_assert_ptr_null(name_lists[_i].names[name_lists[_i].count]);
}
END_TEST

/* I5: only what takes vergerd goes through it */
static const struct {
	struct stream out, err;
	struct log_policy log;
	bool captures_out, captures_err;
} ways[] = {
#define PLAIN .max_age_ms = MSEC_NEVER
	{ { .kind = STREAM_INHERIT }, { .kind = STREAM_NULL }, { PLAIN }, false, false },
	{ { .kind = STREAM_FILE }, { .kind = STREAM_STDOUT }, { PLAIN }, false, false },
	{ { .kind = STREAM_FILE },
	  { .kind = STREAM_FILE },
	  { PLAIN, .max_size = LOG_SIZE_NONE },
	  false,
	  false },
	{ { .kind = STREAM_FILE },
	  { .kind = STREAM_FILE },
	  { PLAIN, .keep = 1, .compress = 1 },
	  false,
	  false },
	{ { .kind = STREAM_FILE, .shared = true },
	  { .kind = STREAM_FILE },
	  { PLAIN },
	  true,
	  false },
	{ { .kind = STREAM_FILE, .shared = true },
	  { .kind = STREAM_STDOUT },
	  { PLAIN },
	  true,
	  true },
	{ { .kind = STREAM_FILE },
	  { .kind = STREAM_INHERIT },
	  { PLAIN, .max_size = 4096 },
	  true,
	  false },
	{ { .kind = STREAM_INHERIT }, { .kind = STREAM_FILE }, { .max_age_ms = 1 }, false, true },
	{ { .kind = STREAM_NULL },
	  { .kind = STREAM_INHERIT },
	  { PLAIN, .format = LOG_FORMAT_JSON },
	  false,
	  true },
	{ { .kind = STREAM_NULL },
	  { .kind = STREAM_STDOUT },
	  { PLAIN, .format = LOG_FORMAT_JSON },
	  false,
	  false },
	{ { .kind = STREAM_INHERIT },
	  { .kind = STREAM_FILE },
	  { PLAIN, .stalled = LOG_STALLED_DROP },
	  true,
	  true },
	{ { .kind = STREAM_SYSLOG }, { .kind = STREAM_JOURNAL }, { PLAIN }, true, true },
	{ { .kind = STREAM_INHERIT }, { .kind = STREAM_SYSLOG }, { PLAIN }, false, true },
#undef PLAIN
};

START_TEST(i5_output_takes_the_way_that_its_log_asks_for)
{
	const struct program_settings p = { .stdout_stream = ways[_i].out,
		                            .stderr_stream = ways[_i].err,
		                            .log = ways[_i].log };

	ck_assert_int_eq(program_is_captured(&p, 1), ways[_i].captures_out);
	ck_assert_int_eq(program_is_captured(&p, 2), ways[_i].captures_err);
	ck_assert_ptr_eq(program_stream(&p, 1), &p.stdout_stream);
	ck_assert_ptr_eq(program_stream(&p, 2), p.stderr_stream.kind == STREAM_STDOUT
	                                                ? &p.stdout_stream
	                                                : &p.stderr_stream);
}
END_TEST

START_TEST(a_log_that_vergerd_writes_has_a_limit_unless_it_is_told)
{
	struct log_policy log = { .max_size = LOG_SIZE_AUTO };

	ck_assert_uint_eq(log_policy_max_size(&log), 50 << 20);
	log.max_size = LOG_SIZE_NONE;
	ck_assert_uint_eq(log_policy_max_size(&log), LOG_SIZE_NONE);
	log.max_size = 4096;
	ck_assert_uint_eq(log_policy_max_size(&log), 4096);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("settings");
	TCase *defaults = tcase_create("defaults");
	TCase *values = tcase_create("values");

	tcase_add_test(defaults, a_program_starts_from_the_documented_defaults);
	tcase_add_test(defaults, vergerd_starts_from_the_documented_defaults);
	suite_add_tcase(s, defaults);
	tcase_add_test(values, an_exit_set_holds_every_code_and_signal_by_itself);
	tcase_add_loop_test(values, every_value_has_a_name_and_the_list_an_end, 0,
	                    sizeof name_lists / sizeof *name_lists);
	tcase_add_loop_test(values, i5_output_takes_the_way_that_its_log_asks_for, 0,
	                    sizeof ways / sizeof *ways);
	tcase_add_test(values, a_log_that_vergerd_writes_has_a_limit_unless_it_is_told);
	suite_add_tcase(s, values);
	return suite_run(s);
}
