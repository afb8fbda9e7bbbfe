/* SPDX-License-Identifier: MIT */
/* Outlets with real threads: programs are threads that write to the ends of pipes, and the test is
 * their loop. */
#include "os/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/logsocket.h"
#include "patience.h"
#include "sim/chance.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum {
	DEVICE = 1000,
	CHANNELS_MAX = 8,
	LINES = 3000,
	TEXT_MAX = 4 << 20,
	PIPE_BYTES = 64 * 1024,
	LONG_LINE = 20000, /* more than a pipe takes in one go when a page of it is free */
	HOUR_MS = 3600 * 1000,
	MUCH = 4 << 20,
};

/* --- the loop --- */

static struct crew *crew;
static int poll_fd;
static pthread_mutex_t rest_lock = PTHREAD_MUTEX_INITIALIZER;
static struct channel *resting;
static _Atomic unsigned woken;
static char text[TEXT_MAX];

static void on_wake(void *context)
{
	(void)context;
	woken++;
}

static void on_rest(void *context, struct channel *c)
{
	(void)context;
	pthread_mutex_lock(&rest_lock);
	if (!c->rests) {
		c->rests = true;
		c->next_resting = resting;
		resting = c;
	}
	pthread_mutex_unlock(&rest_lock);
}

static const struct outlet_hooks hooks = { .wake = on_wake, .rest = on_rest };

static void arm_resting(void)
{
	struct channel *c, *next;

	pthread_mutex_lock(&rest_lock);
	c = resting;
	resting = NULL;
	pthread_mutex_unlock(&rest_lock);
	for (; c; c = next) {
		struct outlet *o = c->outlet;

		outlet_lock(o);
		next = c->next_resting;
		c->rests = false;
		if (!c->gone)
			channel_arm(c);
		outlet_unlock(o);
	}
}

/* One round; its time is short, and nothing depends on it. */
static void turn(void)
{
	struct epoll_event events[CHANNELS_MAX];
	int n;

	arm_resting();
	n = epoll_wait(poll_fd, events, CHANNELS_MAX, 1);
	for (int i = 0; i < n; i++) {
		struct channel *c = events[i].data.ptr;

		outlet_lock(c->outlet);
		c->armed = false;
		c->ready = true;
		outlet_unlock(c->outlet);
		outlet_kick(c->outlet);
	}
}

