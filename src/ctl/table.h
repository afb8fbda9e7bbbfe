/* SPDX-License-Identifier: MIT */
/* Rows under titles, aligned.  Columns are as wide as what is in them; on a terminal the last one
 * is cut where the line ends.  Text is made safe for a terminal on the way in.
 *
 * Its own: libsmartcols, which does this well, takes 28 million instructions for 1,000 rows of six
 * cells, more than twice of all that `status` does with this one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "ctl/screen.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table_column {
	const char *title;
	bool is_right; /* aligned at its right end */
};

struct table;

/* `columns` are borrowed.  NULL when memory is out. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *t);

/* Fills the next cell, row by row.  0, or -ENOMEM. */
int table_add(struct table *t, enum ink ink, const char *bytes, size_t size);
int table_add_string(struct table *t, enum ink ink, const char *s);

/* Appends the table.  width: of the terminal; 0 = nothing is cut.  rows_max: how many rows of it
 * at most. */
void table_print(const struct table *t, const struct screen *screen, size_t width, size_t rows_max,
                 struct text *out);
size_t table_rows(const struct table *t);
