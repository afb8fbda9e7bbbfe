/* SPDX-License-Identifier: MIT */
/* A program that does what its arguments say, one after the other: the server under test of every
 * scenario.  `puppet ignore TERM fork setsid pause end pause` ignores TERM, leaves a child in a
 * session of its own and waits.  It knows nothing of verger, uses no library but libc, and whatever
 * is to be known about its surroundings (environment, descriptors, limits, signal masks) is read
 * from outside, in /proc. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STATUS_USAGE = 64,
	BOMB_HOP_MS = 2,
	BOMB_HOPS_MAX = 10000, /* a bomb that nobody defuses ends by itself after some 20 s */
	AWAIT_PAUSE_MS = 5,
	NUMBER_MAX = 100000000,
	COUNT_WIDTH_MAX = 1 << 20,
};

static const char usage[] =
	"usage: puppet INSTRUCTION...\n"
	"  say TEXT            write a line to standard output\n"
	"  complain TEXT       write a line to standard error\n"
	"  put TEXT            write TEXT to standard output, without a newline\n"
	"  count TAG N         write N numbered lines, `TAG 1`, `TAG 2` ..., to standard output; "
	"the next\n"
	"                      count goes on from there\n"
	"  count-until TAG FILE  the same until FILE is there; the last line ends in ` end`\n"
	"  width N             of these lines, with the newline; they are filled up with x\n"
	"  chunk N             bytes of each write of them; 0, the default: a line each\n"
	"  pace N              milliseconds of rest behind each write of them\n"
	"  touch FILE          make an empty file\n"
	"  copy FROM TO        what FROM says at this moment, or nothing, appears whole as TO\n"
	"  pid-to FILE         write the own PID and a newline to FILE\n"
	"  text-to FILE TEXT   write TEXT and a newline to FILE\n"
	"  open FILE           leave a descriptor open\n"
	"  ignore SIGNAL       from now on, children included\n"
	"  notes FILE          signals noted from now on append their names to FILE\n"
	"  note SIGNAL|all     note it and go on\n"
	"  exit-on SIGNAL N    note it and exit with N\n"
	"  setsid | setpgid    leave the session; the process group\n"
	"  fork ... end        a child does what stands between, then exits with 0\n"
	"  bomb N              N chains of processes that fork and exit, every third in a new "
	"session\n"
	"  wait                until no child is left\n"
	"  await FILE          until FILE is there\n"
	"  sleep-ms N\n"
	"  pause               for ever\n"
	"  thread FILE CODE    the main thread ends; a second one exits with CODE once FILE is "
	"there\n"
	"  exec ARGV0 WORD...  become another program; the words go up to the end of the block\n"
	"  exit N | die SIGNAL\n"
	"A puppet that runs out of instructions exits with 0.\n";

/* What signal handlers need: the only variables outside functions. */
static volatile int notes_fd = -1;
static volatile sig_atomic_t exit_status_of[NSIG];
static char name_of[NSIG][16];

static _Noreturn void fail(const char *what, const char *which)
{
	fprintf(stderr, "puppet: %s %s: %s\n", what, which, strerror(errno));
	_exit(STATUS_USAGE);
}

static int number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0 || n > NUMBER_MAX) {
		errno = EINVAL;
		fail("number", text);
	}
	return (int)n;
}

static int signal_number(const char *text)
{
	for (int signo = 1; signo < NSIG; signo++)
		if (strcmp(name_of[signo], text) == 0)
			return signo;
	return number(text);
}

static void name_signals(void)
{
	for (int signo = 1; signo < NSIG; signo++) {
		const char *name = sigabbrev_np(signo);

		if (name)
			snprintf(name_of[signo], sizeof(name_of[signo]), "%s", name);
		else
			snprintf(name_of[signo], sizeof(name_of[signo]), "%d", signo);
	}
}

static void on_signal(int signo)
{
	int saved = errno;
	const char *name = name_of[signo];
	char line[20];
	size_t length = strlen(name);

	/* one write, so that two processes noting into one file do not mix their lines */
	memcpy(line, name, length);
	line[length] = '\n';
	if (notes_fd >= 0 && write(notes_fd, line, length + 1) < 0)
		_exit(STATUS_USAGE);
	if (exit_status_of[signo] >= 0)
		_exit(exit_status_of[signo]);
	errno = saved;
}

/* Notes a signal; exit_status < 0 means going on. */
static void listen_to(int signo, int exit_status)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	exit_status_of[signo] = exit_status;
	sigaction(signo, &action, NULL);
}

