/* SPDX-License-Identifier: MIT */
/* One sentence on what is wrong with a value.  The place (file, line, key) is added by whoever
 * knows it. */
#pragma once

enum { FAULT_SIZE = 512 };

/* Outcome of everything in src/config that judges a value: 0, or FAULTY with the sentence in
 * `fault`. */
enum { FAULTY = 1 };

struct fault {
	char text[FAULT_SIZE];
};

/* Writes the sentence and returns FAULTY.  Control characters become '?', so that a file cannot
 * write to a terminal; quote values with %.80s. */
int fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
