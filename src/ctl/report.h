/* SPDX-License-Identifier: MIT */
/* The table of `status`, made from the text of vergerd's answer without building its values: a
 * thousand programs are to be shown in less time than that would take.  Knows no connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ctl/screen.h"
#include "ctl/table.h"

struct report {
	struct table *table; /* owned */
	size_t total, down;  /* programs; those that neither run nor have done their work */
	bool is_shutting_down;
	/* private */
	int64_t now_us;
};

/* The members of Program that a report shows, NULL-terminated. */
extern const char *const report_fields[];

/* Reads `message`, a whole reply of Status with its NUL after `size` bytes.  `now_us` is the
 * time of day.  0, or negative errno: -EBADMSG, -ENOMEM.  To be released in either case. */
int report_read(struct report *r, const char *message, size_t size, int64_t now_us);
void report_release(struct report *r);

/* Appends all of it.  width, rows_max: of the terminal, as table_print takes them. */
void report_print(const struct report *r, const struct screen *screen, size_t width,
                  size_t rows_max, struct text *out);

/* Appends "1 of 12 is not running". */
void report_add_summary(const struct report *r, struct text *out);
