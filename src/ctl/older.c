/* SPDX-License-Identifier: MIT */
#include "ctl/older.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stamp.h"
#include "ctl/screen.h"

enum {
	LINES_MAX = 1000 * 1000, /* of the last ones */
	BARE_LINES = 1000,       /* a file that begins with so many lines without a time has none */
	WORD_SIZE = 8,
};

static const struct {
	const char *ending, *command, *options;
} packers[] = {
	{ ".gz", "gzip", "-dc" },
	{ ".zst", "zstd", "-qdc" },
	{ ".xz", "xz", "-qdc" },
};

/* A file that is read line by line. */
struct reader {
	const char *path;
	const char *packer; /* NULL = it is read as it is */
	pid_t pid;          /* of that */
	int fd;
	size_t first, filled;
	bool cut; /* the line taken last had no end yet */
	char chunk[OLDER_LINE_MAX];
};

/* Opening */

static void complain(const char *path, const char *why)
{
	screen_complain("%s: %s; its lines are left out", path, why);
}

/* The descriptor of a regular file, or negative errno. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* Starts a command that reads from `in`, writes to `out` and can be interrupted.  0 or negative
 * errno. */
static int start(pid_t *pid, const char *command, const char *options, int in, int out)
{
	char first[WORD_SIZE], second[WORD_SIZE];
	char *const words[] = { first, second, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	snprintf(first, sizeof first, "%s", command);
	snprintf(second, sizeof second, "%s", options);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(pid, command, &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Has the file `in` unpacked; a descriptor to read that from, or negative errno. */
static int unpack(struct reader *r, const char *options, int in)
{
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	error = start(&r->pid, r->packer, options, in, ends[1]);
	close(ends[1]);
	if (error < 0) {
		close(ends[0]);
		return error;
	}
	return ends[0];
}

static bool has_ending(const char *path, const char *ending)
{
	size_t size = strlen(path), ending_size = strlen(ending);

	return size > ending_size && strcmp(path + size - ending_size, ending) == 0;
}

/* False: it has said why not. */
static bool reader_open(struct reader *r, const char *path)
{
	int fd = open_file(path);

	r->path = path;
	r->packer = NULL;
	r->fd = fd;
	r->first = r->filled = 0;
	r->cut = false;
	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(packers); i++) {
		if (!has_ending(path, packers[i].ending))
			continue;
		r->packer = packers[i].command;
		r->fd = unpack(r, packers[i].options, fd);
		close(fd);
		break;
	}
	if (r->fd >= 0)
		return true;
	if (fd >= 0)
		screen_complain("%s: %s: %s; its lines are left out", path, r->packer,
		                strerror(-r->fd));
	else
		complain(path, strerror(-fd));
	return false;
}

/* `early`: what is left of it is not wanted. */
static void reader_close(struct reader *r, bool early)
{
	siginfo_t end = { 0 };

	close(r->fd);
	if (!r->packer)
		return;
	if (early)
		kill(r->pid, SIGTERM);
	while (waitid(P_PID, (id_t)r->pid, &end, WEXITED) < 0 && errno == EINTR)
		;
	if (!early && (end.si_code != CLD_EXITED || end.si_status != 0))
		screen_complain("%s: %s has failed; lines of it may be missing", r->path,
		                r->packer);
}

/* Reading */

static bool take_line(struct reader *r, const char **bytes, size_t *size)
{
	const char *newline;

	if (r->cut && r->first < r->filled) {
		r->first += r->chunk[r->first] == '\n';
		r->cut = false;
	}
	*bytes = r->chunk + r->first;
	*size = r->filled - r->first;
	newline = memchr(*bytes, '\n', *size);
	if (newline) {
		*size = (size_t)(newline - *bytes);
		r->first += *size + 1;
		return true;
	}
	r->cut = *size == sizeof r->chunk;
	if (r->cut)
		r->first = r->filled;
	return r->cut;
}

/* False at the end. */
static bool fill(struct reader *r)
{
	ssize_t got;

	memmove(r->chunk, r->chunk + r->first, r->filled - r->first);
	r->filled -= r->first;
	r->first = 0;
	do
		got = read(r->fd, r->chunk + r->filled, sizeof r->chunk - r->filled);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		r->filled += (size_t)got;
	return got > 0;
}

/* Gives lines until there are no more or `take` wants no more; true: all were given. */
static bool read_lines(const char *path, bool (*take)(void *context, const char *, size_t),
                       void *context)
{
	const char *bytes;
	struct reader r;
	size_t size;

	if (!reader_open(&r, path))
		return true;
	for (;;) {
		if (take_line(&r, &bytes, &size)) {
			if (take(context, bytes, size))
				continue;
			reader_close(&r, true);
			return false;
		}
		if (!fill(&r))
			break;
	}
	/* the last line may lack its newline */
	if (r.first < r.filled)
		take(context, r.chunk + r.first, r.filled - r.first);
	reader_close(&r, false);
	return true;
}

/* Whether lines bear times */

struct look {
	unsigned left;
	bool found;
};

static bool look_at_line(void *context, const char *bytes, size_t size)
{
	struct look *l = context;

	l->found = stamp_of_line(bytes, size) != STAMP_NONE;
	return !l->found && --l->left > 0;
}

static bool is_stamped(const char *path)
{
	struct look l = { .left = BARE_LINES };

	read_lines(path, look_at_line, &l);
	return l.found;
}

/* The last lines */

struct kept_line {
	char *bytes; /* owned; NULL = memory was out */
	size_t size;
};

/* The last `max` lines of a file. */
struct tail {
	struct kept_line *lines; /* owned; used as a ring from `first` on when it is full */
	size_t count, first, max, capacity;
};

static void tail_add(struct tail *t, const char *bytes, size_t size)
{
	struct kept_line line = { malloc(size + 1), size };

	if (line.bytes)
		memcpy(line.bytes, bytes, size);
	if (t->count == t->max) {
		free(t->lines[t->first].bytes);
		t->lines[t->first] = line;
		t->first = (t->first + 1) % t->max;
		return;
	}
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 64;
		struct kept_line *lines = reallocarray(t->lines, capacity, sizeof *lines);

		if (!lines) {
			free(line.bytes);
			return;
		}
		t->lines = lines;
		t->capacity = capacity;
	}
	t->lines[t->count++] = line;
}

static void tail_give(const struct tail *t, const struct older *o)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct kept_line *line = &t->lines[(t->first + i) % t->count];

		o->take(o->context, line->bytes ? line->bytes : "", line->bytes ? line->size : 0);
	}
}

