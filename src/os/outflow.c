/* SPDX-License-Identifier: MIT */
/* The thread's side of an outlet: reads pipes, makes lines of what it finds, writes.
 *
 * Whatever is read is written, in order, or counted as lost.  When the target takes nothing, what
 * was read already is kept here (in outlet.out and channel.input, some 200 kB at most), and the
 * rest stays in the pipe or, if the program is not to wait, is counted and dropped. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/journalentry.h"
#include "os/logsocket.h"
#include "os/outlet_private.h"
#include "os/syslogline.h"

enum {
	INPUT_SIZE = 128 * 1024,  /* one read */
	OUT_FULL = 128 * 1024,    /* so much is written at once */
	TURN_BYTES = 1024 * 1024, /* then it is another channel's turn, and another outlet's */
	ROOM_WAIT_MS = 20,        /* for a reader that is about to read */
	NOTE_SIZE = 128,
};

/* What a thread keeps from one job to the next. */
struct bench {
	char *input;       /* INPUT_SIZE; owned */
	struct outbuf out; /* memory for what is made: outlets that rest hold none */
};

static struct bench *get_bench(void **slot)
{
	struct bench *bench = *slot ? *slot : calloc(1, sizeof *bench);

	*slot = bench;
	if (bench && !bench->input)
		bench->input = malloc(INPUT_SIZE);
	return bench && bench->input ? bench : NULL;
}

void outflow_clear(void *slot)
{
	struct bench *bench = slot;

	outbuf_release(&bench->out);
	free(bench->input);
	outbuf_release(&bench->out);
	free(bench);
}

static struct outlet *outlet_of_job(struct crew_job *job)
{
	return (struct outlet *)((char *)job - offsetof(struct outlet, job));
}

static struct outlet *outlet_of_drain(struct crew_job *job)
{
	return (struct outlet *)((char *)job - offsetof(struct outlet, drain));
}

/* The target answers: whoever waits behind it need not be looked after.  Locked. */
static void show_life(struct outlet *o)
{
	o->works_since = clock_monotonic_ms();
	if (!o->health.hangs)
		return;
	o->health.hangs = false;
	o->news = true;
}

/* --- the target --- */

static int open_target(struct outlet *o, const struct logfile_policy *policy)
{
	switch (o->kind) {
	case OUTLET_FILE: return o->file ? 0 : logfile_open(&o->file, o->name, policy);
	case OUTLET_STREAM: return 0;
	case OUTLET_SYSLOG:
	case OUTLET_JOURNAL:
		if (o->fd < 0)
			o->fd = logsocket_open(o->name);
		return o->fd < 0 ? o->fd : 0;
	}
	return -EINVAL;
}

void outflow_close(struct outlet *o)
{
	logfile_close(o->file);
	o->file = NULL;
	if (o->kind == OUTLET_SYSLOG || o->kind == OUTLET_JOURNAL)
		o->fd = fd_close(o->fd);
}

/* Waits a moment for a reader that is only busy.  0 or -EAGAIN. */
static int await_room(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	return poll(&room, 1, ROOM_WAIT_MS) == 1 ? 0 : -EAGAIN;
}

static ssize_t write_stream(const struct outlet *o, const char *bytes, size_t size)
{
	ssize_t written;
	int r = await_room(o->fd);

	if (r < 0)
		return r;
	written = write(o->fd, bytes, size);
	return written < 0 ? -errno : written;
}