#define RUN_UNTIL(condition)                                                                       \
	for (msec_t end_ = clock_monotonic_ms() + PATIENCE_MS; !(condition); turn())               \
	ck_assert_msg(clock_monotonic_ms() < end_, "never: %s", #condition)

/* --- outlets and programs --- */

static struct outlet *outlets[CHANNELS_MAX];
static size_t outlet_count;

static void set_up(void)
{
	scratch_make();
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	crew = crew_new(outflow_clear);
	ck_assert_ptr_nonnull(crew);
	outlet_count = 0;
	resting = NULL;
}

/* Whether all that was given is where it belongs.  What had no room is tried again, as the loop
 * does it in a moment. */
static bool is_settled(struct outlet *o)
{
	struct outlet_health health;

	outlet_get_health(o, &health);
	if (health.error)
		outlet_has_room(o);
	return outlet_is_settled(o) && !health.error && !health.hangs;
}

static void free_gone(struct outlet *o)
{
	struct channel *gone;

	while ((gone = outlet_take_gone(o)))
		channel_free(gone);
}

static void tear_down(void)
{
	for (size_t i = 0; i < outlet_count; i++) {
		outlet_end(outlets[i]);
		RUN_UNTIL(is_settled(outlets[i]));
		arm_resting();
		free_gone(outlets[i]);
		ck_assert(!outlet_has_channels(outlets[i]));
	}
	ck_assert(crew_free(crew, PATIENCE_MS));
	for (size_t i = 0; i < outlet_count; i++)
		ck_assert(outlet_free(outlets[i]));
	close(poll_fd);
	scratch_remove();
}

static struct outlet *make(enum outlet_kind kind, const char *name, int fd)
{
	struct outlet *o = outlet_new(crew, kind, name, fd, DEVICE, &hooks, NULL);

	ck_assert_ptr_nonnull(o);
	outlets[outlet_count++] = o;
	return o;
}

struct writer {
	struct channel *channel;
	int fd; /* the program's */
	pthread_t thread;
	bool runs;
	unsigned first, lines;
	size_t size; /* of each line, at least; 0 = by chance */
	struct chance chance;
};

static struct writer writers[CHANNELS_MAX];

static struct writer *add(size_t i, struct outlet *o, enum log_format format,
                          enum log_stalled stalled)
{
	static const char *const names[CHANNELS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	const struct program_settings p = {
		.name = names[i],
		.log = { .format = format, .stalled = stalled, .memory = 1000 },
	};
	struct writer *w = &writers[i];

	*w = (struct writer){ .lines = LINES, .chance = { i + 1 } };
	w->channel = channel_new(&p, (uint32_t)i, 1, LINECUT_MAX, poll_fd);
	ck_assert_ptr_nonnull(w->channel);
	w->fd = channel_open_end(w->channel, NULL);
	ck_assert_int_ge(w->fd, 0);
	outlet_add(o, w->channel);
	return w;
}

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ck_assert_int_gt(vdprintf(w->fd, format, args), 0);
	va_end(args);
}

/* Line n: its number, and so many dots. */
static void *write_lines(void *arg)
{
	struct writer *w = arg;
	char line[LONG_LINE + 32];

	for (unsigned n = w->first; n < w->lines; n++) {
		size_t dots = w->size ? w->size : chance_below(&w->chance, 300);
		int size = snprintf(line, sizeof line, "%u ", n);

		memset(line + size, '.', dots);
		line[(size_t)size + dots] = '\n';
		dots += (size_t)size + 1;
		for (size_t at = 0; at < dots;) {
			size_t piece = 1 + chance_below(&w->chance, (unsigned)dots);
			ssize_t n_written =
				write(w->fd, line + at, piece < dots - at ? piece : dots - at);

			if (n_written < 0)
				return NULL;
			at += (size_t)n_written;
		}
	}
	return w;
}

static void start(struct writer *w)
{
	ck_assert_int_eq(pthread_create(&w->thread, NULL, write_lines, w), 0);
	w->runs = true;
}

/* Whether it has written all, without an error. */
static bool is_done(struct writer *w)
{
	void *result;

	if (w->runs && pthread_tryjoin_np(w->thread, &result) == 0) {
		ck_assert_ptr_eq(result, w);
		w->runs = false;
	}
	return !w->runs;
}

/* Whether all that it will ever write is where it belongs: the order of the two questions matters.
 */
static bool is_through(struct outlet *o, struct writer *w)
{
	bool done = is_done(w);

	return is_settled(o) && done;
}

static const char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t size = 0;
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	while ((got = read(fd, text + size, sizeof text - 1 - size)) > 0)
		size += (size_t)got;
	close(fd);
	text[size] = '\0';
	return text;
}

struct count {
	unsigned lines, lost, notes;
	unsigned long long lost_bytes;
};

/* Takes the lines of a program: in order, whole, and each once or lost. */
static void check_line(struct count *count, const char *line)
{
	unsigned n, lost, bytes;
	size_t dots;

	if (sscanf(line, "verger: %u line%*[s,] %u bytes", &lost, &bytes) == 2) {
		count->notes++;
		count->lost += lost;
		count->lost_bytes += bytes;
		return;
	}
	ck_assert_msg(sscanf(line, "%u ", &n) == 1, "cut: %.100s", line);
	ck_assert_uint_ge(n, count->lines); /* as many were before it, or lost */
	ck_assert_uint_le(n, count->lines + count->lost + LINES);
	dots = strspn(strchr(line, ' ') + 1, ".");
	ck_assert_msg(strchr(line, ' ')[1 + dots] == '\0', "mixed up: %.100s", line);
	count->lines++;
}

/* Lines as "a | 12 ...."; those of programs that are not asked for do not matter. */
static void check_all(char *all, struct count *counts, size_t count, bool named)
{
	char *end;

	for (char *line = all; (end = strchr(line, '\n')); line = end + 1) {
		size_t i = named ? (size_t)(*line - 'a') : 0;

		*end = '\0';
		ck_assert_uint_lt(i, count);
		check_line(&counts[i], named ? line + strlen("a | ") : line);
	}
}

