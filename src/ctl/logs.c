/* SPDX-License-Identifier: MIT */
/* logs: what programs wrote last, and what they write. */
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/names.h"
#include "ctl/stream.h"

enum { REOPEN_LOOK_MS = 10 };

struct lines {
	struct ctl *ctl;
	json_t *inks;  /* by name of program; empty when there is but one, and no prefix */
	size_t widest; /* name */
};

static void put_prefix(const struct lines *l, const char *program)
{
	json_int_t ink = json_integer_value(json_object_get(l->inks, program));

	if (json_object_size(l->inks) == 0)
		return;
	screen_put(&l->ctl->screen, (enum ink)(INK_NAMES + ink), "%-*s", (int)l->widest, program);
	screen_put(&l->ctl->screen, INK_FAINT, " | ");
}

/* As it was written, unless a terminal would obey what is in it. */
static void put_line(const struct lines *l, const json_t *line)
{
	if (l->ctl->screen.is_terminal) {
		screen_say(&l->ctl->screen, INK_PLAIN, "%s", json_string_value(line));
		return;
	}
	fwrite(json_string_value(line), 1, json_string_length(line), stdout);
	putchar('\n');
}

static void print_reply(const struct lines *l, const json_t *reply)
{
	const char *program = member_text(reply, "program"), *note = member_text(reply, "note");
	const json_t *lines = member_array(reply, "lines"), *line;
	size_t i;

	if (l->ctl->arguments->json) {
		connection_print_json(l->ctl, reply);
		return;
	}
	for (i = 0; (line = json_array_get(lines, i)); i++) {
		if (!json_is_string(line))
			continue;
		put_prefix(l, program);
		put_line(l, line);
	}
	if (*note)
		screen_complain("%s%s%s", program, *program ? ": " : "", note);
}

static int follow(struct lines *l, struct stream *stream)
{
	for (;;) {
		json_t *reply = NULL;
		int news = stream_next(stream, &reply, -1);

		if (news < 0)
			return connection_explain(l->ctl, news);
		if (reply)
			print_reply(l, reply);
		json_decref(reply);
		if (news == STREAM_LAST)
			return EXIT_DONE;
		if (news == STREAM_SUSPENDED)
			stream_suspend(stream);
		/* Ctrl-C is how -f is meant to end */
		if (news == STREAM_INTERRUPTED)
			return stream->signo == SIGINT ? EXIT_DONE : stream_exit_status(stream);
	}
}

/* A prefix for each line when there are several programs. */
static int find_programs(struct lines *l)
{
	enum { INKS = INK_COUNT - INK_NAMES };
	json_t *programs, *program;
	size_t i;
	int status = names_ask(l->ctl, "name", &programs);

	if (status != 0)
		return status;
	l->widest = names_widest(programs);
	if (json_array_size(programs) > 1)
		for (i = 0; (program = json_array_get(programs, i)); i++)
			json_object_set_new(l->inks, member_text(program, "name"),
			                    json_integer((json_int_t)(i % INKS)));
	json_decref(programs);
	return 0;
}

static int ask(struct ctl *ctl)
{
	json_t *parameters = connection_parameters(ctl, 0);

	if (!parameters)
		return EXIT_USAGE;
	if (ctl->arguments->lines != LINES_UNSAID)
		json_object_set_new(parameters, "lines", json_integer(ctl->arguments->lines));
	if (ctl->arguments->follow)
		json_object_set_new(parameters, "follow", json_true());
	return connection_call_more(ctl, "Logs", parameters);
}

static int print_lines(struct ctl *ctl)
{
	struct lines lines = { .ctl = ctl, .inks = json_object() };
	struct stream stream;
	int status = find_programs(&lines);

	if (status == 0)
		status = ask(ctl);
	if (status == 0)
		status = stream_init(&stream, ctl);
	if (status == 0) {
		status = follow(&lines, &stream);
		stream_release(&stream);
	}
	json_decref(lines.inks);
	return status;
}

/* The files are open when this has succeeded: whoever rotates may pack the old ones then. */
static int reopen(struct ctl *ctl)
{
	msec_t until = clock_monotonic_ms() + CONNECTION_PATIENCE_MS;
	json_t *parameters = json_object();

	for (;;) {
		json_t *reply = NULL;
		int status = connection_call(ctl, "ReopenLogs", parameters, &reply);
		json_int_t pending = json_integer_value(json_object_get(reply, "pending"));

		json_decref(reply);
		if (status != 0 || pending == 0)
			return status;
		if (clock_monotonic_ms() >= until) {
			screen_complain("%d log files are not open again yet; a disk may hang",
			                (int)pending);
			return EXIT_TIMED_OUT;
		}
		poll(NULL, 0, REOPEN_LOOK_MS);
		parameters = json_pack("{s:b}", "only_ask", 1);
	}
}

int logs_run(struct ctl *ctl)
{
	int status;

	if (ctl->arguments->reopen && (ctl->arguments->follow || ctl->arguments->word_count > 0)) {
		screen_complain(
			"logs --reopen is for all log files at once, and takes neither names "
			"nor -f");
		return EXIT_USAGE;
	}
	status = connection_open(ctl);
	if (status != 0)
		return status;
	return ctl->arguments->reopen ? reopen(ctl) : print_lines(ctl);
}
