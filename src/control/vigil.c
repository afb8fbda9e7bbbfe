/* SPDX-License-Identifier: MIT */
/* Waiting, one item for each program.  Changes are marked when they happen and told when the client
 * takes them, so that a slow one costs nothing. */
#include "control/vigil.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "control/reason.h"
#include "control/reply.h"
#include "control/selection.h"

enum { HEAD_MAX = SESSION_REPLY_MAX };

enum result { RESULT_PENDING, RESULT_DONE, RESULT_FAILED, RESULT_TIMED_OUT };

static const char *const result_names[] = {
	[RESULT_PENDING] = "pending",
	[RESULT_DONE] = "done",
	[RESULT_FAILED] = "failed",
	[RESULT_TIMED_OUT] = "timed_out",
};

struct item {
	struct goal_watch watch;
	char *name;        /* owned: a program that is removed takes its own along */
	char *reason;      /* owned; of a failure */
	const char *state; /* when it was decided */
	pid_t pid;
	enum result result;
	bool changed; /* since it was told */
};

struct vigil {
	struct session *session;
	struct item *items; /* owned; by id once it has begun */
	size_t count, capacity;
	size_t undecided;
	struct text head, progress_head;
	msec_t deadline;
	msec_t timeout_ms;
	const char *given_up; /* why nobody waits any longer */
	bool more, begun, changed, head_told;
	bool is_timed_out;
};

static const struct control_host *host_of(const struct vigil *v)
{
	return v->session->control->host;
}

struct vigil *vigil_new(struct session *s, bool more)
{
	struct vigil *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->session = s;
	v->more = more;
	v->deadline = MSEC_NEVER;
	text_init(&v->head, HEAD_MAX);
	text_init(&v->progress_head, HEAD_MAX);
	s->vigil = v;
	s->control->vigils++;
	return v;
}

void vigil_free(struct vigil *v)
{
	if (!v)
		return;
	v->session->vigil = NULL;
	v->session->control->vigils--;
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].name);
		free(v->items[i].reason);
	}
	free(v->items);
	text_release(&v->head);
	text_release(&v->progress_head);
	free(v);
}

/* --- whom it concerns --- */

static struct item *add(struct vigil *v, uint32_t program)
{
	const char *name = host_of(v)->settings->programs[program].name;
	struct item *item;

	if (v->count == v->capacity) {
		size_t capacity = v->capacity ? v->capacity * 2 : 4;
		struct item *grown = realloc(v->items, capacity * sizeof *grown);

		if (!grown)
			return NULL;
		v->items = grown;
		v->capacity = capacity;
	}
	item = &v->items[v->count];
	*item = (struct item){ .name = strdup(name), .changed = true };
	item->watch.program = program;
	if (!item->name)
		return NULL;
	v->count++;
	return item;
}

int vigil_add(struct vigil *v, uint32_t program, enum goal goal, const char *state_name)
{
	struct item *item = add(v, program);

	if (!item)
		return -ENOMEM;
	item->watch = goal_watch_begin(host_of(v)->supervisor, goal, program);
	item->watch.state_name = state_name;
	v->undecided++;
	return 0;
}

static void remember(const struct vigil *v, struct item *item, enum result result)
{
	struct program_status st;

	supervisor_status(host_of(v)->supervisor, item->watch.program, &st);
	item->result = result;
	item->state = life_state_name(st.state);
	item->pid = st.pid;
}

int vigil_add_decided(struct vigil *v, uint32_t program, const char *failure)
{
	struct item *item = add(v, program);

	if (!item)
		return -ENOMEM;
	remember(v, item, failure ? RESULT_FAILED : RESULT_DONE);
	item->reason = failure ? strdup(failure) : NULL;
	return 0;
}

int vigil_set_head(struct vigil *v, const struct text *head, const struct text *progress_head)
{
	int r = text_add(&v->head, text_get(head), head->size);

	return r < 0 ? r
	             : text_add(&v->progress_head, text_get(progress_head), progress_head->size);
}

/* --- judging --- */

static bool is_resting(const struct vigil *v, uint32_t program)
{
	const struct supervisor *sv = host_of(v)->supervisor;
	struct program_status st;

	if (program == NO_PROGRAM || !supervisor_has(sv, program))
		return false;
	supervisor_status(sv, program, &st);
	return life_state_is_settled(st.state);
}

