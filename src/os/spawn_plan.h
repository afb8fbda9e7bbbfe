/* SPDX-License-Identifier: MIT */
/* Everything a child needs, computed before it exists: argument and environment vectors,
 * descriptors, ids, limits, paths.  The child (child.c) only carries it out. */
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"
#include "core/event.h"
#include "core/settings.h"
#include "os/pidfile.h"

struct capture;
struct rlimit;

enum { PLAN_DETAIL_MAX = 512 };

struct spawn_plan {
	const char *path;  /* resolved command; relative ones count from dir_fd; borrowed or in
	                      owned_path */
	char *const *argv; /* NULL-terminated; borrowed unless owned_argv */
	char **envp;       /* NULL-terminated array, owned; strings partly borrowed */
	int dir_fd;        /* working directory (O_PATH), owned; -1 = ours */
	int stdio[3];      /* what becomes 0, 1, 2; see owned_stdio; may be equal to each other */
	int cgroup_fd;     /* borrowed; -1 = none */
	bool changes_ids;  /* the credentials differ from ours */
	struct pidfile_target pidfile;
	const struct program_settings *program; /* borrowed: ids, limits, umask, nice … */
	const struct rlimit *nofile; /* borrowed; set before the program's own limits; or NULL */
	/* private */
	char *owned_path;
	char **owned_argv;
	struct strv owned_env; /* strings that belong to this plan */
	bool owned_stdio[3];
};

/* What spawn_plan_make needs to know of vergerd itself. */
struct spawn_surroundings {
	const struct settings *settings; /* environment for all programs, run_dir */
	char *const *environ;            /* vergerd's own */
	struct pidfile_dirs *dirs;
	const char *family; /* value of VERGER_FAMILY for this program: the mark by which its
	                       processes are known */
	int cgroup_fd;      /* -1 = none */
	int null_fd; /* /dev/null opened for reading and writing, borrowed; 0 = none: opened for
	                each plan */
	struct capture *capture; /* opens what output goes to; NULL: nothing is captured, and a file
	                            that hangs is waited for */
	uint32_t id;             /* of the program, for `capture` */
	const struct rlimit *nofile; /* RLIMIT_NOFILE for programs where vergerd has raised its own;
	                                NULL = as it is */
	/* Appends the NAME=value pairs of an environment file.  0, or negative errno (-ENOENT:
	 * there is no such file) with a sentence part in `error`, which may be left empty. */
	int (*load_env_file)(const char *path, struct strv *env, char *error, size_t error_size);
};

/* Makes a plan for one start.  0, or the step that failed (enum spawn_step) with *error a positive
 * errno and `detail` a sentence part for the log ("directory /srv/app: No such file or directory",
 * "command gunicorn: not found in PATH /usr/bin:/bin"); nothing is left open then. */
enum spawn_step spawn_plan_make(struct spawn_plan *plan, const struct program_settings *program,
                                const struct spawn_surroundings *around, int *error,
                                char detail[PLAN_DETAIL_MAX]);
void spawn_plan_release(struct spawn_plan *plan);

/* The same kind of sentence for a step that failed in the child.  Looks at the file for the errors
 * of execve that say too little: a script whose interpreter is missing (ENOENT), a script without
 * one (ENOEXEC), a file that may not be executed (EACCES). */
void spawn_plan_explain(const struct spawn_plan *plan, enum spawn_step step, int error,
                        char detail[PLAN_DETAIL_MAX]);
