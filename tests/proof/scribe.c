/* SPDX-License-Identifier: MIT */
/* A program that writes numbered lines, as fast as it may, and notes in its ledger which of them
 * are written: scribe NAME LINES SEED MIN MAX SELDOM RARE BUFFER LEDGER BUFFER = 0: one write for
 * each line; else what stdio does with a buffer of that size, so that writes hold many lines and
 * end in the middle of one.  The next life goes on with the number after the last one that this
 * life may have written.  SIGTERM: the line under way is finished.  Ends with 0 after the last
 * line. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "proof/ledger.h"
#include "proof/verse.h"

enum { STATUS_USAGE = 64, BUFFER_MAX = 1 << 16, PAUSE_NS = 2 * 1000 * 1000 };

struct scribe {
	const char *name;
	uint64_t seed;
	struct verse_range range;
	size_t buffer_size; /* 0 = none */
	struct ledger *ledger;
	struct ledger_life *life;
	char *buffer; /* owned */
	size_t held;  /* bytes in it */
};

static volatile sig_atomic_t *told_to_stop(void)
{
	static volatile sig_atomic_t told;

	return &told;
}

static void on_term(int signo)
{
	*told_to_stop() = signo;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "scribe: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void put(struct scribe *s, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, size);

		if (n < 0 && errno != EINTR)
			fail("write");
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
			s->life->bytes += (uint64_t)n;
		}
	}
}

/* Whoever dies in the write has noted before that it may have happened, and notes that it has only
 * after it. */
static void put_noted(struct scribe *s, const char *bytes, size_t size, uint64_t begun,
                      uint64_t finished)
{
	s->life->intent = begun;
	atomic_signal_fence(memory_order_seq_cst);
	put(s, bytes, size);
	atomic_signal_fence(memory_order_seq_cst);
	s->life->done = finished;
}

/* Fills the buffer and writes it whenever it is full, wherever a line is then. */
static void add(struct scribe *s, const char *line, size_t size, uint64_t number)
{
	while (s->held + size >= s->buffer_size) {
		size_t part = s->buffer_size - s->held;

		memcpy(s->buffer + s->held, line, part);
		line += part;
		size -= part;
		s->held = 0;
		put_noted(s, s->buffer, s->buffer_size, number, size ? number - 1 : number);
	}
	memcpy(s->buffer + s->held, line, size);
	s->held += size;
}

static void await_leave(const struct scribe *s, uint64_t number)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	while (*(volatile const uint64_t *)&s->ledger->allowed < number && !*told_to_stop())
		nanosleep(&pause, NULL);
}

static void flush(struct scribe *s, uint64_t last)
{
	if (s->buffer_size)
		put_noted(s, s->buffer, s->held, last, last);
	s->held = 0;
}

static void work(struct scribe *s)
{
	_cleanup_free_ char *line = malloc(VERSE_MAX);
	uint64_t number = s->life->first;

	if (!line)
		fail("memory");
	for (; number <= s->ledger->total && !*told_to_stop(); number++) {
		size_t size;

		if (number > s->ledger->allowed)
			flush(s, number - 1);
		await_leave(s, number);
		if (*told_to_stop())
			break;
		size = verse_write(line, s->name, s->ledger->lives, number, s->seed, &s->range);
		if (s->buffer_size)
			add(s, line, size, number);
		else
			put_noted(s, line, size, number, number);
	}
	flush(s, number - 1);
}

static bool parse_arguments(struct scribe *s, int argc, char **argv, int64_t *lines)
{
	int64_t seed, min, max, seldom, rare, buffer;

	if (argc != 10 || strlen(argv[1]) > VERSE_NAME_MAX ||
	    parse_int(argv[2], 1, INT32_MAX, lines) != 0 ||
	    parse_int(argv[3], 0, INT32_MAX, &seed) != 0 ||
	    parse_int(argv[4], VERSE_MIN, 16000, &min) != 0 ||
	    parse_int(argv[5], min, 16000, &max) != 0 ||
	    parse_int(argv[6], 0, INT32_MAX, &seldom) != 0 ||
	    parse_int(argv[7], 0, INT32_MAX, &rare) != 0 ||
	    parse_int(argv[8], 0, BUFFER_MAX, &buffer) != 0)
		return false;
	s->name = argv[1];
	s->seed = (uint64_t)seed;
	s->range = (struct verse_range){ (uint32_t)min, (uint32_t)max, (uint32_t)seldom,
		                         (uint32_t)rare };
	s->buffer_size = (size_t)buffer;
	return true;
}

int main(int argc, char **argv)
{
	struct scribe s = { 0 };
	int64_t lines;

	if (!parse_arguments(&s, argc, argv, &lines)) {
		fputs("usage: scribe NAME LINES SEED MIN MAX SELDOM RARE BUFFER LEDGER\n", stderr);
		return STATUS_USAGE;
	}
	/* without SA_RESTART: a line that cannot be written now is finished all the same */
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	s.ledger = ledger_open(argv[9], true);
	if (!s.ledger)
		fail(argv[9]);
	s.ledger->total = (uint64_t)lines;
	s.life = ledger_begin(s.ledger);
	s.buffer = malloc(s.buffer_size + 1);
	if (!s.life || !s.buffer)
		fail("memory");
	work(&s);
	free(s.buffer);
	return 0;
}