static void listen_to_all(void)
{
	for (int signo = 1; signo < NSIG; signo++)
		if (signo != SIGKILL && signo != SIGSTOP && signo != SIGCHLD)
			listen_to(signo, -1);
}

static void ignore(int signo)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	sigaction(signo, &action, NULL);
}

static void rest_ms(int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void await_file(const char *path)
{
	while (access(path, F_OK) < 0)
		rest_ms(AWAIT_PAUSE_MS);
}

static _Noreturn void rest_for_ever(void)
{
	for (;;)
		pause();
}

static _Noreturn void die_of(int signo)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	struct rlimit no_core = { 0 };
	sigset_t all;

	setrlimit(RLIMIT_CORE, &no_core);
	sigaction(signo, &action, NULL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(signo);
	rest_for_ever();
}

/* Readers of `path` see nothing or all of it. */
static void publish(const char *path, const char *text, size_t size)
{
	char beside[4096];
	int fd;

	if (snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid()) >= (int)sizeof(beside))
		fail("name too long", path);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size || rename(beside, path) < 0)
		fail("write", path);
	close(fd);
}

static void publish_line(const char *path, const char *text)
{
	char line[4096];
	int length = snprintf(line, sizeof(line), "%s\n", text);

	publish(path, line, (size_t)length);
}

static void publish_pid(const char *path)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", (int)getpid());
	publish_line(path, digits);
}

static void copy(const char *from, const char *to)
{
	char text[4096];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (size < 0)
		fail("read", from);
	publish(to, text, (size_t)size);
	if (fd >= 0)
		close(fd);
}

/* How numbered lines are written. */
struct count {
	int last; /* number written */
	int width, chunk, pace_ms;
	size_t held; /* bytes that are less than a chunk */
	char bytes[2 * COUNT_WIDTH_MAX];
};

static struct count *counting(void)
{
	static struct count count;

	return &count;
}

static void put(const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			fail("write", "standard output");
		bytes += written;
		size -= (size_t)written;
	}
}

static void put_chunks(struct count *c)
{
	size_t chunk = c->chunk ? (size_t)c->chunk : c->held, first = 0;

	for (; chunk && c->held - first >= chunk; first += chunk) {
		put(c->bytes + first, chunk);
		if (c->pace_ms)
			rest_ms(c->pace_ms);
	}
	c->held -= first;
	memmove(c->bytes, c->bytes + first, c->held);
}

static void count_line(struct count *c, const char *tag, const char *mark)
{
	char *line = c->bytes + c->held;
	int size = snprintf(line, COUNT_WIDTH_MAX, "%s %d%s", tag, ++c->last, mark);

	if (size + 1 < c->width)
		line[size++] = ' ';
	while (size + 1 < c->width)
		line[size++] = 'x';
	line[size++] = '\n';
	c->held += (size_t)size;
	put_chunks(c);
}

static void put_rest(struct count *c)
{
	put(c->bytes, c->held);
	c->held = 0;
}

static void count_lines(const char *tag, int lines)
{
	struct count *c = counting();

	while (lines-- > 0)
		count_line(c, tag, "");
	put_rest(c);
}

static void count_until(const char *tag, const char *path)
{
	struct count *c = counting();

	while (access(path, F_OK) < 0)
		count_line(c, tag, "");
	count_line(c, tag, " end");
	put_rest(c);
}

static int bounded(const char *text, int max)
{
	int n = number(text);

	if (n > max) {
		errno = ERANGE;
		fail("number", text);
	}
	return n;
}

static void open_notes(const char *path)
{
	notes_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (notes_fd < 0)
		fail("open", path);
}

/* Each process of a chain lives for one hop; killing one of them in time ends the chain. */
static _Noreturn void hop(void)
{
	for (int hops = 0; hops < BOMB_HOPS_MAX; hops++) {
		rest_ms(BOMB_HOP_MS);
		if (fork() > 0)
			_exit(0);
		if (hops % 3 == 0)
			setsid();
	}
	_exit(0);
}

static void bomb(int chains)
{
	for (int i = 0; i < chains; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork", "bomb");
		if (pid == 0)
			hop();
	}
}

struct last_words {
	const char *after;
	int status;
};

static void *outlive_main_thread(void *arg)
{
	const struct last_words *words = arg;

	await_file(words->after);
	_exit(words->status);
}

static _Noreturn void leave_thread(const char *after, int status)
{
	static struct last_words words;
	pthread_t thread;

	words = (struct last_words){ .after = after, .status = status };
	if (pthread_create(&thread, NULL, outlive_main_thread, &words) != 0)
		fail("thread", "start");
	pthread_exit(NULL);
}

