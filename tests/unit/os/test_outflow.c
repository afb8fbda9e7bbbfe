/* SPDX-License-Identifier: MIT */
/* Where bytes may be lost or told twice: an outlet's work with a file that takes all, some or
 * nothing of what it is given, step by step and without threads.  Whoever drops for a thread that
 * hangs is called from within the write that hangs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "os/outlet_private.h"
#include "sim/chance.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum {
	CHANNELS = 3,
	LIVES_WAITING_MAX = 5, /* fewer than are told apart */
	STEPS = 400,
	WALKS = 150,
	ROUNDS_MAX = 10000,
	TEXT_MAX = 1 << 20,
	LINE_MAX_SMALL = 48,
	FEED_MAX = 64 << 20,
};

/* --- the world --- */

enum mood { TAKES_ALL, TAKES_SOME, TAKES_NOTHING, HANGS, FEEDS };

static struct outlet *outlet;
static struct channel *channels[CHANNELS], *resting[CHANNELS];
static int ends[CHANNELS];
static size_t rest_count;
static int poll_fd;
static void *bench, *second_bench;
static enum mood mood;
static int refusal;
static struct chance chance;
static size_t fed;
static unsigned added; /* jobs that were handed to the crew */

void __wrap_crew_add(struct crew *c, struct crew_job *job);
ssize_t __wrap_logfile_write(struct logfile *f, const char *bytes, size_t size, int64_t now_us);
ssize_t __real_logfile_write(struct logfile *f, const char *bytes, size_t size, int64_t now_us);

void __wrap_crew_add(struct crew *c, struct crew_job *job)
{
	(void)c;
	added += job == &outlet->job;
}

/* A program that writes faster than we do. */
static void feed(void)
{
	char much[4096];
	ssize_t n;

	memset(much, 'x', sizeof much);
	much[sizeof much - 1] = '\n';
	while (fed < FEED_MAX && (n = write(ends[0], much, sizeof much)) > 0)
		fed += (size_t)n;
}

/* What another thread does meanwhile. */
static void drop_meanwhile(void)
{
	outlet_lock(outlet);
	outlet->health.hangs = true;
	outlet->drains = true;
	outlet_unlock(outlet);
	outflow_drain(&outlet->drain, &second_bench);
}

ssize_t __wrap_logfile_write(struct logfile *f, const char *bytes, size_t size, int64_t now_us)
{
	switch (mood) {
	case TAKES_ALL: break;
	case TAKES_SOME:
		if (chance_one_in(&chance, 3))
			return -refusal;
		size = 1 + chance_below(&chance, (unsigned)size);
		break;
	case TAKES_NOTHING: return -refusal;
	case HANGS: drop_meanwhile(); break;
	case FEEDS: feed(); break;
	}
	return __real_logfile_write(f, bytes, size, now_us);
}

static void on_wake(void *context)
{
	(void)context;
}

static void on_rest(void *context, struct channel *c)
{
	(void)context;
	if (c->rests)
		return;
	c->rests = true;
	resting[rest_count++] = c;
}

static const struct outlet_hooks hooks = { .wake = on_wake, .rest = on_rest };

static void set_up(void)
{
	scratch_make();
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
}

static void tear_down(void)
{
	close(poll_fd);
	scratch_remove();
}

static void open_outlet(size_t count, enum log_format format, enum log_stalled stalled,
                        size_t line_max)
{
	static const char *const names[CHANNELS] = { "a", "b", "c" };
	const struct logfile_policy policy = { .max_size = LOG_SIZE_NONE,
		                               .max_age_ms = MSEC_NEVER };
	struct logfile *file;
	const char *path = scratch_path("log");

	unlink(path);
	mood = TAKES_ALL;
	refusal = ENOSPC;
	rest_count = 0;
	outlet = outlet_new(NULL, OUTLET_FILE, path, -1, 1, &hooks, NULL);
	ck_assert_ptr_nonnull(outlet);
	ck_assert_int_eq(logfile_open(&file, path, &policy), 0);
	outlet_set_file(outlet, file);
	for (size_t i = 0; i < count; i++) {
		struct program_settings p = {
			.name = names[i],
			.log = { .format = format, .stalled = stalled, .memory = 100 },
		};

		channels[i] = channel_new(&p, (uint32_t)i, 1, line_max, poll_fd);
		ck_assert_ptr_nonnull(channels[i]);
		ends[i] = channel_open_end(channels[i], NULL);
		ck_assert_int_ge(ends[i], 0);
		fcntl(ends[i], F_SETFL, O_NONBLOCK);
		outlet_add(outlet, channels[i]);
	}
}

