/* SPDX-License-Identifier: MIT */
/* Holds the table to its promises and writes docs/reference/lifecycle.md from it. */
#include "core/lifecycle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "unit/suite.h"

enum { PAGE_MAX = 1 << 20 };

static const char *const state_meanings[LIFE_STATE_COUNT] = {
	[LIFE_STOPPED] = "Not wanted; nothing of it is there.",
	[LIFE_WAITING] = "Wanted; starts as soon as what it depends on is there.",
	[LIFE_SPAWNING] = "Handed to the system; the answer is not back.",
	[LIFE_STARTING] = "Its process is there but not ready yet.",
	[LIFE_LAUNCHED] =
		"`type = forking`: the launcher is done, the daemon it left is looked for.",
	[LIFE_RUNNING] = "It serves.",
	[LIFE_STOPPING] = "It was told to stop; the main process is still there.",
	[LIFE_CLEARING] = "The main process is gone; others of its family are told to stop.",
	[LIFE_KILLING] = "The grace is over; everything of it is being killed.",
	[LIFE_BACKOFF] = "It ended too soon and waits for its next start.",
	[LIFE_EXITED] = "It ended for good by itself, well.",
	[LIFE_FAILED] = "It ended for good, badly.",
};

static const char *const event_meanings[LIFE_EVENT_COUNT] = {
	[LIFE_ON_WANT_UP] = "somebody wants it up",
	[LIFE_ON_WANT_DOWN] = "it is to go, and nobody needs it any more",
	[LIFE_ON_CONDITIONS_MET] = "what it depends on is there",
	[LIFE_ON_SPAWNED] = "its process is there, not ready yet",
	[LIFE_ON_SPAWNED_READY] = "its process is there, and that is all it takes",
	[LIFE_ON_SPAWNED_UNWANTED] = "its process is there, but a stop came in between",
	[LIFE_ON_SPAWN_RETRY] = "it could not be started: again later",
	[LIFE_ON_SPAWN_RETRY_NOW] = "it could not be started: again at once",
	[LIFE_ON_SPAWN_GIVE_UP] = "it could not be started once too often",
	[LIFE_ON_SPAWN_UNWANTED] = "it could not be started and need not be",
	[LIFE_ON_LAUNCHED] = "the launcher of a daemon ended well",
	[LIFE_ON_READY] = "it is ready; the daemon was found",
	[LIFE_ON_EXITED] = "the main process ended",
	[LIFE_ON_LEFT] = "others of it are left, whom nobody has told to stop",
	[LIFE_ON_LEFT_TOLD] = "others of it are left, in the middle of a stop",
	[LIFE_ON_UNTOLD] = "the `stop_command` could not be run, so that nobody was told",
	[LIFE_ON_TIMEOUT] = "the deadline of the state is reached",
	[LIFE_ON_STEP] = "the grace of a stop step is over, and there is another step",
	[LIFE_ON_KILL_NOW] = "there is no more grace",
	[LIFE_ON_GONE_STOPPED] = "nothing is left: as asked for",
	[LIFE_ON_GONE_AGAIN] = "nothing is left: start at once",
	[LIFE_ON_GONE_BACKOFF] = "nothing is left: start after a delay",
	[LIFE_ON_GONE_EXITED] = "nothing is left: ended well for good",
	[LIFE_ON_GONE_FAILED] = "nothing is left: ended badly for good",
};

struct action {
	unsigned bit;
	const char *name, *meaning;
};

static const struct action action_list[] = {
	{ LIFE_DO_DISARM, "disarm", "take back the deadline" },
	{ LIFE_DO_NAME_LEFTOVERS, "name leftovers", "log the processes that are still there (S4)" },
	{ LIFE_DO_SPAWN, "spawn", "start the process" },
	{ LIFE_DO_ARM_READY, "arm ready", "deadline: `ready_timeout`" },
	{ LIFE_DO_ARM_BACKOFF, "arm back-off", "deadline: the delay before the next start (R2)" },
	{ LIFE_DO_BEGIN_STOP, "begin stop",
	  "`stop_command`, or the first signal of `stop_signal`; its grace is the deadline" },
	{ LIFE_DO_NEXT_STEP, "next step", "the next signal; its grace is the deadline" },
	{ LIFE_DO_REPEAT_STEP, "repeat step", "the signal of this step, and its grace anew" },
	{ LIFE_DO_TELL_LEFT, "tell the rest",
	  "the signal of this step to those who have not had it; the grace goes on" },
	{ LIFE_DO_FIND_MAIN, "find daemon", "look for the daemon" },
	{ LIFE_DO_WATCH_FAMILY, "watch family", "tell when no process of it is left (S3)" },
	{ LIFE_DO_SWEEP, "sweep", "kill everything of it until nothing is left (S3)" },
};

