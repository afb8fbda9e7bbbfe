/* SPDX-License-Identifier: MIT */
/* What a reload finds different. */
#include "config/diff.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "config/keys.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

/* two configurations and what differs, one key a line: "key: old -> new" */
struct compared {
	struct loaded held, fresh;
	struct conf_diff *diff;
	struct text told;
};

static void note_key(void *arg, const char *key, const char *old_value, const char *new_value)
{
	text_add_format(arg, "%s: %s -> %s\n", key, old_value ? old_value : "(none)",
	                new_value ? new_value : "(none)");
}

static struct compared compare(const char *held, const char *fresh)
{
	struct compared c = { .held = load_good(held), .fresh = load_good(fresh) };

	c.diff = conf_diff_new(c.held.settings, c.fresh.settings);
	ck_assert_ptr_nonnull(c.diff);
	text_init(&c.told, 100000);
	return c;
}

static void compared_release(struct compared *c)
{
	ck_assert(!conf_diff_failed(c->diff));
	conf_diff_free(c->diff);
	loaded_release(&c->held);
	loaded_release(&c->fresh);
	text_release(&c->told);
}

/* That the first programs of two configurations differ so. */
static void check_first(const char *held, const char *fresh, enum reload_difference expected,
                        const char *keys)
{
	struct compared c = compare(held, fresh);
	const struct program_settings *old = c.held.settings->programs;
	const struct program_settings *new = c.fresh.settings->programs;

	ck_assert_int_eq(conf_diff_program(c.diff, old, new), expected);
	/* the second time it is remembered */
	ck_assert_int_eq(conf_diff_program(c.diff, old, new), expected);
	conf_diff_program_keys(c.diff, old, new, note_key, &c.told);
	ck_assert_str_eq(text_get(&c.told), keys);
	compared_release(&c);
}

/* The same for a program with one more line in its section. */
static void check_line(const char *held, const char *fresh, enum reload_difference expected,
                       const char *keys)
{
	char old[500], new[500];

	snprintf(old, sizeof old, "[program:p]\ncommand = x\n%s\n", held);
	snprintf(new, sizeof new, "[program:p]\ncommand = x\n%s\n", fresh);
	check_first(old, new, expected, keys);
}

START_TEST(what_means_the_same_is_equal)
{
	check_line("", "", RELOAD_EQUAL, "");
	check_line("stop_timeout = 10s", "stop_signal = TERM/10000ms", RELOAD_EQUAL, "");
	check_line("stdout = /a/./b", "stdout = \"/a//b\"", RELOAD_EQUAL, "");
	check_line("environment = A=1 B='x y'", "environment = A=1\n  \"B=x y\"", RELOAD_EQUAL, "");
	check_line("restart = always", "# nothing", RELOAD_EQUAL, "");
	check_line("stdin = null", "enabled = yes", RELOAD_EQUAL, "");
	check_first("[program:p]\ncommand = x\n[program:q]\ncommand = y\nafter = p\n",
	            "# moved\n[program:q]\ncommand = y\nafter = p\n[program:p]\ncommand = x\n",
	            RELOAD_NEEDS_RESTART,
	            "command: x -> y\npidfile: /run/t/p.pid -> "
	            "/run/t/q.pid\nafter: (none) -> p:ready\n");
}
END_TEST

START_TEST(where_it_stands_does_not_count)
{
	check_first("[program:p]\ncommand = x\nnice = 1\n",
	            "\n\n[defaults]\nnice = 1\n[program:p]\ncommand = ${NO:-x}\n", RELOAD_EQUAL,
	            "");
}
END_TEST

