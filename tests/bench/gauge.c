/* SPDX-License-Identifier: MIT */
/* The stop-watch of the bench: starts a supervisor, waits until each of its N programs has told its
 * PID, and then does what it is told on standard input, one line an order, answers on standard
 * output, times in microseconds:
 *   gauge [--pidfiles DIR] --report FIFO N COMMAND…   →  started TIME PID
 *     restart ROUNDS PAUSE_MS   kills a program with SIGKILL, ROUNDS times
 *                               →  each: restarted TIME_OF_EXEC TIME_OF_PID_FILE, in the end: done
 *     order ROUNDS PAUSE_MS WORD…   runs a command that makes a program start anew
 *                               →  each: ordered TIME_OF_EXEC TIME_OF_COMMAND, in the end: done
 *     stop SIGNAL               →  stopped TIME STATUS, when no process of it is left
 *   gauge --once ROUNDS COMMAND…                      →  each: once TIME
 * A PID file counts when its directory has told of it (inotify) and it holds the new PID; -1
 * without
 * --pidfiles. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum {
	STATUS_USAGE = 64,
	PROGRAMS_MAX = 30000,
	DEADLINE_MS = 120 * 1000,
	RESTART_DEADLINE_MS = 10 * 1000,
	GLANCE_NS = 100 * 1000, /* between two looks while many programs start: none is woken for */
};

struct gauge {
	const char *report, *pidfile_dir;
	char **command;
	int64_t once;       /* rounds; 0 = not so */
	size_t count, told; /* programs; those that have told their PID */
	pid_t *pids;
	pid_t supervisor;
	int report_fd, notify_fd, dir_fd;
	size_t next_victim;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "gauge: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static pid_t spawn(char **command, int output)
{
	pid_t pid = vfork();

	if (pid < 0)
		fail("vfork");
	if (pid == 0) {
		if (output >= 0)
			dup2(output, 1);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

/* --- once --- */

static void measure_once(const struct gauge *g)
{
	for (int64_t i = 0; i < g->once; i++) {
		int64_t start = now_us();
		pid_t pid = spawn(g->command, -1);
		int status;

		if (waitpid(pid, &status, 0) < 0 || status != 0) {
			fprintf(stderr, "gauge: %s ended with %#x\n", g->command[0],
			        (unsigned)status);
			exit(EXIT_FAILURE);
		}
		printf("once %lld\n", (long long)(now_us() - start));
	}
}

/* --- start --- */

/* Takes the PIDs that have come; true when all have. */
static bool take_reports(struct gauge *g)
{
	ssize_t size = read(g->report_fd, g->pids + g->told, (g->count - g->told) * sizeof(pid_t));

	if (size > 0)
		g->told += (size_t)size / sizeof(pid_t);
	return g->told == g->count;
}

static void check_supervisor(const struct gauge *g)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)g->supervisor, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0) {
		fprintf(stderr, "gauge: %s has ended with %d\n", g->command[0], info.si_status);
		exit(EXIT_FAILURE);
	}
}

static void await_reports(struct gauge *g, int64_t deadline)
{
	const struct timespec glance = { .tv_nsec = GLANCE_NS };

	while (!take_reports(g)) {
		if (now_us() > deadline) {
			fprintf(stderr, "gauge: only %zu of %zu programs have started\n", g->told,
			        g->count);
			exit(EXIT_FAILURE);
		}
		check_supervisor(g);
		if (g->count == 1)
			poll(&(struct pollfd){ .fd = g->report_fd, .events = POLLIN }, 1, 100);
		else
			nanosleep(&glance, NULL);
	}
}

