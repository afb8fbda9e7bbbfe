/* SPDX-License-Identifier: MIT */
#include "ctl/report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/reply.h"
#include "client/scan.h"
#include "ctl/moment.h"

enum { STATE_SIZE = 16 };

const char *const report_fields[] = {
	"name", "state", "pid", "since", "restarts", "reason", NULL,
};

enum column { NAME, STATE, FOR, PID, RESTARTS, WHY, COLUMN_COUNT };

static const struct table_column columns[COLUMN_COUNT] = {
	[NAME] = { "PROGRAM", false }, [STATE] = { "STATE", false },      [FOR] = { "FOR", true },
	[PID] = { "PID", true },       [RESTARTS] = { "RESTARTS", true }, [WHY] = { "WHY", false },
};

/* what an answer tells about one program; strings with their quotes */
struct row {
	struct slice name, state, since, pid, restarts, reason;
};

static void keep_member(struct row *row, const struct slice *key, const struct slice *value)
{
	const struct {
		const char *key;
		struct slice *place;
	} places[] = {
		{ "name", &row->name },     { "state", &row->state },
		{ "pid", &row->pid },       { "since", &row->since },
		{ "reason", &row->reason }, { "restarts", &row->restarts },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (slice_is(key, places[i].key))
			*places[i].place = *value;
}

/* What stands between the quotes of a string, if nothing in it is escaped. */
static bool is_verbatim(const struct slice *s, struct slice *inner)
{
	*inner = (struct slice){ "", 0 };
	if (s->size < 2 || s->text[0] != '"')
		return true;
	*inner = (struct slice){ s->text + 1, s->size - 2 };
	return !memchr(inner->text, '\\', inner->size);
}

static int add_text_cell(struct table *t, enum ink ink, const struct slice *s)
{
	struct slice inner;
	json_t *value;
	int r = 0;

	if (is_verbatim(s, &inner))
		return table_add(t, ink, inner.text, inner.size);
	value = json_loadb(s->text, s->size, JSON_DECODE_ANY, NULL);
	if (json_is_string(value))
		r = table_add(t, ink, json_string_value(value), json_string_length(value));
	else
		r = -EBADMSG;
	json_decref(value);
	return r;
}

static int add_number_cell(struct table *t, const struct slice *s, const char *otherwise)
{
	return s->size > 0 ? table_add(t, INK_PLAIN, s->text, s->size)
	                   : table_add_string(t, INK_FAINT, otherwise);
}

/* How long it has been as it is. */
static int add_age_cell(struct table *t, const struct slice *since, int64_t now_us)
{
	int64_t then = since->size > 2 ? moment_parse(since->text + 1) : -EINVAL;
	char text[MOMENT_SIZE];

	if (then < 0)
		return table_add(t, INK_FAINT, "-", 1);
	return table_add_string(t, INK_PLAIN, moment_format_age((now_us - then) / 1000, text));
}

/* Whether it runs, or has done its work. */
static bool is_good(const struct slice *state)
{
	return slice_is(state, "running") || slice_is(state, "exited");
}

static enum ink state_ink(const struct slice *state)
{
	char name[STATE_SIZE] = "";

	if (state->size < sizeof name)
		memcpy(name, state->text, state->size);
	return screen_state_ink(name);
}

static int add_row(struct report *r, const struct row *row)
{
	struct slice state;
	int error;

	is_verbatim(&row->state, &state);
	r->total++;
	r->down += !is_good(&state);
	error = add_text_cell(r->table, INK_PLAIN, &row->name);
	if (error == 0)
		error = table_add(r->table, state_ink(&state), state.text, state.size);
	if (error == 0)
		error = add_age_cell(r->table, &row->since, r->now_us);
	if (error == 0)
		error = add_number_cell(r->table, &row->pid, "-");
	if (error == 0)
		error = add_number_cell(r->table, &row->restarts, "0");
	return error < 0 ? error : add_text_cell(r->table, INK_PLAIN, &row->reason);
}

static int read_program(struct report *r, const struct slice *program)
{
	struct slice key, value;
	struct row row = { 0 };
	struct scan scan;
	int more = scan_enter(&scan, program, '{');

	if (more < 0)
		return more;
	while ((more = scan_member(&scan, &key, &value)) > 0)
		if (!slice_is(&value, "null"))
			keep_member(&row, &key, &value);
	return more < 0 ? more : add_row(r, &row);
}

static int read_programs(struct report *r, const struct slice *programs)
{
	struct slice program;
	struct scan scan;
	int more = scan_enter(&scan, programs, '['), error;

	if (more < 0)
		return more;
	while ((more = scan_element(&scan, &program)) > 0) {
		error = read_program(r, &program);
		if (error < 0)
			return error;
	}
	return more;
}

static int read_daemon(struct report *r, const struct slice *daemon)
{
	struct slice key, value;
	struct scan scan;
	int more = scan_enter(&scan, daemon, '{');

	if (more < 0)
		return more;
	while ((more = scan_member(&scan, &key, &value)) > 0)
		if (slice_is(&key, "shutting_down"))
			r->is_shutting_down = slice_is(&value, "true");
	return more;
}

static int read_parameters(struct report *r, const struct slice *parameters)
{
	struct slice key, value;
	struct scan scan;
	int more = scan_enter(&scan, parameters, '{'), error = 0;

	if (more < 0)
		return more;
	while (error == 0 && (more = scan_member(&scan, &key, &value)) > 0) {
		if (slice_is(&key, "programs"))
			error = read_programs(r, &value);
		else if (slice_is(&key, "daemon"))
			error = read_daemon(r, &value);
	}
	return error < 0 ? error : more;
}

int report_read(struct report *r, const char *message, size_t size, int64_t now_us)
{
	struct reply reply;

	*r = (struct report){ .table = table_new(columns, COLUMN_COUNT), .now_us = now_us };
	if (!r->table)
		return -ENOMEM;
	if (reply_scan(message, size, &reply) < 0)
		return -EBADMSG;
	return read_parameters(r, &reply.parameters);
}

void report_release(struct report *r)
{
	table_free(r->table);
	r->table = NULL;
}

void report_add_summary(const struct report *r, struct text *out)
{
	if (r->total == 0)
		text_add_string(out, "there are no programs");
	else if (r->down > 0)
		text_add_format(out, "%zu of %zu %s not running", r->down, r->total,
		                r->down == 1 ? "is" : "are");
	else if (r->total == 1)
		text_add_string(out, "it is as it should be");
	else
		text_add_format(out, "all %zu are as they should be", r->total);
}

void report_print(const struct report *r, const struct screen *screen, size_t width,
                  size_t rows_max, struct text *out)
{
	if (r->is_shutting_down)
		screen_add(screen, out, INK_BUSY, "vergerd is shutting down");
	if (r->is_shutting_down)
		text_add_char(out, '\n');
	if (r->total > 0)
		table_print(r->table, screen, width, rows_max, out);
}
