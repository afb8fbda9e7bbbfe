/* SPDX-License-Identifier: MIT */
/* vergerctl: reads the command line and has the verb done. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/help.h"

enum { FAULT_MAX = 8192 };

static const struct {
	const char *name;
	int (*run)(struct ctl *ctl);
} handlers[] = {
	{ "status", status_run },   { "start", request_run },     { "stop", request_run },
	{ "restart", request_run }, { "wait", request_run },      { "reload", reload_run },
	{ "signal", signal_run },   { "pid", pid_run },           { "logs", logs_run },
	{ "events", events_run },   { "why", why_run },           { "check", check_run },
	{ "config", values_run },   { "shutdown", shutdown_run }, { "doctor", doctor_run },
	{ "names", names_run },     { "upgrade", upgrade_run },
};

static int run_verb(struct ctl *ctl)
{
	const char *name = ctl->arguments->verb->name;

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (strcmp(handlers[i].name, name) == 0)
			return handlers[i].run(ctl);
	screen_complain("%s: this vergerctl cannot do that", name);
	return EXIT_FAILED;
}

static int print_help(const struct arguments *arguments, int argc)
{
	/* `vergerctl --help` is of the whole, `vergerctl status --help` of the verb */
	bool is_overview =
		arguments->word_count == 0 && arguments->verb == verb_find("status") && argc == 2;

	help_print(is_overview ? NULL : arguments->verb, stdout);
	return EXIT_DONE;
}

static int run(struct arguments *arguments, int argc)
{
	struct ctl ctl = { .arguments = arguments };
	int status;

	if (arguments->version) {
		puts("vergerctl " VERGER_VERSION);
		return EXIT_DONE;
	}
	if (arguments->help)
		return print_help(arguments, argc);
	screen_init(&ctl.screen, arguments->no_color);
	status = run_verb(&ctl);
	connection_close(&ctl);
	return status;
}

/* What could not be written is a failure, but whoever closed the pipe knows that they did. */
static int finish(int status)
{
	int r = screen_flush();

	if (r == 0)
		return status;
	if (r == -EPIPE)
		return status == EXIT_DONE ? EXIT_FAILED : status;
	screen_complain("standard output: %s", strerror(-r));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct text fault;

	text_init(&fault, FAULT_MAX);
	if (arguments_parse(argc, argv, &arguments, &fault) < 0) {
		screen_complain("%s", text_get(&fault));
		text_release(&fault);
		return EXIT_USAGE;
	}
	return finish(run(&arguments, argc));
}
