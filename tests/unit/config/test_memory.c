/* SPDX-License-Identifier: MIT */
/* C3: a vergerd that reads its file again does not end because memory is out.  Every allocation of
 * src/config and what it uses is made to fail, one by one and from one on (the linker puts these
 * wrappers in front of the C library, see CMakeLists.txt): the file is refused with a sentence, or
 * it is read as if nothing had been. */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/diff.h"
#include "config/origin.h"
#include "config/print.h"
#include "unit/config/loaded.h"
#include "unit/suite.h"

/* the allocation that fails, counted down; 0 = none */
static size_t countdown;
/* all that follow it fail as well */
static bool stays_out;
static size_t refusals;

static bool is_refused(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	countdown = stays_out;
	refusals++;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t size);
int __wrap_asprintf(char **out, const char *format, ...);

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return is_refused() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return is_refused() ? NULL : __real_reallocarray(p, count, size);
}

char *__wrap_strdup(const char *s)
{
	return is_refused() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t size)
{
	return is_refused() ? NULL : __real_strndup(s, size);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list args;
	int n;

	if (is_refused())
		return -1;
	va_start(args, format);
	n = vasprintf(out, format, args);
	va_end(args);
	return n;
}

static char folder[64];

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

static void setup(void)
{
	stpcpy(folder, "/tmp/verger-memory-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	write_file("main.ini",
	           "[verger]\nenvironment = A=1 B=\"${HOME}\"\nenv_file = -e\ninclude = b*.ini\n"
	           "exit_code_from = w:1\ncontrol_group = 5\nlog = v.log\n"
	           "[defaults]\nlimit_nofile = 10:20\nstop_signal = TERM/1s KILL\nenv_file = -d\n"
	           "on_state_change = notify \"a b\"\n"
	           "[program:w]\ncommand = x ${program} 'a\n  b'\ninstances = 3\nrequires = db\n"
	           "environment = C=3\nenv_inherit = PATH HOME\nargv0 = 'n m'\n"
	           "[group:g]\nprograms = w\n");
	write_file("b.ini", "[program:db]\ncommand = y\ntype = oneshot\nsuccess_exit = 0 3 TERM\n"
	                    "forward_signals = HUP USR1:QUIT\non_exit = stop-group\nafter = c\n"
	                    "pidfile_owner = 1:2\nuser = 1\ngroup = 2\nreload_signal = HUP\n"
	                    "[program:c]\ncommand = z\nstdout = c.log\ninstances = 2\n"
	                    "log_max_size = 1M\nlog_format = json\n"
	                    "reload_command = c\n[program:off]\ncommand = o\nenabled = no\n"
	                    "[group:h]\nprograms = db\n");
}

static void teardown(void)
{
	unlink("main.ini");
	unlink("b.ini");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
}

static char *print(const struct settings *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(conf_print(s, out), 0);
	fclose(out);
	return text;
}

static void ignore_origin(void *arg, const struct conf_origin *origin)
{
	(void)arg;
	(void)origin;
}

/* the three ways to settings */
typedef int loader(struct settings **out, struct diags *diags);

static int from_file(struct settings **out, struct diags *diags)
{
	return conf_load("main.ini", &loaded_context, out, diags);
}

static int from_command(struct settings **out, struct diags *diags)
{
	static char command[] = "/bin/x", argument[] = "-a";
	static char *const words[] = { command, argument, NULL };
	static const struct conf_assignment assignments[] = {
		{ "environment", "A=1" }, { "environment", "B=2" }, { "user", "0" }, { "name", "n" }
	};

	return conf_from_command(assignments, 4, words, &loaded_context, out, diags);
}

static int from_origins(struct settings **out, struct diags *diags)
{
	return conf_origins("main.ini", &loaded_context, ignore_origin, NULL, out, diags);
}

static loader *const loaders[] = { from_file, from_command, from_origins };

/* Loads with allocation `n` failing; false when there are not so many. */
static bool check_refusal(loader *load, const char *expected, size_t n)
{
	struct diags diags = DIAGS_INIT;
	struct settings *settings = NULL;
	size_t before = refusals;
	char *text;
	int r;

	countdown = n;
	r = load(&settings, &diags);
	countdown = 0;
	ck_assert_int_eq(r == CONF_OK, settings != NULL);
	if (r == CONF_OK) {
		ck_assert_uint_eq(diags.error_count, 0);
		text = print(settings);
		ck_assert_msg(!strcmp(text, expected), "allocation %zu changes what is read:\n%s",
		              n, text);
		free(text);
	} else {
		ck_assert_uint_ge(diags.error_count, 1);
		for (size_t i = 0; i < diags.count; i++)
			ck_assert_msg(strcasestr(diags.items[i].text, "memory"), "%s",
			              diags.items[i].text);
	}
	settings_free(settings);
	diags_release(&diags);
	return refusals > before;
}

/* C3 */
START_TEST(c3_no_allocation_is_missed)
{
	loader *load = loaders[_i % 3];
	struct diags diags = DIAGS_INIT;
	struct settings *settings = NULL;
	char *expected;
	size_t n = 1;

	ck_assert_int_eq(load(&settings, &diags), CONF_OK);
	expected = print(settings);
	settings_free(settings);
	stays_out = _i >= 3;
	while (check_refusal(load, expected, n))
		n++;
	ck_assert_uint_gt(n, 20); /* the wrappers are in place */
	free(expected);
}
END_TEST

static void count_key(void *arg, const char *key, const char *old_value, const char *new_value)
{
	(void)key;
	(void)old_value;
	(void)new_value;
	++*(size_t *)arg;
}

/* C3: what differs is found, or it is said that it cannot be */
START_TEST(c3_a_comparison_lives_without_memory)
{
	struct loaded held = load_good("[program:p]\ncommand = x 'a b'\n");
	struct loaded fresh = load_good("[program:p]\ncommand = y 'a b'\nreload_signal = HUP\n");

	for (size_t n = 1, before = refusals; n == 1 || refusals > before; n++) {
		struct conf_diff *d;
		size_t keys = 0;
		bool failed = true;

		before = refusals;
		countdown = n;
		stays_out = true;
		d = conf_diff_new(held.settings, fresh.settings);
		if (d) {
			conf_diff_program(d, held.settings->programs, fresh.settings->programs);
			conf_diff_program_keys(d, held.settings->programs, fresh.settings->programs,
			                       count_key, &keys);
			failed = conf_diff_failed(d);
		}
		conf_diff_free(d);
		countdown = 0;
		ck_assert_uint_le(keys, 2);
		ck_assert(failed || keys == 2);
	}
	loaded_release(&held);
	loaded_release(&fresh);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *memory = tcase_create("memory");

	tcase_add_unchecked_fixture(memory, setup, teardown);
	tcase_add_loop_test(memory, c3_no_allocation_is_missed, 0, 6);
	tcase_add_test(memory, c3_a_comparison_lives_without_memory);
	suite_add_tcase(suite, memory);
	return suite_run(suite);
}
