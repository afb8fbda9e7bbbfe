/* SPDX-License-Identifier: MIT */
/* Text as a value of each type: the first byte chooses which. */
#include "base/parse.h"
#include "config/envfile.h"
#include "config/values.h"
#include "fuzz.h"

typedef int parser(const char *text, struct fault *fault);

static int parse_duration_value(const char *text, struct fault *fault)
{
	msec_t ms = -1;
	int r = value_deadline(text, &ms, fault);

	fuzz_expect(r != 0 || ms >= 0, "a duration is not negative");
	return r;
}

static int parse_steps(const char *text, struct fault *fault)
{
	struct stop_step steps[VALUE_STOP_STEPS_MAX];
	size_t count = 0;
	int r = value_stop_steps(text, steps, &count, fault);

	fuzz_expect(r != 0 || (count > 0 && count <= VALUE_STOP_STEPS_MAX), "a plan has a step");
	for (size_t i = 0; r == 0 && i < count; i++)
		fuzz_expect(steps[i].signal > 0 && steps[i].signal <= 64, "a step has a signal");
	return r;
}

static int parse_exits(const char *text, struct fault *fault)
{
	struct exit_set set;

	return value_exit_set(text, &set, fault);
}

static int parse_limit_value(const char *text, struct fault *fault)
{
	struct limit limit = { .resource = 0 };
	int r = value_limit(text, &limit, fault);

	fuzz_expect(r != 0 || limit.soft <= limit.hard, "the soft limit is not above the hard one");
	return r;
}

static int parse_start(const char *text, struct fault *fault)
{
	unsigned count;
	msec_t window;

	return value_start_limit(text, &count, &window, fault);
}

static int parse_rules(const char *text, struct fault *fault)
{
	struct forward_rule rules[VALUE_FORWARD_MAX];
	size_t count = 0;
	int r = value_forward(text, rules, &count, fault);

	fuzz_expect(count <= VALUE_FORWARD_MAX, "rules fit");
	return r;
}

static int parse_assignments(const char *text, struct fault *fault)
{
	struct strv env = STRV_INIT;
	int r = value_environment(text, &env, fault);

	for (size_t i = 0; r == 0 && i < env.count; i++)
		fuzz_expect(strchr(env.items[i], '=') != NULL, "a variable has a value");
	strv_release(&env);
	return r;
}

static int parse_inherit(const char *text, struct fault *fault)
{
	struct strv names = STRV_INIT;
	bool all;
	int r = value_env_inherit(text, &all, &names, fault);

	strv_release(&names);
	return r;
}

static int parse_paths(const char *text, struct fault *fault)
{
	struct strv paths = STRV_INIT;
	struct text path;
	int r;

	text_init(&path, SIZE_MAX / 2);
	r = value_file(text, *text == '"', "/here", &path, fault);
	fuzz_expect(r != 0 || (path.data[0] == '/' && !strstr(path.data, "//")),
	            "a path is absolute and clean");
	value_env_files(text, "/here", &paths, fault);
	strv_release(&paths);
	text_release(&path);
	return r;
}

static int parse_numbers(const char *text, struct fault *fault)
{
	int64_t number;
	unsigned octal, percent;
	bool yes;

	value_octal(text, 0777, &octal, fault);
	value_percent(text, &percent, fault);
	value_bool(text, &yes, fault);
	return value_integer(text, -20, 19, &number, fault);
}

static int parse_log(const char *text, struct fault *fault)
{
	uint64_t size = LOG_SIZE_AUTO, back;
	msec_t age = MSEC_NEVER;
	char written[BYTES_SIZE];
	int r = value_log_age(text, &age, fault);

	fuzz_expect(r != 0 || age >= VALUE_LOG_AGE_MIN_MS, "an age is not nothing");
	r = value_log_size(text, &size, fault);
	if (r != 0 || size == LOG_SIZE_AUTO || size == LOG_SIZE_NONE)
		return r;
	fuzz_expect(size >= VALUE_LOG_SIZE_MIN && size <= INT64_MAX, "a size is one of a file");
	fuzz_expect(parse_size(parse_format_size(size, written), &back) == 0 && back == size,
	            "a size reads back");
	return value_size(text, 0, size, &back, fault);
}

static int parse_envfile(const char *text, struct fault *fault)
{
	struct strv env = STRV_INIT;
	int r = envfile_parse(text, strlen(text), &env, fault->text, sizeof fault->text);

	strv_release(&env);
	return r;
}

static parser *const parsers[] = {
	parse_duration_value, parse_steps,       parse_exits,   parse_limit_value, parse_start,
	parse_rules,          parse_assignments, parse_inherit, parse_paths,       parse_numbers,
	value_name,           parse_envfile,     parse_log,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault fault = { .text = "" };
	char *text;
	int r;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	r = parsers[data[0] % (sizeof parsers / sizeof parsers[0])](text, &fault);
	fuzz_expect(r == 0 || fault.text[0], "what is refused has a sentence");
	free(text);
	return 0;
}
