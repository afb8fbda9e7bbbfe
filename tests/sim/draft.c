/* SPDX-License-Identifier: MIT */
/* The draft and its stage. */
#include "sim/draft.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sim/casting.h"

enum { MEMBERS_MAX = 8 };

struct stage stage;
struct settings *draft;

struct program_settings *draft_add(const char *name)
{
	struct program_settings *p = casting_add(draft, name);

	p->restart_jitter_percent = 0;
	return p;
}

void draft_plain(const char *names)
{
	draft = casting_new(MEMBERS_MAX);
	while (*names) {
		size_t length = strcspn(names, " ");
		char name[32];

		snprintf(name, sizeof name, "%.*s", (int)length, names);
		draft_add(name);
		names += length + (names[length] == ' ');
	}
}

void draft_pair(void)
{
	draft_plain("db web");
	casting_requires(draft, &draft->programs[1], &draft->programs[0], CONDITION_READY);
}

struct program_settings *drafted(const char *name)
{
	for (size_t i = 0; i < draft->program_count; i++)
		if (!strcmp(draft->programs[i].name, name))
			return &draft->programs[i];
	ck_abort_msg("%s is not in the draft", name);
	return NULL;
}

void open_running(void)
{
	stage_open(&stage, draft);
	stage_boot_all(&stage);
	stage_until(&stage, 5000);
}

uint32_t id(const char *name)
{
	return stage_find(&stage, name);
}

enum life_state state_of(const char *name)
{
	return stage_status(&stage, id(name)).state;
}

const char *command_of(const char *name)
{
	return stage.settings->programs[id(name)].command[0];
}

void expect_no_past(void)
{
	ck_assert_ptr_null(stage.settings->past);
}