/* --- files --- */

START_TEST(lines_of_several_programs_are_whole)
{
	const char *path = scratch_path("log");
	struct outlet *o = make(OUTLET_FILE, path, -1);
	struct count counts[5] = { 0 };

	for (size_t i = 0; i < 5; i++)
		start(add(i, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK));
	for (size_t i = 0; i < 5; i++)
		RUN_UNTIL(is_done(&writers[i]));
	RUN_UNTIL(is_settled(o));
	read_file(path);
	check_all(text, counts, 5, true);
	for (size_t i = 0; i < 5; i++) {
		close(writers[i].fd);
		ck_assert_uint_eq(counts[i].lines, LINES);
	}
}
END_TEST

START_TEST(a_fifo_that_nobody_reads_is_waited_for)
{
	const char *path = scratch_path("fifo");
	struct count count = { 0 };
	struct outlet_health health;
	struct outlet *o;
	struct writer *w;
	size_t size = 0;
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	o = make(OUTLET_FILE, path, -1);
	w = add(0, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
	start(w);
	RUN_UNTIL((outlet_get_health(o, &health), health.error));
	ck_assert_int_eq(health.error, ENXIO);
	ck_assert(outlet_watch(o, 0)); /* it is looked after */
	fd = open(path, O_RDONLY | O_NONBLOCK);
	/* it sleeps a while; what has no room waits */
	outlet_has_room(o);
	RUN_UNTIL((outlet_get_health(o, &health), health.error == EAGAIN));
	while (!is_through(o, w)) {
		ssize_t got = read(fd, text + size, sizeof text - 1 - size);

		size += got > 0 ? (size_t)got : 0;
		turn();
	}
	size += (size_t)read(fd, text + size, sizeof text - 1 - size);
	text[size] = '\0';
	check_all(text, &count, 1, true);
	ck_assert_uint_eq(count.lines, LINES);
	close(fd);
	close(w->fd);
}
END_TEST

/* A log that is a full device, and one day is another one. */
static struct outlet *make_full(const char *path)
{
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	return make(OUTLET_FILE, path, -1);
}

static void make_room(struct outlet *o, const char *path)
{
	int error;

	ck_assert_int_eq(unlink(path), 0);
	outlet_reopen(o);
	RUN_UNTIL(!outlet_is_reopening(o, &error));
	ck_assert_int_eq(error, 0);
}

START_TEST(a_full_disk_holds_programs_up)
{
	const char *path = scratch_path("log");
	struct outlet *o = make_full(path);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);
	struct outlet_health health;
	struct count count = { 0 };

	start(w);
	RUN_UNTIL((outlet_get_health(o, &health), health.error));
	ck_assert_int_eq(health.error, ENOSPC);
	RUN_UNTIL(channel_waiting(w->channel) > PIPE_BYTES / 2);
	make_room(o, path);
	RUN_UNTIL(is_done(w));
	RUN_UNTIL(is_settled(o));
	read_file(path);
	check_all(text, &count, 1, false);
	ck_assert_uint_eq(count.lines, LINES);
	close(w->fd);
}
END_TEST

START_TEST(a_full_disk_holds_up_nobody_who_does_not_wait)
{
	const char *path = scratch_path("log");
	struct outlet *o = make_full(path);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_DROP);
	struct count count = { 0 };

	start(w);
	RUN_UNTIL(is_done(w));
	make_room(o, path);
	RUN_UNTIL(is_settled(o));
	put(w, "%u \n", LINES);
	RUN_UNTIL(is_settled(o));
	read_file(path);
	check_all(text, &count, 1, false);
	ck_assert_uint_eq(count.lines + count.lost, LINES + 1);
	ck_assert_uint_gt(count.lost, 0);
	ck_assert_uint_eq(count.notes, 1);
	ck_assert_uint_eq(w->channel->total_lost_lines, count.lost);
	ck_assert_uint_eq(w->channel->total_lost_bytes, count.lost_bytes);
	close(w->fd);
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_opened_anew)
{
	const char *path = scratch_path("log"), *moved = scratch_path("moved");
	struct outlet *o = make(OUTLET_FILE, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);
	int error;

	put(w, "one\n");
	RUN_UNTIL(is_settled(o) && scratch_has(path));
	ck_assert_int_eq(rename(path, moved), 0);
	put(w, "two\n");
	RUN_UNTIL(strstr(read_file(moved), "two"));
	outlet_reopen(o);
	RUN_UNTIL(!outlet_is_reopening(o, &error));
	ck_assert_int_eq(error, 0);
	put(w, "three\n");
	RUN_UNTIL(!strcmp(read_file(path), "three\n"));
	ck_assert_str_eq(read_file(moved), "one\ntwo\n");
	close(w->fd);
}
END_TEST

