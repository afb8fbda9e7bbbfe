/* SPDX-License-Identifier: MIT */
/* Reads values.  Knows nothing of keys. */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/signame.h"
#include "config/path.h"
#include "config/words.h"

enum { NAME_BYTES_MAX = 255 };

int value_duration(const char *text, msec_t *out, struct fault *fault)
{
	int r = parse_duration(text, out);

	if (r == -ERANGE)
		return fault_set(fault, "'%.80s' is longer than ten years", text);
	if (r < 0)
		return fault_set(fault,
		                 "expected a duration such as 250ms, 10s, 5m or 1h, got '%.80s'",
		                 text);
	return 0;
}

int value_deadline(const char *text, msec_t *out, struct fault *fault)
{
	if (!strcmp(text, "none")) {
		*out = MSEC_NEVER;
		return 0;
	}
	return value_duration(text, out, fault);
}

int value_bool(const char *text, bool *out, struct fault *fault)
{
	if (parse_bool(text, out) < 0)
		return fault_set(fault, "expected yes or no, got '%.80s'", text);
	return 0;
}

int value_choice(const char *text, const char *const *names, size_t count, int *out,
                 struct fault *fault)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && names[i]; i++) {
		bool last = i + 1 == count || !names[i + 1];
		size_t room = sizeof list - used, size = strlen(names[i]);

		if (!strcmp(names[i], text)) {
			*out = (int)i;
			return 0;
		}
		if (size + 5 > room)
			continue;
		if (i > 0)
			used = (size_t)(stpcpy(list + used, last ? " or " : ", ") - list);
		memcpy(list + used, names[i], size + 1);
		used += size;
	}
	return fault_set(fault, "expected %s, got '%.80s'", list, text);
}

int value_integer(const char *text, int64_t min, int64_t max, int64_t *out, struct fault *fault)
{
	if (parse_int(text, min, max, out) < 0)
		return fault_set(fault, "expected a number from %lld to %lld, got '%.80s'",
		                 (long long)min, (long long)max, text);
	return 0;
}

/* Writes what may be meant by "50MB", "50 M" or "50 MiB": "; did you mean 50M?", or "". */
static const char *suggest_size(const char *text, char out[48])
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits + strspn(text + digits, " \t");
	const char *rest = unit + (*unit && strchr("kKmMgGtT", *unit) != NULL);
	size_t width = (size_t)(rest - unit);

	rest += width && *rest == 'i';
	rest += *rest == 'B' || *rest == 'b';
	*out = '\0';
	if (digits > 0 && digits < 20 && !*rest)
		snprintf(out, 48, "; did you mean %.*s%.*s?", (int)digits, text, (int)width, unit);
	return out;
}

/* `before` says what else can stand there */
static int parse_bytes(const char *text, const char *before, uint64_t *out, struct fault *fault)
{
	char hint[48];

	if (parse_size(text, out) == 0)
		return 0;
	return fault_set(fault, "expected %sa size such as 64k, 10M or 1G, got '%.80s'%s", before,
	                 text, suggest_size(text, hint));
}

int value_size(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct fault *fault)
{
	char least[BYTES_SIZE], most[BYTES_SIZE];
	uint64_t size;
	int r = parse_bytes(text, "", &size, fault);

	if (r != 0)
		return r;
	if (size < min || size > max)
		return fault_set(fault, "expected a size from %s to %s, got '%.80s'",
		                 parse_format_size(min, least), parse_format_size(max, most), text);
	*out = size;
	return 0;
}

int value_log_size(const char *text, uint64_t *out, struct fault *fault)
{
	char least[BYTES_SIZE];
	uint64_t size = LOG_SIZE_AUTO;
	int r = 0;

	if (!strcmp(text, "none"))
		size = LOG_SIZE_NONE;
	else if (strcmp(text, "auto") != 0)
		r = parse_bytes(text, "auto, none or ", &size, fault);
	if (r != 0)
		return r;
	if (size == 0 && strcmp(text, "auto") != 0)
		return fault_set(fault, "a log of no size cannot be; 'none' is no limit");
	if (size > 0 && size < VALUE_LOG_SIZE_MIN)
		return fault_set(fault,
		                 "a log of '%.80s' would be rotated all the time; expected %s or "
		                 "more",
		                 text, parse_format_size(VALUE_LOG_SIZE_MIN, least));
	if (size > INT64_MAX && size != LOG_SIZE_NONE)
		return fault_set(fault, "no file can be as large as '%.80s'; 'none' is no limit",
		                 text);
	*out = size;
	return 0;
}

