/* SPDX-License-Identifier: MIT */
/* The one table of verbs.  The control server, vergerctl's dispatch and help, vergerctl(1) and the
 * completions of the shells come from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Who may do what on the control socket (B4); each may do what those before it may. */
enum control_role {
	ROLE_NONE,    /* is refused */
	ROLE_VIEW,    /* may look */
	ROLE_OPERATE, /* may start, stop and signal programs */
	ROLE_ADMIN,   /* may change what vergerd runs */
};

/* "nobody", "view", "operate", "admin" */
extern const char *const control_role_names[];

/* What the words after a verb are, for completion. */
enum verb_words {
	VERB_NO_WORDS,
	VERB_PROGRAMS,        /* any number of names; none = all */
	VERB_PROGRAMS_OR_ALL, /* names, or --all */
	VERB_PROGRAM,         /* exactly one */
	VERB_PROGRAM_SIGNAL,  /* a program and a signal */
	VERB_PROGRAM_OR_NONE, /* reload: none = the configuration */
	VERB_FILE,            /* a file or none */
	VERB_SUBVERB,         /* config show */
};

enum verb_flag {
	VERB_WAITS = 1 << 0,   /* --wait --no-wait --timeout */
	VERB_STREAMS = 1 << 1, /* prints until it is interrupted */
	VERB_LOCAL = 1 << 2,   /* needs no vergerd */
	VERB_HIDDEN = 1 << 3,  /* on the wire only, or known and of a later version */
};

struct verb {
	const char *name;   /* as vergerctl takes it; NULL = on the wire only */
	const char *method; /* last part of io.verger.Supervisor.METHOD; NULL = none of its own */
	enum control_role role;
	enum verb_words words;
	unsigned flags;       /* enum verb_flag */
	const char *synopsis; /* "[NAME ...]", after the name */
	const char *options;  /* its own options, "-f -n N --since TIME"; NULL = none */
	const char *help;     /* one sentence, no full stop */
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* NULL when there is none. */
const struct verb *verb_find(const char *name);
const struct verb *verb_find_method(const char *method);
