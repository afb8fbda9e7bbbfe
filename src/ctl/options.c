/* SPDX-License-Identifier: MIT */
#include "ctl/options.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define STATES "running stopped waiting starting stopping backoff exited failed"

const struct ctl_option ctl_options[] = {
	{ OPTION_SOCKET, OPTION_FILE_VALUE, "socket", "SOCKET", NULL,
	  "the control socket of vergerd" },
	{ OPTION_JSON, OPTION_NO_VALUE, "json", NULL, NULL, "print what vergerd answers, as JSON" },
	{ OPTION_NO_COLOR, OPTION_NO_VALUE, "no-color", NULL, NULL, "no colours" },
	{ OPTION_VERBOSE, OPTION_NO_VALUE, "verbose", NULL, NULL,
	  "tell what went well, too, where only failures are told" },
	{ OPTION_HELP, OPTION_NO_VALUE, "help", NULL, NULL, "help on vergerctl or on a verb" },
	{ OPTION_VERSION, OPTION_NO_VALUE, "version", NULL, NULL, "the version" },
	{ OPTION_ALL, OPTION_NO_VALUE, "all", NULL, NULL, "every program" },
	{ OPTION_WAIT, OPTION_NO_VALUE, "wait", NULL, NULL, "wait until it is done: the default" },
	{ OPTION_NO_WAIT, OPTION_NO_VALUE, "no-wait", NULL, NULL, "ask for it and do not wait" },
	{ OPTION_TIMEOUT, OPTION_ANY_VALUE, "timeout", "D", NULL,
	  "wait so long at most (500ms, 30s, 5m; a bare number is seconds)" },
	{ OPTION_FOR, OPTION_LISTED_VALUES, "for", "STATE", STATES,
	  "the state to wait for; running when it is not given" },
	{ OPTION_WATCH, OPTION_NO_VALUE, "watch", NULL, NULL,
	  "keep showing it until q is pressed" },
	{ OPTION_DRY_RUN, OPTION_NO_VALUE, "dry-run", NULL, NULL,
	  "tell what would change, and change nothing" },
	{ OPTION_TO, OPTION_LISTED_VALUES, "to", "main|group|tree", "main group tree",
	  "whom to signal: the main process (as when it is not given), its process group, or all "
	  "processes of the program" },
	{ OPTION_FOLLOW, OPTION_NO_VALUE, "follow", NULL, NULL,
	  "go on with what is written from now on" },
	{ OPTION_LINES, OPTION_ANY_VALUE, "lines", "N", NULL,
	  "so many of the last lines; 10 when neither it nor --since is given" },
	{ OPTION_SINCE, OPTION_ANY_VALUE, "since", "T", NULL,
	  "from this time on: 2026-01-31T23:59:59Z, 2026-01-31, 23:59, yesterday, or so long ago: "
	  "10m, 2h, 1d" },
	{ OPTION_REOPEN, OPTION_NO_VALUE, "reopen", NULL, NULL,
	  "have vergerd open its log files again, after they were rotated" },
	{ OPTION_NOW, OPTION_NO_VALUE, "now", NULL, NULL, "without stop_delay and without grace" },
};

const size_t ctl_option_count = ARRAY_SIZE(ctl_options);

char option_letter(const struct ctl_option *o)
{
	return o->id < 256 ? (char)o->id : '\0';
}

bool option_is_global(const struct ctl_option *o)
{
	switch (o->id) {
	case OPTION_SOCKET:
	case OPTION_JSON:
	case OPTION_NO_COLOR:
	case OPTION_VERBOSE:
	case OPTION_HELP:
	case OPTION_VERSION: return true;
	default: return false;
	}
}

/* Whether `word` is one of the words of `text`. */
static bool has_word(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (; text && *text; text += strcspn(text, " ")) {
		text += strspn(text, " ");
		if (strcspn(text, " ") == size && strncmp(text, word, size) == 0)
			return true;
	}
	return false;
}

static bool is_in_synopsis(const struct ctl_option *o, const struct verb *verb)
{
	const char letter[] = { '-', option_letter(o), '\0' };
	char name[OPTION_TEXT_SIZE];

	snprintf(name, sizeof name, "--%s", o->name);
	return has_word(verb->options, name) || (letter[1] && has_word(verb->options, letter));
}

bool option_is_of(const struct ctl_option *o, const struct verb *verb)
{
	switch (o->id) {
	case OPTION_ALL: return verb->words == VERB_PROGRAMS_OR_ALL;
	case OPTION_WAIT:
	case OPTION_NO_WAIT: return verb->flags & VERB_WAITS;
	case OPTION_TIMEOUT: return (verb->flags & VERB_WAITS) || is_in_synopsis(o, verb);
	default: return is_in_synopsis(o, verb);
	}
}

const char *option_format(const struct ctl_option *o, char out[OPTION_TEXT_SIZE])
{
	const char *argument = o->argument ? o->argument : "";
	const char *blank = o->argument ? " " : "";

	if (option_letter(o))
		snprintf(out, OPTION_TEXT_SIZE, "-%c, --%s%s%s", option_letter(o), o->name, blank,
		         argument);
	else
		snprintf(out, OPTION_TEXT_SIZE, "    --%s%s%s", o->name, blank, argument);
	return out;
}