/* whether the sentence about its state tells why as well */
static bool is_telling(enum life_state state)
{
	return state == LIFE_WAITING || state == LIFE_BACKOFF || state == LIFE_EXITED ||
	       state == LIFE_FAILED;
}

static void put_missed(const struct vigil *v, const struct item *item, struct text *out)
{
	const struct control_host *host = host_of(v);
	const char *explanation = goal_explain(host->supervisor, &item->watch);
	bool is_up = item->watch.goal == GOAL_UP || item->watch.goal == GOAL_RENEWED;
	unsigned looks = REASON_LOOKS;
	struct program_status st;

	supervisor_status(host->supervisor, item->watch.program, &st);
	if (!is_up || !is_telling(st.state) ||
	    !reason_put(out, host, item->watch.program, &st, &looks))
		text_add_string(out, explanation ? explanation : life_state_name(st.state));
	if (is_up && is_resting(v, st.waits_for))
		text_add_format(out, "; start %s as well",
		                host->settings->programs[st.waits_for].name);
}

static void decide_missed(struct vigil *v, struct item *item)
{
	struct text reason;

	remember(v, item, RESULT_FAILED);
	text_init(&reason, REASON_MAX);
	put_missed(v, item, &reason);
	item->reason = text_take(&reason);
	text_release(&reason);
}

static void decide_removed(struct item *item)
{
	bool as_asked = item->watch.goal == GOAL_DOWN || item->watch.goal == GOAL_GONE;

	item->result = as_asked ? RESULT_DONE : RESULT_FAILED;
	item->state = life_state_name(LIFE_STOPPED);
	item->reason =
		as_asked ? NULL : strdup("was removed: it is no longer in the configuration");
}

static void judge(struct vigil *v, struct item *item, bool is_removed)
{
	const struct supervisor *sv = host_of(v)->supervisor;

	if (item->result != RESULT_PENDING)
		return;
	if (is_removed || !supervisor_has(sv, item->watch.program)) {
		decide_removed(item);
	} else {
		switch (goal_judge(sv, &item->watch)) {
		case GOAL_PENDING: return;
		case GOAL_REACHED: remember(v, item, RESULT_DONE); break;
		case GOAL_MISSED: decide_missed(v, item); break;
		}
	}
	v->undecided--;
}

static int compare_items(const void *a, const void *b)
{
	uint32_t x = ((const struct item *)a)->watch.program;
	uint32_t y = ((const struct item *)b)->watch.program;

	return (x > y) - (x < y);
}

void vigil_begin(struct vigil *v, bool wait, msec_t timeout_ms)
{
	if (v->count)
		qsort(v->items, v->count, sizeof *v->items, compare_items);
	v->begun = v->changed = true;
	for (size_t i = 0; i < v->count; i++)
		judge(v, &v->items[i], false);
	v->timeout_ms = timeout_ms;
	if (!wait)
		v->given_up = "";
	else if (timeout_ms == 0)
		v->is_timed_out = true;
	else
		v->deadline = host_of(v)->now_ms(host_of(v)->context) + timeout_ms;
}

static bool waits_for(const struct vigil *v, const struct item *item, uint32_t on)
{
	const struct supervisor *sv = host_of(v)->supervisor;
	bool is_start = item->watch.goal == GOAL_UP || item->watch.goal == GOAL_RENEWED;
	struct program_status st;

	if (item->result != RESULT_PENDING || !is_start || !supervisor_has(sv, item->watch.program))
		return false;
	supervisor_status(sv, item->watch.program, &st);
	return st.waits_for == on;
}

/* `program` has come to rest: who waits for it may wait in vain now */
static void judge_waiting(struct vigil *v, uint32_t program)
{
	for (size_t i = 0; i < v->count; i++) {
		if (!waits_for(v, &v->items[i], program))
			continue;
		judge(v, &v->items[i], false);
		v->items[i].changed = v->changed = true;
	}
}

