/* SPDX-License-Identifier: MIT */
/* The thread's side of an outlet: a program's bytes on their way from the pipe to records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/outlet_private.h"

enum {
	NOTE_SIZE = 128,
	PAUSE_NS = 100 * 1000, /* what a program in a hurry writes meanwhile fits into its pipe */
};

/* The target answers: whoever waits behind it need not be looked after.  Locked. */
static void show_life(struct outlet *o)
{
	o->works_since = clock_monotonic_ms();
	if (!o->health.hangs)
		return;
	o->health.hangs = false;
	o->news = true;
}

/* What is being worked on. */
struct piece {
	struct outlet *o;
	struct channel *c;
	enum log_format format;
	bool is_alone; /* nobody else writes there */
	bool verbatim; /* and nothing is to be done to it */
	struct line_facts facts;
	bool after_gap;    /* bytes before these were dropped */
	bool leaves;       /* there will be no more */
	uint64_t life_end; /* of the life whose bytes these are */
};

/* Keeps what was read and could not be written. */
static void keep_input(struct channel *c, struct bench *bench, const char *bytes, size_t size)
{
	if (c->input && bytes >= c->input && bytes <= c->input + INPUT_SIZE) {
		c->input_first = (size_t)(bytes - c->input);
		c->input_end = c->input_first + size;
		return;
	}
	if (size == 0)
		return;
	/* the buffer itself, so that no want of memory can lose it */
	c->input = bench->input;
	c->input_first = (size_t)(bytes - bench->input);
	c->input_end = c->input_first + size;
	bench->input = NULL;
}

static int copy_verbatim(struct piece *p, const char **bytes, size_t *size)
{
	struct outlet *o = p->o;
	int r = o->torn ? outlet_end_unfinished(o, NULL) : 0;

	if (r == 0 && o->out.size)
		r = outlet_flush(o);
	while (r == 0 && *size) {
		ssize_t written = outlet_write_some(o, *bytes, *size);

		if (written < 0)
			return (int)written;
		*bytes += written;
		*size -= (size_t)written;
		if (written)
			o->unfinished = (*bytes)[-1] == '\n' ? NULL : p->c;
	}
	return r;
}

/* A line that was half copied when that was changed is copied to its end. */
static int end_copy(struct piece *p, const char **bytes, size_t *size)
{
	const char *newline = memchr(*bytes, '\n', *size);
	size_t all = newline ? (size_t)(newline + 1 - *bytes) : *size, left = all;
	int r = copy_verbatim(p, bytes, &left);

	*size -= all - left;
	return r;
}

static int write_lines(struct piece *p, const char **bytes, size_t *size)
{
	struct line line;
	int r = 0;

	if (p->o->unfinished == p->c && *size)
		r = end_copy(p, bytes, size);
	while (r == 0 && linecut_next(&p->c->cut, bytes, size, &line))
		r = outlet_emit(p->o, p->c, p->format, &p->facts, &line);
	return r;
}

/* Tells in the log itself what it lacks.  0 or negative errno of the target. */
static int tell_gap(struct piece *p)
{
	struct channel *c = p->c;
	char text[NOTE_SIZE], reason[64];
	struct line_facts facts = p->facts;
	uint64_t lines, bytes;
	int error;

	outlet_lock(p->o);
	lines = c->lost_lines;
	bytes = c->lost_bytes;
	error = c->lost_for;
	c->lost_lines = c->lost_bytes = 0;
	c->gap = false;
	outlet_unlock(p->o);
	if (!lines && !bytes)
		return 0;
	snprintf(text, sizeof text, "verger: %llu line%s, %llu bytes lost: %s",
	         (unsigned long long)lines, lines == 1 ? "" : "s", (unsigned long long)bytes,
	         error == EAGAIN      ? "nobody took them"
	         : error == ETIMEDOUT ? "the log did not answer"
	                              : strerror_r(error, reason, sizeof reason));
	facts.stream = "verger";
	outlet_end_unfinished(p->o, NULL);
	return outlet_emit(p->o, c, p->format, &facts,
	                   &(struct line){ .bytes = text, .size = strlen(text) });
}