START_TEST(what_is_live_takes_no_restart)
{
	check_line("", "autostart = no", RELOAD_DIFFERS, "autostart: yes -> no\n");
	check_line("restart = never", "", RELOAD_DIFFERS, "restart: never -> always\n");
	check_line("", "stop_timeout = 3s", RELOAD_DIFFERS, "stop_signal: TERM/10s -> TERM/3s\n");
	check_line("start_limit = 10/30s", "start_limit = none", RELOAD_DIFFERS,
	           "start_limit: 10/30s -> none\n");
	check_line("", "on_state_change = n 'a b'", RELOAD_DIFFERS,
	           "on_state_change: (none) -> n \"a b\"\n");
	check_line("reload_signal = 1", "reload_command = r", RELOAD_DIFFERS,
	           "reload_signal: HUP -> (none)\nreload_command: (none) -> r\n");
	check_line("success_exit =", "success_exit = 0 TERM", RELOAD_DIFFERS,
	           "success_exit:  -> 0 TERM\n");
}
END_TEST

START_TEST(how_it_is_started_takes_one)
{
	check_line("", "argv0 = y", RELOAD_NEEDS_RESTART, "argv0: (none) -> y\n");
	check_line("nice = 0", "", RELOAD_NEEDS_RESTART, "nice: 0 -> (none)\n");
	check_line("user = 5", "user = 6", RELOAD_NEEDS_RESTART, "user: 5 -> 6\ngroup: 5 -> 6\n");
	check_line("limit_core = 1", "limit_core = 1\nlimit_as = 2", RELOAD_NEEDS_RESTART,
	           "limit_as: (none) -> 2\n");
	check_line("stdout = null\nrestart = never", "stdout = /x", RELOAD_NEEDS_RESTART,
	           "stdout: null -> /x\nrestart: never -> always\n");
	check_line("pidfile_owner = 1", "pidfile_owner = :1", RELOAD_NEEDS_RESTART,
	           "pidfile_owner: 1 -> :1\n");
}
END_TEST

START_TEST(keys_of_logs_are_live_where_the_way_stays)
{
	check_line("log_format = json", "log_format = prefix", RELOAD_DIFFERS,
	           "log_format: json -> prefix\n");
	check_line("stdout = /l\nlog_max_size = 1M", "stdout = /l\nlog_max_size = 2M\nlog_keep = 1",
	           RELOAD_DIFFERS, "log_max_size: 1M -> 2M\nlog_keep: 10 -> 1\n");
	check_line("log_max_size = 1M", "log_compress = xz\nlog_memory = 0", RELOAD_DIFFERS,
	           "log_max_size: 1M -> auto\nlog_compress: no -> xz\nlog_memory: 4k -> 0\n");
	check_line("stdout = syslog\nstderr = stdout",
	           "stdout = syslog\nstderr = stdout\n"
	           "log_stalled = drop\nlog_max_age = 1d",
	           RELOAD_DIFFERS, "log_max_age: none -> 1d\nlog_stalled: block -> drop\n");
}
END_TEST

START_TEST(another_way_of_the_output_takes_a_restart)
{
	check_line("", "log_format = json", RELOAD_NEEDS_RESTART, "log_format: raw -> json\n");
	check_line("log_stalled = drop", "", RELOAD_NEEDS_RESTART, "log_stalled: drop -> block\n");
	check_line("stdout = /l", "stdout = /l\nlog_max_size = 50M", RELOAD_NEEDS_RESTART,
	           "log_max_size: auto -> 50M\n");
	check_line("stdout = null\nstderr = /l", "stdout = null\nstderr = /l\nlog_max_age = 1d",
	           RELOAD_NEEDS_RESTART, "log_max_age: none -> 1d\n");
	/* what is raw is rotated in files only */
	check_line("", "log_max_size = 1M", RELOAD_DIFFERS, "log_max_size: auto -> 1M\n");
	check_line("stdout = syslog", "stdout = journal", RELOAD_NEEDS_RESTART,
	           "stdout: syslog -> journal\n");
}
END_TEST