int value_log_age(const char *text, msec_t *out, struct fault *fault)
{
	msec_t age;
	int r = value_deadline(text, &age, fault);

	if (r != 0)
		return r;
	if (age < VALUE_LOG_AGE_MIN_MS)
		return fault_set(fault,
		                 "a log of '%.80s' would be rotated all the time; expected 1s or "
		                 "more, such as 1d, or 'none' for no limit",
		                 text);
	*out = age;
	return 0;
}

int value_octal(const char *text, unsigned max, unsigned *out, struct fault *fault)
{
	if (parse_octal(text, max, out) < 0)
		return fault_set(fault, "expected an octal number up to 0%o, got '%.80s'", max,
		                 text);
	return 0;
}

int value_percent(const char *text, unsigned *out, struct fault *fault)
{
	if (parse_percent(text, out) < 0)
		return fault_set(fault, "expected 0%% to 100%%, got '%.80s'", text);
	return 0;
}

static int parse_signal(const char *text, int *out, struct fault *fault)
{
	int signo = signame_parse(text);

	if (signo <= 0)
		return fault_set(fault, "'%.80s' is not a signal", text);
	*out = signo;
	return 0;
}

/* Calls `take` for each word of a list. */
static int each_word(const char *text, int (*take)(char *word, void *context, struct fault *fault),
                     void *context, struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r = words_split(text, &words, fault);

	for (size_t i = 0; i < words.count && r == 0; i++)
		r = take(words.items[i], context, fault);
	strv_release(&words);
	return r;
}

struct step_list {
	struct stop_step items[VALUE_STOP_STEPS_MAX];
	size_t count;
};

static int take_step(char *word, void *context, struct fault *fault)
{
	struct step_list *list = context;
	struct stop_step step = { .wait_ms = VALUE_NO_WAIT };
	char *slash = strchr(word, '/');
	int r;

	if (list->count == VALUE_STOP_STEPS_MAX)
		return fault_set(fault, "more than %d signals", VALUE_STOP_STEPS_MAX);
	if (slash)
		*slash = '\0';
	r = parse_signal(word, &step.signal, fault);
	if (r == 0 && slash)
		r = value_duration(slash + 1, &step.wait_ms, fault);
	if (r == 0)
		list->items[list->count++] = step;
	return r;
}

int value_stop_steps(const char *text, struct stop_step steps[VALUE_STOP_STEPS_MAX], size_t *count,
                     struct fault *fault)
{
	struct step_list list = { .count = 0 };
	int r = each_word(text, take_step, &list, fault);

	if (r != 0)
		return r;
	if (list.count == 0)
		return fault_set(fault, "expected signals such as TERM or 'TERM/5s INT/5s KILL'");
	memcpy(steps, list.items, sizeof list.items);
	*count = list.count;
	return 0;
}

int value_reload_signal(const char *text, int *out, struct fault *fault)
{
	int signo = 0;
	int r = parse_signal(text, &signo, fault);

	if (r != 0)
		return r;
	if (signo == SIGKILL || signo == SIGSTOP)
		return fault_set(
			fault,
			"no program can catch '%.80s'; name the one that makes it read its "
			"files again, such as HUP",
			text);
	*out = signo;
	return 0;
}

static int take_exit(char *word, void *context, struct fault *fault)
{
	struct exit_set *set = context;
	int64_t code;
	int signo;

	if (parse_int(word, 0, 255, &code) == 0) {
		exit_set_add_code(set, (unsigned)code);
		return 0;
	}
	/* a number that is no exit code must not turn into a signal */
	signo = isdigit((unsigned char)*word) || *word == '-' ? -1 : signame_parse(word);
	if (signo <= 0)
		return fault_set(fault, "'%.80s' is neither an exit code (0 to 255) nor a signal",
		                 word);
	exit_set_add_signal(set, signo);
	return 0;
}