START_TEST(what_cannot_be_opened_anew_is_told)
{
	const char *path = scratch_path("folder/log");
	struct writer *w;
	struct outlet *o;
	int error;

	ck_assert_int_eq(mkdir(scratch_path("folder"), 0700), 0);
	o = make(OUTLET_FILE, path, -1);
	w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);
	put(w, "one\n");
	RUN_UNTIL(is_settled(o) && scratch_has(path));
	ck_assert_int_eq(rename(path, scratch_path("kept")), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	outlet_reopen(o);
	RUN_UNTIL(!outlet_is_reopening(o, &error));
	ck_assert_int_eq(error, EISDIR);
	put(w, "two\n");
	RUN_UNTIL(!strcmp(read_file(scratch_path("kept")), "one\ntwo\n"));
	close(w->fd);
}
END_TEST

START_TEST(a_long_line_is_told_in_pieces)
{
	const char *path = scratch_path("log");
	struct outlet *o = make(OUTLET_FILE, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_JSON, LOG_STALLED_BLOCK);
	unsigned lines = 0, partial = 0;
	size_t dots = 0;

	w->lines = 1;
	w->size = LONG_LINE;
	start(w);
	RUN_UNTIL(is_done(w));
	put(w, "short\n");
	RUN_UNTIL(is_settled(o));
	read_file(path);
	for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++)
		partial += memmem(at, (size_t)(end - at), "\",\"partial\":true}", 17) != NULL;
	for (const char *at = text; *at; at++)
		dots += *at == '.' && at[1] != '\0' && (at[-1] == '.' || at[1] == '.');
	ck_assert_uint_eq(lines, 3);
	ck_assert_uint_eq(partial, 1);
	ck_assert_uint_eq(dots, LONG_LINE);
	close(w->fd);
}
END_TEST

/* --- several outlets --- */

static _Atomic bool stops;

static bool has_said(struct writer *w, uint64_t bytes)
{
	uint64_t taken;

	outlet_lock(w->channel->outlet);
	taken = w->channel->taken;
	outlet_unlock(w->channel->outlet);
	return taken >= bytes;
}

static void *write_without_end(void *arg)
{
	struct writer *w = arg;
	char much[4096];

	memset(much, '.', sizeof much);
	much[sizeof much - 1] = '\n';
	while (!stops)
		if (write(w->fd, much, sizeof much) < 0)
			return NULL;
	return w;
}

/* There are two threads for a device, and two outlets that have always something to do. */
START_TEST(those_in_a_hurry_leave_others_their_turn)
{
	struct writer *quiet;
	int error;

	stops = false;
	for (size_t i = 0; i < 2; i++) {
		struct outlet *o = make(OUTLET_FILE, "/dev/null", -1);
		struct writer *w = add(i, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);

		ck_assert_int_eq(pthread_create(&w->thread, NULL, write_without_end, w), 0);
		w->runs = true;
	}
	RUN_UNTIL(has_said(&writers[0], MUCH) && has_said(&writers[1], MUCH));
	quiet = add(2, make(OUTLET_FILE, scratch_path("log"), -1), LOG_FORMAT_RAW,
	            LOG_STALLED_BLOCK);
	put(quiet, "me, too\n");
	RUN_UNTIL(scratch_has(scratch_path("log")) &&
	          !strcmp(read_file(scratch_path("log")), "me, too\n"));
	outlet_reopen(outlets[0]);
	RUN_UNTIL(!outlet_is_reopening(outlets[0], &error));
	stops = true;
	for (size_t i = 0; i < 2; i++)
		RUN_UNTIL(is_done(&writers[i]));
	for (size_t i = 0; i < 3; i++)
		close(writers[i].fd);
}
END_TEST

