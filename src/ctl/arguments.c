/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctl/moment.h"
#include "ctl/near.h"
#include "ctl/options.h"

enum { LINES_MAX = 100000, OPTIONS_MAX = 32, LETTERS_MAX = 2 * OPTIONS_MAX + 2 };

/* what only vergerctl has */
static const struct verb own_verbs[] = {
	{
		.name = "names",
		.role = ROLE_VIEW,
		.words = VERB_NO_WORDS,
		.flags = VERB_HIDDEN,
		.synopsis = "",
		.help = "print the names that may be given, one a line, for completion",
	},
};

/* how many words a kind of verb takes */
static const struct {
	size_t min, max;
	const char *wanted;
} word_counts[] = {
	[VERB_NO_WORDS] = { 0, 0, "takes no names" },
	[VERB_PROGRAMS] = { 0, SIZE_MAX, "" },
	[VERB_PROGRAMS_OR_ALL] = { 0, SIZE_MAX, "" },
	[VERB_PROGRAM] = { 1, 1, "takes the name of one program" },
	[VERB_PROGRAM_SIGNAL] = { 2, 2, "takes the name of a program and a signal" },
	[VERB_PROGRAM_OR_NONE] = { 0, SIZE_MAX, "" },
	[VERB_FILE] = { 0, 1, "takes one file at most" },
	[VERB_SUBVERB] = { 1, SIZE_MAX, "takes one of: show, convert" },
};

const struct verb *arguments_find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_verbs); i++)
		if (strcmp(own_verbs[i].name, name) == 0)
			return &own_verbs[i];
	return verb_find(name);
}

static int fail(struct text *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct text *fault, const char *format, ...)
{
	_cleanup_free_ char *sentence = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&sentence, format, arguments) < 0)
		sentence = NULL;
	va_end(arguments);
	if (!sentence || text_add_string(fault, sentence) < 0)
		text_add_string(fault, "the command line is too long");
	return -EINVAL;
}

static int set_lines(struct arguments *a, const char *value, struct text *fault)
{
	int64_t lines;

	if (parse_int(value, 0, LINES_MAX, &lines) < 0)
		return fail(fault, "-n %s: expected a number of lines from 0 to 100000%s", value,
		            "");
	a->lines = (int)lines;
	return 0;
}

static int set_since(struct arguments *a, const char *value, struct text *fault)
{
	if (moment_parse_since(value, clock_realtime_us(), &a->since_us) == 0)
		return 0;
	return fail(fault,
	            "--since %s: expected a time such as 2026-01-31T23:59:59Z, 2026-01-31, 23:59 "
	            "or yesterday, or a duration such as 10m, 2h or 1d%s",
	            value, "");
}

static int set_timeout(struct arguments *a, const char *value, struct text *fault)
{
	if (parse_duration(value, &a->timeout) == 0)
		return 0;
	return fail(fault, "--timeout %s: expected a duration such as 500ms, 30s or 5m%s", value,
	            "");
}

static int set_listed(const struct ctl_option *o, const char **place, const char *value,
                      struct text *fault)
{
	const char *word = o->listed;
	size_t size;

	for (; *word; word += size + strspn(word + size, " ")) {
		size = strcspn(word, " ");
		if (size == strlen(value) && strncmp(word, value, size) == 0) {
			*place = value;
			return 0;
		}
	}
	return fail(fault, "--%s %s: expected one of: %s", o->name, value, o->listed);
}

static int set(struct arguments *a, const struct ctl_option *o, const char *value,
               struct text *fault)
{
	switch (o->id) {
	case OPTION_SOCKET: a->socket = value; return 0;
	case OPTION_VERBOSE: a->verbose = true; return 0;
	case OPTION_HELP: a->help = true; return 0;
	case OPTION_VERSION: a->version = true; return 0;
	case OPTION_FOLLOW: a->follow = true; return 0;
	case OPTION_LINES: return set_lines(a, value, fault);
	case OPTION_SINCE: return set_since(a, value, fault);
	case OPTION_JSON: a->json = true; return 0;
	case OPTION_NO_COLOR: a->no_color = true; return 0;
	case OPTION_ALL: a->all = true; return 0;
	case OPTION_WAIT: a->no_wait = false; return 0;
	case OPTION_NO_WAIT: a->no_wait = true; return 0;
	case OPTION_TIMEOUT: return set_timeout(a, value, fault);
	case OPTION_FOR: return set_listed(o, &a->for_state, value, fault);
	case OPTION_WATCH: a->watch = true; return 0;
	case OPTION_DRY_RUN: a->dry_run = true; return 0;
	case OPTION_TO: return set_listed(o, &a->to, value, fault);
	case OPTION_REOPEN: a->reopen = true; return 0;
	case OPTION_NOW: a->now = true; return 0;
	}
	return -EINVAL;
}