/* The word behind the `end` that belongs to the `fork` before `word`. */
static char **behind_end(char **word)
{
	for (int depth = 1; *word; word++) {
		if (strcmp(*word, "fork") == 0)
			depth++;
		else if (strcmp(*word, "end") == 0 && --depth == 0)
			return word + 1;
	}
	errno = EINVAL;
	fail("fork", "without end");
}

/* Forks; the child goes on at `word`, the parent behind the block. */
static char **fork_block(char **word)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork", "block");
	return pid == 0 ? word : behind_end(word);
}

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

/* Instructions without arguments.  Returns whether `name` was one of them. */
static bool obey_bare(const char *name)
{
	if (is(name, "pause"))
		rest_for_ever();
	else if (is(name, "end"))
		_exit(0);
	else if (is(name, "setsid"))
		setsid();
	else if (is(name, "setpgid"))
		setpgid(0, 0);
	else if (is(name, "wait"))
		while (wait(NULL) > 0 || errno == EINTR)
			;
	else
		return false;
	return true;
}

/* Instructions on how numbered lines are written. */
static bool obey_for_count(const char *name, const char *arg)
{
	if (is(name, "width"))
		counting()->width = bounded(arg, COUNT_WIDTH_MAX - 1);
	else if (is(name, "chunk"))
		counting()->chunk = bounded(arg, COUNT_WIDTH_MAX);
	else if (is(name, "pace"))
		counting()->pace_ms = number(arg);
	else
		return false;
	return true;
}

/* Instructions with one argument. */
static bool obey_with(const char *name, const char *arg)
{
	if (is(name, "say"))
		dprintf(STDOUT_FILENO, "%s\n", arg);
	else if (is(name, "complain"))
		dprintf(STDERR_FILENO, "%s\n", arg);
	else if (is(name, "put"))
		put(arg, strlen(arg));
	else if (is(name, "touch"))
		publish(arg, "", 0);
	else if (is(name, "pid-to"))
		publish_pid(arg);
	else if (is(name, "open")) {
		if (open(arg, O_RDONLY) < 0)
			fail("open", arg);
	} else if (is(name, "ignore"))
		ignore(signal_number(arg));
	else if (is(name, "notes"))
		open_notes(arg);
	else if (is(name, "note") && is(arg, "all"))
		listen_to_all();
	else if (is(name, "note"))
		listen_to(signal_number(arg), -1);
	else if (is(name, "bomb"))
		bomb(number(arg));
	else if (is(name, "await"))
		await_file(arg);
	else if (is(name, "sleep-ms"))
		rest_ms(number(arg));
	else if (is(name, "exit"))
		_exit(number(arg));
	else if (is(name, "die"))
		die_of(signal_number(arg));
	else
		return obey_for_count(name, arg);
	return true;
}

/* Instructions with two arguments. */
static bool obey_with_two(const char *name, const char *first, const char *second)
{
	if (is(name, "copy"))
		copy(first, second);
	else if (is(name, "text-to"))
		publish_line(first, second);
	else if (is(name, "count"))
		count_lines(first, number(second));
	else if (is(name, "count-until"))
		count_until(first, second);
	else if (is(name, "exit-on"))
		listen_to(signal_number(first), number(second));
	else if (is(name, "thread"))
		leave_thread(first, number(second));
	else
		return false;
	return true;
}

static _Noreturn void become(char **words)
{
	if (!words[0] || !words[1]) {
		errno = EINVAL;
		fail("exec", "without a program");
	}
	/* words are ARGV0 PROGRAM ARG...: the program's place becomes the new argv[0] */
	char *program = words[1];

	words[1] = words[0];
	for (char **word = words + 2; *word; word++)
		if (strcmp(*word, "end") == 0) {
			*word = NULL;
			break;
		}
	execvp(program, words + 1);
	fail("exec", program);
}

int main(int argc, char **argv)
{
	name_signals();
	if (argc < 2) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}
	for (char **word = argv + 1; *word;) {
		if (is(*word, "fork"))
			word = fork_block(word + 1);
		else if (is(*word, "exec"))
			become(word + 1);
		else if (obey_bare(*word))
			word += 1;
		else if (word[1] && obey_with(word[0], word[1]))
			word += 2;
		else if (word[1] && word[2] && obey_with_two(word[0], word[1], word[2]))
			word += 3;
		else {
			errno = EINVAL;
			fail("instruction", *word);
		}
	}
	return 0;
}