static void open_report(struct gauge *g)
{
	if (mkfifo(g->report, 0666) < 0 && errno != EEXIST)
		fail(g->report);
	/* read and write: never at its end, however many writers come and go */
	g->report_fd = open(g->report, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (g->report_fd < 0)
		fail(g->report);
}

static void start(struct gauge *g)
{
	int64_t started;
	int output;

	open_report(g);
	output = open(g->report, O_WRONLY | O_CLOEXEC);
	started = now_us();
	g->supervisor = spawn(g->command, output);
	await_reports(g, started + DEADLINE_MS * 1000LL);
	printf("started %lld %d\n", (long long)(now_us() - started), (int)g->supervisor);
	close(output);
}

/* --- restart --- */

static void watch_pidfiles(struct gauge *g)
{
	g->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (g->notify_fd < 0 || inotify_add_watch(g->notify_fd, g->pidfile_dir, IN_MOVED_TO) < 0)
		fail(g->pidfile_dir);
	g->dir_fd = open(g->pidfile_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->dir_fd < 0)
		fail(g->pidfile_dir);
}

/* The PID in the file that the directory has told of; 0 when there is no news. */
static pid_t take_notice(const struct gauge *g)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event)))),
		text[16] = "";
	const struct inotify_event *event = (const struct inotify_event *)buffer;
	_cleanup_fd_ int fd = -1;
	int64_t pid = 0;

	if (read(g->notify_fd, buffer, sizeof buffer) <= 0)
		return 0;
	fd = openat(g->dir_fd, event->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	parse_int(text, 1, 1 << 22, &pid);
	return (pid_t)pid;
}

struct restart {
	pid_t in_file, reported; /* 0 = not yet */
	int64_t file_us, exec_us;
};

static void await_restart(const struct gauge *g, struct restart *r)
{
	struct pollfd fds[2] = { { .fd = g->report_fd, .events = POLLIN },
		                 { .fd = g->notify_fd, .events = POLLIN } };
	int64_t deadline = now_us() + RESTART_DEADLINE_MS * 1000LL;

	while (!r->reported || (g->notify_fd >= 0 && r->in_file != r->reported)) {
		if (poll(fds, 2, RESTART_DEADLINE_MS) <= 0 || now_us() > deadline) {
			fprintf(stderr, "gauge: a killed program has not come back\n");
			exit(EXIT_FAILURE);
		}
		if (fds[1].revents) {
			pid_t pid = take_notice(g);

			r->file_us = pid ? now_us() : r->file_us;
			r->in_file = pid ? pid : r->in_file;
		}
		if (fds[0].revents &&
		    read(g->report_fd, &r->reported, sizeof(pid_t)) == sizeof(pid_t))
			r->exec_us = now_us();
	}
}

static void restart_one(struct gauge *g)
{
	size_t victim = g->next_victim++ % g->count;
	struct restart r = { .file_us = -1 };
	int64_t start = now_us();

	/* it is a grandchild of ours that nobody but us kills: the PID is its own */
	if (kill(g->pids[victim], SIGKILL) < 0)
		fail("kill");
	await_restart(g, &r);
	g->pids[victim] = r.reported;
	printf("restarted %lld %lld\n", (long long)(r.exec_us - start),
	       (long long)(r.file_us < 0 ? -1 : r.file_us - start));
}

static void restart(struct gauge *g, int64_t rounds, int64_t pause_ms)
{
	if (g->pidfile_dir && g->notify_fd < 0)
		watch_pidfiles(g);
	for (int64_t i = 0; i < rounds; i++) {
		restart_one(g);
		poll(NULL, 0, (int)pause_ms);
	}
	puts("done");
}

/* --- restart by command --- */

enum { WORDS_MAX = 32 };

/* The PID that the replacement has told. */
static pid_t await_report(const struct gauge *g)
{
	struct pollfd fd = { .fd = g->report_fd, .events = POLLIN };
	pid_t pid = 0;

	while (read(g->report_fd, &pid, sizeof pid) != sizeof pid)
		if (poll(&fd, 1, RESTART_DEADLINE_MS) <= 0) {
			fprintf(stderr, "gauge: nothing was started by the command\n");
			exit(EXIT_FAILURE);
		}
	return pid;
}