static void tail_release(struct tail *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->lines[i].bytes);
	free(t->lines);
}

/* One file of several */

struct course {
	const struct older *older;
	struct tail *tail; /* NULL = lines are given at once */
	bool is_early;     /* no line was due yet */
	bool is_over;
	unsigned since_asked; /* lines */
};

enum { ASK_AFTER = 256 };

static bool take_due(void *context, const char *bytes, size_t size)
{
	struct course *c = context;

	if (++c->since_asked >= ASK_AFTER) {
		c->since_asked = 0;
		c->is_over = !c->older->go_on(c->older->context);
	}
	if (c->is_early)
		c->is_early = stamp_of_line(bytes, size) < c->older->since_us;
	if (!c->is_early && !c->is_over) {
		if (c->tail)
			tail_add(c->tail, bytes, size);
		else
			c->older->take(c->older->context, bytes, size);
	}
	return !c->is_over;
}

static void read_file(struct course *c, const char *path, bool is_first)
{
	c->is_early = is_first && c->older->since_us != INT64_MIN && is_stamped(path);
	read_lines(path, take_due, c);
}

static const char *path_of(const json_t *paths, size_t i)
{
	const char *path = json_string_value(json_array_get(paths, i));

	return path ? path : "";
}

static void read_all(const struct older *o, const json_t *paths)
{
	struct course c = { .older = o };

	for (size_t i = 0; i < json_array_size(paths) && !c.is_over; i++)
		read_file(&c, path_of(paths, i), i == 0);
}

/* From the newest on back, until there are enough. */
static void read_last(const struct older *o, const json_t *paths, size_t lines)
{
	size_t count = json_array_size(paths), first = count;
	struct tail *tails = calloc(count ? count : 1, sizeof *tails);
	struct course c = { .older = o };

	if (!tails) {
		complain(path_of(paths, 0), strerror(ENOMEM));
		return;
	}
	while (first > 0 && lines > 0 && !c.is_over) {
		c.tail = &tails[--first];
		c.tail->max = lines;
		read_file(&c, path_of(paths, first), first == 0);
		lines -= c.tail->count;
	}
	for (; first < count; first++) {
		if (!c.is_over)
			tail_give(&tails[first], o);
		tail_release(&tails[first]);
	}
	free(tails);
}

void older_read(const struct older *o, const json_t *paths, unsigned lines)
{
	if (lines == UINT_MAX)
		read_all(o, paths);
	else
		read_last(o, paths, lines < LINES_MAX ? lines : LINES_MAX);
}
