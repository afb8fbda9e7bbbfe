/* SPDX-License-Identifier: MIT */
/* A protocol as small as can be, real sockets, a real loop: both ends live in this process, and the
 * loop is run until the far end has what it waits for.  What must not take long is counted in
 * rounds of the loop. */
#include "scratch.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/listener.h"
#include "os/loop.h"
#include "os/signals.h"
#include "unit/suite.h"

enum {
	LINE_MAX_SIZE = 2 * LISTENER_READ_SIZE,
	OUTPUT_MAX = 4 * 1024 * 1024,
	ROUNDS_MAX = 20000,
	PATIENCE_MS = 60,       /* for those who are to be cut */
	WIDE_PATIENCE_MS = 400, /* for those who are not */
	TRIES = 5,
	STRANGER = 65534,
};

struct stage {
	struct ev_loop *loop;
	struct listener *listener;
	const char *path;
	size_t opened, closed, steps;
	struct peer peer; /* the last */
	gid_t groups[256];
	struct guest *last; /* opened last */
	int cut_error;
	bool refuses;
};

/* One client, as the protocol sees it: lines in, lines out.  "big N" is answered by N bytes, "stay"
 * by nothing until somebody says so, "bye" ends it. */
struct guest {
	struct stage *stage;
	void *connection;
	char input[LINE_MAX_SIZE];
	size_t input_size;
	char *output;
	size_t output_first, output_size, steps;
	bool ended, busy, over;
};

static void *on_opened(void *context, const struct peer *peer, void *connection)
{
	struct stage *s = context;
	struct guest *g;

	s->opened++;
	s->peer = *peer;
	for (size_t i = 0; i < peer->group_count && i < 256; i++)
		s->groups[i] = peer->groups[i];
	if (s->refuses)
		return NULL;
	g = calloc(1, sizeof *g);
	g->stage = s;
	g->connection = connection;
	s->last = g;
	return g;
}

static void on_closed(void *context, void *client)
{
	struct stage *s = context;
	struct guest *g = client;

	s->closed++;
	free(g->output);
	free(g);
}

static int on_receive(void *client, const char *bytes, size_t size)
{
	struct guest *g = client;

	if (g->input_size + size > sizeof g->input) {
		g->stage->cut_error = -EMSGSIZE;
		return -EMSGSIZE;
	}
	memcpy(g->input + g->input_size, bytes, size);
	g->input_size += size;
	return 0;
}

static void on_end_of_input(void *client)
{
	((struct guest *)client)->ended = true;
}

static bool has_line(const struct guest *g)
{
	return memchr(g->input, '\n', g->input_size) != NULL;
}

static bool wants_input(const void *client)
{
	return !has_line(client);
}

static bool is_ready(const void *client)
{
	const struct guest *g = client;

	return has_line(g) && !g->busy && g->output_size == g->output_first;
}

static void say(struct guest *g, const char *bytes, size_t size)
{
	if (g->output_first == g->output_size)
		g->output_first = g->output_size = 0;
	g->output = realloc(g->output, g->output_size + size);
	memcpy(g->output + g->output_size, bytes, size);
	g->output_size += size;
}

static void say_much(struct guest *g, size_t size)
{
	char *much = calloc(1, size);

	say(g, much, size);
	free(much);
}

static int on_step(void *client)
{
	struct guest *g = client;
	char *end = memchr(g->input, '\n', g->input_size);
	size_t size = (size_t)(end - g->input) + 1;

	g->steps++;
	g->stage->steps++;
	if (strncmp(g->input, "big ", 4) == 0)
		say_much(g, strtoul(g->input + 4, NULL, 10));
	else if (strncmp(g->input, "stay\n", 5) == 0)
		g->busy = true;
	else if (strncmp(g->input, "bye\n", 4) == 0)
		g->over = true;
	else if (strncmp(g->input, "bad\n", 4) == 0)
		return -EBADMSG;
	else
		say(g, g->input, size);
	memmove(g->input, g->input + size, g->input_size - size);
	g->input_size -= size;
	return 0;
}

static const char *get_output(const void *client, size_t *size)
{
	const struct guest *g = client;

	*size = g->output_size - g->output_first;
	return g->output + g->output_first;
}