/* what the command says is not for those who read our answers */
static void order_one(const struct gauge *g, char **words, int silence)
{
	int64_t start = now_us(), told;
	pid_t pid = spawn(words, silence);
	int status;

	await_report(g);
	told = now_us();
	if (waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "gauge: %s ended with %#x\n", words[0], (unsigned)status);
		exit(EXIT_FAILURE);
	}
	printf("ordered %lld %lld\n", (long long)(told - start), (long long)(now_us() - start));
}

static void order(const struct gauge *g, int64_t rounds, int64_t pause_ms, char *rest)
{
	char *words[WORDS_MAX + 1], *word;
	_cleanup_fd_ int silence = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t n = 0;

	while (n < WORDS_MAX && (word = strsep(&rest, " \n")))
		if (*word)
			words[n++] = word;
	words[n] = NULL;
	for (int64_t i = 0; n && i < rounds; i++) {
		order_one(g, words, silence);
		poll(NULL, 0, (int)pause_ms);
	}
	puts("done");
}

/* --- stop --- */

static void stop(struct gauge *g, int signo)
{
	int64_t start = now_us();
	int status = 0, its_status = -1;
	pid_t pid;

	if (kill(g->supervisor, signo) < 0)
		fail("kill");
	/* whatever loses its parent comes to us, so that nothing is left when we have no child */
	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		if (pid == g->supervisor)
			its_status = status;
	printf("stopped %lld %d\n", (long long)(now_us() - start), its_status);
}

/* --- orders --- */

/* Carries out one line; false when there is to be no other. */
static bool obey(struct gauge *g, char *line)
{
	char *rest = line, *word = strsep(&rest, " \n");
	int64_t first = 0, second = 0;

	if (strcmp(word, "restart") == 0) {
		if (parse_int(strsep(&rest, " \n"), 1, 1000000, &first) == 0 && rest &&
		    parse_int(strsep(&rest, " \n"), 0, 10000, &second) == 0)
			restart(g, first, second);
		return true;
	}
	if (strcmp(word, "order") == 0) {
		if (parse_int(strsep(&rest, " \n"), 1, 1000000, &first) == 0 && rest &&
		    parse_int(strsep(&rest, " \n"), 0, 10000, &second) == 0)
			order(g, first, second, rest);
		return true;
	}
	if (strcmp(word, "stop") == 0 && rest &&
	    parse_int(strsep(&rest, " \n"), 1, 64, &first) == 0)
		stop(g, (int)first);
	return false;
}

static void work(struct gauge *g)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_TIMERSLACK, 1);
	g->pids = calloc(g->count, sizeof *g->pids);
	if (!g->pids)
		fail("memory");
	start(g);
	while (getline(&line, &size, stdin) > 0 && obey(g, line))
		;
	free(g->pids);
}

static bool parse_options(struct gauge *g, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pidfiles", required_argument, NULL, 'p' },
		{ "report", required_argument, NULL, 'r' },
		{ "once", required_argument, NULL, 'o' },
		{ 0 },
	};
	int64_t count = 0;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'p')
			g->pidfile_dir = optarg;
		else if (option == 'r')
			g->report = optarg;
		else
			good = option == 'o' && parse_int(optarg, 1, 100000, &g->once) == 0;
	}
	if (good && !g->once) {
		good = g->report && optind < argc &&
		       parse_int(argv[optind], 1, PROGRAMS_MAX, &count) == 0;
		optind++;
	}
	g->count = (size_t)count;
	g->command = argv + optind;
	return good && optind < argc;
}

int main(int argc, char **argv)
{
	struct gauge g = { .report_fd = -1, .notify_fd = -1, .dir_fd = -1 };

	if (!parse_options(&g, argc, argv)) {
		fputs("usage: gauge [--pidfiles DIR] --report FIFO N COMMAND [ARG...]\n"
		      "       gauge --once ROUNDS COMMAND [ARG...]\n",
		      stderr);
		return STATUS_USAGE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (g.once)
		measure_once(&g);
	else
		work(&g);
	return 0;
}
