/* SPDX-License-Identifier: MIT */
/* Holds a log against the ledgers of the scribes that wrote it:
 *   auditor NAME LEDGER [NAME LEDGER...] < the files of the log, oldest first
 * The log may change its log_format on the way.  For each program it says
 *   NAME written N seen N missing N doubled N disordered N torn N excused N bytes N
 * where `written` lines are those that the scribe is certain of, together with those of a killed
 * one that are there; `torn` are pieces of lines; so many of them may be excused by kills; `bytes`
 * were written and are not there.  Then log lines N bytes N notes N strange N with what vergerd
 * itself says has been lost, in how many notes, and lines that nobody wrote. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof/ledger.h"
#include "proof/record.h"
#include "proof/verse.h"

enum {
	STATUS_USAGE = 64,
	PROGRAMS_MAX = 64,
	READ_BUFFER = 1 << 20,
	SHOWN_MAX = 8,
	SHOWN_SIZE = 160
};

struct assembly {
	char *bytes; /* owned */
	size_t size, capacity;
	bool open;
};

struct program {
	const char *name;
	const struct ledger *ledger;
	unsigned char *seen; /* owned; a bit for each line */
	uint64_t last, count, bytes;
	uint64_t doubled, disordered, torn;
	struct assembly pieces;
};

struct audit {
	struct program programs[PROGRAMS_MAX];
	size_t count;
	struct assembly nameless;
	uint64_t lost_lines, lost_bytes, notes, strange;
	unsigned shown;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "auditor: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The first few that are not as they should be, for whoever has to find out why. */
static void show(struct audit *a, const char *what, const char *bytes, size_t size)
{
	if (a->shown++ < SHOWN_MAX)
		fprintf(stderr, "auditor: %s (%zu bytes): %.*s\n", what, size,
		        (int)(size < SHOWN_SIZE ? size : SHOWN_SIZE), bytes);
}

static struct program *find(struct audit *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->programs[i].name, name) == 0)
			return &a->programs[i];
	return NULL;
}

/* --- one line of a scribe --- */

static void mark(struct audit *a, struct program *p, uint64_t number, const char *bytes,
                 size_t size)
{
	unsigned char bit = (unsigned char)(1 << number % 8);

	if (p->seen[number / 8] & bit) {
		p->doubled++;
		show(a, "doubled", bytes, size);
		return;
	}
	if (number < p->last) {
		p->disordered++;
		show(a, "out of order", bytes, size);
	}
	p->seen[number / 8] |= bit;
	p->last = number > p->last ? number : p->last;
	p->count++;
	p->bytes += size + 1;
}

/* Whether the line is one that this life may have written. */
static bool is_plausible(const struct program *p, const struct verse *v)
{
	const struct ledger_life *life;

	if (v->life == 0 || v->life > p->ledger->lives)
		return false;
	life = &p->ledger->life[v->life - 1];
	return v->number >= life->first && v->number <= life->intent;
}

/* A beginning of a line that a kill explains. */
static bool is_excused(const struct program *p, const struct verse *v)
{
	return is_plausible(p, v) && v->number > p->ledger->life[v->life - 1].done;
}

static void judge_fragment(struct audit *a, struct program *owner, const char *bytes, size_t size)
{
	struct verse v = { 0 };
	enum verse_state state = verse_read(bytes, size, &v);
	struct program *p = state == VERSE_NAMELESS ? NULL : find(a, v.name);

	if (state == VERSE_WHOLE && p && is_plausible(p, &v) && (!owner || owner == p)) {
		mark(a, p, v.number, bytes, size);
	} else if (state == VERSE_WHOLE) {
		a->strange++;
		show(a, "of nobody here", bytes, size);
	} else {
		p = p ? p : owner;
		if (p)
			p->torn++;
		else
			a->strange++;
		if (!p || state == VERSE_NAMELESS || !is_excused(p, &v))
			show(a, "torn", bytes, size);
	}
}

/* The end of a killed life may stand on one line with the beginning of the next. */
static void judge_line(struct audit *a, struct program *owner, const char *bytes, size_t size)
{
	const char *end = bytes + size;

	do {
		const char *next = memmem(bytes + 1, size > 1 ? size - 1 : 0, "@@", 2);

		next = next ? next : end;
		judge_fragment(a, owner, bytes, (size_t)(next - bytes));
		bytes = next;
		size = (size_t)(end - bytes);
	} while (bytes < end);
}

/* --- pieces --- */

static void assembly_add(struct assembly *s, const char *bytes, size_t size)
{
	if (s->size + size > s->capacity) {
		s->capacity = 2 * (s->size + size);
		s->bytes = realloc(s->bytes, s->capacity);
		if (!s->bytes)
			fail("memory");
	}
	memcpy(s->bytes + s->size, bytes, size);
	s->size += size;
}