int value_exit_set(const char *text, struct exit_set *out, struct fault *fault)
{
	struct exit_set set = { .signals = 0 };
	int r = each_word(text, take_exit, &set, fault);

	if (r == 0)
		*out = set;
	return r;
}

int value_start_limit(const char *text, unsigned *count, msec_t *window_ms, struct fault *fault)
{
	const char *slash = strchr(text, '/');
	char number[24];
	int64_t n = 0;
	msec_t window = 0;

	if (!strcmp(text, "none")) {
		*count = 0;
		return 0;
	}
	if (!slash || (size_t)(slash - text) >= sizeof number)
		return fault_set(fault,
		                 "expected COUNT/DURATION such as 10/60s, or none, got '%.80s'",
		                 text);
	memcpy(number, text, (size_t)(slash - text));
	number[slash - text] = '\0';
	if (parse_int(number, 1, 1000, &n) < 0)
		return fault_set(
			fault, "expected a count from 1 to 1000 before the '/', got '%.80s'", text);
	if (parse_duration(slash + 1, &window) < 0 || window == 0)
		return fault_set(fault, "expected a duration after the '/', got '%.80s'", text);
	*count = (unsigned)n;
	*window_ms = window;
	return 0;
}

bool value_signal_is_forwardable(int signo)
{
	if (signo == SIGKILL || signo == SIGSTOP || signo == SIGCHLD)
		return false;
	/* between the classic ones and the real-time ones are those of the C library */
	return signo > 0 && (signo < 32 || (signo >= SIGRTMIN && signo <= SIGRTMAX));
}

struct rule_list {
	struct forward_rule items[VALUE_FORWARD_MAX];
	size_t count;
};

static int add_rule(struct rule_list *list, struct forward_rule rule, const char *word,
                    struct fault *fault)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].from == rule.from)
			return fault_set(fault, "%.80s: this signal is named twice", word);
	list->items[list->count++] = rule;
	return 0;
}

static int take_rule(char *word, void *context, struct fault *fault)
{
	struct forward_rule rule = { .from = 0 };
	char *colon = strchr(word, ':');
	int r;

	if (colon)
		*colon = '\0';
	r = parse_signal(word, &rule.from, fault);
	if (r != 0)
		return r;
	if (!value_signal_is_forwardable(rule.from))
		return fault_set(fault, "%.80s cannot be forwarded", word);
	rule.to = rule.from;
	if (colon && !strcmp(colon + 1, "0"))
		rule.to = 0;
	else if (colon)
		r = parse_signal(colon + 1, &rule.to, fault);
	return r == 0 ? add_rule(context, rule, word, fault) : r;
}

static void list_all(struct rule_list *list)
{
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (value_signal_is_forwardable(signo))
			list->items[list->count++] =
				(struct forward_rule){ .from = signo, .to = signo };
}

int value_forward(const char *text, struct forward_rule rules[VALUE_FORWARD_MAX], size_t *count,
                  struct fault *fault)
{
	struct rule_list list = { .count = 0 };
	int r = 0;

	if (!strcmp(text, "all"))
		list_all(&list);
	else if (strcmp(text, "none") != 0)
		r = each_word(text, take_rule, &list, fault);
	if (r != 0)
		return r;
	memcpy(rules, list.items, list.count * sizeof *rules);
	*count = list.count;
	return 0;
}

