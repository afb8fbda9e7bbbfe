/* SPDX-License-Identifier: MIT */
/* The command line of vergerd. */
#pragma once

#include <stddef.h>

#include "config/load.h"

enum action {
	ACTION_RUN,
	ACTION_CHECK,        /* -t */
	ACTION_PRINT_CONFIG, /* --print-config */
	ACTION_PROBE,        /* --probe */
	ACTION_DONE,         /* --help, --version: printed already */
	ACTION_USAGE,        /* a mistake, told on standard error already */
};

struct options {
	enum action action;
	bool daemonize;
	const char *config_path;             /* -c; NULL = look for it */
	char *const *command;                /* after --; NULL = none */
	struct conf_assignment *assignments; /* --KEY VALUE; owned */
	size_t assignment_count;
};

/* Reads argv (which getopt reorders nothing of: options end at the first word that is none). */
void options_parse(struct options *o, int argc, char **argv);
void options_release(struct options *o);

/* The configuration file to use: config_path, $VERGER_CONFIG, ./verger.ini,
 * ~/.config/verger/verger.ini, /etc/verger/verger.ini; malloc'ed, NULL when none of them is there.
 */
char *options_find_config(const struct options *o, char *const *environ);