/* The line that a gap has cut is lost with what was read of it.  Locked. */
static void discard_held(struct channel *c)
{
	struct line held;

	while (linecut_flush(&c->cut, &held)) {
		c->lost_bytes += held.size;
		c->total_lost_bytes += held.size;
	}
}

/* The unfinished line, if there is one, is a line.  0 or negative errno of the target. */
static int end_line(struct piece *p)
{
	struct line line;

	return linecut_flush(&p->c->cut, &line)
	               ? outlet_emit(p->o, p->c, p->format, &p->facts, &line)
	               : 0;
}

/* What a life left unfinished is a line. */
static int end_life(struct piece *p)
{
	int r;

	outlet_lock(p->o);
	if (p->c->gap)
		discard_held(p->c);
	outlet_unlock(p->o);
	r = end_line(p);
	if (p->o->unfinished == p->c) { /* and whatever comes next begins another */
		p->o->unfinished = NULL;
		p->o->torn = true;
	}
	if (r == 0)
		r = tell_gap(p);
	outlet_lock(p->o);
	/* whoever drops for us may have gone on already */
	if (p->c->life_count && p->c->lives[0].end == p->life_end)
		channel_next_life(p->c);
	p->o->news = true;
	outlet_unlock(p->o);
	return r;
}

/* Works on bytes that were read.  0 or negative errno of the target; the rest is kept then. */
static int work_on(struct piece *p, struct bench *bench, const char *bytes, size_t size)
{
	int r = p->verbatim && linecut_is_empty(&p->c->cut) ? copy_verbatim(p, &bytes, &size)
	                                                    : write_lines(p, &bytes, &size);

	keep_input(p->c, bench, bytes, size);
	return r;
}

/* What was kept when the target took nothing, before the pipe. */
static int work_on_kept(struct piece *p, struct bench *bench)
{
	struct channel *c = p->c;
	int r = 0;

	if (c->input_first < c->input_end)
		r = work_on(p, bench, c->input + c->input_first, c->input_end - c->input_first);
	if (r == 0 && c->input) {
		free(c->input);
		c->input = NULL;
		c->input_first = c->input_end = 0;
	}
	return r;
}

/* The pipe is empty.  A program in a hurry is waited for at once; else a moment later, so that
 * those who write a line now and then do not wake us for each.  Locked. */
static void await_more(struct piece *p, size_t total)
{
	struct channel *c = p->c;

	c->ready = false;
	p->leaves = c->leaving;
	if (p->leaves)
		return;
	if (total >= CHANNEL_BUSY_BYTES)
		channel_arm(c);
	else
		p->o->hooks->rest(p->o->context, c);
}

/* Nothing may be read yet.  Locked. */
static void await_pid(struct channel *c)
{
	c->ready = false;
	c->awaits_pid = true;
}

/* Reads, and leaves out the rest of a line that was being lost; *bytes is what there is then.  What
 * the channel waits for if there is nothing is settled before anybody else may look.  The count; 0:
 * a life ends; -EAGAIN: the pipe is empty; -EINPROGRESS: whoever knows the PID in a moment tells.
 */
static ssize_t read_piece(struct piece *p, struct bench *bench, const char **bytes, size_t *size,
                          size_t total)
{
	struct channel *c = p->c;
	ssize_t got;

	outlet_lock(p->o);
	show_life(p->o);
	got = channel_read(c, bench->input, INPUT_SIZE);
	*bytes = bench->input;
	*size = got > 0 ? (size_t)got : 0;
	p->after_gap = false;
	if (got > 0)
		channel_note(c, *bytes, *size);
	if (got != 0 && c->gap) {
		discard_held(c);
		p->after_gap = channel_close_gap(c, bytes, size);
	}
	if (got > 0)
		p->facts.pid = c->read_pid = channel_pid(c);
	p->life_end = c->life_count ? c->lives[0].end : UINT64_MAX;
	if (got < 0) {
		await_more(p, total);
	} else if (got == 0 && !channel_at_life_end(c)) {
		await_pid(c);
		got = -EINPROGRESS;
	}
	outlet_unlock(p->o);
	p->facts.time_us = clock_realtime_us();
	return got;
}