static const char alone[] = "[program:p]\ncommand = x\nstdout = /l\n";
static const char alone_and_packed[] = "[program:p]\ncommand = x\nstdout = /l\nlog_compress = xz\n";
static const char in_company[] = "[program:p]\ncommand = x\nstdout = /l\n"
				 "[program:q]\ncommand = x\nstdout = /l\n";
static const char in_company_by_size[] =
	"[program:p]\ncommand = x\nstdout = /l\nlog_max_size = 1M\n"
	"[program:q]\ncommand = x\nstdout = /l\nlog_max_size = 1M\n";

START_TEST(company_in_a_file_is_no_change_of_a_program)
{
	check_first(alone, in_company, RELOAD_EQUAL, "");
	check_first(in_company, alone, RELOAD_EQUAL, "");
	check_first(alone_and_packed, in_company, RELOAD_DIFFERS, "log_compress: xz -> no\n");
	check_first(in_company, in_company_by_size, RELOAD_DIFFERS, "log_max_size: auto -> 1M\n");
	check_first(in_company_by_size, alone, RELOAD_NEEDS_RESTART, "log_max_size: 1M -> auto\n");
}
END_TEST

START_TEST(others_are_compared_by_name)
{
	check_first("[program:p]\ncommand = x\nrequires = a b\n[program:a]\ncommand = x\n"
	            "[program:b]\ncommand = x\n",
	            "[program:p]\ncommand = x\nrequires = a b\n[program:b]\ncommand = x\n"
	            "[program:a]\ncommand = x\n",
	            RELOAD_EQUAL, "");
	check_first("[program:p]\ncommand = x\nrequires = a\n[program:a]\ncommand = x\n"
	            "[program:b]\ncommand = x\n",
	            "[program:p]\ncommand = x\nrequires = b\n[program:b]\ncommand = x\n",
	            RELOAD_DIFFERS, "requires: a:ready -> b:ready\n");
	check_first("[program:p]\ncommand = x\n[group:g]\nprograms =\n[group:h]\nprograms = p\n",
	            "[program:p]\ncommand = x\n[group:h]\nprograms = p\n", RELOAD_EQUAL, "");
	check_first("[program:p]\ncommand = x\n[group:g]\nprograms = p\n",
	            "[program:p]\ncommand = x\n", RELOAD_DIFFERS,
	            "[group] programs: g -> (none)\n");
}
END_TEST

START_TEST(what_all_programs_get_restarts_all)
{
	check_first("[verger]\nenvironment = A=1\n[program:p]\ncommand = x\n",
	            "[verger]\nenvironment = A=2\nenv_file = -/e\n[program:p]\ncommand = x\n",
	            RELOAD_NEEDS_RESTART,
	            "[verger] environment: A=1 -> A=2\n[verger] env_file: (none) -> -/e\n");
}
END_TEST

static void check_verger(const char *held, const char *fresh, const char *keys, const char *fixed)
{
	struct compared c = compare(held, fresh);
	const char *found = conf_diff_fixed(c.diff);

	conf_diff_verger_keys(c.diff, note_key, &c.told);
	ck_assert_str_eq(text_get(&c.told), keys);
	ck_assert_msg(found == fixed || (found && fixed && !strcmp(found, fixed)), "%s", found);
	compared_release(&c);
}

START_TEST(keys_of_verger_are_live_or_fixed)
{
	check_verger("", "[verger]\nlog = stderr\n", "", NULL);
	check_verger("[verger]\nlog_level = debug\n", "[verger]\ncontrol_group = 7\nlog = /l\n",
	             "control_group: (none) -> 7\nlog: stderr -> /l\nlog_level: debug -> info\n",
	             NULL);
	check_verger("[verger]\nlog = syslog\n", "[verger]\nlog = journal\nlog_format = json\n",
	             "log: syslog -> journal\nlog_format: text -> json\n", NULL);
	check_verger("", "[verger]\nrun_dir = /r\n",
	             "run_dir: /run/t -> /r\ncontrol_socket: /run/t/control.sock -> "
	             "/r/control.sock\npidfile: /run/t/vergerd.pid -> /r/vergerd.pid\n",
	             "run_dir");
	check_verger("", "[verger]\ncontrol_socket =\n",
	             "control_socket: /run/t/control.sock -> \n", "control_socket");
	check_verger("[verger]\npidfile = /p\n", "[verger]\npidfile = /q\n", "pidfile: /p -> /q\n",
	             "pidfile");
	check_verger("[verger]\nexit_code_from = a\n[program:a]\ncommand = x\n",
	             "[program:a]\ncommand = x\n", "exit_code_from: a -> (none)\n", NULL);
}
END_TEST