static int parse_bound(const char *text, uint64_t *out, struct fault *fault)
{
	if (!strcmp(text, "unlimited")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	if (parse_size(text, out) < 0)
		return fault_set(
			fault,
			"expected a number, perhaps with k, M, G or T, or 'unlimited', got '%.80s'",
			text);
	return 0;
}

int value_limit(const char *text, struct limit *out, struct fault *fault)
{
	const char *colon = strchr(text, ':');
	_cleanup_free_ char *soft_text =
		strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	uint64_t soft, hard;
	int r;

	if (!soft_text)
		return -ENOMEM;
	r = parse_bound(soft_text, &soft, fault);
	if (r != 0)
		return r;
	hard = soft;
	if (colon)
		r = parse_bound(colon + 1, &hard, fault);
	if (r == 0 && soft > hard)
		return fault_set(fault, "the soft limit is above the hard one in '%.80s'", text);
	if (r != 0)
		return r;
	out->soft = soft;
	out->hard = hard;
	out->hard_given = colon != NULL;
	return 0;
}

bool value_is_variable_name(const char *name)
{
	if (!*name || isdigit((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (*name != '_' && (!isascii(*name) || !isalnum((unsigned char)*name)))
			return false;
	return true;
}

static int take_assignment(char *word, void *context, struct fault *fault)
{
	char *equals = strchr(word, '=');

	if (!equals)
		return fault_set(fault, "expected NAME=value, got '%.80s'", word);
	*equals = '\0';
	if (!value_is_variable_name(word))
		return fault_set(fault, "'%.80s' is not the name of a variable", word);
	return strv_set_env(context, word, equals + 1);
}

int value_environment(const char *text, struct strv *env, struct fault *fault)
{
	return each_word(text, take_assignment, env, fault);
}

static int take_variable_name(char *word, void *context, struct fault *fault)
{
	if (!value_is_variable_name(word))
		return fault_set(fault, "'%.80s' is not the name of a variable", word);
	return strv_add(context, word);
}

int value_env_inherit(const char *text, bool *all, struct strv *names, struct fault *fault)
{
	*all = !strcmp(text, "all");
	if (*all || !strcmp(text, "none"))
		return 0;
	return each_word(text, take_variable_name, names, fault);
}

static int resolve_path(const char *path, bool is_file, const char *here, struct text *out,
                        struct fault *fault)
{
	size_t size = strlen(path);

	if (size == 0)
		return fault_set(fault, "the path is empty");
	if (is_file && path[size - 1] == '/')
		return fault_set(fault, "'%.80s' names a folder, not a file", path);
	return path_resolve(here, path, out, fault);
}

static int parse_path(const char *text, bool quoted, bool is_file, const char *here,
                      struct text *out, struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r;

	if (!quoted)
		return resolve_path(text, is_file, here, out, fault);
	r = words_split(text, &words, fault);
	if (r == 0 && words.count != 1)
		r = fault_set(fault, "expected one path, got %zu words", words.count);
	if (r == 0)
		r = resolve_path(words.items[0], is_file, here, out, fault);
	strv_release(&words);
	return r;
}

int value_path(const char *text, bool quoted, const char *here, struct text *out,
               struct fault *fault)
{
	return parse_path(text, quoted, false, here, out, fault);
}

int value_file(const char *text, bool quoted, const char *here, struct text *out,
               struct fault *fault)
{
	return parse_path(text, quoted, true, here, out, fault);
}

struct path_list {
	const char *here;
	struct strv *out;
};

static int take_env_file(char *word, void *context, struct fault *fault)
{
	struct path_list *list = context;
	bool optional = *word == '-';
	struct text path;
	int r = 0;

	text_init(&path, SIZE_MAX / 2);
	if (optional)
		r = text_add_char(&path, '-');
	if (r == 0)
		r = resolve_path(word + optional, true, list->here, &path, fault);
	if (r == 0)
		r = strv_add(list->out, text_get(&path));
	text_release(&path);
	return r;
}

int value_env_files(const char *text, const char *here, struct strv *out, struct fault *fault)
{
	struct path_list list = { .here = here, .out = out };

	return each_word(text, take_env_file, &list, fault);
}

int value_name(const char *name, struct fault *fault)
{
	size_t size = strlen(name);

	if (size == 0)
		return fault_set(fault, "the name is empty");
	if (size > NAME_BYTES_MAX)
		return fault_set(fault, "a name of %zu bytes is longer than %d", size,
		                 NAME_BYTES_MAX);
	if (*name == '.' || *name == '-')
		return fault_set(fault, "the name '%.80s' starts with '%c'", name, *name);
	for (const char *p = name; *p; p++) {
		if (!isascii(*p) || isalnum((unsigned char)*p) || strchr("_.-+", *p))
			continue;
		if (!isprint((unsigned char)*p) || *p == ' ')
			return fault_set(
				fault, "there is a blank or control character in the name '%.80s'",
				name);
		return fault_set(
			fault,
			"the name '%.80s' has a '%c'; letters, digits and _ . - + can be in a name",
			name, *p);
	}
	return 0;
}