/* What the loop does: hears of pipes, and lets go on who rests. */
static void listen_to_pipes(void)
{
	struct epoll_event events[CHANNELS];
	int n;

	while (rest_count > 0) {
		struct channel *c = resting[--rest_count];

		c->rests = false;
		if (!c->gone)
			channel_arm(c);
	}
	n = epoll_wait(poll_fd, events, CHANNELS, 0);
	for (int i = 0; i < n; i++) {
		struct channel *c = events[i].data.ptr;

		c->armed = false;
		c->ready = true;
		outlet_kick(outlet);
	}
}

/* What the crew does. */
static void work(void)
{
	while (outlet->state == OUTLET_WAITS)
		outflow_run(&outlet->job, &bench);
}

/* Until nothing is left to do; what waits for something that will never come fails. */
static void settle(void)
{
	mood = TAKES_ALL;
	for (size_t i = 0; i < ROUNDS_MAX; i++) {
		outlet_has_room(outlet);
		work();
		listen_to_pipes();
		work();
		if (outlet_is_settled(outlet) && !outlet->health.error && rest_count == 0)
			return;
	}
	ck_abort_msg("%zu bytes are never written", outlet_waiting(outlet));
}

/* All of it was read and is written. */
static void close_outlet(size_t count)
{
	struct channel *gone;

	settle();
	outlet_end(outlet);
	settle();
	for (size_t i = 0; i < count; i++) {
		close(ends[i]);
		gone = outlet_take_gone(outlet);
		ck_assert_ptr_nonnull(gone);
		channel_free(gone);
	}
	ck_assert(!outlet_has_channels(outlet));
	ck_assert_uint_eq(outlet->out.capacity, 0); /* a target at rest costs no buffer */
	ck_assert(outlet_free(outlet));
	if (bench)
		outflow_clear(bench);
	if (second_bench)
		outflow_clear(second_bench);
	bench = second_bench = NULL;
}

static const char *read_log(void)
{
	static char text[TEXT_MAX];
	FILE *f = fopen(scratch_path("log"), "r");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void put(size_t i, const char *text)
{
	ck_assert_int_eq(write(ends[i], text, strlen(text)), (ssize_t)strlen(text));
}

static void begin_life(size_t i, pid_t pid)
{
	channel_begin_life(channels[i]);
	channel_set_pid(channels[i], pid);
}

static void end_life(size_t i)
{
	channel_end_life(channels[i]);
	channels[i]->ready = true;
	outlet_kick(outlet);
}

/* --- single cases --- */

static void say(const char *line)
{
	ck_assert(outlet_say(outlet, line, strlen(line)));
	outlet_kick(outlet);
}

START_TEST(what_is_written_is_there)
{
	open_outlet(2, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK, LINECUT_MAX);
	put(0, "one\ntw");
	listen_to_pipes();
	work();
	put(1, "other\n");
	put(0, "o\n");
	settle();
	ck_assert_ptr_nonnull(strstr(read_log(), "a | one\n"));
	ck_assert_ptr_nonnull(strstr(read_log(), "a | two\n"));
	ck_assert_ptr_nonnull(strstr(read_log(), "b | other\n"));
	close_outlet(2);
}
END_TEST

START_TEST(the_note_comes_when_the_target_takes_output_again)
{
	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_DROP, LINECUT_MAX);
	mood = TAKES_NOTHING;
	put(0, "kept\n");
	listen_to_pipes();
	work();
	put(0, "one\ntwo\nthree\n");
	listen_to_pipes();
	work();
	settle(); /* the program says nothing more */
	ck_assert_str_eq(read_log(),
	                 "kept\nverger: 3 lines, 14 bytes lost: No space left on device\n");
	close_outlet(1);
}
END_TEST

