/* SPDX-License-Identifier: MIT */
#include "ctl/lineout.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/stamp.h"
#include "base/text.h"
#include "base/utf8.h"
#include "ctl/connection.h"
#include "ctl/member.h"
#include "ctl/names.h"
#include "ctl/safe.h"

enum {
	INKS = INK_COUNT - INK_NAMES,
	OBJECT_LINES_MAX = 1000,
	LINE_MAX_SIZE = 1024 * 1024,
};

void lineout_init(struct lineout *o, struct ctl *ctl, const json_t *programs)
{
	const json_t *program;
	size_t i;

	*o = (struct lineout){ .ctl = ctl,
		               .inks = json_object(),
		               .widest = names_widest(programs) };
	if (json_array_size(programs) <= 1)
		return;
	for (i = 0; (program = json_array_get(programs, i)); i++)
		json_object_set_new(o->inks, member_text(program, "name"),
		                    json_integer((json_int_t)(i % INKS)));
}

void lineout_release(struct lineout *o)
{
	json_decref(o->lines);
	json_decref(o->inks);
}

/* --- for people --- */

static void put_prefix(const struct lineout *o, const char *program)
{
	json_int_t ink = json_integer_value(json_object_get(o->inks, program));

	if (json_object_size(o->inks) == 0)
		return;
	screen_put(&o->ctl->screen, (enum ink)(INK_NAMES + ink), "%-*s", (int)o->widest, program);
	screen_put(&o->ctl->screen, INK_FAINT, " | ");
}

/* As it was written, unless a terminal would obey what is in it. */
static void put_bytes(const struct lineout *o, const char *bytes, size_t size)
{
	struct text line;

	if (!o->ctl->screen.is_terminal) {
		fwrite(bytes, 1, size, stdout);
		putchar('\n');
		return;
	}
	text_init(&line, LINE_MAX_SIZE);
	safe_add(&line, bytes, size);
	puts(text_get(&line));
	text_release(&line);
}

/* --- JSON --- */

/* A string with U+FFFD in place of what is no UTF-8, and of NULs, which C programs that read JSON
 * refuse. */
static json_t *make_string(const char *bytes, size_t size, bool *lossy)
{
	json_t *string = memchr(bytes, '\0', size) ? NULL : json_stringn(bytes, size);
	struct text copy;

	/* vergerd has replaced it already in what comes from there */
	*lossy = *lossy || !string ||
	         memmem(bytes, size, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT)) != NULL;
	if (string)
		return string;
	text_init(&copy, LINE_MAX_SIZE);
	for (size_t at = 0, span; at < size; at += span) {
		bool valid;

		span = utf8_span(bytes + at, size - at, &valid);
		if (valid && bytes[at])
			text_add(&copy, bytes + at, span);
		else
			text_add_string(&copy, UTF8_REPLACEMENT);
	}
	string = json_string(text_get(&copy));
	text_release(&copy);
	return string;
}

void lineout_finish(struct lineout *o)
{
	const struct line_source *source = o->source;
	char time[CLOCK_RFC3339_SIZE];
	json_t *object;

	if (!o->lines)
		return;
	object = json_pack("{s:s}", "program", source->program);
	if (*source->stream)
		json_object_set_new(object, "stream", json_string(source->stream));
	if (source->us != STAMP_NONE) {
		clock_format_rfc3339(source->us, time);
		json_object_set_new(object, "time", json_string(time));
	}
	json_object_set_new(object, "lines", o->lines);
	if (o->lossy)
		json_object_set_new(object, "lossy", json_true());
	connection_print_json(o->ctl, object);
	json_decref(object);
	o->lines = NULL;
	o->source = NULL;
	o->lossy = false;
}

static void put_json(struct lineout *o, const struct line_source *source, const char *bytes,
                     size_t size)
{
	if (!o->lines)
		o->lines = json_array();
	o->source = source;
	json_array_append_new(o->lines, make_string(bytes, size, &o->lossy));
}

/* --- both --- */

void lineout_put(struct lineout *o, struct line_source *source, const char *bytes, size_t size)
{
	int64_t us = stamp_of_line(bytes, size);

	if (o->lines && (o->source != source || us != STAMP_NONE ||
	                 json_array_size(o->lines) == OBJECT_LINES_MAX))
		lineout_finish(o);
	if (us != STAMP_NONE)
		source->us = us;
	if (o->ctl->arguments->json) {
		put_json(o, source, bytes, size);
		return;
	}
	put_prefix(o, source->program);
	put_bytes(o, bytes, size);
}

void lineout_note(struct lineout *o, const char *program, const char *note)
{
	json_t *object;

	lineout_finish(o);
	if (!o->ctl->arguments->json) {
		screen_complain("%s%s%s", program, *program ? ": " : "", note);
		return;
	}
	object = json_pack("{s:s, s:[], s:s}", "program", program, "lines", "note", note);
	connection_print_json(o->ctl, object);
	json_decref(object);
}
