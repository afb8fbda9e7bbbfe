/* SPDX-License-Identifier: MIT */
/* From settings to a supervisor that runs: run directory, lock, log, background, descriptors. */
#pragma once

#include <stdbool.h>

#include "core/settings.h"
#include "daemon/daemon.h"

/* Exit statuses of vergerd itself (sysexits.h; X2). */
enum {
	EXIT_STATUS_USAGE = 64,  /* EX_USAGE */
	EXIT_STATUS_SYSTEM = 71, /* EX_OSERR: the system refused something at the start */
	EXIT_STATUS_CREATE =
		73, /* EX_CANTCREAT: a file or directory that was asked for cannot be had */
	EXIT_STATUS_RUNNING = 75, /* EX_TEMPFAIL: another vergerd holds the PID file */
	EXIT_STATUS_CONFIG = 78,  /* EX_CONFIG */
};

struct boot {
	struct settings *settings;
	const struct conf_source *source; /* borrowed */
	char *const *environ;
	const char
		*no_run_dir; /* why there is no run_dir; NULL = there is one, or none is wanted */
	bool daemonize;
};

/* Runs vergerd with these settings to its end.  The exit status. */
int boot_run(const struct boot *boot);