static void on_sent(void *client, size_t size)
{
	((struct guest *)client)->output_first += size;
}

static bool is_busy(const void *client)
{
	const struct guest *g = client;

	return g->busy || has_line(g) || g->output_first < g->output_size;
}

static bool is_over(const void *client)
{
	const struct guest *g = client;

	return g->over || (g->ended && !has_line(g));
}

static bool is_partial(const void *client)
{
	const struct guest *g = client;

	return g->input_size > 0 && !has_line(g);
}

static struct listener_handlers handlers_of(struct stage *s)
{
	return (struct listener_handlers){
		.opened = on_opened,
		.closed = on_closed,
		.receive = on_receive,
		.end_of_input = on_end_of_input,
		.wants_input = wants_input,
		.is_ready = is_ready,
		.step = on_step,
		.output = get_output,
		.sent = on_sent,
		.is_busy = is_busy,
		.is_over = is_over,
		.is_partial = is_partial,
		.context = s,
	};
}

static int try_listen(struct stage *s, const char *path, mode_t mode)
{
	struct listener_handlers handlers = handlers_of(s);

	return listener_new(&s->listener, s->loop, path, mode, &handlers);
}

static void stage_open(struct stage *s)
{
	signals_reset();
	*s = (struct stage){ .loop = loop_new() };
	s->path = strdup(scratch_path("sock"));
	ck_assert_int_eq(try_listen(s, s->path, 0666), 0);
}

