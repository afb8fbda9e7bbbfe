/* SPDX-License-Identifier: MIT */
/* reload: the plan, what became of it; and the programs' own reload. */
#include <string.h>

#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/progress.h"

/* what has been printed of the replies so far */
struct plan {
	struct ctl *ctl;
	bool is_told;
};

static enum ink action_ink(const char *action)
{
	if (strcmp(action, "stop") == 0)
		return INK_BAD;
	if (strcmp(action, "add") == 0 || strcmp(action, "start") == 0)
		return INK_GOOD;
	return INK_BUSY;
}

/* "command: 'a' -> 'b'"; a value that is not there is none */
static void put_key(const struct screen *screen, const json_t *change)
{
	const json_t *old = json_object_get(change, "old"), *new = json_object_get(change, "new");
	const char *old_quote = json_is_string(old) ? "'" : "",
		   *new_quote = json_is_string(new) ? "'" : "";

	screen_put(screen, INK_PLAIN, "%s: %s%s%s -> %s%s%s", member_text(change, "key"), old_quote,
	           json_is_string(old) ? json_string_value(old) : "none", old_quote, new_quote,
	           json_is_string(new) ? json_string_value(new) : "none", new_quote);
}

/* "restart web: command: 'a' -> 'b'"; more than one key stand below each other */
static void print_change(const struct screen *screen, const json_t *change)
{
	const json_t *keys = member_array(change, "keys"), *key;
	const char *action = member_text(change, "action"),
		   *program = member_text(change, "program");
	bool is_daemon = strcmp(action, "daemon") == 0;
	size_t i;

	screen_put(screen, action_ink(action), "%s", is_daemon ? "change" : action);
	screen_put(screen, INK_STRONG, " %s", is_daemon ? "[verger]" : program);
	for (i = 0; (key = json_array_get(keys, i)); i++) {
		fputs(json_array_size(keys) == 1 ? ": " : "\n        ", stdout);
		put_key(screen, key);
	}
	putchar('\n');
}

static void complain_about(const json_t *warnings)
{
	json_t *warning;
	size_t i;

	for (i = 0; (warning = json_array_get(warnings, i)); i++)
		screen_complain("%s:%" JSON_INTEGER_FORMAT ": warning: %s",
		                member_text(warning, "file"), member_integer(warning, "line", 0),
		                member_text(warning, "text"));
}

static void print_plan(const struct ctl *ctl, const json_t *reply)
{
	json_t *changes = member_array(reply, "changes"), *change;
	json_int_t untouched = member_integer(reply, "untouched", 0);
	const char *would = ctl->arguments->dry_run ? "would be " : "";
	size_t i;

	complain_about(member_array(reply, "warnings"));
	for (i = 0; (change = json_array_get(changes, i)); i++)
		print_change(&ctl->screen, change);
	if (json_array_size(changes) == 0)
		screen_say(&ctl->screen, INK_PLAIN, "nothing %s: the configuration is as it was",
		           ctl->arguments->dry_run ? "would change" : "has changed");
	else
		screen_say(&ctl->screen, INK_FAINT,
		           "%" JSON_INTEGER_FORMAT " program%s %suntouched", untouched,
		           untouched == 1 ? "" : "s", would);
}

static void on_reply(void *context, const json_t *reply, bool is_last)
{
	struct plan *plan = context;

	/* replies on the way have no changes */
	if (plan->is_told || plan->ctl->arguments->json ||
	    (!is_last && json_array_size(member_array(reply, "changes")) == 0))
		return;
	plan->is_told = true;
	print_plan(plan->ctl, reply);
}

static json_t *reload_parameters(const struct arguments *a)
{
	json_t *parameters = json_object();

	if (a->dry_run)
		json_object_set_new(parameters, "dry_run", json_true());
	if (a->no_wait)
		json_object_set_new(parameters, "wait", json_false());
	if (a->timeout != MSEC_NEVER)
		json_object_set_new(parameters, "timeout_ms", json_integer(a->timeout));
	return parameters;
}

static int reload_configuration(struct ctl *ctl)
{
	struct plan plan = { .ctl = ctl };
	struct progress progress;
	int status = connection_call_more(ctl, "Reload", reload_parameters(ctl->arguments));

	if (status != 0)
		return status;
	progress_init(&progress, ctl, "reload", PROGRESS_WITH_ADVICE);
	status = progress_follow(&progress, on_reply, &plan);
	progress_release(&progress);
	return status;
}

static int reload_programs(struct ctl *ctl)
{
	json_t *parameters = connection_parameters(ctl, 0);
	struct progress progress;
	int status;

	if (!parameters)
		return EXIT_USAGE;
	status = connection_call_more(ctl, "ReloadProgram", parameters);
	if (status != 0)
		return status;
	progress_init(&progress, ctl, "reload", PROGRESS_WITHOUT_ADVICE);
	status = progress_follow(&progress, NULL, NULL);
	progress_release(&progress);
	return status;
}

int reload_run(struct ctl *ctl)
{
	int status;

	if (ctl->arguments->dry_run && ctl->arguments->word_count > 0) {
		screen_complain(
			"reload: --dry-run is for the configuration, not for a program's own "
			"reload");
		return EXIT_USAGE;
	}
	status = connection_open(ctl);
	if (status != 0)
		return status;
	return ctl->arguments->word_count > 0 ? reload_programs(ctl) : reload_configuration(ctl);
}