START_TEST(the_note_comes_also_when_the_pipe_was_at_rest)
{
	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_DROP, LINECUT_MAX);
	put(0, "kept\n");
	listen_to_pipes();
	work();
	ck_assert_uint_eq(rest_count, 1);
	put(0, "lost\n");
	mood = TAKES_NOTHING;
	say("own\n");
	work();
	settle();
	ck_assert_str_eq(read_log(),
	                 "kept\nown\nverger: 1 line, 5 bytes lost: No space left on device\n");
	close_outlet(1);
}
END_TEST

START_TEST(a_line_that_was_begun_is_lost_with_its_rest)
{
	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_DROP, LINECUT_MAX);
	mood = TAKES_NOTHING;
	put(0, "kept\nhal");
	listen_to_pipes();
	work();
	put(0, "f a li");
	listen_to_pipes();
	work();
	mood = TAKES_ALL;
	outlet_has_room(outlet);
	work();
	put(0, "ne\nnext\n");
	settle();
	ck_assert_str_eq(read_log(),
	                 "kept\nverger: 1 line, 12 bytes lost: No space left on device\nnext\n");
	close_outlet(1);
}
END_TEST

START_TEST(an_unfinished_line_of_a_life_is_not_lost_with_the_next_life)
{
	open_outlet(1, LOG_FORMAT_JSON, LOG_STALLED_DROP, LINECUT_MAX);
	begin_life(0, 101);
	put(0, "first\nunfinished");
	listen_to_pipes();
	mood = TAKES_NOTHING;
	work();
	end_life(0);
	begin_life(0, 102);
	put(0, "lost\n");
	work();
	settle();
	ck_assert_ptr_nonnull(strstr(read_log(), "\"pid\":101,\"message\":\"first\""));
	ck_assert_ptr_nonnull(strstr(read_log(), "\"pid\":101,\"message\":\"unfinished\""));
	ck_assert_ptr_nonnull(strstr(read_log(), "verger: 1 line, 5 bytes lost"));
	close_outlet(1);
}
END_TEST

START_TEST(lives_are_not_joined_when_nothing_was_lost)
{
	open_outlet(1, LOG_FORMAT_JSON, LOG_STALLED_DROP, LINECUT_MAX);
	begin_life(0, 101);
	put(0, "first\nunfinished");
	listen_to_pipes();
	mood = TAKES_NOTHING;
	work();
	end_life(0);
	begin_life(0, 102);
	work();
	mood = TAKES_ALL;
	put(0, "second\n");
	settle();
	ck_assert_ptr_nonnull(strstr(read_log(), "\"pid\":101,\"message\":\"unfinished\""));
	ck_assert_ptr_nonnull(strstr(read_log(), "\"pid\":102,\"message\":\"second\""));
	close_outlet(1);
}
END_TEST

START_TEST(an_end_is_noticed_while_the_pipe_is_being_emptied)
{
	open_outlet(1, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK, LINECUT_MAX);
	begin_life(0, 101);
	put(0, "unfinished");
	settle();
	ck_assert_str_eq(read_log(), "");
	end_life(0);
	work();
	ck_assert_str_eq(read_log(), "a | unfinished\n");
	ck_assert_uint_eq(channels[0]->last_words_size, strlen("unfinished"));
	ck_assert_mem_eq(channels[0]->last_words, "unfinished", strlen("unfinished"));
	close_outlet(1);
}
END_TEST

/* It is known in a moment; until then nobody turns round and round. */
START_TEST(a_pid_is_waited_for_at_rest)
{
	open_outlet(1, LOG_FORMAT_JSON, LOG_STALLED_BLOCK, LINECUT_MAX);
	channel_begin_life(channels[0]);
	put(0, "early\n");
	listen_to_pipes();
	work();
	ck_assert_int_eq(outlet->state, OUTLET_RESTS);
	listen_to_pipes();
	ck_assert_int_eq(outlet->state, OUTLET_RESTS);
	channel_set_pid(channels[0], 103);
	ck_assert(channels[0]->ready);
	outlet_kick(outlet);
	settle();
	ck_assert_ptr_nonnull(strstr(read_log(), "\"pid\":103,\"message\":\"early\""));
	close_outlet(1);
}
END_TEST

