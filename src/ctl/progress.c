/* SPDX-License-Identifier: MIT */
#include "ctl/progress.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/connection.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/moment.h"
#include "ctl/stream.h"

#define PAINT_MAX ((size_t)4 * 1024 * 1024)
enum { SECOND_MS = 1000, LINES_AROUND = 2, TOLD_MAX = 20 };

void progress_init(struct progress *p, struct ctl *ctl, const char *verb,
                   enum progress_advice advice)
{
	*p = (struct progress){ .ctl = ctl,
		                .verb = verb,
		                .advice = advice,
		                .outcomes = json_object(),
		                .started = clock_monotonic_ms() };
}

void progress_release(struct progress *p)
{
	json_decref(p->outcomes);
	p->outcomes = NULL;
}

void progress_add(struct progress *p, const json_t *outcomes)
{
	json_t *outcome;
	size_t i;

	for (i = 0; (outcome = json_array_get(outcomes, i)); i++)
		json_object_set(p->outcomes, member_text(outcome, "name"), outcome);
}

static bool is_result(const json_t *outcome, const char *result)
{
	return strcmp(member_text(outcome, "result"), result) == 0;
}

static size_t widest_name(json_t *outcomes)
{
	size_t widest = 0;

	for (void *at = json_object_iter(outcomes); at; at = json_object_iter_next(outcomes, at)) {
		size_t size = strlen(json_object_iter_key(at));

		if (size > widest)
			widest = size;
	}
	return widest < 40 ? widest : 40;
}

/* The columns that a line may still take; a line that wraps could not be painted over. */
static void add_reason(const struct screen *screen, struct text *out, const char *reason,
                       size_t room)
{
	if (room < 8 || !*reason)
		return;
	if (strlen(reason) <= room)
		screen_add(screen, out, INK_PLAIN, "%s", reason);
	else
		screen_add(screen, out, INK_PLAIN, "%.*s...", (int)room - 3, reason);
}

static void add_line(const struct progress *p, struct text *out, const json_t *outcome,
                     size_t names, size_t width)
{
	const char *state = member_text(outcome, "state");
	const struct screen *screen = &p->ctl->screen;
	char age[MOMENT_SIZE];
	size_t used;

	used = screen_add(screen, out, INK_PLAIN, "%-*s  ", (int)names,
	                  member_text(outcome, "name"));
	used += screen_add(screen, out, screen_state_ink(state), "%-8s", state);
	if (is_result(outcome, "pending"))
		used += screen_add(screen, out, INK_FAINT, "  %s",
		                   moment_format_age(clock_monotonic_ms() - p->started, age));
	used += screen_add(screen, out, INK_PLAIN, "  ");
	if (!is_result(outcome, "done"))
		add_reason(screen, out, member_text(outcome, "reason"),
		           used + 1 < width ? width - used - 1 : 0);
	text_add_char(out, '\n');
}

/* Who is not there yet comes first when there is not room for all. */
static void paint_all(struct progress *p, struct text *out)
{
	size_t names = widest_name(p->outcomes), total = json_object_size(p->outcomes), left;
	unsigned columns, rows;
	bool is_crowded;

	screen_size(&columns, &rows);
	left = rows > LINES_AROUND + 1 ? rows - LINES_AROUND : 1;
	is_crowded = total > left;
	p->painted = 0;
	for (void *at = json_object_iter(p->outcomes); at;
	     at = json_object_iter_next(p->outcomes, at)) {
		const json_t *outcome = json_object_iter_value(at);

		if (p->painted >= left || (is_crowded && is_result(outcome, "done")))
			continue;
		add_line(p, out, outcome, names, columns);
		p->painted++;
	}
	if (!is_crowded)
		return;
	screen_add(&p->ctl->screen, out, INK_FAINT, "and %zu more", total - p->painted);
	text_add_char(out, '\n');
	p->painted++;
}

void progress_clear(struct progress *p)
{
	if (p->painted > 0)
		printf("\033[%uA\033[J", p->painted);
	p->painted = 0;
}

void progress_paint(struct progress *p)
{
	struct text out;

	if (!p->ctl->screen.is_terminal || p->ctl->arguments->json)
		return;
	text_init(&out, PAINT_MAX);
	progress_clear(p);
	paint_all(p, &out);
	fputs(text_get(&out), stdout);
	text_release(&out);
}

