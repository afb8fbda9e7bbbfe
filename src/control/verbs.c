/* SPDX-License-Identifier: MIT */
/* The verbs, in the order in which help tells them. */
#include "control/verbs.h"

#include <string.h>

#include "base/cleanup.h"

const char *const control_role_names[] = {
	[ROLE_NONE] = "nobody",
	[ROLE_VIEW] = "view",
	[ROLE_OPERATE] = "operate",
	[ROLE_ADMIN] = "admin",
};

const struct verb verbs[] = {
	{
		.name = "status",
		.method = "Status",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAMS,
		.synopsis = "[NAME ...]",
		.options = "--watch",
		.help = "show what programs do, and why",
	},
	{
		.name = "start",
		.method = "Start",
		.role = ROLE_OPERATE,
		.words = VERB_PROGRAMS_OR_ALL,
		.flags = VERB_WAITS,
		.synopsis = "NAME ... | --all",
		.help = "start programs and wait until they are up",
	},
	{
		.name = "stop",
		.method = "Stop",
		.role = ROLE_OPERATE,
		.words = VERB_PROGRAMS_OR_ALL,
		.flags = VERB_WAITS,
		.synopsis = "NAME ... | --all",
		.help = "stop programs and what requires them, and wait until nothing of them is "
			"left",
	},
	{
		.name = "restart",
		.method = "Restart",
		.role = ROLE_OPERATE,
		.words = VERB_PROGRAMS_OR_ALL,
		.flags = VERB_WAITS,
		.synopsis = "NAME ... | --all",
		.help = "stop programs, start them again and wait until they are up",
	},
	{
		.name = "reload",
		.method = "Reload",
		.role = ROLE_ADMIN,
		.words = VERB_PROGRAM_OR_NONE,
		.flags = VERB_WAITS,
		.synopsis = "[NAME]",
		.options = "--dry-run",
		.help = "read the configuration again and apply what has changed; with NAME, have "
			"that "
			"program reload its own",
	},
	{
		.name = "signal",
		.method = "Signal",
		.role = ROLE_OPERATE,
		.words = VERB_PROGRAM_SIGNAL,
		.synopsis = "NAME SIGNAL",
		.options = "--to main|group|tree",
		.help = "send a signal to a program, and never to a stranger",
	},
	{
		.name = "pid",
		.method = "Pid",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAM,
		.synopsis = "NAME",
		.help = "print the PID of a program, proven alive",
	},
	{
		.name = "logs",
		.method = "Logs",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAMS,
		.synopsis = "[NAME ...]",
		.options = "-f -n N --since T --reopen",
		.help = "show the last lines that programs wrote, several in the order of their "
			"times; -f goes on with those they write",
	},
	{
		.name = "events",
		.method = "Monitor",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAMS,
		.flags = VERB_STREAMS,
		.synopsis = "[NAME ...]",
		.help = "print each change of state as it happens",
	},
	{
		.name = "wait",
		.method = "Wait",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAM,
		.synopsis = "NAME",
		.options = "--for STATE --timeout D",
		.help = "wait until a program is in a state",
	},
	{
		.name = "why",
		.method = "Why",
		.role = ROLE_VIEW,
		.words = VERB_PROGRAM,
		.synopsis = "NAME",
		.help = "tell why a program is as it is, and what to do next",
	},
	{
		.name = "check",
		.role = ROLE_VIEW,
		.words = VERB_FILE,
		.flags = VERB_LOCAL,
		.synopsis = "[FILE]",
		.help = "check a configuration file and print every fault",
	},
	{
		.name = "config",
		.method = "Config",
		.role = ROLE_ADMIN,
		.words = VERB_SUBVERB,
		.synopsis = "show [NAME ...]",
		.help = "show each value that holds and the line it came from",
	},
	{
		.name = "upgrade",
		.role = ROLE_ADMIN,
		.words = VERB_NO_WORDS,
		.flags = VERB_HIDDEN,
		.synopsis = "",
		.help = "replace vergerd by another version of it; comes with a later version",
	},
	{
		.name = "shutdown",
		.method = "Shutdown",
		.role = ROLE_ADMIN,
		.words = VERB_NO_WORDS,
		.synopsis = "",
		.options = "--now",
		.help = "stop everything in order and end vergerd",
	},
	{
		.name = "doctor",
		.method = "Doctor",
		.role = ROLE_OPERATE,
		.words = VERB_NO_WORDS,
		.synopsis = "",
		.help = "tell what vergerd can and cannot do here",
	},
	/* on the wire only: `reload NAME` and `logs --reopen` */
	{
		.method = "ReloadProgram",
		.role = ROLE_OPERATE,
		.words = VERB_PROGRAMS,
		.flags = VERB_HIDDEN,
		.synopsis = "NAME ...",
		.help = "have programs reload their own configuration",
	},
	{
		.method = "ReopenLogs",
		.role = ROLE_OPERATE,
		.words = VERB_NO_WORDS,
		.flags = VERB_HIDDEN,
		.synopsis = "",
		.help = "open log files again, for log rotation",
	},
};

const size_t verb_count = ARRAY_SIZE(verbs);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].name && !strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

const struct verb *verb_find_method(const char *method)
{
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].method && !strcmp(verbs[i].method, method))
			return &verbs[i];
	return NULL;
}