/* A flat-out program is no reason to hear of nothing else. */
START_TEST(a_turn_ends)
{
	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_BLOCK, LINECUT_MAX);
	fed = 0;
	feed();
	listen_to_pipes();
	mood = FEEDS;
	added = 0;
	outflow_run(&outlet->job, &bench);
	ck_assert_uint_lt(fed, FEED_MAX);
	ck_assert_uint_eq(added, 1);
	ck_assert_int_eq(outlet->state, OUTLET_WAITS);
	close_outlet(1);
}
END_TEST

START_TEST(a_reload_in_the_midst_of_a_line_cuts_none)
{
	struct program_settings drops = { .name = "a", .log = { .stalled = LOG_STALLED_DROP } };

	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_BLOCK, LINECUT_MAX);
	put(0, "half a ");
	settle();
	ck_assert_str_eq(read_log(), "half a ");
	channel_set_policy(channels[0], &drops);
	put(0, "line\n");
	settle();
	ck_assert_str_eq(read_log(), "half a line\n");
	close_outlet(1);
}
END_TEST

START_TEST(a_note_stands_in_a_line_of_its_own)
{
	struct program_settings drops = { .name = "a", .log = { .stalled = LOG_STALLED_DROP } };

	open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_BLOCK, LINECUT_MAX);
	put(0, "half a ");
	settle();
	channel_set_policy(channels[0], &drops);
	mood = TAKES_NOTHING;
	say("own\n");
	work();
	put(0, "line\n");
	listen_to_pipes();
	work();
	settle();
	ck_assert_str_eq(read_log(), "half a \nown\nverger: 1 line, 5 bytes lost: No space left on "
	                             "device\n");
	close_outlet(1);
}
END_TEST

/* --- random walks --- */

/* What a program wrote: lines that end as it ended them, in '\n', or as its life did, in '\r'. */
struct tale {
	char *text;
	size_t size;
	uint64_t bytes, lines; /* of the program */
	bool midline;
	bool starting; /* its PID is not known yet */
	unsigned number;
	/* what was found of it */
	size_t at;
	char chain[1024]; /* of pieces of a line */
	size_t chain_size;
	uint64_t found_bytes, found_lines, lost_bytes, lost_lines;
};

static struct tale tales[CHANNELS];
static unsigned own_said, own_found;

static void note_written(struct tale *t, const char *bytes, size_t size)
{
	ck_assert_uint_lt(t->size + size + 2, TEXT_MAX);
	memcpy(t->text + t->size, bytes, size);
	t->size += size;
	t->bytes += size;
	for (size_t i = 0; i < size; i++)
		t->lines += bytes[i] == '\n';
	t->midline = bytes[size - 1] != '\n';
}

/* Some lines; the last one may go on in the next piece. */
static void write_something(size_t i)
{
	unsigned lines = chance_below(&chance, 5);

	for (unsigned n = 0; n <= lines; n++) {
		char text[256];
		int size = snprintf(text, sizeof text, "<%u>", tales[i].number++);

		while (size < 200 && !chance_one_in(&chance, 40))
			text[size++] = (char)('A' + chance_below(&chance, 26));
		if (n < lines || chance_one_in(&chance, 2))
			text[size++] = '\n';
		if (channel_waiting(channels[i]) > CHANNEL_PIPE / 2)
			return;
		ck_assert_int_eq(write(ends[i], text, (size_t)size), size);
		note_written(&tales[i], text, (size_t)size);
	}
}

static void change_lives(size_t i)
{
	struct tale *t = &tales[i];

	if (t->starting) {
		channel_set_pid(channels[i], 100);
		t->starting = false;
	} else if (channels[i]->life_count < LIVES_WAITING_MAX) {
		end_life(i);
		if (t->midline) {
			t->text[t->size++] = '\r';
			t->lines++;
			t->midline = false;
		}
		channel_begin_life(channels[i]);
		t->starting = true;
	}
	outlet_kick(outlet);
}