/* "web: start failed: REASON; NEXT STEP" */
static void complain_about(const struct progress *p, const json_t *outcome)
{
	const char *name = member_text(outcome, "name"), *reason = member_text(outcome, "reason");
	bool is_timed_out = is_result(outcome, "timed_out");
	const char *what = is_timed_out ? "timed out" : "failed";

	if (!*reason)
		reason = member_text(outcome, "state");
	if (p->advice == PROGRESS_WITHOUT_ADVICE)
		screen_complain("%s: %s %s: %s", name, p->verb, what, reason);
	else if (is_timed_out)
		screen_complain("%s: %s %s: %s; vergerd goes on with it: vergerctl status %s", name,
		                p->verb, what, reason, name);
	else
		screen_complain("%s: %s %s: %s; vergerctl why %s tells more", name, p->verb, what,
		                reason, name);
}

static void tell_done(const struct progress *p, const json_t *outcome)
{
	const char *state = member_text(outcome, "state");
	json_int_t pid = member_integer(outcome, "pid", 0);

	screen_put(&p->ctl->screen, INK_PLAIN, "%s: ", member_text(outcome, "name"));
	screen_put(&p->ctl->screen, screen_state_ink(state), "%s", state);
	if (pid > 0)
		screen_put(&p->ctl->screen, INK_PLAIN, " (PID %" JSON_INTEGER_FORMAT ")", pid);
	putchar('\n');
}

static void tell_all_done(const struct progress *p, size_t done)
{
	if (!p->ctl->screen.is_terminal && !p->ctl->arguments->verbose)
		return;
	if (done > TOLD_MAX && !p->ctl->arguments->verbose) {
		screen_say(&p->ctl->screen, INK_PLAIN, "%s: %zu done", p->verb, done);
		return;
	}
	for (void *at = json_object_iter(p->outcomes); at;
	     at = json_object_iter_next(p->outcomes, at)) {
		const json_t *outcome = json_object_iter_value(at);

		if (is_result(outcome, "done") || is_result(outcome, "pending"))
			tell_done(p, outcome);
	}
}

int progress_finish(struct progress *p)
{
	int status = EXIT_DONE;
	size_t done = 0;

	progress_clear(p);
	for (void *at = json_object_iter(p->outcomes); at;
	     at = json_object_iter_next(p->outcomes, at)) {
		const json_t *outcome = json_object_iter_value(at);

		if (is_result(outcome, "timed_out"))
			status = EXIT_TIMED_OUT;
		else if (is_result(outcome, "failed"))
			status = status == EXIT_DONE ? EXIT_FAILED : status;
		else
			done++;
	}
	if (p->ctl->arguments->json)
		return status;
	tell_all_done(p, done);
	for (void *at = json_object_iter(p->outcomes); at;
	     at = json_object_iter_next(p->outcomes, at)) {
		const json_t *outcome = json_object_iter_value(at);

		if (is_result(outcome, "timed_out") || is_result(outcome, "failed"))
			complain_about(p, outcome);
	}
	return status;
}

static int end_interrupted(struct progress *p, const struct stream *stream)
{
	progress_clear(p);
	screen_complain("interrupted; vergerd goes on with the %s: vergerctl status", p->verb);
	return stream_exit_status(stream);
}

static int follow(struct progress *p, struct stream *stream, progress_on_reply *on_reply,
                  void *context)
{
	for (;;) {
		json_t *reply = NULL;
		int news = stream_next(stream, &reply, SECOND_MS);

		if (news < 0) {
			progress_clear(p);
			return connection_explain(p->ctl, news);
		}
		if (reply) {
			if (on_reply) {
				progress_clear(p);
				on_reply(context, reply, news == STREAM_LAST);
			}
			progress_add(p, member_array(reply, "programs"));
			if (news == STREAM_LAST && p->ctl->arguments->json)
				connection_print_json(p->ctl, reply);
			json_decref(reply);
		}
		if (news == STREAM_LAST)
			return progress_finish(p);
		if (news == STREAM_INTERRUPTED)
			return end_interrupted(p, stream);
		if (news == STREAM_SUSPENDED)
			stream_suspend(stream);
		progress_paint(p);
	}
}

int progress_follow(struct progress *p, progress_on_reply *on_reply, void *context)
{
	struct stream stream;
	int status = stream_init(&stream, p->ctl);

	if (status != 0)
		return status;
	status = follow(p, &stream, on_reply, context);
	stream_release(&stream);
	return status;
}