/* The table as getopt_long wants it. */
static void prepare(struct option longs[OPTIONS_MAX], char letters[LETTERS_MAX])
{
	char *letter = letters;

	*letter++ = ':';
	for (size_t i = 0; i < ctl_option_count; i++) {
		const struct ctl_option *o = &ctl_options[i];

		longs[i] =
			(struct option){ .name = o->name,
			                 .has_arg = o->argument ? required_argument : no_argument,
			                 .val = (int)o->id };
		if (!option_letter(o))
			continue;
		*letter++ = option_letter(o);
		if (o->argument)
			*letter++ = ':';
	}
	*letter = '\0';
	longs[ctl_option_count] = (struct option){ 0 };
}

static const struct ctl_option *find_option(int id)
{
	for (size_t i = 0; i < ctl_option_count; i++)
		if ((int)ctl_options[i].id == id)
			return &ctl_options[i];
	return NULL;
}

/* Says what is wrong with the option that getopt has stumbled over. */
static int fail_option(int answer, char *const *argv, struct text *fault)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < 256 && strncmp(argv[optind - 1], "--", 2) != 0;
	const char *option = is_letter ? letter : argv[optind - 1];

	if (answer == ':')
		return fail(fault, "%s takes a value", option);
	for (size_t i = 0; i < ctl_option_count; i++)
		if (!is_letter && near_to(option + 2, ctl_options[i].name))
			return fail(fault, "there is no option %s; did you mean --%s?", option,
			            ctl_options[i].name);
	return fail(fault, "there is no option %s", option);
}

static int fail_verb(const char *word, struct text *fault)
{
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].name && near_to(word, verbs[i].name))
			return fail(fault, "there is no verb '%s'; did you mean '%s'?", word,
			            verbs[i].name);
	return fail(fault, "there is no verb '%s'; vergerctl --help tells all of them", word);
}

static int check_words(const struct arguments *a, struct text *fault)
{
	const struct verb *verb = a->verb;

	if (verb->words == VERB_PROGRAMS_OR_ALL && a->word_count == 0 && !a->all) {
		text_add_format(fault,
		                "%s which programs? name them, or say %s --all for every one",
		                verb->name, verb->name);
		return -EINVAL;
	}
	if (a->all && a->word_count > 0)
		return fail(fault, "%s: names and --all exclude each other", verb->name);
	if (a->word_count >= word_counts[verb->words].min &&
	    a->word_count <= word_counts[verb->words].max)
		return 0;
	return fail(fault, "%s %s: vergerctl %s %s", verb->name, word_counts[verb->words].wanted,
	            verb->name, verb->synopsis);
}

/* Options that the verb has no use for are mistakes, not wishes. */
static int check_options(const struct arguments *a, const bool given[], struct text *fault)
{
	for (size_t i = 0; i < ctl_option_count; i++) {
		const struct ctl_option *o = &ctl_options[i];

		if (given[i] && !option_is_global(o) && !option_is_of(o, a->verb))
			return fail(fault, "%s has no option --%s", a->verb->name, o->name);
	}
	return 0;
}

static int parse_options(int argc, char **argv, struct arguments *out, bool given[],
                         struct text *fault)
{
	struct option longs[OPTIONS_MAX];
	char letters[LETTERS_MAX];
	int id;

	prepare(longs, letters);
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct ctl_option *o = find_option(id);

		if (!o)
			return fail_option(id, argv, fault);
		if (set(out, o, optarg, fault) < 0)
			return -EINVAL;
		given[o - ctl_options] = true;
	}
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *out, struct text *fault)
{
	bool given[OPTIONS_MAX] = { false };

	*out = (struct arguments){ .timeout = MSEC_NEVER,
		                   .lines = LINES_UNSAID,
		                   .since_us = INT64_MIN };
	if (parse_options(argc, argv, out, given, fault) < 0)
		return -EINVAL;
	out->verb = arguments_find_verb(optind < argc ? argv[optind] : "status");
	if (!out->verb)
		return fail_verb(argv[optind], fault);
	if (optind < argc)
		optind++;
	out->words = argv + optind;
	out->word_count = (size_t)(argc - optind);
	/* who asks for help is not told off first */
	if (out->help || out->version)
		return 0;
	if (check_options(out, given, fault) < 0)
		return -EINVAL;
	return check_words(out, fault);
}