/* --- the table --- */

START_TEST(every_cell_is_decided)
{
	struct text undecided;

	text_init(&undecided, PAGE_MAX);
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		for (int event = 0; event < LIFE_EVENT_COUNT; event++)
			if (lifecycle_rule(state, event)->verdict == LIFE_UNDECIDED)
				text_add_format(&undecided, " %s×%s", life_state_symbol(state),
				                life_event_symbol(event));
	ck_assert_msg(undecided.size == 0, "undecided:%s", text_get(&undecided));
	text_release(&undecided);
}
END_TEST

START_TEST(every_state_and_event_has_names_and_a_meaning)
{
	static const char *const public_names[] = { "stopped",  "waiting", "starting", "running",
		                                    "stopping", "backoff", "exited",   "failed" };

	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(public_names); i++)
			known |= !strcmp(life_state_name(state), public_names[i]);
		ck_assert_msg(known, "'%s' is no name of config.md", life_state_name(state));
		ck_assert_ptr_nonnull(life_state_symbol(state));
		ck_assert_ptr_nonnull(state_meanings[state]);
	}
	for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
		ck_assert_ptr_nonnull(life_event_symbol(event));
		ck_assert_ptr_nonnull(event_meanings[event]);
	}
}
END_TEST

START_TEST(an_impossible_cell_does_nothing_and_a_go_goes_elsewhere)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			if (rule->verdict == LIFE_IMPOSSIBLE)
				ck_assert_uint_eq(rule->actions, 0);
			if (rule->verdict == LIFE_GO)
				ck_assert_int_ne(rule->next, state);
		}
	}
}
END_TEST

START_TEST(every_state_can_be_reached_from_stopped_and_leads_back)
{
	bool from[LIFE_STATE_COUNT][LIFE_STATE_COUNT] = { 0 };

	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		for (int event = 0; event < LIFE_EVENT_COUNT; event++)
			if (lifecycle_rule(state, event)->verdict == LIFE_GO)
				from[state][lifecycle_rule(state, event)->next] = true;
	for (int via = 0; via < LIFE_STATE_COUNT; via++)
		for (int a = 0; a < LIFE_STATE_COUNT; a++)
			for (int b = 0; b < LIFE_STATE_COUNT; b++)
				from[a][b] |= from[a][via] && from[via][b];
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		ck_assert_msg(from[LIFE_STOPPED][state], "%s is out of reach",
		              life_state_symbol(state));
		ck_assert_msg(from[state][LIFE_STOPPED], "%s is a trap", life_state_symbol(state));
	}
}
END_TEST

START_TEST(a_start_or_stop_can_be_asked_for_in_every_state)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		ck_assert_int_ne(lifecycle_rule(state, LIFE_ON_WANT_UP)->verdict, LIFE_IMPOSSIBLE);
		ck_assert_int_ne(lifecycle_rule(state, LIFE_ON_WANT_DOWN)->verdict,
		                 LIFE_IMPOSSIBLE);
		ck_assert_int_ne(lifecycle_rule(state, LIFE_ON_KILL_NOW)->verdict, LIFE_IMPOSSIBLE);
	}
}
END_TEST

START_TEST(only_waiting_leads_to_a_spawn) /* S3: never beside something of the life before */
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			if (rule->actions & LIFE_DO_SPAWN)
				ck_assert(state == LIFE_WAITING && rule->next == LIFE_SPAWNING);
			if (rule->verdict == LIFE_GO && rule->next == LIFE_SPAWNING)
				ck_assert(rule->actions & LIFE_DO_SPAWN);
		}
	}
}
END_TEST