/* After a reload the places of programs are in no order, and some are free. */
START_TEST(free_places_are_nobody)
{
	struct compared c =
		compare("[program:gone]\ncommand = x\n[program:a]\ncommand = x\nrequires = gone b\n"
	                "[program:b]\ncommand = x\n[group:g]\nprograms = gone a\n",
	                "[program:b]\ncommand = x\n[program:a]\ncommand = x\nrequires = b\n"
	                "[group:g]\nprograms = a\n");

	c.held.settings->programs[0].name = "";
	ck_assert_int_eq(conf_diff_program(c.diff, &c.held.settings->programs[1],
	                                   &c.fresh.settings->programs[1]),
	                 RELOAD_EQUAL);
	ck_assert_int_eq(conf_diff_program(c.diff, &c.held.settings->programs[2],
	                                   &c.fresh.settings->programs[0]),
	                 RELOAD_EQUAL);
	compared_release(&c);
}
END_TEST

/* A key whose value is made of more than its fields would be taken for unchanged. */
START_TEST(fields_of_a_key_are_all_its_value)
{
	const struct key *key = &config_keys[_i];
	struct loaded l = load_good(
		"[program:a]\ncommand = x\n"
		"[program:b]\ncommand = y z\nargv0 = n\ntype = forking\nmain_pid_file = /m\n"
		"directory = /d\numask = 027\nuser = 33\ngroup = 44\nnice = -5\noom_score_adj = 5\n"
		"environment = A=1\nenv_file = -/e\nenv_inherit = HOME\nlimit_as = 1\nlimit_core = "
		"1\n"
		"limit_cpu = 1\nlimit_data = 1\nlimit_fsize = 1\nlimit_locks = 1\nlimit_memlock = "
		"1\n"
		"limit_msgqueue = 1\nlimit_nice = 1\nlimit_nofile = 1\nlimit_nproc = 1\nlimit_rss "
		"= "
		"1\n"
		"limit_rtprio = 1\nlimit_rttime = 1\nlimit_sigpending = 1\nlimit_stack = 1\n"
		"no_new_privs = yes\nstdin = /i\nstdout = null\nstderr = stdout\nautostart = no\n"
		"log_format = json\nlog_max_size = 1M\nlog_max_age = 1d\nlog_keep = 1\n"
		"log_compress = xz\nlog_stalled = drop\nlog_memory = 1k\n"
		"pidfile = /p\npidfile_mode = 0600\npidfile_owner = 1:2\nrestart = on-failure\n"
		"success_exit = 3\nmin_uptime = 2s\nrestart_delay = 1s\nrestart_delay_max = 1m\n"
		"restart_jitter = 5%\nstart_limit = 3/10s\non_exit = exit\non_failure = exit\n"
		"stop_signal = INT\nstop_command = c\nkill = group\nforward_signals = HUP\n"
		"forward_to = tree\nready_timeout = 3s\nrequires = a\nafter = c\nreload_signal = "
		"HUP\n"
		"on_state_change = n\n[program:c]\ncommand = x\nreload_command = r\n");
	const struct program_settings *a = &l.settings->programs[0];
	const struct program_settings *b =
		&l.settings->programs[1 + !strcmp(key->name, "reload_command")];
	struct program_settings mixed = *a;
	struct text plain, own, copied;

	if (key->places & KEY_IN_PROGRAM && key->format) {
		ck_assert_msg(key->size > 0 && key->size <= 16, "%s", key->name);
		text_init(&plain, 1000);
		text_init(&own, 1000);
		text_init(&copied, 1000);
		memcpy((char *)&mixed + key->offset, (const char *)b + key->offset, key->size);
		key->format(key, l.settings, a, &plain);
		ck_assert_int_eq(key->format(key, l.settings, b, &own),
		                 key->format(key, l.settings, &mixed, &copied));
		ck_assert_str_eq(text_get(&own), text_get(&copied));
		ck_assert_msg(strcmp(text_get(&plain), text_get(&own)) != 0,
		              "%s: this test gives it its default", key->name);
		text_release(&plain);
		text_release(&own);
		text_release(&copied);
	}
	loaded_release(&l);
}
END_TEST

