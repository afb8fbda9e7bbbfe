/* SPDX-License-Identifier: MIT */
/* The concurrent-observer test of promises P2 and P3: no reader of a PID file is ever handed a PID
 * that the kernel has given to somebody else, nor an empty or torn file, while programs are killed,
 * restarted and stopped at random and their PIDs are forced to be used again.
 *
 * Readers (reader.c), a hunter (hunter.c) and a vergerd that is itself stopped and started again
 * run at once in a PID namespace.  With --expect-aliens the verdict is turned round: vergerd is a
 * build that reaps first, and a test that finds nothing wrong with it is worth nothing. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "observer/hunter.h"
#include "observer/reader.h"
#include "observer/stage.h"
#include "observer/tally.h"

enum {
	STATUS_FAILED = 1,
	STATUS_USAGE = 64,
	STATUS_SKIPPED = 77,
	READERS_MAX = 16,
	TERM_MIN_MS = 800, /* how long one vergerd serves */
	TERM_SPREAD_MS = 1500,
	STOP_DEADLINE_MS = 20000,
	ALIENS_ENOUGH = 3, /* for --expect-aliens */
	CHECK_MS = 50,
};

struct observer {
	struct stage stage;
	struct cast cast;
	struct tally *tally;
	unsigned long reads; /* to be reached; 0 = no matter */
	msec_t duration_ms;  /* to be reached; 0 = no matter */
	size_t readers;
	bool expects_aliens;

	msec_t started_ms;
	pid_t actors[READERS_MAX + 1];
	size_t actor_count;
	unsigned terms;     /* lives of vergerd */
	unsigned leftovers; /* PID files that one has left behind (P4) */
	const char *fault;  /* what else went wrong; NULL = nothing */
};

static int usage(void)
{
	fputs("usage: observer --vergerd PATH --hosted PATH [--seconds N] [--reads N] [--readers "
	      "N]\n"
	      "                [--expect-aliens]\n"
	      "Ends after that many seconds and that many reads; as root only.\n",
	      stderr);
	return STATUS_USAGE;
}

static bool parse_count(const char *text, int64_t max, int64_t *out)
{
	return parse_int(text, 0, max, out) == 0;
}

static bool parse_options(struct observer *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "vergerd", required_argument, NULL, 'v' },
		{ "hosted", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' },
		{ "reads", required_argument, NULL, 'n' },
		{ "readers", required_argument, NULL, 'r' },
		{ "expect-aliens", no_argument, NULL, 'a' },
		{ 0 },
	};
	int64_t seconds = 20, reads = 0, readers = 2;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'v': o->stage.vergerd = realpath(optarg, NULL); break;
		case 'p': o->stage.hosted = realpath(optarg, NULL); break;
		case 's': good = parse_count(optarg, 86400, &seconds); break;
		case 'n': good = parse_count(optarg, INT64_MAX, &reads); break;
		case 'r': good = parse_count(optarg, READERS_MAX, &readers); break;
		case 'a': o->expects_aliens = true; break;
		default: good = false;
		}
	}
	o->duration_ms = seconds * 1000;
	o->reads = (unsigned long)reads;
	o->readers = (size_t)readers;
	return good && o->stage.vergerd && o->stage.hosted && readers > 0 && optind == argc;
}

static bool is_over(const struct observer *o)
{
	if (o->expects_aliens && o->tally->aliens >= ALIENS_ENOUGH)
		return true;
	return tally_reads(o->tally) >= o->reads &&
	       clock_monotonic_ms() >= o->started_ms + o->duration_ms;
}

/* --- the actors --- */

static void start_actor(struct observer *o, bool hunts, size_t number)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		o->fault = "a reader could not be started";
	if (pid > 0)
		o->actors[o->actor_count++] = pid;
	if (pid != 0)
		return;
	if (hunts)
		status = hunter_run(o->tally, &o->cast, o->stage.run_fd) < 0;
	else
		reader_run(o->tally, &o->cast, o->stage.run_fd, number);
	_exit(status);
}

static void start_actors(struct observer *o)
{
	for (size_t i = 0; i < o->readers; i++)
		start_actor(o, false, i);
	start_actor(o, true, 0);
}

static void await_actors(struct observer *o)
{
	o->tally->stop = true;
	for (size_t i = 0; i < o->actor_count; i++) {
		int status;

		if (waitpid(o->actors[i], &status, 0) < 0 || status != 0)
			o->fault = "a reader or the hunter has failed";
	}
}

/* --- one life of vergerd --- */

/* Whether the process behind `pidfd` ended within that time. */
static bool ends_within(int pidfd, msec_t ms)
{
	return poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, (int)ms) > 0;
}

