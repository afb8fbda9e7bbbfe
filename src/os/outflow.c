/* SPDX-License-Identifier: MIT */
/* The thread's side of an outlet: what is to be done, in which order, and what came of it.
 *
 * Whatever is read is written, in order, or counted as lost.  When the target takes nothing, what
 * was read already is kept here (in outlet.out and channel.input, some 200 kB at most), and the
 * rest stays in the pipe or, if the program is not to wait, is counted and dropped. */
#include <errno.h>
#include <stdlib.h>

#include "os/outlet_private.h"

struct bench *bench_get(void **slot)
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
		r = outlet_end_unfinished(o, NULL);
	if (said.size && r == 0)
		r = outbuf_add(&o->out, said.data, said.size);
	outbuf_release(&said);
	return r ? r : outlet_flush(o);
}

static int reopen(struct outlet *o, const struct logfile_policy *policy, unsigned wanted)
{
	int r = o->file ? logfile_reopen(o->file) : outlet_open_target(o, policy);

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
	r = wants_reopen ? reopen(o, &policy, wanted) : outlet_open_target(o, &policy);
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
	struct bench *bench = bench_get(slot);
	struct channel *c;
	int r = bench ? prepare(o) : -ENOMEM;

	o->turn_bytes = 0;
	if (bench)
		lend(o, bench);
	if (r == 0)
		r = outlet_flush(o);
	if (r == 0)
		r = write_said(o);
	while (r == 0 && o->turn_bytes < TURN_BYTES && (c = next_ready(o)))
		r = outlet_pump(o, c, slot);
	r = r == 0 ? outlet_flush(o) : r;
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
		more = finish(o, bench_get(slot), r);
	} else {
		more = drop_all(o, bench_get(slot), -r) || (o->again && !o->closing);
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
		r = outlet_flush(o);
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
		more = drop_all(o, bench_get(slot), ETIMEDOUT);
	o->drains = more && !o->closing;
	if (o->drains)
		crew_add(o->crew, &o->drain);
	pthread_cond_signal(&o->rests);
	outlet_unlock(o);
}