/* A long file of `count` programs that have little in common; the caller frees it. */
static char *many(unsigned count, const char *restart)
{
	struct text t;

	text_init(&t, 1 << 22);
	for (unsigned i = 0; i < count; i++)
		text_add_format(&t,
		                "[program:p%u]\ncommand = /usr/bin/server --port %u 'a b'\n"
		                "environment = PORT=%u HOST=h\nstdout = /log/${program}.log\n"
		                "user = 33\nstop_timeout = 5s\nrestart = %s\nlimit_nofile = 1000\n"
		                "requires = db\n",
		                i, 8000 + i, 8000 + i, restart);
	text_add_string(&t, "[program:db]\ncommand = x\ninstances = 200\n");
	return text_take(&t);
}

/* S7: a reload of 1,000 programs is not a pause */
START_TEST(s7_a_thousand_programs_are_compared_at_once)
{
	char *old = many(1000, "always"), *new = many(1000, "never");
	struct compared c = compare(old, new);
	struct timespec start, end;
	double ms;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(conf_diff_program(c.diff, &c.held.settings->programs[i],
		                                   &c.fresh.settings->programs[i]),
		                 RELOAD_DIFFERS);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (double)(end.tv_sec - start.tv_sec) * 1e3 +
	     (double)(end.tv_nsec - start.tv_nsec) / 1e6;
	if (getenv("VERGER_TEST_TIMES"))
		fprintf(stderr, "1,000 programs: %.2f ms\n", ms);
	ck_assert_double_lt(ms, 500); /* a few without sanitizers */
	compared_release(&c);
	free(old);
	free(new);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff");
	TCase *programs = tcase_create("diff_programs");
	TCase *verger = tcase_create("diff_verger");
	TCase *table = tcase_create("diff_table");

	tcase_add_test(programs, what_means_the_same_is_equal);
	tcase_add_test(programs, where_it_stands_does_not_count);
	tcase_add_test(programs, what_is_live_takes_no_restart);
	tcase_add_test(programs, how_it_is_started_takes_one);
	tcase_add_test(programs, keys_of_logs_are_live_where_the_way_stays);
	tcase_add_test(programs, another_way_of_the_output_takes_a_restart);
	tcase_add_test(programs, company_in_a_file_is_no_change_of_a_program);
	tcase_add_test(programs, others_are_compared_by_name);
	tcase_add_test(programs, free_places_are_nobody);
	tcase_add_test(programs, s7_a_thousand_programs_are_compared_at_once);
	tcase_add_test(verger, what_all_programs_get_restarts_all);
	tcase_add_test(verger, keys_of_verger_are_live_or_fixed);
	tcase_add_loop_test(table, fields_of_a_key_are_all_its_value, 0, (int)config_key_count);
	suite_add_tcase(suite, programs);
	suite_add_tcase(suite, verger);
	suite_add_tcase(suite, table);
	return suite_run(suite);
}
