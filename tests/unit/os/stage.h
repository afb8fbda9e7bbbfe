/* SPDX-License-Identifier: MIT */
/* Where tests of processes take place: a loop with reaper and families, programs played by puppets,
 * and notes of all that was told.  Nothing that a test starts outlives the test program. */
#pragma once

#include <check.h>
#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/family.h"
#include "os/hook.h"
#include "os/probe.h"
#include "os/reaper.h"

enum { STAGE_PROGRAMS_MAX = 256, STAGE_PATH_MAX = 128 };

struct stage_notes {
	pid_t pid;             /* of the main process last started */
	int before_count;      /* calls of before_reap */
	bool zombie_was_there; /* at each of them */
	int exit_count, empty_count;
	struct reaper_exit exit; /* the last */
};

struct stage {
	struct ev_loop *loop;
	struct probe probe;
	struct settings settings;
	struct program_settings programs[STAGE_PROGRAMS_MAX];
	struct reaper *reaper;
	struct families *families;
	struct stage_notes notes[STAGE_PROGRAMS_MAX];
	struct hooks *hooks; /* the test's, if it has some; told of orphans */
	/* asked about every other orphan; NULL = nobody's */
	bool (*claim_orphan)(struct stage *s, const struct reaper_exit *exit);
	size_t exit_count, orphan_count, hook_exit_count, settled_count;
	int life_fd; /* reads end-of-file when no process started here is left */
	int life_write_fd;
	char directory[64]; /* for files; goes with the stage */
	const char *(*choose_mark)(struct stage *s, uint32_t program); /* NULL = family_mark */
};

/* Runs a suite as a test program does: CK_RUN_CASE is heard, no checks at all is a failure, and
 * whatever processes failed tests have left are killed.  Turns into a puppet when called as one. */
int stage_main(int argc, char **argv, Suite *(*make_suite)(void));

/* What the kernel offers decides unless VERGER_CGROUP, VERGER_PIDFD are set. */
void stage_open(struct stage *s, size_t program_count);
void stage_close(struct stage *s);

/* As a reload does: more of them, in another place. */
void stage_add_programs(struct stage *s, size_t count);

/* Starts a puppet as main process of `program`; the words are one text, blank-separated, where %s
 * stands for the directory. */
pid_t stage_start(struct stage *s, uint32_t program, const char *words);
/* The same without telling the reaper. */
pid_t stage_spawn(struct stage *s, uint32_t program, const char *words);

/* A path in the directory; valid until the next call but one. */
const char *stage_path(struct stage *s, const char *name);

/* Runs the loop until `done` says yes.  False: not within `ms`. */
bool stage_run_until(struct stage *s, bool (*done)(struct stage *s), int ms);

/* Runs the loop for a while. */
void stage_run(struct stage *s, int ms);

/* Whether there comes a while in which the loop does nothing at all (I1).  What has to be done
 * once, however late on a busy machine, may be done before. */
bool stage_comes_to_rest(struct stage *s);

/* Makes a file: what puppets with `await` wait for. */
void stage_touch(struct stage *s, const char *name);

/* Waits for a file to be there; the puppets' way to say that they are ready. */
void stage_await_file(struct stage *s, const char *name);

/* Whether a process started here is still alive. */
bool stage_anybody_lives(struct stage *s);

/* Number of our children, zombies included. */
size_t stage_child_count(void);
