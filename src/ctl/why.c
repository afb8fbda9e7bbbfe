/* SPDX-License-Identifier: MIT */
/* why: all that explains the state of one program, on a page. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/moment.h"

static void print_title(const struct screen *screen, const char *title)
{
	putchar('\n');
	screen_say(screen, INK_STRONG, "%s", title);
}

/* "web  failed  for 3m 2s" */
static void print_state(const struct screen *screen, const json_t *program)
{
	const char *state = member_text(program, "state"), *since = member_text(program, "since");
	int64_t now = clock_realtime_us(), then = moment_parse(since);
	char age[MOMENT_SIZE], at[MOMENT_SIZE];

	screen_put(screen, INK_STRONG, "%s", member_text(program, "name"));
	fputs("  ", stdout);
	screen_put(screen, screen_state_ink(state), "%s", state);
	if (then > 0)
		screen_put(screen, INK_FAINT, "  for %s, since %s",
		           moment_format_age((now - then) / 1000, age),
		           moment_format(since, now, at));
	putchar('\n');
}

static void print_fact(const struct screen *screen, const char *label, const char *text)
{
	if (!*text)
		return;
	screen_put(screen, INK_FAINT, "  %-10s ", label);
	screen_say(screen, INK_PLAIN, "%s", text);
}

static void print_number(const struct screen *screen, const char *label, json_int_t number)
{
	if (number <= 0)
		return;
	screen_put(screen, INK_FAINT, "  %-10s ", label);
	screen_say(screen, INK_PLAIN, "%" JSON_INTEGER_FORMAT, number);
}

static void print_program(const struct screen *screen, const json_t *program)
{
	print_state(screen, program);
	print_fact(screen, "reason", member_text(program, "reason"));
	print_fact(screen, "waits for", member_text(program, "waits_for"));
	print_number(screen, "PID", member_integer(program, "pid", 0));
	print_fact(screen, "PID file", member_text(program, "pidfile"));
	print_number(screen, "restarts", member_integer(program, "restarts", 0));
	if (member_is_true(program, "pending"))
		print_fact(screen, "note",
		           "the file says something else by now, which takes effect "
		           "at its next start");
	if (member_is_true(program, "removed"))
		print_fact(screen, "note",
		           "it is no longer in the configuration and goes away when "
		           "it has stopped");
}

/* What an end was, when vergerd has no words for it. */
static const char *describe_end(const json_t *end, struct text *out)
{
	const char *signal = member_text(end, "signal"), *error = member_text(end, "error");

	if (*error)
		text_add_string(out, error);
	else if (*signal)
		text_add_format(out, "was killed by %s%s", signal,
		                member_is_true(end, "core") ? " (core dumped)" : "");
	else
		text_add_format(out, "exited with status %" JSON_INTEGER_FORMAT,
		                member_integer(end, "code", 0));
	return text_get(out);
}

static enum ink end_ink(const json_t *end)
{
	bool is_bad = *member_text(end, "signal") || *member_text(end, "error") ||
	              member_integer(end, "code", 0) != 0;

	return is_bad && !member_is_true(end, "asked") ? INK_BAD : INK_PLAIN;
}

static void print_end(const struct screen *screen, const json_t *end)
{
	const char *meaning = member_text(end, "meaning");
	msec_t uptime = member_integer(end, "uptime_ms", -1);
	char at[MOMENT_SIZE], age[MOMENT_SIZE] = "";
	struct text words;

	text_init(&words, 4096);
	if (uptime >= 0)
		moment_format_age(uptime, age);
	screen_put(screen, INK_FAINT, "  %s  ",
	           moment_format(member_text(end, "at"), clock_realtime_us(), at));
	screen_put(screen, end_ink(end), "%s", describe_end(end, &words));
	if (*age)
		screen_put(screen, INK_FAINT, " after %s", age);
	if (member_is_true(end, "asked"))
		screen_put(screen, INK_FAINT, ", as asked for");
	if (*meaning)
		screen_put(screen, INK_PLAIN, ": %s", meaning);
	putchar('\n');
	text_release(&words);
}

static void print_ends(const struct screen *screen, const json_t *ends)
{
	json_t *end;
	size_t i;

	if (json_array_size(ends) == 0)
		return;
	print_title(screen, "last ends, newest first");
	for (i = 0; (end = json_array_get(ends, i)); i++)
		print_end(screen, end);
}

static void print_lines(const struct screen *screen, const char *title, const json_t *lines,
                        const char *bullet)
{
	json_t *line;
	size_t i;

	if (json_array_size(lines) == 0)
		return;
	print_title(screen, title);
	for (i = 0; (line = json_array_get(lines, i)); i++)
		screen_say(screen, INK_PLAIN, "  %s%s", bullet,
		           json_is_string(line) ? json_string_value(line) : "");
}

static void print_output(const struct screen *screen, const json_t *reply)
{
	const char *from = member_text(reply, "output_from");
	struct text title;

	text_init(&title, 8192);
	text_add_format(&title, "last output%s%s%s", *from ? " (" : "", from, *from ? ")" : "");
	print_lines(screen, text_get(&title), member_array(reply, "output"), "");
	text_release(&title);
}

static void print_page(const struct screen *screen, const json_t *reply)
{
	print_program(screen, json_object_get(reply, "program"));
	print_lines(screen, "processes", member_array(reply, "processes"), "");
	print_ends(screen, member_array(reply, "ends"));
	print_output(screen, reply);
	print_lines(screen, "what to do", member_array(reply, "advice"), "- ");
}

int why_run(struct ctl *ctl)
{
	json_t *parameters = connection_with_text(json_object(), "name", ctl->arguments->words[0]);
	int status = EXIT_USAGE;
	json_t *reply;

	if (parameters)
		status = connection_open(ctl);
	if (status != 0) {
		json_decref(parameters);
		return status;
	}
	status = connection_call(ctl, "Why", parameters, &reply);
	if (status != 0)
		return status;
	if (ctl->arguments->json)
		connection_print_json(ctl, reply);
	else
		print_page(&ctl->screen, reply);
	json_decref(reply);
	return EXIT_DONE;
}