void vigil_on_state(struct vigil *v, uint32_t program, enum life_state to)
{
	const struct item key = { .watch = { .program = program } };
	struct item *item;

	/* before, they are neither in order nor to be judged: what is asked for is not done yet */
	if (!v->begun || !v->count)
		return;
	item = bsearch(&key, v->items, v->count, sizeof *v->items, compare_items);
	if (item && item->result == RESULT_PENDING) {
		item->changed = v->changed = true;
		judge(v, item, to == LIFE_STATE_COUNT);
	}
	if (to < LIFE_STATE_COUNT && life_state_is_settled(to))
		judge_waiting(v, program);
	if (vigil_is_ready(v))
		session_wake(v->session);
}

/* --- the end of patience --- */

static bool is_over(const struct vigil *v)
{
	return v->begun && (!v->undecided || v->given_up || v->is_timed_out);
}

msec_t vigil_deadline(const struct vigil *v)
{
	return is_over(v) ? MSEC_NEVER : v->deadline;
}

void vigil_tick(struct vigil *v, msec_t now)
{
	if (is_over(v) || now < v->deadline)
		return;
	v->is_timed_out = true;
	session_wake(v->session);
}

void vigil_give_up(struct vigil *v, const char *reason)
{
	if (!v->given_up && v->undecided)
		v->given_up = reason;
}

/* --- telling --- */

/* why one that is undecided is so, and why nobody waits for it any more */
static void put_undecided(const struct vigil *v, const struct item *item, unsigned *looks,
                          struct text *out)
{
	const struct control_host *host = host_of(v);
	struct program_status st;
	char span[DURATION_SIZE];

	if (v->is_timed_out && v->timeout_ms > 0)
		text_add_format(out, "not within %s: ", parse_format_duration(v->timeout_ms, span));
	else if (v->given_up && *v->given_up)
		text_add_format(out, "%s: ", v->given_up);
	supervisor_status(host->supervisor, item->watch.program, &st);
	if (!reason_put(out, host, item->watch.program, &st, looks))
		text_add_format(out, "is %s", life_state_name(st.state));
}

static enum result result_told(const struct vigil *v, const struct item *item)
{
	if (item->result != RESULT_PENDING || !is_over(v))
		return item->result;
	if (v->is_timed_out)
		return RESULT_TIMED_OUT;
	return *v->given_up ? RESULT_FAILED : RESULT_PENDING;
}

static void write_outcome(const struct vigil *v, struct item *item, unsigned *looks,
                          struct jsonout *j)
{
	struct text reason;

	text_init(&reason, REASON_MAX);
	if (item->result == RESULT_PENDING) {
		remember(v, item, RESULT_PENDING);
		put_undecided(v, item, looks, &reason);
	} else if (item->reason) {
		text_add_string(&reason, item->reason);
	}
	jsonout_object(j, NULL);
	jsonout_string(j, "name", item->name);
	jsonout_string(j, "result", result_names[result_told(v, item)]);
	jsonout_string(j, "state", item->state);
	if (item->pid > 0)
		jsonout_int(j, "pid", item->pid);
	if (reason.size)
		jsonout_bytes(j, "reason", reason.data, reason.size);
	jsonout_lossy(j);
	jsonout_object_end(j);
	text_release(&reason);
}

/* all of them, or those that have changed */
static void write_message(struct vigil *v, bool progress)
{
	const struct text *head = progress && v->head_told ? &v->progress_head : &v->head;
	unsigned looks = REASON_LOOKS;
	struct reply reply;

	reply_begin(&reply, v->session);
	jsonout_raw(&reply.json, text_get(head), head->size);
	jsonout_array(&reply.json, "programs");
	for (size_t i = 0; i < v->count; i++) {
		if (!progress || v->items[i].changed)
			write_outcome(v, &v->items[i], &looks, &reply.json);
		v->items[i].changed = false;
	}
	jsonout_array_end(&reply.json);
	v->changed = false;
	v->head_told = true;
	reply_end(&reply, progress);
}

bool vigil_is_ready(const struct vigil *v)
{
	return is_over(v) || (v->begun && v->more && v->changed);
}

bool vigil_step(struct vigil *v)
{
	bool over = is_over(v);

	if (vigil_is_ready(v))
		write_message(v, !over);
	return over;
}
