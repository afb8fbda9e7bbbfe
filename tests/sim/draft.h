/* SPDX-License-Identifier: MIT */
/* Scenes with settings that change: the file is written anew for each reload, and programs are
 * found by their names. */
#pragma once

#include <stdint.h>

#include "core/lifecycle.h"
#include "core/settings.h"
#include "sim/stage.h"

/* Each test runs in a process of its own. */
extern struct stage stage;

/* The settings that are being written: those to begin with, then those to come. */
extern struct settings *draft;

/* Begins a draft of programs without relations: "db web". */
void draft_plain(const char *names);
/* The same of db, and web, which requires it. */
void draft_pair(void);

/* One more program, and one that is in the draft. */
struct program_settings *draft_add(const char *name);
struct program_settings *drafted(const char *name);

/* Puts the draft on the stage, everything running at t=5000. */
void open_running(void);

uint32_t id(const char *name);
enum life_state state_of(const char *name);
const char *command_of(const char *name);

/* Nothing of past settings is kept for anybody. */
void expect_no_past(void);