static msec_t pick_term(void)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof number, 0) < 0)
		return TERM_MIN_MS;
	return TERM_MIN_MS + number % TERM_SPREAD_MS;
}

static void serve(struct observer *o, int pidfd)
{
	msec_t end = clock_monotonic_ms() + pick_term();

	while (clock_monotonic_ms() < end && !is_over(o)) {
		if (ends_within(pidfd, CHECK_MS)) {
			o->fault = "vergerd has ended by itself";
			return;
		}
	}
}

static void run_vergerd(struct observer *o)
{
	pid_t pid = stage_start_vergerd(&o->stage, o->terms % 2 == 0);
	_cleanup_fd_ int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	int status = -1;

	if (pidfd < 0) {
		o->fault = "vergerd could not be started";
		return;
	}
	o->terms++;
	serve(o, pidfd);
	kill(pid, SIGTERM);
	if (!ends_within(pidfd, STOP_DEADLINE_MS)) {
		o->fault = "vergerd does not end after SIGTERM";
		kill(pid, SIGKILL);
	}
	if ((waitpid(pid, &status, 0) < 0 || status != 0) && !o->fault)
		o->fault = "vergerd has ended with a bad status";
	o->leftovers += stage_count_pidfiles(&o->stage);
}

/* --- the verdict --- */

static void print_tally(const struct observer *o)
{
	const struct tally *t = o->tally;
	double seconds = (double)(clock_monotonic_ms() - o->started_ms) / 1000.;

	printf("%lu reads in %.1f s by %zu readers of %zu PID files, %u lives of vergerd\n",
	       tally_reads(t), seconds, o->readers, o->cast.count, o->terms);
	printf("  %10lu named a process of that very program\n", t->accepted);
	printf("  %10lu changed or went during the look (%lu of those PIDs were a stranger's by "
	       "then)\n",
	       t->changed, t->careless);
	printf("  %10lu named a child that ended before its exec\n", t->gone);
	printf("  %10lu ALIENS: named another program's process\n", t->aliens);
	printf("  %10lu LATE: named a process that was reaped already\n", t->late);
	printf("  %10lu EMPTY, %lu TORN, %u LEFT BEHIND\n", t->empty, t->torn, o->leftovers);
	printf("  besides: %lu looks found no file; %lu ends of programs seen, %lu by SIGKILL; "
	       "%lu PIDs forced into reuse\n",
	       t->absent, t->generations, t->kills, t->reuses);
}

static int fail(const struct observer *o, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "observer: %s\n", why);
	stage_print_log(&o->stage);
	return STATUS_FAILED;
}

static int judge(const struct observer *o)
{
	const struct tally *t = o->tally;

	print_tally(o);
	if (o->fault)
		return fail(o, o->fault);
	if (t->accepted == 0 || t->generations == 0 || t->reuses == 0)
		return fail(o, "nothing has happened: the test has proved nothing");
	if (o->expects_aliens)
		return t->aliens ? 0 : fail(o, "a build that reaps first was not found out");
	if (tally_violations(t) || o->leftovers)
		return fail(o, "a PID file has lied");
	return 0;
}

/* PID 1 of the namespace. */
static int run(struct observer *o)
{
	int r = stage_build(&o->stage, &o->cast);

	if (r < 0) {
		printf("skipped: the scene cannot be set: %s\n", strerror(-r));
		return STATUS_SKIPPED;
	}
	o->started_ms = clock_monotonic_ms();
	start_actors(o);
	while (!o->fault && !is_over(o))
		run_vergerd(o);
	await_actors(o);
	return judge(o);
}

static int run_in_namespace(struct observer *o)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
		printf("skipped: no PID namespace can be had: %s\n", strerror(errno));
		return STATUS_SKIPPED;
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* and with us goes the whole namespace */
		status = run(o);
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return STATUS_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct observer o = { .stage.dir = "/tmp/verger-observer-XXXXXX" };
	int status;

	if (!parse_options(&o, argc, argv))
		return usage();
	if (geteuid() != 0) {
		printf("skipped: needs to be root, for a PID namespace and its ns_last_pid\n");
		return STATUS_SKIPPED;
	}
	o.tally = mmap(NULL, sizeof *o.tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	               -1, 0);
	if (o.tally == MAP_FAILED || !mkdtemp(o.stage.dir)) {
		fprintf(stderr, "observer: %s: %s\n", o.stage.dir, strerror(errno));
		return STATUS_FAILED;
	}
	status = run_in_namespace(&o);
	umount2(o.stage.dir, MNT_DETACH); /* we are in its mount namespace, too */
	rmdir(o.stage.dir);
	fflush(stdout);
	/* no way back through the sanitizers: the namespace that our next thread would be born into
	 * is dead */
	_exit(status);
}