static void step(size_t count, bool lives)
{
	size_t i = chance_below(&chance, (unsigned)count);
	char own[32];

	mood = (enum mood)chance_below(&chance, HANGS + 1);
	refusal = chance_one_in(&chance, 2) ? ENOSPC : ENXIO;
	switch (chance_below(&chance, 8)) {
	case 0: listen_to_pipes(); break;
	case 1: outlet_has_room(outlet); break;
	case 2:
		if (lives)
			change_lives(i);
		break;
	case 3:
		if (count > 1 && chance_one_in(&chance, 4)) {
			snprintf(own, sizeof own, "own %u\n", own_said++);
			say(own);
		}
		break;
	default: write_something(i); break;
	}
	if (chance_one_in(&chance, 2))
		work();
}

static void find(struct tale *t, const char *bytes, size_t size, bool whole)
{
	char *at;

	/* in the order it was written in: nothing twice, nothing mixed up */
	at = memmem(t->text + t->at, t->size - t->at, bytes, size);
	ck_assert_msg(at != NULL, "not written, or not in that order: %.*s", (int)size, bytes);
	ck_assert_msg(at == t->text || at[-1] == '\n' || at[-1] == '\r', "cut at its start: %.*s",
	              (int)size, bytes);
	t->found_bytes += size;
	t->at = (size_t)(at - t->text) + size;
	if (!whole)
		return;
	ck_assert_msg(at[size] == '\n' || at[size] == '\r', "cut: %.*s", (int)size, bytes);
	t->found_bytes += at[size] == '\n';
	t->found_lines++;
}

/* The pieces that were there of a line whose rest was lost. */
static void end_chain(struct tale *t)
{
	if (t->chain_size)
		find(t, t->chain, t->chain_size, false);
	t->chain_size = 0;
}

static bool take_end(const char *bytes, size_t *size, const char *end)
{
	size_t n = strlen(end);

	if (*size < n || memcmp(bytes + *size - n, end, n) != 0)
		return false;
	*size -= n;
	return true;
}

static void read_record(struct tale *t, const char *bytes, size_t size)
{
	bool begun = size >= 6 && !memcmp(bytes, LINECUT_CONTINUES, 6), partial;
	int64_t lines, lost;

	if (size > 8 && !memcmp(bytes, "verger: ", 8)) {
		const char *comma = memchr(bytes, ',', size), *space = strchr(bytes + 8, ' ');
		char number[32];

		end_chain(t);
		snprintf(number, sizeof number, "%.*s", (int)(space - bytes - 8), bytes + 8);
		ck_assert_int_eq(parse_int(number, 0, INT64_MAX, &lines), 0);
		space = strchr(comma + 2, ' ');
		snprintf(number, sizeof number, "%.*s", (int)(space - comma - 2), comma + 2);
		ck_assert_int_eq(parse_int(number, 0, INT64_MAX, &lost), 0);
		t->lost_lines += (uint64_t)lines;
		t->lost_bytes += (uint64_t)lost;
		return;
	}
	if (begun) {
		ck_assert_uint_gt(t->chain_size, 0);
		bytes += 6;
		size -= 6;
	} else {
		end_chain(t);
	}
	partial = take_end(bytes, &size, LINECUT_GOES_ON);
	ck_assert_uint_le(t->chain_size + size, sizeof t->chain);
	memcpy(t->chain + t->chain_size, bytes, size);
	t->chain_size += size;
	if (partial)
		return;
	find(t, t->chain, t->chain_size, true);
	t->chain_size = 0;
}

static void read_all(const char *text, bool has_names)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1) {
		size_t size = (size_t)(end - text);
		char own[32];

		if (!has_names) {
			read_record(&tales[0], text, size);
		} else if (size > 4 && !memcmp(text + 1, " | ", 3)) {
			ck_assert_int_ge(*text, 'a');
			ck_assert_int_lt(*text, 'a' + CHANNELS);
			read_record(&tales[*text - 'a'], text + 4, size - 4);
		} else {
			snprintf(own, sizeof own, "own %u", own_found++);
			ck_assert_uint_eq(size, strlen(own));
			ck_assert_mem_eq(text, own, size);
		}
	}
	ck_assert_str_eq(text, "");
}

static void begin_tales(void)
{
	own_said = own_found = 0;
	for (size_t i = 0; i < CHANNELS; i++) {
		char *text = tales[i].text ? tales[i].text : malloc(TEXT_MAX);

		tales[i] = (struct tale){ .text = text };
	}
}

