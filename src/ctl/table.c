/* SPDX-License-Identifier: MIT */
#include "ctl/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "ctl/safe.h"

/* all cells of a table; a reply has no more than 64 MiB, and escapes make it four times as long */
#define CONTENT_MAX ((size_t)512 * 1024 * 1024)
enum { GAP = 2, LAST_MIN = 20 /* less would tell nothing: rather let the terminal wrap it */ };

struct cell {
	size_t offset, size; /* in the content */
	size_t width;        /* columns on a terminal */
	enum ink ink;
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t column_count;
	size_t widths[TABLE_COLUMNS_MAX];
	struct cell *cells; /* owned; row by row */
	size_t cell_count, capacity;
	struct text content;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->columns = columns;
	t->column_count = count;
	for (size_t i = 0; i < count; i++)
		t->widths[i] = strlen(columns[i].title);
	text_init(&t->content, CONTENT_MAX);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	text_release(&t->content);
	free(t->cells);
	free(t);
}

static int make_room(struct table *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : 128;
	struct cell *cells;

	if (t->cell_count < t->capacity)
		return 0;
	cells = reallocarray(t->cells, capacity, sizeof *cells);
	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	t->capacity = capacity;
	return 0;
}

int table_add(struct table *t, enum ink ink, const char *bytes, size_t size)
{
	size_t *column_width = &t->widths[t->cell_count % t->column_count];
	size_t offset = t->content.size, width;

	if (make_room(t) < 0)
		return -ENOMEM;
	width = safe_add(&t->content, bytes, size);
	t->cells[t->cell_count++] = (struct cell){
		.offset = offset, .size = t->content.size - offset, .width = width, .ink = ink
	};
	if (width > *column_width)
		*column_width = width;
	return 0;
}

int table_add_string(struct table *t, enum ink ink, const char *s)
{
	return table_add(t, ink, s, strlen(s));
}

size_t table_rows(const struct table *t)
{
	return t->cell_count / t->column_count;
}

static void add_blanks(struct text *out, size_t count)
{
	static const char blanks[] = "                                ";

	while (count > 0) {
		size_t n = count < sizeof blanks - 1 ? count : sizeof blanks - 1;

		if (text_add(out, blanks, n) < 0)
			return;
		count -= n;
	}
}

/* As many bytes of UTF-8 text as fit into `width` columns. */
static size_t fit(const char *bytes, size_t size, size_t width)
{
	mbstate_t state = { 0 };
	size_t at = 0, columns = 0;

	while (at < size) {
		wchar_t c;
		size_t n = mbrtowc(&c, bytes + at, size - at, &state);
		int own = n == 0 || n > size - at ? 1 : wcwidth(c);

		if (columns + (size_t)(own > 0 ? own : 0) > width)
			break;
		columns += (size_t)(own > 0 ? own : 0);
		at += n == 0 || n > size - at ? 1 : n;
	}
	return at;
}

/* The text of a cell in its ink, cut to `room` columns. */
static void add_cell_text(const struct screen *screen, const char *bytes, const struct cell *cell,
                          size_t room, struct text *out)
{
	text_add_string(out, screen_ink(screen, cell->ink));
	if (cell->width <= room) {
		text_add(out, bytes, cell->size);
	} else {
		text_add(out, bytes, fit(bytes, cell->size, room - 3));
		text_add(out, "...", 3);
	}
	text_add_string(out, screen_ink_end(screen, cell->ink));
}

/* Where the last column begins. */
static size_t last_start(const struct table *t)
{
	size_t start = 0;

	for (size_t i = 0; i + 1 < t->column_count; i++)
		start += t->widths[i] + GAP;
	return start;
}

/* One cell of a row, with what separates it from the one before; blanks at the end of a line are
 * kept back in *pending until something follows. */
static void add_cell(const struct table *t, const struct screen *screen, size_t column,
                     const char *bytes, const struct cell *cell, size_t room, size_t *pending,
                     struct text *out)
{
	size_t spare = t->widths[column] -
	               (cell->width < t->widths[column] ? cell->width : t->widths[column]);

	if (t->columns[column].is_right)
		*pending += spare;
	if (cell->size > 0) {
		add_blanks(out, *pending);
		*pending = 0;
		add_cell_text(screen, bytes, cell, room, out);
	}
	if (!t->columns[column].is_right)
		*pending += spare;
	*pending += GAP;
}

static size_t room_of_last(const struct table *t, size_t width)
{
	size_t start = last_start(t);

	if (width == 0)
		return SIZE_MAX;
	return width > start + LAST_MIN ? width - start : LAST_MIN;
}

static void add_titles(const struct table *t, const struct screen *screen, struct text *out)
{
	size_t pending = 0;

	for (size_t i = 0; i < t->column_count; i++) {
		const char *title = t->columns[i].title;
		const struct cell cell = { .size = strlen(title),
			                   .width = strlen(title),
			                   .ink = INK_STRONG };

		add_cell(t, screen, i, title, &cell, SIZE_MAX, &pending, out);
	}
	text_add_char(out, '\n');
}

void table_print(const struct table *t, const struct screen *screen, size_t width, size_t rows_max,
                 struct text *out)
{
	const char *content = text_get(&t->content);
	size_t room = room_of_last(t, width);

	add_titles(t, screen, out);
	for (size_t row = 0; row < table_rows(t) && row < rows_max; row++) {
		const struct cell *cells = t->cells + row * t->column_count;
		size_t pending = 0;

		for (size_t i = 0; i < t->column_count; i++)
			add_cell(t, screen, i, content + cells[i].offset, &cells[i],
			         i + 1 == t->column_count ? room : SIZE_MAX, &pending, out);
		text_add_char(out, '\n');
	}
}