/* --- channels --- */

START_TEST(a_channel_that_leaves_is_emptied_first)
{
	const char *path = scratch_path("log");
	struct outlet *o = make(OUTLET_FILE, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
	struct writer *other = add(1, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
	struct channel *gone = NULL;

	put(w, "one\nunfinished");
	outlet_lock(o);
	w->channel->leaving = w->channel->ready = true;
	outlet_unlock(o);
	outlet_kick(o);
	RUN_UNTIL((gone = outlet_take_gone(o)));
	ck_assert_ptr_eq(gone, w->channel);
	RUN_UNTIL(is_settled(o));
	ck_assert_str_eq(read_file(path), "a | one\na | unfinished\n");
	arm_resting();
	channel_free(gone);
	put(other, "stays\n");
	RUN_UNTIL(strstr(read_file(path), "b | stays\n"));
	close(w->fd);
	close(other->fd);
}
END_TEST

START_TEST(channels_come_and_go)
{
	const char *path = scratch_path("log");
	struct outlet *o = make(OUTLET_FILE, path, -1);

	for (unsigned n = 0; n < 300; n++) {
		struct writer *w = add(n % 3, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);

		put(w, "%u \n", n);
		close(w->fd);
		outlet_lock(o);
		channel_begin_life(w->channel);
		channel_set_pid(w->channel, 100);
		channel_end_life(w->channel);
		w->channel->leaving = w->channel->ready = true;
		outlet_unlock(o);
		outlet_kick(o);
		turn();
		arm_resting();
		free_gone(o);
	}
	RUN_UNTIL(is_settled(o));
	RUN_UNTIL((arm_resting(), free_gone(o), !outlet_has_channels(o)));
	read_file(path);
	for (unsigned n = 0; n < 300; n++) {
		char line[32];

		snprintf(line, sizeof line, " | %u \n", n);
		ck_assert_ptr_nonnull(strstr(text, line));
	}
}
END_TEST

/* --- streams --- */

static int stream[2];

static void make_stream(bool filled)
{
	char page[4096];

	ck_assert_int_eq(pipe(stream), 0);
	memset(page, 'x', sizeof page);
	page[sizeof page - 1] = '\n';
	for (int i = 0; filled && i < PIPE_BYTES / (int)sizeof page - 1; i++)
		ck_assert_int_eq(write(stream[1], page, sizeof page), sizeof page);
}

/* Reads what is there; leaves out what filled the pipe. */
static void read_stream(size_t *size)
{
	struct pollfd readable = { .fd = stream[0], .events = POLLIN };
	ssize_t got;

	while (poll(&readable, 1, 0) == 1 && *size < sizeof text - 1) {
		got = read(stream[0], text + *size, sizeof text - 1 - *size);
		ck_assert_int_gt(got, 0);
		*size += (size_t)got;
	}
	text[*size] = '\0';
}

/* Reads all that there is and will be. */
static void read_until_settled(struct outlet *o, size_t *size)
{
	while (!is_settled(o)) {
		read_stream(size);
		turn();
	}
	read_stream(size);
}

static char *skip_filling(void)
{
	char *at = text;

	while (*at == 'x')
		at = strchr(at, '\n') + 1;
	return at;
}

START_TEST(a_reader_that_sleeps_loses_nothing)
{
	struct count counts[3] = { 0 };
	struct outlet_health health;
	size_t size = 0;
	struct outlet *o;

	make_stream(false);
	o = make(OUTLET_STREAM, "standard output", stream[1]);
	for (size_t i = 0; i < 2; i++)
		start(add(i, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK));
	RUN_UNTIL((outlet_get_health(o, &health), health.error == EAGAIN));
	while (!is_through(o, &writers[0]) || !is_through(o, &writers[1])) {
		read_stream(&size);
		turn();
	}
	read_stream(&size);
	check_all(text, counts, 2, true);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(counts[i].lines, LINES);
		close(writers[i].fd);
	}
	close(stream[0]);
}
END_TEST

START_TEST(room_is_told_of_by_a_descriptor_of_ones_own)
{
	struct pollfd room = { .events = POLLOUT };
	struct outlet_health health;
	struct outlet *o;
	struct writer *w;
	size_t size = 0;

	make_stream(false);
	o = make(OUTLET_STREAM, "standard output", stream[1]);
	w = add(0, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
	ck_assert_int_eq(outlet_room_fd(o), -1);
	start(w);
	for (int i = 0; i < 3; i++) {
		RUN_UNTIL((outlet_get_health(o, &health), health.error == EAGAIN));
		RUN_UNTIL((room.fd = outlet_room_fd(o)) >= 0);
		ck_assert_int_ne(room.fd, stream[1]);
		ck_assert_int_eq(poll(&room, 1, 0), 0);
		read_stream(&size);
		ck_assert_int_eq(poll(&room, 1, 0), 1);
		close(room.fd);
		outlet_has_room(o);
	}
	while (!is_through(o, w)) {
		read_stream(&size);
		turn();
	}
	close(w->fd);
	close(stream[0]);
}
END_TEST

/* Two looks: one may have come too late because all of us stood still. */
static void look_twice(struct outlet *o)
{
	outlet_watch(o, clock_monotonic_ms() + HOUR_MS);
	outlet_watch(o, clock_monotonic_ms() + HOUR_MS);
}

/* Its thread has begun to write what will take long. */
static void await_hang(struct outlet *o, struct writer *w)
{
	struct outlet_health health;

	RUN_UNTIL(is_done(w) && channel_waiting(w->channel) == 0);
	RUN_UNTIL((look_twice(o), outlet_get_health(o, &health), health.hangs));
}

START_TEST(who_does_not_wait_goes_on_while_the_target_hangs)
{
	struct outlet_health health;
	struct count count = { 0 };
	struct outlet *o;
	struct writer *w;
	size_t size = 0;

	make_stream(true);
	o = make(OUTLET_STREAM, "standard output", stream[1]);
	w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_DROP);
	w->size = LINECUT_MAX - 16; /* one write of this much waits */
	w->lines = 1;
	start(w);
	await_hang(o, w);
	w->first = 1;
	w->lines = 400;
	start(w);
	RUN_UNTIL(is_done(w));
	outlet_get_health(o, &health);
	ck_assert(health.hangs);
	ck_assert(!outlet_await_rest(o, clock_monotonic_ms()));
	ck_assert(!outlet_free(o));
	read_until_settled(o, &size);
	put(w, "%u \n", w->lines);
	read_until_settled(o, &size);
	check_all(skip_filling(), &count, 1, false);
	ck_assert_uint_eq(count.lines + count.lost, 401);
	ck_assert_uint_gt(count.lost, 0);
	close(w->fd);
	close(stream[0]);
}
END_TEST

/* Its two threads hang already, and it never gets one. */
START_TEST(who_waits_for_a_thread_behind_others_that_hang_goes_on_as_well)
{
	int ends[3][2];
	struct outlet_health health;
	struct outlet *o[3];

	for (size_t i = 0; i < 3; i++) {
		make_stream(true);
		memcpy(ends[i], stream, sizeof stream);
		o[i] = make(OUTLET_STREAM, "standard output", stream[1]);
		add(i, o[i], LOG_FORMAT_RAW, LOG_STALLED_DROP)->size = LINECUT_MAX - 16;
		writers[i].lines = i < 2 ? 1 : 400;
		start(&writers[i]);
		if (i < 2)
			await_hang(o[i], &writers[i]);
	}
	RUN_UNTIL((look_twice(o[2]), is_done(&writers[2])));
	RUN_UNTIL((look_twice(o[2]), outlet_get_health(o[2], &health), health.hangs));
	for (size_t i = 0; i < 3; i++) {
		size_t size = 0;

		memcpy(stream, ends[i], sizeof stream);
		read_until_settled(o[i], &size);
	}
	for (size_t i = 0; i < 3; i++) {
		close(writers[i].fd);
		close(ends[i][0]);
	}
}
END_TEST

START_TEST(own_lines_are_whole_among_others)
{
	unsigned own = 0, own_read = 0;
	struct count count = { 0 };
	char *program = malloc(TEXT_MAX), *end;
	size_t size = 0, kept = 0;
	struct outlet *o;
	struct writer *w;

	make_stream(false);
	o = make(OUTLET_STREAM, "standard output", stream[1]);
	w = add(0, o, LOG_FORMAT_PREFIX, LOG_STALLED_BLOCK);
	start(w);
	while (!is_through(o, w)) {
		char line[32];
		int n = snprintf(line, sizeof line, "own %u\n", own);

		own += outlet_say(o, line, (size_t)n);
		outlet_kick(o);
		read_stream(&size);
		turn();
	}
	read_stream(&size);
	for (char *line = text; (end = strchr(line, '\n')); line = end + 1) {
		unsigned n;

		if (sscanf(line, "own %u\n", &n) == 1) {
			ck_assert_uint_eq(n, own_read++);
			continue;
		}
		memcpy(program + kept, line, (size_t)(end + 1 - line));
		kept += (size_t)(end + 1 - line);
	}
	program[kept] = '\0';
	check_all(program, &count, 1, true);
	ck_assert_uint_eq(count.lines, LINES);
	ck_assert_uint_eq(own_read, own);
	free(program);
	close(w->fd);
	close(stream[0]);
}
END_TEST

/* Each of them is a write of its own, also those that have waited. */
START_TEST(each_line_of_a_stream_is_one_write)
{
	struct outlet *o;
	int ends[2];
	char line[64];
	ssize_t got;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	o = make(OUTLET_STREAM, "standard error", ends[1]);
	for (int i = 0; i < 50; i++)
		ck_assert(outlet_say(o, "own line\n", 9));
	outlet_kick(o);
	for (int i = 0; i < 50; i++) {
		got = recv(ends[0], line, sizeof line, 0);
		ck_assert_int_eq(got, 9);
		ck_assert_mem_eq(line, "own line\n", 9);
	}
	RUN_UNTIL(is_settled(o));
	close(ends[0]);
}
END_TEST

START_TEST(too_many_own_lines_are_refused)
{
	char line[1024];
	struct outlet *o;
	size_t size = 0;
	unsigned said = 0;

	memset(line, 'o', sizeof line);
	line[sizeof line - 1] = '\n';
	make_stream(true);
	o = make(OUTLET_STREAM, "standard output", stream[1]);
	while (outlet_say(o, line, sizeof line)) {
		said++;
		outlet_kick(o);
		ck_assert_uint_lt(said, 4 * OUTLET_SAID_MAX / sizeof line);
	}
	read_until_settled(o, &size);
	ck_assert_uint_eq(size, (PIPE_BYTES - 4096) + said * sizeof line);
	close(stream[0]);
}
END_TEST

/* --- datagrams --- */

static int bind_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The next record, or nothing. */
static const char *receive(int fd)
{
	static char record[4096];
	ssize_t got = recv(fd, record, sizeof record - 1, 0);

	record[got > 0 ? got : 0] = '\0';
	return got > 0 ? record : NULL;
}

START_TEST(a_system_log_gets_messages)
{
	const char *path = scratch_path("log"), *message = NULL;
	int fd = bind_socket(path);
	struct outlet *o = make(OUTLET_SYSLOG, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);

	outlet_lock(o);
	channel_begin_life(w->channel);
	channel_set_pid(w->channel, 123);
	outlet_unlock(o);
	put(w, "hello\nworld\n");
	RUN_UNTIL((message = receive(fd)));
	ck_assert_int_eq(memcmp(message, "<30>", 4), 0);
	ck_assert_ptr_nonnull(strstr(message, " a[123]: hello"));
	RUN_UNTIL((message = receive(fd)));
	ck_assert_ptr_nonnull(strstr(message, " a[123]: world"));
	close(fd);
	close(w->fd);
	RUN_UNTIL(is_settled(o));
}
END_TEST

START_TEST(a_system_log_that_was_away_gets_what_was_written_meanwhile)
{
	const char *path = scratch_path("log"), *message = NULL;
	int fd = bind_socket(path);
	struct outlet *o = make(OUTLET_SYSLOG, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);
	struct outlet_health health;

	put(w, "before\n");
	RUN_UNTIL((message = receive(fd)));
	/* started anew at once: nobody has to be told */
	close(fd);
	fd = bind_socket(path);
	put(w, "again\n");
	RUN_UNTIL((message = receive(fd)));
	ck_assert_ptr_nonnull(strstr(message, ": again"));
	outlet_get_health(o, &health);
	ck_assert_int_eq(health.error, 0);
	/* away for a while */
	close(fd);
	unlink(path);
	put(w, "one\ntwo\n");
	RUN_UNTIL((outlet_get_health(o, &health), health.error));
	ck_assert_int_eq(health.error, ENOENT);
	put(w, "three\n");
	fd = bind_socket(path);
	for (size_t i = 0; i < 3; i++) {
		static const char *const words[] = { ": one", ": two", ": three" };

		RUN_UNTIL((outlet_watch(o, clock_monotonic_ms() + HOUR_MS), message = receive(fd)));
		ck_assert_ptr_nonnull(strstr(message, words[i]));
	}
	RUN_UNTIL(is_settled(o));
	close(fd);
	close(w->fd);
}
END_TEST

START_TEST(a_journal_that_is_slow_gets_all)
{
	const char *path = scratch_path("journal"), *message = NULL;
	int fd = bind_socket(path);
	struct outlet *o = make(OUTLET_JOURNAL, path, -1);
	struct writer *w = add(0, o, LOG_FORMAT_RAW, LOG_STALLED_BLOCK);
	struct outlet_health health;

	start(w);
	RUN_UNTIL((outlet_get_health(o, &health), health.error == EAGAIN));
	for (unsigned n = 0; n < LINES; n++) {
		char expected[32];
		int size = snprintf(expected, sizeof expected, "%u ", n);

		RUN_UNTIL((outlet_watch(o, clock_monotonic_ms() + HOUR_MS), message = receive(fd)));
		/* name, newline, eight bytes of size, and what was written */
		ck_assert_int_eq(memcmp(message, "MESSAGE\n", 8), 0);
		ck_assert_int_eq(memcmp(message + 16, expected, (size_t)size), 0);
	}
	RUN_UNTIL(is_settled(o));
	RUN_UNTIL(is_done(w));
	close(w->fd);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("outlet");
	TCase *files = tcase_create("files"), *several = tcase_create("several"),
	      *channels = tcase_create("channels"), *streams = tcase_create("streams"),
	      *datagrams = tcase_create("datagrams");
	TCase *all[] = { files, several, channels, streams, datagrams };

	for (size_t i = 0; i < 5; i++) {
		tcase_add_checked_fixture(all[i], set_up, tear_down);
		tcase_set_timeout(all[i], PATIENCE_MS / 1000);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(files, lines_of_several_programs_are_whole);
	tcase_add_test(files, a_fifo_that_nobody_reads_is_waited_for);
	tcase_add_test(files, a_full_disk_holds_programs_up);
	tcase_add_test(files, a_full_disk_holds_up_nobody_who_does_not_wait);
	tcase_add_test(files, a_file_that_was_moved_away_is_opened_anew);
	tcase_add_test(files, what_cannot_be_opened_anew_is_told);
	tcase_add_test(files, a_long_line_is_told_in_pieces);
	tcase_add_test(several, those_in_a_hurry_leave_others_their_turn);
	tcase_add_test(channels, a_channel_that_leaves_is_emptied_first);
	tcase_add_test(channels, channels_come_and_go);
	tcase_add_test(streams, a_reader_that_sleeps_loses_nothing);
	tcase_add_test(streams, room_is_told_of_by_a_descriptor_of_ones_own);
	tcase_add_test(streams, who_does_not_wait_goes_on_while_the_target_hangs);
	tcase_add_test(streams, who_waits_for_a_thread_behind_others_that_hang_goes_on_as_well);
	tcase_add_test(streams, own_lines_are_whole_among_others);
	tcase_add_test(streams, each_line_of_a_stream_is_one_write);
	tcase_add_test(streams, too_many_own_lines_are_refused);
	tcase_add_test(datagrams, a_system_log_gets_messages);
	tcase_add_test(datagrams, a_system_log_that_was_away_gets_what_was_written_meanwhile);
	tcase_add_test(datagrams, a_journal_that_is_slow_gets_all);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