static ssize_t send_once(const struct outlet *o, const char *bytes, size_t size)
{
	ssize_t sent = send(o->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent < 0 ? -errno : sent;
}

static ssize_t send_datagram(struct outlet *o, const char *bytes, size_t size)
{
	ssize_t r = send_once(o, bytes, size);

	if (r == -EAGAIN && await_room(o->fd) == 0)
		r = send_once(o, bytes, size);
	if (r >= 0 || r == -EAGAIN || r == -ENOBUFS || r == -EMSGSIZE)
		return r;
	/* its reader may have been started anew, under the same name */
	fd_close(o->fd);
	o->fd = logsocket_open(o->name);
	if (o->fd >= 0)
		return send_once(o, bytes, size);
	r = o->fd;
	o->fd = -1;
	return r;
}

/* Some of it; negative errno: it takes nothing. */
static ssize_t write_some(struct outlet *o, const char *bytes, size_t size)
{
	ssize_t r = -EINTR;

	while (r == -EINTR) {
		switch (o->kind) {
		case OUTLET_FILE:
			r = logfile_write(o->file, bytes, size, clock_realtime_us());
			if (r == -EAGAIN && await_room(logfile_fd(o->file)) == 0)
				r = -EINTR;
			break;
		case OUTLET_STREAM: r = write_stream(o, bytes, size); break;
		case OUTLET_SYSLOG:
		case OUTLET_JOURNAL: r = send_datagram(o, bytes, size); break;
		}
	}
	return r;
}

/* How much of it goes into one write: of a stream a line, which nobody else then cuts. */
static size_t one_write(const struct outlet *o, const char *bytes, size_t size)
{
	const char *newline = o->kind == OUTLET_STREAM ? memchr(bytes, '\n', size) : NULL;

	return newline ? (size_t)(newline + 1 - bytes) : size;
}

/* Writes what was made.  0 or negative errno; the rest is kept then. */
static int flush(struct outlet *o)
{
	while (o->out_first < o->out.size) {
		const char *bytes = o->out.data + o->out_first;
		size_t size = one_write(o, bytes, o->out.size - o->out_first);
		ssize_t written = write_some(o, bytes, size);

		if (written < 0)
			return (int)written;
		o->out_first += (size_t)written;
	}
	o->out.size = o->out_first = 0;
	return 0;
}

/* --- records --- */

static void update_local_time(struct outlet *o, int64_t now_us)
{
	time_t second = (time_t)(now_us / 1000000);
	struct tm tm;

	if (second == o->local_second || !localtime_r(&second, &tm))
		return;
	/* the C locale is what vergerd runs in */
	strftime(o->local_time, sizeof o->local_time, "%b %e %H:%M:%S", &tm);
	o->local_second = second;
}

/* What a program writes is information, on whichever stream; that some of it is missing is not. */
static int priority_of(const struct line_facts *facts)
{
	return !strcmp(facts->stream, "verger") ? LOG_WARNING : LOG_INFO;
}

/* A line in the middle of which another program's would begin is ended: it goes on in the next. */
static int end_unfinished(struct outlet *o, const struct channel *c)
{
	bool foreign = o->torn || (o->unfinished && o->unfinished != c);

	o->unfinished = NULL;
	o->torn = false;
	return foreign ? outbuf_add(&o->out, "\n", 1) : 0;
}

static int add_record(struct outlet *o, enum log_format format, const struct line_facts *facts,
                      const struct line *line)
{
	switch (o->kind) {
	case OUTLET_FILE:
	case OUTLET_STREAM: return lineformat_add(&o->out, format, &o->stamp, facts, line);
	case OUTLET_SYSLOG:
		update_local_time(o, facts->time_us);
		return syslogline_add(&o->out, facts, LOG_DAEMON | priority_of(facts),
		                      o->local_time, line);
	case OUTLET_JOURNAL: return journalentry_add(&o->out, facts, priority_of(facts), line);
	}
	return -EINVAL;
}

/* A line that can be written nowhere. */
static void lose(struct outlet *o, struct channel *c, const struct line *line, int error)
{
	outlet_lock(o);
	c->lost_for = error;
	c->lost_lines++;
	c->total_lost_lines++;
	c->lost_bytes += line->size;
	c->total_lost_bytes += line->size;
	outlet_unlock(o);
}

/* A line is on its way when this returns: written, or kept in outlet.out with a negative errno. */
static int emit(struct outlet *o, struct channel *c, enum log_format format,
                const struct line_facts *facts, const struct line *line)
{
	int r = end_unfinished(o, format == LOG_FORMAT_RAW ? c : NULL);

	if (r == 0)
		r = add_record(o, format, facts, line);
	if (r == 0 && (o->kind != OUTLET_FILE || o->out.size >= OUT_FULL)) {
		r = flush(o);
		if (r != -EMSGSIZE)
			return r;
		o->out.size = o->out_first = 0;
	}
	if (r < 0) /* there is no memory for it, or no datagram is so large */
		lose(o, c, line, -r);
	return 0;
}

/* --- a piece of a program's output --- */

/* What is being worked on. */
struct piece {
	struct outlet *o;
	struct channel *c;
	enum log_format format;
	bool verbatim; /* nobody else writes there, and nothing is to be done to it */
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
	int r = o->torn ? end_unfinished(o, NULL) : 0;

	if (r == 0 && o->out.size)
		r = flush(o);
	while (r == 0 && *size) {
		ssize_t written = write_some(o, *bytes, *size);

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
		r = emit(p->o, p->c, p->format, &p->facts, &line);
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
	end_unfinished(p->o, NULL);
	return emit(p->o, c, p->format, &facts,
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

/* What a life left unfinished is a line. */
static int end_life(struct piece *p)
{
	struct line line;
	int r = 0;

	outlet_lock(p->o);
	if (p->c->gap)
		discard_held(p->c);
	outlet_unlock(p->o);
	if (linecut_flush(&p->c->cut, &line))
		r = emit(p->o, p->c, p->format, &p->facts, &line);
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
	p->verbatim = o->kind == OUTLET_FILE && c->format == LOG_FORMAT_RAW &&
	              c->stalled == LOG_STALLED_BLOCK && o->channel_count == 1;
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
	struct line line;
	bool is_over;

	outlet_lock(p->o);
	is_over = p->c->cut_is_over;
	p->c->cut_is_over = false;
	outlet_unlock(p->o);
	if (!is_over || !linecut_flush(&p->c->cut, &line))
		return 0;
	return emit(p->o, p->c, p->format, &p->facts, &line);
}

/* The pipe is empty, and nobody will write there any more. */
static int leave(struct piece *p)
{
	struct line line;
	int r = 0;

	if (linecut_flush(&p->c->cut, &line))
		r = emit(p->o, p->c, p->format, &p->facts, &line);
	if (r == 0)
		r = tell_gap(p);
	outlet_lock(p->o);
	p->c->gone = r == 0;
	p->c->ready = r < 0; /* it has something to tell yet */
	p->o->news = true;
	outlet_unlock(p->o);
	return r;
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
	if (r == 0)
		return work_on(p, bench, bytes, size);
	keep_input(p->c, bench, bytes, size);
	return r;
}

/* Moves what is in a pipe to where it belongs.  0 or negative errno of the target. */
static int pump(struct outlet *o, struct channel *c, void **slot)
{
	struct bench *bench = get_bench(slot);
	size_t total = 0;
	struct piece p;
	int r;

	if (!bench)
		return -ENOMEM;
	begin_piece(&p, o, c);
	r = work_on_kept(&p, bench);
	while (r == 0 && total < TURN_BYTES) {
		if (!get_bench(slot))
			return -ENOMEM;
		r = end_cut(&p);
		if (r == 0)
			r = move_piece(&p, bench, &total);
	}
	o->turn_bytes += total;
	return r < 0 ? r : 0; /* it stays ready if there may be more */
}

/* --- the job --- */

static bool has_kept(const struct channel *c)
{
	return c && c->input_first < c->input_end;
}

/* Whose turn it is.  Who has kept something goes on, so that no other comes to keep something. */
static struct channel *next_ready(struct outlet *o)
{
	struct channel *c, *found = NULL;

	outlet_lock(o);
	if (has_kept(o->cursor))
		found = o->cursor;
	c = o->cursor ? o->cursor->next : NULL;
	for (size_t i = 0; i <= o->channel_count && !found; i++) {
		if (!c)
			c = o->channels;
		if (!c)
			break;
		if (c->ready && !c->gone)
			found = c;
		c = c->next;
	}
	o->cursor = found ? found : o->cursor;
	outlet_unlock(o);
	return found;
}

/* vergerd's own lines. */
static int write_said(struct outlet *o)
{
	struct outbuf said;
	int r = 0;

	outlet_lock(o);
	said = o->said;
	o->said = (struct outbuf){ 0 };
	outlet_unlock(o);
	if (said.size)
		r = end_unfinished(o, NULL);
	if (said.size && r == 0)
		r = outbuf_add(&o->out, said.data, said.size);
	outbuf_release(&said);
	return r ? r : flush(o);
}

static int reopen(struct outlet *o, const struct logfile_policy *policy, unsigned wanted)
{
	int r = o->file ? logfile_reopen(o->file) : open_target(o, policy);

	outlet_lock(o);
	o->reopens_done = wanted; /* it may have been wanted once more meanwhile */
	o->reopen_error = -r;
	o->news |= r < 0;
	outlet_unlock(o);
	return o->file ? 0 : r;
}

/* What has to be done before anything is written. */
static int prepare(struct outlet *o)
{
	struct logfile_policy policy;
	bool policy_is_new, wants_reopen;
	unsigned wanted;
	int r;

	outlet_lock(o);
	policy = o->policy;
	policy_is_new = o->policy_is_new;
	wanted = o->reopens_wanted;
	wants_reopen = wanted != o->reopens_done;
	o->policy_is_new = false;
	outlet_unlock(o);
	if (policy_is_new && o->file)
		logfile_set_policy(o->file, &policy);
	r = wants_reopen ? reopen(o, &policy, wanted) : open_target(o, &policy);
	if (r == 0 && o->file)
		r = logfile_check(o->file, clock_realtime_us());
	return r;
}

/* An outlet without anything half written works with the thread's memory. */
static void lend(struct outlet *o, struct bench *bench)
{
	if (o->out.data)
		return;
	o->out = bench->out;
	bench->out = (struct outbuf){ 0 };
}

static void give_back(struct outlet *o, struct bench *bench)
{
	if (o->out.size)
		return;
	outbuf_release(&bench->out);
	bench->out = o->out;
	o->out = (struct outbuf){ 0 };
}

static int work(struct outlet *o, void **slot)
{
	struct bench *bench = get_bench(slot);
	struct channel *c;
	int r = bench ? prepare(o) : -ENOMEM;

	o->turn_bytes = 0;
	if (bench)
		lend(o, bench);
	if (r == 0)
		r = flush(o);
	if (r == 0)
		r = write_said(o);
	while (r == 0 && o->turn_bytes < TURN_BYTES && (c = next_ready(o)))
		r = pump(o, c, slot);
	r = r == 0 ? flush(o) : r;
	if (r == 0 && o->file)
		outlet_pack(o);
	if (bench)
		give_back(o, bench);
	return r;
}

/* Whether programs that do not wait go on without it: who only has no room may have some soon. */
static bool is_stalled(const struct outlet *o, msec_t now)
{
	return o->health.error != EAGAIN || now - o->health.since >= OUTLET_ROOM_MS;
}

/* Reads what need not be kept.  Whether there may be more.  Locked. */
static bool drop_all(struct outlet *o, struct bench *bench, int reason)
{
	bool more = false, words = false;

	if (reason == EAGAIN && !is_stalled(o, clock_monotonic_ms()))
		return false;
	for (struct channel *c = o->channels; c && bench; c = c->next) {
		if (c->stalled != LOG_STALLED_DROP || c->gone || c->armed)
			continue;
		if (channel_drop(c, bench->input, INPUT_SIZE, reason))
			more = true;
		else
			o->hooks->rest(o->context, c);
		words |= c->last_words != NULL;
	}
	if (words) {
		o->news = true;
		o->hooks->wake(o->context);
	}
	return more;
}

static void note_result(struct outlet *o, int r)
{
	struct outlet_health *health = &o->health;
	msec_t now = clock_monotonic_ms();

	if (health->hangs || health->error != -r)
		o->news = true;
	if (r < 0 && !health->error && !health->hangs)
		health->since = now;
	health->hangs = false;
	health->error = -r;
	o->wants_room = r == -EAGAIN;
	o->retry_at = r < 0 ? now + (r == -EAGAIN ? OUTLET_ROOM_MS : OUTLET_RETRY_MS) : 0;
}

/* Whether its turn is over before all was read.  Locked. */
static bool has_more(const struct outlet *o)
{
	const struct channel *c = o->channels;

	while (c && (!c->ready || c->gone))
		c = c->next;
	return c != NULL;
}

/* Locked: whether it is to be done again at once. */
static bool finish(struct outlet *o, struct bench *bench, int r)
{
	bool more, news;

	note_result(o, r);
	more = r < 0 ? drop_all(o, bench, -r) : has_more(o);
	if (o->file && o->health.rotation != -logfile_trouble(o->file)) {
		o->health.rotation = -logfile_trouble(o->file);
		o->news = true;
	}
	news = o->news || o->wants_room;
	more |= o->again && !o->closing;
	o->state = more ? OUTLET_WAITS : OUTLET_RESTS;
	if (news)
		o->hooks->wake(o->context);
	return more;
}

/* While a target takes nothing it is tried once a second, however much comes in. */
static bool is_to_be_tried(const struct outlet *o)
{
	return !o->health.error || clock_monotonic_ms() >= o->retry_at;
}

void outflow_run(struct crew_job *job, void **slot)
{
	struct outlet *o = outlet_of_job(job);
	bool more, tried;
	int r;

	outlet_lock(o);
	o->state = OUTLET_WORKS;
	o->again = false;
	o->works_since = clock_monotonic_ms();
	tried = is_to_be_tried(o);
	r = -o->health.error;
	outlet_unlock(o);
	if (tried)
		r = work(o, slot);
	outlet_lock(o);
	if (tried) {
		more = finish(o, get_bench(slot), r);
	} else {
		more = drop_all(o, get_bench(slot), -r) || (o->again && !o->closing);
		o->state = more ? OUTLET_WAITS : OUTLET_RESTS;
	}
	if (more)
		crew_add(o->crew, &o->job);
	pthread_cond_signal(&o->rests);
	outlet_unlock(o);
}

void outlet_say_here(struct outlet *o)
{
	bool tried;
	int r = 0;

	outlet_lock(o);
	if (o->state != OUTLET_WAITS || !crew_cancel(o->crew, &o->job)) {
		outlet_unlock(o);
		return;
	}
	o->state = OUTLET_WORKS;
	o->again = false;
	o->works_since = clock_monotonic_ms();
	tried = is_to_be_tried(o);
	outlet_unlock(o);
	if (tried)
		r = prepare(o);
	if (tried && r == 0)
		r = flush(o);
	if (tried && r == 0)
		r = write_said(o);
	outlet_lock(o);
	o->state = OUTLET_RESTS;
	if ((tried && finish(o, NULL, r)) || o->channels) {
		o->state = OUTLET_WAITS; /* for the pipes */
		crew_add(o->crew, &o->job);
	}
	pthread_cond_signal(&o->rests);
	outlet_unlock(o);
}

void outflow_drain(struct crew_job *job, void **slot)
{
	struct outlet *o = outlet_of_drain(job);
	bool more = false;

	outlet_lock(o);
	if (o->health.hangs)
		more = drop_all(o, get_bench(slot), ETIMEDOUT);
	o->drains = more && !o->closing;
	if (o->drains)
		crew_add(o->crew, &o->drain);
	pthread_cond_signal(&o->rests);
	outlet_unlock(o);
}