START_TEST(a_process_is_forgotten_only_when_its_family_is_gone) /* S3 */
{
	for (int state = LIFE_STARTING; state < LIFE_BACKOFF; state++) {
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			if (rule->verdict == LIFE_GO && !life_state_is_active(rule->next))
				ck_assert_msg(event >= LIFE_ON_GONE_STOPPED, "%s×%s",
				              life_state_symbol(state), life_event_symbol(event));
		}
	}
}
END_TEST

START_TEST(a_state_that_waits_for_a_deadline_is_entered_with_one) /* S6 */
{
	static const struct {
		enum life_state state;
		unsigned arms;
	} waits[] = {
		{ LIFE_STARTING, LIFE_DO_ARM_READY },
		{ LIFE_STOPPING, LIFE_DO_BEGIN_STOP },
		{ LIFE_KILLING, LIFE_DO_SWEEP },
		{ LIFE_BACKOFF, LIFE_DO_ARM_BACKOFF },
	};

	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
				if (rule->verdict == LIFE_GO && rule->next == waits[i].state)
					ck_assert_msg(rule->actions & waits[i].arms, "%s×%s",
					              life_state_symbol(state),
					              life_event_symbol(event));
		}
	}
}
END_TEST

START_TEST(no_deadline_is_carried_into_a_state_that_has_none) /* S6 */
{
	static const unsigned arms = LIFE_DO_ARM_READY | LIFE_DO_ARM_BACKOFF | LIFE_DO_BEGIN_STOP |
	                             LIFE_DO_NEXT_STEP | LIFE_DO_SWEEP | LIFE_DO_DISARM;
	/* STOPPING's grace goes on in CLEARING, the time to become ready in LAUNCHED */
	static const enum life_state armed[] = { LIFE_STARTING, LIFE_LAUNCHED, LIFE_BACKOFF };

	for (size_t i = 0; i < ARRAY_SIZE(armed); i++) {
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(armed[i], event);

			if (rule->verdict != LIFE_GO || event == LIFE_ON_TIMEOUT ||
			    rule->next == LIFE_LAUNCHED)
				continue;
			ck_assert_msg(rule->actions & arms, "%s×%s", life_state_symbol(armed[i]),
			              life_event_symbol(event));
		}
	}
}
END_TEST

START_TEST(settled_and_active_exclude_each_other)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		ck_assert(!(life_state_is_settled(state) && life_state_is_active(state)));
}
END_TEST

/* --- the page --- */

static void write_states(struct text *page)
{
	text_add_string(page, "## States\n\n"
	                      "The name is what status and log show; the symbol is what the table "
	                      "and the traces of the tests use.\n\n"
	                      "| symbol | shown as | meaning | a process may be there | rests |\n"
	                      "|---|---|---|---|---|\n");
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		text_add_format(page, "| %s | `%s` | %s | %s | %s |\n", life_state_symbol(state),
		                life_state_name(state), state_meanings[state],
		                life_state_is_active(state) ? "yes" : "",
		                life_state_is_settled(state) ? "yes" : "");
}

static void write_actions(struct text *page, unsigned actions)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(action_list); i++) {
		if (!(actions & action_list[i].bit))
			continue;
		text_add_format(page, "%s%s", separator, action_list[i].name);
		separator = ", ";
		actions &= ~action_list[i].bit;
	}
	ck_assert_msg(actions == 0, "action %#x is not in the list", actions);
}

static void write_moves(struct text *page)
{
	text_add_string(page, "\n## What leads where\n\n"
	                      "State by state: what changes it, where it goes, and what is done on "
	                      "the way.  What is not listed leaves\nthe state as it is, or cannot "
	                      "happen there; the matrix below tells the two apart.\n");
	for (int state = 0; state < LIFE_STATE_COUNT; state++) {
		text_add_format(
			page, "\n### %s\n\n%s\n\n| when | it becomes | and does |\n|---|---|---|\n",
			life_state_symbol(state), state_meanings[state]);
		for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			if (rule->verdict != LIFE_GO && !rule->actions)
				continue;
			text_add_format(page, "| %s | %s | ", event_meanings[event],
			                rule->verdict == LIFE_GO ? life_state_symbol(rule->next)
			                                         : "·");
			write_actions(page, rule->actions);
			text_add_string(page, " |\n");
		}
	}
}

