/* SPDX-License-Identifier: MIT */
/* status: what programs do, and why. */
#include "ctl/status.h"

#include <errno.h>
#include <stdint.h>
#include <verger/client.h>

#include "base/clock.h"
#include "client/reply.h"
#include "ctl/connection.h"
#include "ctl/exits.h"

#define OUTPUT_MAX ((size_t)1024 * 1024 * 1024)

static json_t *with_fields(json_t *parameters)
{
	json_t *fields = json_array();

	for (size_t i = 0; report_fields[i]; i++)
		json_array_append_new(fields, json_string(report_fields[i]));
	json_object_set_new(parameters, "fields", fields);
	return parameters;
}

/* Asks, and reads the answer as text.  0 with the message, borrowed until the next call, and
 * *report to be released; or an exit status after it has said why not. */
static int ask(struct ctl *ctl, json_t *parameters, const char **message, size_t *size,
               struct report *report)
{
	/* `more` is how the answer can be had as text; there is but one */
	int r = verger_call_more(ctl->client, "Status", parameters);

	if (r == 0)
		r = verger_next_raw(ctl->client, message, size);
	if (r < 0)
		return connection_explain(ctl, r);
	r = report_read(report, *message, *size, clock_realtime_us());
	if (r == 0)
		return 0;
	report_release(report);
	return connection_explain(ctl, r);
}

int status_ask(struct ctl *ctl, struct report *out)
{
	json_t *parameters = connection_parameters(ctl, 0);
	const char *message = NULL;
	size_t size = 0;

	return parameters ? ask(ctl, with_fields(parameters), &message, &size, out) : EXIT_USAGE;
}

/* A summary is for people: where standard output is for a program, it goes beside it, and only when
 * there is something to tell. */
static void print_summary(const struct ctl *ctl, const struct report *report)
{
	struct text line;

	text_init(&line, OUTPUT_MAX);
	report_add_summary(report, &line);
	if (ctl->screen.is_terminal)
		screen_say(&ctl->screen, report->down ? INK_BAD : INK_FAINT, "%s", text_get(&line));
	else if (report->down || report->total == 0)
		screen_complain("%s", text_get(&line));
	text_release(&line);
}

static int print_report(const struct ctl *ctl, const struct report *report)
{
	unsigned columns = 0, rows;
	struct text out;

	if (ctl->screen.is_terminal)
		screen_size(&columns, &rows);
	text_init(&out, OUTPUT_MAX);
	report_print(report, &ctl->screen, columns, SIZE_MAX, &out);
	fwrite(text_get(&out), 1, out.size, stdout);
	text_release(&out);
	print_summary(ctl, report);
	return report->down ? EXIT_NOT_RUNNING : EXIT_DONE;
}

static int run_table(struct ctl *ctl)
{
	struct report report = { 0 };
	int status = status_ask(ctl, &report);

	if (status != 0)
		return status;
	status = print_report(ctl, &report);
	report_release(&report);
	return status;
}

/* The parameters as they came; for a terminal, in a form that cannot steer it. */
static void print_parameters(const struct ctl *ctl, const char *message, size_t size)
{
	struct reply reply;
	json_t *value;

	if (reply_scan(message, size, &reply) < 0)
		return;
	if (!ctl->screen.is_terminal) {
		fwrite(reply.parameters.text, 1, reply.parameters.size, stdout);
		putchar('\n');
		return;
	}
	value = reply_parameters(&reply);
	if (value)
		connection_print_json(ctl, value);
	json_decref(value);
}

static int run_json(struct ctl *ctl)
{
	json_t *parameters = connection_parameters(ctl, 0);
	struct report report = { 0 };
	const char *message = NULL;
	size_t size = 0;
	int status;

	if (!parameters)
		return EXIT_USAGE;
	status = ask(ctl, parameters, &message, &size, &report);
	if (status != 0)
		return status;
	print_parameters(ctl, message, size);
	status = report.down ? EXIT_NOT_RUNNING : EXIT_DONE;
	report_release(&report);
	return status;
}

int status_run(struct ctl *ctl)
{
	int status = connection_open(ctl);

	if (status != 0)
		return status;
	if (ctl->arguments->watch && ctl->screen.is_terminal)
		return watch_run(ctl);
	return ctl->arguments->json ? run_json(ctl) : run_table(ctl);
}