static void stage_close(struct stage *s)
{
	listener_free(s->listener);
	ck_assert_uint_eq(s->closed, s->refuses ? 0 : s->opened);
	loop_free(s->loop);
	free((char *)s->path);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* --- running the loop --- */

static void run_round(struct stage *s)
{
	ev_run(s->loop, EVRUN_NOWAIT);
}

static void run_rounds(struct stage *s, int count)
{
	while (count-- > 0)
		run_round(s);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	*(bool *)timer->data = true;
}

/* Lets time pass in the loop. */
static unsigned run_for(struct stage *s, double seconds)
{
	unsigned before = ev_iteration(s->loop);
	bool over = false;
	ev_timer timer;

	ev_now_update(s->loop);
	ev_timer_init(&timer, on_time, seconds, 0.);
	timer.data = &over;
	ev_timer_start(s->loop, &timer);
	while (!over)
		ev_run(s->loop, EVRUN_ONCE);
	return ev_iteration(s->loop) - before;
}

static int guest_connect(struct stage *s)
{
	size_t before = s->opened;
	int fd = connect_to(s->path);

	ck_assert_int_ge(fd, 0);
	for (int i = 0; s->opened == before && i < ROUNDS_MAX; i++)
		run_round(s);
	return fd;
}

static void tell(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Runs the loop until so many bytes have come or the other end has closed; how many came. */
static size_t hear(struct stage *s, int fd, char *out, size_t size)
{
	size_t have = 0;

	for (int i = 0; have < size && i < ROUNDS_MAX; i++) {
		ssize_t got = recv(fd, out + have, size - have, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			have += (size_t)got;
		else
			run_round(s);
	}
	return have;
}

static void expect(struct stage *s, int fd, const char *text)
{
	char heard[256] = "";

	ck_assert_uint_eq(hear(s, fd, heard, strlen(text)), strlen(text));
	ck_assert_str_eq(heard, text);
}

static bool is_closed(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return got == 0 || (got < 0 && errno != EAGAIN);
}

static void expect_closed(struct stage *s, int fd)
{
	for (int i = 0; !is_closed(fd) && i < ROUNDS_MAX; i++)
		run_round(s);
	ck_assert(is_closed(fd));
}

/* --- who is there --- */

START_TEST(echoes_lines)
{
	struct stage s;
	int fd;

	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "one\ntwo\nthr");
	expect(&s, fd, "one\ntwo\n");
	tell(fd, "ee\n");
	expect(&s, fd, "three\n");
	ck_assert_uint_eq(listener_client_count(s.listener), 1);
	close(fd);
	run_rounds(&s, 3);
	ck_assert_uint_eq(listener_client_count(s.listener), 0);
	stage_close(&s);
}
END_TEST

/* B4 */
START_TEST(knows_who_is_at_the_other_end)
{
	gid_t groups[200], ours[256];
	struct stage s;
	int count, fd;

	for (gid_t i = 0; i < 200; i++)
		groups[i] = 1000 + i;
	if (geteuid() == 0) /* more than expected: the kernel has to be asked twice */
		ck_assert_int_eq(setgroups(200, groups), 0);
	count = getgroups(256, ours);
	ck_assert_int_ge(count, geteuid() == 0 ? 200 : 0);
	stage_open(&s);
	fd = guest_connect(&s);
	ck_assert_int_eq(s.peer.pid, getpid());
	ck_assert_uint_eq(s.peer.uid, geteuid());
	ck_assert_uint_eq(s.peer.gid, getegid());
	ck_assert_uint_eq(s.peer.group_count, (size_t)count);
	ck_assert_int_eq(memcmp(s.groups, ours, (size_t)count * sizeof(gid_t)), 0);
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(closes_those_who_are_not_wanted)
{
	struct stage s;
	int fd;

	stage_open(&s);
	s.refuses = true;
	fd = guest_connect(&s);
	ck_assert(is_closed(fd));
	ck_assert_uint_eq(listener_client_count(s.listener), 0);
	close(fd);
	stage_close(&s);
}
END_TEST

/* --- the file --- */

START_TEST(has_its_permissions_and_changes_them)
{
	struct stage s;
	struct stat st;

	stage_open(&s);
	ck_assert_int_eq(lstat(s.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	listener_set_mode(s.listener, 0600);
	ck_assert_int_eq(lstat(s.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(umask(022), 022); /* it is as it was */
	stage_close(&s);
	ck_assert(!scratch_has(scratch_path("sock")));
}
END_TEST

/* A path longer than an address holds. */
START_TEST(listens_at_a_long_path)
{
	struct stage s;
	char directory[SCRATCH_PATH_SIZE], path[SCRATCH_PATH_SIZE + 128], near[64];
	int dir_fd, fd;

	stage_open(&s);
	listener_free(s.listener);
	snprintf(directory, sizeof directory, "%s/%0150d", scratch, 0);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	snprintf(path, sizeof path, "%s/sock", directory);
	ck_assert_int_eq(try_listen(&s, path, 0600), 0);
	ck_assert(listener_is_reachable(s.listener));
	dir_fd = open(directory, O_PATH | O_CLOEXEC);
	snprintf(near, sizeof near, "/proc/self/fd/%d/sock", dir_fd);
	fd = connect_to(near);
	tell(fd, "far\n");
	expect(&s, fd, "far\n");
	close(fd);
	stage_close(&s);
	ck_assert(!scratch_has(path));
	snprintf(path, sizeof path, "%s/%0120d", directory, 0);
	s.loop = loop_new();
	ck_assert_int_eq(try_listen(&s, path, 0600), -ENAMETOOLONG);
	loop_free(s.loop);
	close(dir_fd);
}
END_TEST

START_TEST(takes_the_place_of_a_dead_socket)
{
	struct stage s;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path("sock"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	ck_assert(scratch_has(scratch_path("sock")));
	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "alive\n");
	expect(&s, fd, "alive\n");
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(leaves_a_socket_that_answers)
{
	struct stage s, other = { 0 };
	int fd;

	stage_open(&s);
	other.loop = s.loop;
	ck_assert_int_eq(try_listen(&other, s.path, 0600), -EADDRINUSE);
	ck_assert(listener_is_reachable(s.listener));
	run_rounds(&s, 3);
	fd = guest_connect(&s);
	tell(fd, "still\n");
	expect(&s, fd, "still\n");
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(leaves_what_is_no_socket)
{
	struct stage s = { .loop = loop_new() };
	int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	scratch_put("file", "precious", 0644);
	ck_assert_int_eq(mkdir(scratch_path("dir"), 0755), 0);
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0644), 0);
	ck_assert_int_eq(symlink("nowhere", scratch_path("link")), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path("datagrams"));
	ck_assert_int_eq(bind(datagrams, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(try_listen(&s, scratch_path("file"), 0600), -EEXIST);
	ck_assert_int_eq(try_listen(&s, scratch_path("dir"), 0600), -EEXIST);
	ck_assert_int_eq(try_listen(&s, scratch_path("fifo"), 0600), -EEXIST);
	ck_assert_int_eq(try_listen(&s, scratch_path("link"), 0600), -EEXIST);
	ck_assert_int_eq(try_listen(&s, scratch_path("datagrams"), 0600), -EEXIST);
	ck_assert_int_eq(try_listen(&s, scratch_path("none/sock"), 0600), -ENOENT);
	ck_assert_int_eq(try_listen(&s, scratch_path("file/sock"), 0600), -ENOTDIR);
	ck_assert_str_eq(scratch_read(scratch_path("file")), "precious");
	ck_assert(scratch_has(scratch_path("link")) && !scratch_has(scratch_path("nowhere")));
	ck_assert(scratch_has(scratch_path("datagrams")));
	ck_assert(count_entries(scratch) == 5);
	close(datagrams);
	loop_free(s.loop);
}
END_TEST

/* As P5: only ours is removed. */
START_TEST(leaves_the_file_of_a_successor)
{
	struct stage s;

	stage_open(&s);
	ck_assert(listener_is_reachable(s.listener));
	ck_assert_int_eq(unlink(s.path), 0);
	ck_assert(!listener_is_reachable(s.listener));
	scratch_put("sock", "somebody else's", 0644);
	ck_assert(!listener_is_reachable(s.listener));
	listener_set_mode(s.listener, 0600);
	stage_close(&s);
	ck_assert_str_eq(scratch_read(scratch_path("sock")), "somebody else's");
}
END_TEST

/* --- those who behave badly (B3) --- */

START_TEST(lets_nobody_begin_and_not_end)
{
	struct stage s;
	int fine, half, slow;

	stage_open(&s);
	listener_set_patience(s.listener, PATIENCE_MS);
	fine = guest_connect(&s);
	half = guest_connect(&s);
	slow = guest_connect(&s);
	tell(fine, "fine\n");
	expect(&s, fine, "fine\n");
	tell(half, "hal");
	for (int i = 0; i < 30 && s.closed < 2; i++) { /* a byte now and then does not help */
		if (!is_closed(slow))
			send(slow, "s", 1, MSG_NOSIGNAL);
		run_for(&s, PATIENCE_MS / 5000.);
	}
	ck_assert_uint_eq(s.closed, 2);
	ck_assert(is_closed(half) && is_closed(slow) && !is_closed(fine));
	tell(fine, "fine\n");
	expect(&s, fine, "fine\n");
	close(fine);
	close(half);
	close(slow);
	stage_close(&s);
}
END_TEST

/* Calls one after the other, each read in two parts: it ends what it begins.  Whether it was left
 * alone; a machine that stops for longer than the patience is a reason to cut it. */
static bool is_spared_while_it_goes_on(void)
{
	struct stage s;
	bool spared;
	int fd;

	stage_open(&s);
	listener_set_patience(s.listener, WIDE_PATIENCE_MS);
	fd = guest_connect(&s);
	tell(fd, "a");
	for (int i = 0; i < 12 && s.closed == 0; i++) {
		run_for(&s, WIDE_PATIENCE_MS / 4000.);
		if (s.closed)
			break;
		tell(fd, "\na");
		expect(&s, fd, "a\n");
	}
	spared = s.closed == 0;
	close(fd);
	stage_close(&s);
	return spared;
}

START_TEST(has_patience_with_those_who_go_on)
{
	bool spared = false;

	for (int i = 0; i < TRIES && !spared; i++)
		spared = is_spared_while_it_goes_on();
	ck_assert(spared);
}
END_TEST

START_TEST(cuts_who_asks_and_does_not_read)
{
	struct stage s;
	int deaf, fine;

	stage_open(&s);
	listener_set_patience(s.listener, PATIENCE_MS);
	deaf = guest_connect(&s);
	fine = guest_connect(&s);
	tell(deaf, "big 3000000\nmore\n");
	for (int i = 0; i < 30 && s.closed == 0; i++) {
		tell(fine, "fine\n");
		expect(&s, fine, "fine\n");
		run_for(&s, PATIENCE_MS / 5000.);
	}
	ck_assert_uint_eq(s.closed, 1);
	ck_assert(!is_closed(fine));
	close(deaf);
	close(fine);
	stage_close(&s);
}
END_TEST

/* Reads a long reply slowly.  Whether all of it came. */
static bool is_spared_while_it_reads(void)
{
	enum { SIZE = 1500000 };
	char *heard = malloc(SIZE);
	struct stage s;
	bool spared;
	int fd;

	stage_open(&s);
	listener_set_patience(s.listener, WIDE_PATIENCE_MS);
	fd = guest_connect(&s);
	tell(fd, "big 1500000\n");
	for (size_t have = 0; have < SIZE && s.closed == 0; have += SIZE / 10) {
		run_for(&s, WIDE_PATIENCE_MS / 3000.);
		if (s.closed == 0)
			ck_assert_uint_eq(hear(&s, fd, heard, SIZE / 10), SIZE / 10);
	}
	spared = s.closed == 0;
	if (spared) {
		tell(fd, "then\n");
		expect(&s, fd, "then\n");
	}
	close(fd);
	free(heard);
	stage_close(&s);
	return spared;
}

/* Slow is not deaf. */
START_TEST(writes_as_fast_as_is_read)
{
	bool spared = false;

	for (int i = 0; i < TRIES && !spared; i++)
		spared = is_spared_while_it_reads();
	ck_assert(spared);
}
END_TEST

START_TEST(cuts_who_never_ends_a_line)
{
	static char much[65536];
	struct stage s;
	size_t sent = 0;
	int fd;

	memset(much, 'x', sizeof much);
	stage_open(&s);
	fd = guest_connect(&s);
	while (sent < 1000000000) {
		ssize_t put = send(fd, much, sizeof much, MSG_NOSIGNAL);

		if (put < 0 && errno != EAGAIN)
			break;
		sent += put > 0 ? (size_t)put : 0;
		run_round(&s);
	}
	ck_assert_int_eq(s.cut_error, -EMSGSIZE);
	ck_assert_uint_le(sent, 1000000);
	ck_assert_uint_eq(s.closed, 1);
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(cuts_who_says_nonsense)
{
	struct stage s;
	int fd;

	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "bad\n");
	expect_closed(&s, fd);
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(survives_those_who_vanish)
{
	int fds[LISTENER_CLIENTS_MAX];
	struct stage s;

	stage_open(&s);
	for (int i = 0; i < 50; i++) {
		int fd = guest_connect(&s);

		tell(fd, i % 2 ? "big 1000000\n" : "stay\nmore\n");
		run_rounds(&s, i % 3);
		close(fd);
	}
	run_rounds(&s, 10);
	/* those who stay have more to say, which nobody reads; all others are gone */
	ck_assert_uint_eq(listener_client_count(s.listener), 25);
	for (int i = 0; i <= LISTENER_CLIENTS_MAX - 25; i++)
		fds[i] = guest_connect(&s);
	/* the one too many has made room of all of them */
	ck_assert_uint_eq(listener_client_count(s.listener), LISTENER_CLIENTS_MAX - 25 + 1);
	for (int i = 0; i <= LISTENER_CLIENTS_MAX - 25; i++) {
		ck_assert(!is_closed(fds[i]));
		close(fds[i]);
	}
	stage_close(&s);
}
END_TEST

static void allow_descriptors(rlim_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Half-open ones by the thousand: those who work are kept. */
START_TEST(keeps_room_among_a_thousand)
{
	enum { CROWD = 1000 };
	static int crowd[CROWD];
	struct stage s;
	int busy;

	allow_descriptors(4096);
	stage_open(&s);
	busy = guest_connect(&s);
	tell(busy, "stay\n");
	run_rounds(&s, 2);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = connect_to(s.path);
		ck_assert_int_ge(crowd[i], 0);
		if (i % 100 == 99) /* they wait in the queue of the kernel meanwhile */
			run_round(&s);
		ck_assert_uint_le(listener_client_count(s.listener), LISTENER_CLIENTS_MAX);
	}
	for (int i = 0; s.opened < CROWD + 1 && i < ROUNDS_MAX; i++)
		run_round(&s);
	ck_assert_uint_eq(s.opened, CROWD + 1);
	ck_assert_uint_eq(listener_client_count(s.listener), LISTENER_CLIENTS_MAX);
	ck_assert(!is_closed(busy));
	ck_assert(is_closed(crowd[0]) && !is_closed(crowd[CROWD - 1]));
	tell(crowd[CROWD - 1], "last\n");
	expect(&s, crowd[CROWD - 1], "last\n");
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(busy);
	stage_close(&s);
}
END_TEST

static int connect_as(const char *path, uid_t uid)
{
	int fd;

	ck_assert_int_eq(seteuid(uid), 0);
	fd = connect_to(path);
	ck_assert_int_eq(seteuid(0), 0);
	return fd;
}

START_TEST(lets_root_in_though_all_are_busy)
{
	int fds[LISTENER_CLIENTS_MAX], stranger, root;
	struct stage s;

	if (geteuid() != 0)
		return;
	stage_open(&s);
	for (int i = 0; i < LISTENER_CLIENTS_MAX; i++) {
		fds[i] = guest_connect(&s);
		tell(fds[i], "stay\n");
		run_rounds(&s, 2);
	}
	stranger = connect_as(s.path, STRANGER);
	expect_closed(&s, stranger);
	ck_assert_uint_eq(s.peer.uid, STRANGER);
	ck_assert_uint_eq(s.closed, 1);
	root = guest_connect(&s);
	tell(root, "root\n");
	expect(&s, root, "root\n");
	ck_assert_uint_eq(listener_client_count(s.listener), LISTENER_CLIENTS_MAX);
	/* now one is idle, and gives room to a stranger */
	close(stranger);
	stranger = connect_as(s.path, STRANGER);
	tell(stranger, "stranger\n");
	expect(&s, stranger, "stranger\n");
	ck_assert(is_closed(root));
	for (int i = 0; i < LISTENER_CLIENTS_MAX; i++)
		close(fds[i]);
	close(stranger);
	close(root);
	stage_close(&s);
}
END_TEST

/* R4: without descriptors it waits, and does not burn the processor. */
START_TEST(waits_for_descriptors)
{
	int fds[2], hoard[1024], hoarded = 0;
	struct stage s;

	allow_descriptors(256);
	stage_open(&s);
	run_for(&s, 0.01);
	fds[0] = connect_to(s.path);
	while (hoarded < 1024 && (hoard[hoarded] = dup(0)) >= 0)
		hoarded++;
	ck_assert_uint_le(run_for(&s, 0.35), 20);
	ck_assert_uint_eq(s.opened, 0);
	for (int i = 1; i <= 3; i++) /* enough for one, and one is always heard */
		close(hoard[hoarded - i]);
	tell(fds[0], "at last\n");
	run_for(&s, 0.15);
	expect(&s, fds[0], "at last\n");
	/* but the last ones are not for a second */
	fds[1] = connect_to(s.path);
	expect_closed(&s, fds[1]);
	ck_assert_uint_eq(listener_client_count(s.listener), 1);
	while (hoarded > 0)
		close(hoard[--hoarded]); /* (three of them are closed) */
	close(fds[0]);
	stage_close(&s);
}
END_TEST

/* --- turns --- */

struct witness {
	struct stage *stage;
	int calls;
	size_t steps_before; /* at the last call */
};

static void on_pipe(struct ev_loop *loop, ev_io *io, int events)
{
	struct witness *w = io->data;

	(void)loop;
	(void)events;
	w->calls++;
	w->steps_before = w->stage->steps;
}

static void on_witnessed_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct witness *w = timer->data;

	(void)loop;
	(void)events;
	w->calls++;
	w->steps_before = w->stage->steps;
}

enum { FLOODERS = 8 };

static void flood(struct stage *s, int fds[FLOODERS])
{
	for (int i = 0; i < FLOODERS; i++)
		for (int line = 0; line < 20; line++)
			if (send(fds[i], "x\n", 2, MSG_NOSIGNAL) < 0)
				break;
	for (int i = 0; i < FLOODERS; i++) {
		char heard[4096];

		while (recv(fds[i], heard, sizeof heard, MSG_DONTWAIT) > 0)
			;
	}
	(void)s;
}

static void open_flooders(struct stage *s, int fds[FLOODERS], struct guest *guests[FLOODERS])
{
	for (int i = 0; i < FLOODERS; i++) {
		fds[i] = guest_connect(s);
		guests[i] = s->last;
	}
}

/* C3: what happens to programs is heard in the very round in which it happens, before any call. */
START_TEST(delays_nobody_by_a_flood)
{
	struct guest *guests[FLOODERS];
	struct stage s;
	struct witness w = { .stage = &s };
	int fds[FLOODERS], ends[2];
	ev_io io;
	ev_timer timer;

	stage_open(&s);
	open_flooders(&s, fds, guests);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ev_io_init(&io, on_pipe, ends[0], EV_READ);
	io.data = &w;
	ev_timer_init(&timer, on_witnessed_time, 0., 0.);
	timer.data = &w;
	flood(&s, fds);
	run_rounds(&s, 5);
	for (int i = 1; i <= 20; i++) {
		size_t before = s.steps;

		flood(&s, fds);
		if (i % 2) {
			ck_assert_int_eq(write(ends[1], "x", 1), 1);
			ev_io_start(s.loop, &io);
		} else {
			ev_timer_set(&timer, 0., 0.);
			ev_timer_start(s.loop, &timer);
		}
		run_round(&s);
		ev_io_stop(s.loop, &io);
		ck_assert_int_eq(w.calls, i);
		ck_assert_uint_eq(w.steps_before, before); /* it came first */
		ck_assert_uint_eq(s.steps - before, LISTENER_STEPS);
	}
	for (int i = 0; i < FLOODERS; i++)
		close(fds[i]);
	close(ends[0]);
	close(ends[1]);
	stage_close(&s);
}
END_TEST

/* And the other way round: something to do in every round does not keep clients waiting. */
START_TEST(gets_its_turn_whatever_happens)
{
	struct guest *guests[FLOODERS];
	struct stage s;
	struct witness w = { .stage = &s };
	int fds[FLOODERS], ends[2];
	ev_io io;

	stage_open(&s);
	open_flooders(&s, fds, guests);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ev_io_init(&io, on_pipe, ends[0], EV_READ); /* it is never read */
	io.data = &w;
	ev_io_start(s.loop, &io);
	flood(&s, fds);
	run_rounds(&s, 2);
	for (int i = 0; i < 20; i++) {
		size_t before = s.steps;

		flood(&s, fds);
		run_round(&s);
		ck_assert_uint_eq(s.steps - before, LISTENER_STEPS);
	}
	ck_assert_int_ge(w.calls, 20);
	/* each had its share */
	for (int i = 0; i < FLOODERS; i++) {
		ck_assert_uint_ge(guests[i]->steps, s.steps / FLOODERS - 1);
		ck_assert_uint_le(guests[i]->steps, s.steps / FLOODERS + 1);
	}
	for (int i = 0; i < FLOODERS; i++)
		close(fds[i]);
	ev_io_stop(s.loop, &io);
	close(ends[0]);
	close(ends[1]);
	stage_close(&s);
}
END_TEST

/* Its input stays in the kernel while it has a line that waits. */
START_TEST(reads_nothing_that_is_not_wanted)
{
	static char lines[200000];
	struct stage s;
	ssize_t first, second;
	int fd;

	memset(lines, '\n', sizeof lines);
	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "stay\n");
	run_rounds(&s, 2);
	tell(fd, "wait\n");
	run_rounds(&s, 2);
	first = send(fd, lines, sizeof lines, MSG_NOSIGNAL);
	run_rounds(&s, 10);
	second = send(fd, lines, sizeof lines, MSG_NOSIGNAL);
	ck_assert_int_gt(first, 0);
	ck_assert(second < 0 || first + second < (ssize_t)sizeof lines + 100000);
	ck_assert_uint_le(s.last->input_size, LINE_MAX_SIZE);
	ck_assert_uint_eq(s.closed, 0);
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(answers_those_who_have_ended_their_input)
{
	struct stage s;
	int fd;

	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "one\ntwo\nbig 600000\n");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect(&s, fd, "one\ntwo\n");
	{
		char *heard = malloc(600001);

		ck_assert_uint_eq(hear(&s, fd, heard, 600001), 600000);
		free(heard);
	}
	expect_closed(&s, fd);
	ck_assert_uint_eq(s.closed, 1);
	close(fd);
	stage_close(&s);
}
END_TEST

START_TEST(wakes_who_has_waited)
{
	struct stage s;
	int fd;

	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "stay\nafter\n");
	run_rounds(&s, 3);
	ck_assert(!is_closed(fd));
	s.last->busy = false;
	say(s.last, "now\n", 4);
	listener_wake(s.last->connection);
	listener_wake(s.last->connection);
	expect(&s, fd, "now\nafter\n");
	tell(fd, "bye\n");
	expect_closed(&s, fd);
	close(fd);
	stage_close(&s);
}
END_TEST

/* What it has to say at its end is said. */
START_TEST(writes_before_it_closes)
{
	struct stage s;
	char heard[8] = "";
	int fd;

	stage_open(&s);
	fd = guest_connect(&s);
	tell(fd, "stay\n");
	run_rounds(&s, 3);
	say(s.last, "end\n", 4);
	listener_wake(s.last->connection);
	stage_close(&s);
	ck_assert_int_eq(recv(fd, heard, sizeof heard, 0), 4);
	ck_assert_str_eq(heard, "end\n");
	ck_assert_int_eq(recv(fd, heard, sizeof heard, 0), 0);
	close(fd);
}
END_TEST

/* I1 */
START_TEST(sleeps_while_nobody_says_anything)
{
	unsigned wakes = 2;
	struct stage s;
	int fds[3];

	stage_open(&s);
	listener_set_patience(s.listener, WIDE_PATIENCE_MS);
	for (int i = 0; i < 3; i++)
		fds[i] = guest_connect(&s);
	tell(fds[0], "a");
	run_rounds(&s, 3);
	tell(fds[0], "\n");
	expect(&s, fds[0], "a\n");
	tell(fds[1], "stay\n");
	run_rounds(&s, 3);
	/* the deadline's own; a process that was stopped is woken once */
	for (int i = 0; i < TRIES && wakes > 1; i++)
		wakes = run_for(&s, 4 * WIDE_PATIENCE_MS / 1000.);
	ck_assert_uint_le(wakes, 1);
	ck_assert_uint_eq(s.closed, 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	stage_close(&s);
}
END_TEST

static TCase *make_case(Suite *suite, TCase *tcase)
{
	tcase_add_checked_fixture(tcase, scratch_make, scratch_remove);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("listener");
	TCase *peers = make_case(suite, tcase_create("peers"));
	TCase *file = make_case(suite, tcase_create("file"));
	TCase *hostile = make_case(suite, tcase_create("hostile"));
	TCase *turns = make_case(suite, tcase_create("turns"));

	tcase_add_test(peers, echoes_lines);
	tcase_add_test(peers, knows_who_is_at_the_other_end);
	tcase_add_test(peers, closes_those_who_are_not_wanted);
	tcase_add_test(file, has_its_permissions_and_changes_them);
	tcase_add_test(file, listens_at_a_long_path);
	tcase_add_test(file, takes_the_place_of_a_dead_socket);
	tcase_add_test(file, leaves_a_socket_that_answers);
	tcase_add_test(file, leaves_what_is_no_socket);
	tcase_add_test(file, leaves_the_file_of_a_successor);
	tcase_add_test(hostile, lets_nobody_begin_and_not_end);
	tcase_add_test(hostile, has_patience_with_those_who_go_on);
	tcase_add_test(hostile, cuts_who_asks_and_does_not_read);
	tcase_add_test(hostile, writes_as_fast_as_is_read);
	tcase_add_test(hostile, cuts_who_never_ends_a_line);
	tcase_add_test(hostile, cuts_who_says_nonsense);
	tcase_add_test(hostile, survives_those_who_vanish);
	tcase_add_test(hostile, keeps_room_among_a_thousand);
	tcase_add_test(hostile, lets_root_in_though_all_are_busy);
	tcase_add_test(hostile, waits_for_descriptors);
	tcase_add_test(turns, delays_nobody_by_a_flood);
	tcase_add_test(turns, gets_its_turn_whatever_happens);
	tcase_add_test(turns, reads_nothing_that_is_not_wanted);
	tcase_add_test(turns, answers_those_who_have_ended_their_input);
	tcase_add_test(turns, wakes_who_has_waited);
	tcase_add_test(turns, writes_before_it_closes);
	tcase_add_test(turns, sleeps_while_nobody_says_anything);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
