/* SPDX-License-Identifier: MIT */
/* A program that prints as fast as its standard output takes it, for logs.py:
 *   spout orders ORDERS REPORTS       reads lines "SIZE TOTAL" from the FIFO ORDERS, writes TOTAL
 * bytes in writes of SIZE each time and says "done" to the FIFO REPORTS spout flat SIZE TOTAL
 * writes TOTAL bytes and waits for a signal spout endless SIZE TOTAL          the same without any
 * end of a line spout drip INTERVAL_MS            one line each time, for ever Lines are 100 bytes
 * long; SIZE and TOTAL are multiples of that where the ends of lines matter. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum { STATUS_USAGE = 64, LINE_SIZE = 100, SIZE_MAX_WRITE = 1 << 20 };

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "spout: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void fill(char *block, size_t size, bool endless)
{
	for (size_t i = 0; i < size; i++)
		block[i] = (char)('a' + i % LINE_SIZE % 26);
	for (size_t i = LINE_SIZE - 1; !endless && i < size; i += LINE_SIZE)
		block[i] = '\n';
}

/* Lines go on across the writes, so that a write may end in the middle of one. */
static void pour(size_t size, int64_t total, bool endless)
{
	_cleanup_free_ char *block = malloc(size + LINE_SIZE);
	int64_t written = 0;

	if (!block)
		fail("memory");
	fill(block, size + LINE_SIZE, endless);
	while (written < total) {
		size_t want = total - written < (int64_t)size ? (size_t)(total - written) : size;
		ssize_t n = write(STDOUT_FILENO, block + written % LINE_SIZE, want);

		if (n < 0 && errno != EINTR)
			fail("write");
		written += n > 0 ? n : 0;
	}
}

static bool obey(char *line)
{
	char *rest = line, *word = strsep(&rest, " \n");
	int64_t size = 0, total = 0;

	if (parse_int(word, 1, SIZE_MAX_WRITE, &size) != 0 || !rest ||
	    parse_int(strsep(&rest, " \n"), 1, INT64_MAX, &total) != 0)
		return false;
	pour((size_t)size, total, false);
	return true;
}

static void take_orders(const char *orders, const char *reports)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	FILE *in = fopen(orders, "re"), *out = fopen(reports, "we");

	if (!in || !out)
		fail(orders);
	while (getline(&line, &size, in) > 0 && obey(line)) {
		fputs("done\n", out);
		fflush(out);
	}
}

static _Noreturn void drip(int64_t interval_ms)
{
	char line[LINE_SIZE];
	struct timespec pause = { .tv_sec = interval_ms / 1000,
		                  .tv_nsec = interval_ms % 1000 * 1000000 };
	struct timespec phase = { .tv_nsec = getpid() % 100 * (interval_ms % 1000) * 10000 };

	fill(line, sizeof line, false);
	nanosleep(&phase, NULL); /* or they would all speak at once */
	while (write(STDOUT_FILENO, line, sizeof line) > 0)
		nanosleep(&pause, NULL);
	fail("write");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int64_t size = 0, total = 0;

	if (strcmp(mode, "orders") == 0 && argc == 4) {
		take_orders(argv[2], argv[3]);
	} else if (strcmp(mode, "drip") == 0 && argc == 3 &&
	           parse_int(argv[2], 1, 60000, &size) == 0) {
		drip(size);
	} else if ((strcmp(mode, "flat") == 0 || strcmp(mode, "endless") == 0) && argc == 4 &&
	           parse_int(argv[2], 1, SIZE_MAX_WRITE, &size) == 0 &&
	           parse_int(argv[3], 1, INT64_MAX, &total) == 0) {
		pour((size_t)size, total, mode[0] == 'e');
		pause();
	} else {
		fputs("usage: spout orders ORDERS REPORTS | flat SIZE TOTAL | endless SIZE TOTAL |"
		      " drip INTERVAL_MS\n",
		      stderr);
		return STATUS_USAGE;
	}
	return 0;
}
