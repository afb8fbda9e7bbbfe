/* SPDX-License-Identifier: MIT */
/* Collects faults.  Knows nothing of the file they are in. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DIAG_TEXT_MAX = 8192 };

void diags_release(struct diags *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free((char *)d->items[i].file);
		free(d->items[i].text);
	}
	free(d->items);
	*d = (struct diags)DIAGS_INIT;
}

static struct diag *next_item(struct diags *d)
{
	if (d->count == DIAGS_MAX) {
		d->dropped++;
		return NULL;
	}
	if (d->count == d->capacity) {
		size_t capacity = d->capacity ? d->capacity * 2 : 8;
		struct diag *items = realloc(d->items, capacity * sizeof *items);

		if (!items)
			return NULL;
		d->items = items;
		d->capacity = capacity;
	}
	return &d->items[d->count];
}

void diags_add(struct diags *d, enum diag_level level, const char *file, unsigned line,
               const char *section, const char *key, const char *format, ...)
{
	struct diag *item = next_item(d);
	struct text text;
	char *message = NULL;
	va_list args;

	if (level == DIAG_ERROR)
		d->error_count++;
	if (!item)
		return;
	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	va_end(args);
	text_init(&text, (size_t)-1 / 2);
	if (section)
		text_add_format(&text, "[%s] ", section);
	if (key)
		text_add_format(&text, "%s: ", key);
	text_add_string(&text, message ? message : "out of memory");
	free(message);
	if (text.size > DIAG_TEXT_MAX)
		memcpy(text.data + DIAG_TEXT_MAX - 4, "...", 4);
	*item = (struct diag){
		.level = level, .file = strdup(file), .line = line, .text = text_take(&text)
	};
	d->count++;
}

void diags_print(const struct diags *d, FILE *out)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diag *item = &d->items[i];

		fputs(item->file ? item->file : "?", out);
		if (item->line)
			fprintf(out, ":%u", item->line);
		fprintf(out, ": %s%s\n", item->level == DIAG_WARNING ? "warning: " : "",
		        item->text ? item->text : "");
	}
	if (d->dropped)
		fprintf(out, "and %zu more\n", d->dropped);
}