static void write_matrix(struct text *page)
{
	text_add_string(page, "\n## The whole table\n\n"
	                      "A state: it goes there.  `·`: it stays, and acts if the lists above "
	                      "say so.  Empty: this cannot happen; if it does\nit is logged as a "
	                      "fault of vergerd and changes nothing.\n\n| |");
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		text_add_format(page, " %s |", life_state_symbol(state));
	text_add_string(page, "\n|---|");
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		text_add_string(page, "---|");
	for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
		text_add_format(page, "\n| %s |", life_event_symbol(event));
		for (int state = 0; state < LIFE_STATE_COUNT; state++) {
			const struct life_rule *rule = lifecycle_rule(state, event);

			text_add_format(page, " %s |",
			                rule->verdict == LIFE_GO     ? life_state_symbol(rule->next)
			                : rule->verdict == LIFE_STAY ? "·"
			                                             : "");
		}
	}
	text_add_char(page, '\n');
}

static void write_words(struct text *page)
{
	text_add_string(page, "\n## Events\n\n| symbol | meaning |\n|---|---|\n");
	for (int event = 0; event < LIFE_EVENT_COUNT; event++)
		text_add_format(page, "| %s | %s |\n", life_event_symbol(event),
		                event_meanings[event]);
	text_add_string(page, "\n## Actions\n\nIn the order in which one transition does them.\n\n"
	                      "| action | meaning |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(action_list); i++)
		text_add_format(page, "| %s | %s |\n", action_list[i].name, action_list[i].meaning);
}

static void write_page(struct text *page)
{
	text_init(page, PAGE_MAX);
	text_add_string(
		page,
		"<!-- Written by tests/unit/core/test_lifecycle.c from src/core/lifecycle.c.  "
		"After a "
		"change of the table:\n     VERGER_UPDATE=1 ctest -R lifecycle/page -->\n"
		"# The life of a program\n\n"
		"Every program is in one of the states below, and nothing but this table changes "
		"it.  "
		"An event is what\nhappened once it is clear what it means: whether an exit was a "
		"success, one restart too many, or asked for\nis decided before, by the settings "
		"of "
		"the program (verger.ini(5)).\n\n");
	write_states(page);
	write_moves(page);
	write_matrix(page);
	write_words(page);
}

static void read_file(const char *path, struct text *content)
{
	FILE *in = fopen(path, "re");
	char block[4096];
	size_t n;

	text_init(content, PAGE_MAX);
	if (!in)
		return;
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		text_add(content, block, n);
	fclose(in);
}

static void write_file(const char *path, const struct text *content)
{
	FILE *out = fopen(path, "we");

	ck_assert_msg(out != NULL, "cannot write %s", path);
	ck_assert_uint_eq(fwrite(text_get(content), 1, content->size, out), content->size);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(the_page_in_the_manual_is_this_table)
{
	struct text page, committed;

	write_page(&page);
	if (getenv("VERGER_UPDATE"))
		write_file(LIFECYCLE_PAGE, &page);
	read_file(LIFECYCLE_PAGE, &committed);
	ck_assert_msg(!strcmp(text_get(&page), text_get(&committed)),
	              "%s is not what the table says: rewrite it with "
	              "VERGER_UPDATE=1 ctest -R lifecycle/page",
	              LIFECYCLE_PAGE);
	text_release(&page);
	text_release(&committed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lifecycle");
	TCase *table = tcase_create("table");
	TCase *page = tcase_create("page");

	tcase_add_test(table, every_cell_is_decided);
	tcase_add_test(table, every_state_and_event_has_names_and_a_meaning);
	tcase_add_test(table, an_impossible_cell_does_nothing_and_a_go_goes_elsewhere);
	tcase_add_test(table, every_state_can_be_reached_from_stopped_and_leads_back);
	tcase_add_test(table, a_start_or_stop_can_be_asked_for_in_every_state);
	tcase_add_test(table, only_waiting_leads_to_a_spawn);
	tcase_add_test(table, a_process_is_forgotten_only_when_its_family_is_gone);
	tcase_add_test(table, a_state_that_waits_for_a_deadline_is_entered_with_one);
	tcase_add_test(table, no_deadline_is_carried_into_a_state_that_has_none);
	tcase_add_test(table, settled_and_active_exclude_each_other);
	suite_add_tcase(s, table);
	tcase_add_test(page, the_page_in_the_manual_is_this_table);
	suite_add_tcase(s, page);
	return suite_run(s);
}
