/* SPDX-License-Identifier: MIT */
/* vergerd: reads the command line and the configuration, and does what they say. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "config/load.h"
#include "config/print.h"
#include "daemon/boot.h"
#include "daemon/options.h"
#include "os/daemonize.h"
#include "os/probe.h"
#include "os/rundir.h"
#include "os/signals.h"

extern char **environ;

enum { REASON_SIZE = 256 };

static void print_faults(struct diags *diags)
{
	diags_print(diags, stderr);
	diags_release(diags);
}

static int no_config(void)
{
	fputs("vergerd: there is no configuration: no -c, no $VERGER_CONFIG, no ./verger.ini,\n"
	      "no ~/.config/verger/verger.ini, no /etc/verger/verger.ini\n",
	      stderr);
	return EXIT_STATUS_CONFIG;
}

/* In front of a single command vergerd is to be noticed as little as can be: it speaks up only when
 * it could not do its work, and a shell that had the terminal has it still. */
static void adapt_to_command(struct settings *settings)
{
	settings->log_level = LOG_LEVEL_ERROR;
	settings->programs[0].take_terminal =
		isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* settings of the file or the command line; NULL with *status set when there are none */
static struct settings *load(const struct options *o, const char *path, struct conf_source *source,
                             int *status)
{
	struct settings *settings = NULL;
	struct diags diags = DIAGS_INIT;
	int r;

	if (o->command) {
		r = conf_from_command(o->assignments, o->assignment_count, o->command,
		                      &source->context, &settings, &diags);
	} else {
		source->path = path;
		if (!path) {
			*status = no_config();
			return NULL;
		}
		r = conf_load(path, &source->context, &settings, &diags);
	}
	print_faults(&diags);
	if (r == CONF_OK && o->command)
		adapt_to_command(settings);
	if (r == CONF_OK)
		return settings;
	*status = o->command ? EXIT_STATUS_USAGE : EXIT_STATUS_CONFIG;
	return NULL;
}

static int print_config(const struct settings *settings)
{
	if (conf_print(settings, stdout) < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "vergerd: standard output: %s\n", strerror(errno));
		return EXIT_STATUS_CREATE;
	}
	return 0;
}

static int check(const struct settings *settings)
{
	printf("%s: valid, %zu program%s\n", settings->file, settings->program_count,
	       settings->program_count == 1 ? "" : "s");
	return 0;
}

static int act(const struct options *o, struct settings *settings, const struct conf_source *source,
               const char *no_run_dir)
{
	switch (o->action) {
	case ACTION_CHECK: return check(settings);
	case ACTION_PRINT_CONFIG: return print_config(settings);
	case ACTION_RUN:
	case ACTION_PROBE:
	case ACTION_DONE:
	case ACTION_USAGE: break;
	}
	return boot_run(&(struct boot){
		.settings = settings,
		.source = source,
		.environ = environ,
		.no_run_dir = settings->run_dir || o->command ? NULL : no_run_dir,
		.daemonize = o->daemonize,
	});
}

static int probe_and_print(void)
{
	struct probe probe;

	probe_run(&probe);
	probe_print(&probe, stdout);
	probe_release(&probe);
	return 0;
}

int main(int argc, char **argv)
{
	char no_run_dir[REASON_SIZE] = "";
	struct conf_source source = { 0 };
	struct settings *settings;
	struct options options;
	int status = 0;
	char *run_dir = NULL, *path = NULL, *absolute = NULL;

	signals_reset();
	daemonize_ensure_stdio();
	options_parse(&options, argc, argv);
	if (options.action >= ACTION_PROBE) {
		status = options.action == ACTION_USAGE ? EXIT_STATUS_USAGE : 0;
		if (options.action == ACTION_PROBE)
			status = probe_and_print();
		options_release(&options);
		return status;
	}
	if (!options.command)
		run_dir = rundir_default(environ, no_run_dir, sizeof no_run_dir);
	source.context = (struct conf_context){ .environ = environ, .default_run_dir = run_dir };
	if (!options.command)
		path = options_find_config(&options, environ);
	if (path)
		absolute = realpath(
			path, NULL); /* for those who are elsewhere; NULL if it is not there */
	source.absolute = absolute;
	settings = load(&options, path, &source, &status);
	if (settings)
		status = act(&options, settings, &source, no_run_dir);
	settings_free(settings);
	options_release(&options);
	free(absolute);
	free(path);
	free(run_dir);
	return status;
}