static void take_note(struct audit *a, const struct record *r)
{
	char text[SHOWN_SIZE] = "";
	unsigned long long lines = 0, bytes = 0;
	const char *at = text;

	memcpy(text, r->bytes, r->size < sizeof text - 1 ? r->size : sizeof text - 1);
	if (strncmp(at, "verger: ", 8) == 0)
		at += 8;
	if (sscanf(at, "%llu line%*[s,] %llu byte", &lines, &bytes) != 2) {
		a->strange++;
		show(a, "a note that tells nothing", r->bytes, r->size);
		return;
	}
	a->notes++;
	a->lost_lines += lines;
	a->lost_bytes += bytes;
}

static void take_record(struct audit *a, const struct record *r)
{
	struct program *owner = *r->program     ? find(a, r->program)
	                        : a->count == 1 ? &a->programs[0]
	                                        : NULL;
	struct assembly *pieces = owner ? &owner->pieces : &a->nameless;

	if (*r->program && !owner) {
		a->strange++;
		show(a, "of a program that is not here", r->bytes, r->size);
		return;
	}
	if (r->note) {
		take_note(a, r);
		return;
	}
	if (r->marked && !pieces->open) {
		a->strange++;
		show(a, "a piece that continues nothing", r->bytes, r->size);
	}
	if (pieces->open || r->partial) {
		assembly_add(pieces, r->bytes, r->size);
		pieces->open = r->partial;
		if (!pieces->open) {
			judge_line(a, owner, pieces->bytes, pieces->size);
			pieces->size = 0;
		}
		return;
	}
	judge_line(a, owner, r->bytes, r->size);
}

/* --- the whole log --- */

static void read_log(struct audit *a)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;

	setvbuf(stdin, NULL, _IOFBF, READ_BUFFER);
	while ((size = getline(&line, &capacity, stdin)) > 0) {
		struct record record;

		if (line[size - 1] == '\n')
			size--;
		if (record_read(line, (size_t)size, &record)) {
			take_record(a, &record);
		} else {
			a->strange++;
			show(a, "no JSON", line, (size_t)size);
		}
	}
	if (ferror(stdin))
		fail("read");
	free(line);
}

static bool has_seen(const struct program *p, uint64_t number)
{
	return p->seen[number / 8] >> number % 8 & 1;
}

/* A killed life may have written more than it is certain of: what is there of that counts as
 * written, together with all before it. */
static uint64_t last_written(const struct program *p, const struct ledger_life *life)
{
	uint64_t last = life->intent;

	while (last > life->done && !has_seen(p, last))
		last--;
	return last;
}

static void report(const struct program *p)
{
	uint64_t written = 0, missing = 0, excused = 0, bytes = 0;

	for (uint64_t i = 0; i < p->ledger->lives; i++) {
		const struct ledger_life *life = &p->ledger->life[i];
		uint64_t last = last_written(p, life);

		for (uint64_t number = life->first; number <= last; number++)
			missing += !has_seen(p, number);
		written += last + 1 - life->first;
		excused += life->intent > life->done;
		bytes += life->bytes;
	}
	printf("%s written %llu seen %llu missing %llu doubled %llu disordered %llu torn %llu "
	       "excused %llu bytes %lld\n",
	       p->name, (unsigned long long)written, (unsigned long long)p->count,
	       (unsigned long long)missing, (unsigned long long)p->doubled,
	       (unsigned long long)p->disordered, (unsigned long long)p->torn,
	       (unsigned long long)excused, (long long)bytes - (long long)p->bytes);
}

static void add_program(struct audit *a, const char *name, const char *path)
{
	struct program *p = &a->programs[a->count++];

	p->name = name;
	p->ledger = ledger_open(path, false);
	if (!p->ledger)
		fail(path);
	p->seen = calloc(1, p->ledger->total / 8 + 1);
	if (!p->seen)
		fail("memory");
}

int main(int argc, char **argv)
{
	static struct audit a;

	if (argc < 3 || argc % 2 == 0 || argc / 2 > PROGRAMS_MAX) {
		fputs("usage: auditor NAME LEDGER [NAME LEDGER...]\n", stderr);
		return STATUS_USAGE;
	}
	for (int i = 1; i < argc; i += 2)
		add_program(&a, argv[i], argv[i + 1]);
	read_log(&a);
	for (size_t i = 0; i < a.count; i++) {
		report(&a.programs[i]);
		free(a.programs[i].seen);
		free(a.programs[i].pieces.bytes);
	}
	free(a.nameless.bytes);
	printf("log lines %llu bytes %llu notes %llu strange %llu\n",
	       (unsigned long long)a.lost_lines, (unsigned long long)a.lost_bytes,
	       (unsigned long long)a.notes, (unsigned long long)a.strange);
	return 0;
}