static void begin_piece(struct piece *p, struct outlet *o, struct channel *c)
{
	*p = (struct piece){ .o = o, .c = c };
	outlet_lock(o);
	p->format = c->format;
	p->is_alone = o->channel_count == 1;
	p->verbatim = o->kind == OUTLET_FILE && c->format == LOG_FORMAT_RAW &&
	              c->stalled == LOG_STALLED_BLOCK && p->is_alone;
	outlet_unlock(o);
	p->facts.pid = c->read_pid;
	p->facts.program = c->name;
	p->facts.instance = c->instance;
	p->facts.stream = c->stream == 1 ? "stdout" : "stderr";
	p->facts.time_us = clock_realtime_us();
}

/* A life ended while its bytes were being dropped, and none of them were there any more. */
static int end_cut(struct piece *p)
{
	bool is_over;

	outlet_lock(p->o);
	is_over = p->c->cut_is_over;
	p->c->cut_is_over = false;
	outlet_unlock(p->o);
	return is_over ? end_line(p) : 0;
}

/* The pipe is empty, and nobody will write there any more. */
static int leave(struct piece *p)
{
	int r = end_line(p);

	if (r == 0)
		r = tell_gap(p);
	outlet_lock(p->o);
	p->c->gone = r == 0;
	p->c->ready = r < 0; /* it has something to tell yet */
	p->o->news = true;
	outlet_unlock(p->o);
	return r;
}

/* Reads that follow a program's writes too closely are small, and both wait for the lock of the
 * pipe: with 100-byte lines a pause makes the program faster by half, and us three times as cheap.
 */
static void pause_for_more(struct channel *c)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	channel_widen(c);
	nanosleep(&pause, NULL);
}

/* Moves a piece.  0, 1: there is nothing more now, or negative errno of the target. */
static int move_piece(struct piece *p, struct bench *bench, size_t *total)
{
	const char *bytes;
	size_t size;
	ssize_t got;
	int r;

	got = read_piece(p, bench, &bytes, &size, *total);
	if (got == -EINPROGRESS)
		return 1;
	if (got == 0)
		return end_life(p);
	r = p->after_gap ? tell_gap(p) : 0;
	if (got < 0) {
		if (r == 0 && p->leaves)
			r = leave(p);
		return r < 0 ? r : 1;
	}
	*total += (size_t)got;
	if (got >= CHANNEL_PIPE)
		channel_widen(p->c);
	if (r < 0) {
		keep_input(p->c, bench, bytes, size);
		return r;
	}
	r = work_on(p, bench, bytes, size);
	/* where others wait for their turn there is enough to do meanwhile */
	if (r == 0 && got < CHANNEL_BUSY_BYTES && *total >= CHANNEL_BUSY_BYTES && p->is_alone)
		pause_for_more(p->c);
	return r;
}

/* Moves what is in a pipe to where it belongs.  0 or negative errno of the target. */
int outlet_pump(struct outlet *o, struct channel *c, void **slot)
{
	struct bench *bench = bench_get(slot);
	size_t total = 0;
	struct piece p;
	int r;

	if (!bench)
		return -ENOMEM;
	begin_piece(&p, o, c);
	r = work_on_kept(&p, bench);
	while (r == 0 && total < TURN_BYTES) {
		if (!bench_get(slot))
			return -ENOMEM;
		r = end_cut(&p);
		if (r == 0)
			r = move_piece(&p, bench, &total);
	}
	o->turn_bytes += total;
	return r < 0 ? r : 0; /* it stays ready if there may be more */
}