static void finish_tales(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (tales[i].starting)
			change_lives(i);
		if (tales[i].midline) {
			tales[i].text[tales[i].size++] = '\r';
			tales[i].lines++;
		}
	}
}

static void walk(uint64_t seed, size_t count, enum log_format format, enum log_stalled stalled)
{
	chance = (struct chance){ seed * 2654435761u };
	begin_tales();
	open_outlet(count, format, stalled, LINE_MAX_SMALL);
	for (size_t i = 0; i < count; i++)
		begin_life(i, 100);
	for (unsigned n = 0; n < STEPS; n++)
		step(count, true);
	finish_tales(count);
	close_outlet(count);
	read_all(read_log(), format == LOG_FORMAT_PREFIX);
	ck_assert_uint_eq(own_found, own_said);
	for (size_t i = 0; i < count; i++) {
		struct tale *t = &tales[i];

		end_chain(t);
		ck_assert_msg(t->found_lines + t->lost_lines == t->lines,
		              "seed %u, %zu: %u lines found, %u lost, %u written", (unsigned)seed,
		              i, (unsigned)t->found_lines, (unsigned)t->lost_lines,
		              (unsigned)t->lines);
		ck_assert_msg(t->found_bytes + t->lost_bytes == t->bytes,
		              "seed %u, %zu: %u bytes found, %u lost, %u written", (unsigned)seed,
		              i, (unsigned)t->found_bytes, (unsigned)t->lost_bytes,
		              (unsigned)t->bytes);
		if (stalled == LOG_STALLED_BLOCK)
			ck_assert_uint_eq(t->lost_bytes, 0);
	}
}

START_TEST(what_drops_is_counted)
{
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, CHANNELS, LOG_FORMAT_PREFIX, LOG_STALLED_DROP);
}
END_TEST

START_TEST(what_drops_alone_is_counted)
{
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, 1, LOG_FORMAT_RAW, LOG_STALLED_DROP);
}
END_TEST

START_TEST(what_waits_loses_nothing)
{
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk(seed, CHANNELS, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
}
END_TEST

START_TEST(a_copy_is_the_same)
{
	for (uint64_t seed = 1; seed <= WALKS; seed++) {
		chance = (struct chance){ seed * 2654435761u };
		begin_tales();
		open_outlet(1, LOG_FORMAT_RAW, LOG_STALLED_BLOCK, LINE_MAX_SMALL);
		for (unsigned n = 0; n < STEPS; n++)
			step(1, false);
		close_outlet(1);
		tales[0].text[tales[0].size] = '\0';
		ck_assert_str_eq(read_log(), tales[0].text);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("outflow");
	TCase *cases = tcase_create("cases"), *walks = tcase_create("walks");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, what_is_written_is_there);
	tcase_add_test(cases, the_note_comes_when_the_target_takes_output_again);
	tcase_add_test(cases, the_note_comes_also_when_the_pipe_was_at_rest);
	tcase_add_test(cases, a_line_that_was_begun_is_lost_with_its_rest);
	tcase_add_test(cases, an_unfinished_line_of_a_life_is_not_lost_with_the_next_life);
	tcase_add_test(cases, lives_are_not_joined_when_nothing_was_lost);
	tcase_add_test(cases, an_end_is_noticed_while_the_pipe_is_being_emptied);
	tcase_add_test(cases, a_pid_is_waited_for_at_rest);
	tcase_add_test(cases, a_turn_ends);
	tcase_add_test(cases, a_reload_in_the_midst_of_a_line_cuts_none);
	tcase_add_test(cases, a_note_stands_in_a_line_of_its_own);
	suite_add_tcase(s, cases);
	tcase_add_checked_fixture(walks, set_up, tear_down);
	tcase_set_timeout(walks, 30);
	tcase_add_test(walks, what_drops_is_counted);
	tcase_add_test(walks, what_drops_alone_is_counted);
	tcase_add_test(walks, what_waits_loses_nothing);
	tcase_add_test(walks, a_copy_is_the_same);
	suite_add_tcase(s, walks);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
