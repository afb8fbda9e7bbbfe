/* SPDX-License-Identifier: MIT */
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/loop.h"
#include "os/signals.h"
#include "unit/suite.h"

enum { SIGNALS_MAX = 128 };

struct notes {
	int received[SIGNALS_MAX];
};

static void on_received(void *context, int signo)
{
	struct notes *notes = context;

	notes->received[signo]++;
}

static bool claims_all(void *context, int signo)
{
	(void)context;
	(void)signo;
	return true;
}

static bool claims_none(void *context, int signo)
{
	(void)context;
	(void)signo;
	return false;
}

static bool is_default(int signo)
{
	struct sigaction action;

	sigaction(signo, NULL, &action);
	return action.sa_handler == SIG_DFL;
}

/* As posix_spawn of some C libraries leaves it. */
static void ignore_in_kernel(int signo)
{
	struct {
		void (*handler)(int);
		char rest[56];
	} ignore = { .handler = SIG_IGN };

	ck_assert_int_eq(syscall(SYS_rt_sigaction, signo, &ignore, NULL, 8), 0);
}

/* The kernel's word, C library's own signals included. */
static bool nothing_is_ignored(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");
	bool found = false;

	while (!found && fgets(line, sizeof line, file))
		found = strcmp(line, "SigIgn:\t0000000000000000\n") == 0;
	fclose(file);
	return found;
}

START_TEST(starts_as_a_fresh_process)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t all, mask;
	int ends[2];

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGRTMIN + 2, &ignore, NULL);
	ignore_in_kernel(32);
	ck_assert(!nothing_is_ignored());
	signals_reset();
	ck_assert(nothing_is_ignored());
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ck_assert(sigisemptyset(&mask));
	ck_assert(is_default(SIGCHLD) && is_default(SIGHUP) && is_default(SIGRTMIN + 2));
	/* a pipe without reader is an error, not the end, and programs do not inherit that */
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
}
END_TEST

/* G1, G3 */
START_TEST(hands_on_what_is_claimed)
{
	static const int some[] = { SIGTERM, SIGHUP, SIGWINCH, SIGCONT, SIGTSTP, SIGALRM };
	struct ev_loop *loop = loop_new();
	struct notes notes = { { 0 } };
	struct signals *s;

	signals_reset();
	s = signals_new(loop, claims_all, on_received, &notes);
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		raise(some[i]);
	raise(SIGRTMIN);
	raise(SIGRTMAX);
	ev_run(loop, EVRUN_ONCE);
	ev_run(loop, EVRUN_NOWAIT);
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
		ck_assert_int_eq(notes.received[some[i]], 1);
	ck_assert_int_eq(notes.received[SIGRTMIN], 1);
	ck_assert_int_eq(notes.received[SIGRTMAX], 1);
	signals_free(s);
	loop_free(loop);
}
END_TEST

/* G3: every signal that can be caught, those too that usually tell of a fault. */
START_TEST(relays_the_name_of_a_fault_when_somebody_sends_it)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	struct ev_loop *loop = loop_new();
	struct notes notes = { { 0 } };
	struct signals *s;
	pid_t sender;

	signals_reset();
	s = signals_new(loop, claims_all, on_received, &notes);
	sender = fork();
	if (sender == 0) {
		for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
			kill(getppid(), faults[i]);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	ev_run(loop, EVRUN_ONCE);
	ev_run(loop, EVRUN_NOWAIT);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		ck_assert_int_eq(notes.received[faults[i]], 1);
	signals_free(s);
	loop_free(loop);
}
END_TEST

/* What is wrong with us must end us, whoever claims the signal. */
START_TEST(dies_of_a_fault_of_its_own)
{
	pid_t faulty = fork();
	int status;

	if (faulty == 0) {
		struct notes notes = { { 0 } };

		signals_reset();
		signals_new(loop_new(), claims_all, on_received, &notes);
		abort();
	}
	ck_assert_int_eq(waitpid(faulty, &status, 0), faulty);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

/* A log whose reader has gone is no signal for a program. */
START_TEST(keeps_its_own_broken_pipe_to_itself)
{
	struct ev_loop *loop = loop_new();
	struct notes notes = { { 0 } };
	struct signals *s;
	int ends[2];

	signals_reset();
	s = signals_new(loop, claims_all, on_received, &notes);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_int_eq(notes.received[SIGPIPE], 0);
	close(ends[1]);
	signals_free(s);
	loop_free(loop);
}
END_TEST

START_TEST(leaves_children_alone)
{
	struct ev_loop *loop = loop_new();
	struct notes notes;
	struct signals *s;

	signals_reset();
	s = signals_new(loop, claims_all, on_received, &notes);
	ck_assert(is_default(SIGCHLD));
	signals_free(s);
	ck_assert(is_default(SIGTERM));
	loop_free(loop);
}
END_TEST

START_TEST(takes_only_its_own_when_nothing_is_claimed)
{
	struct ev_loop *loop = loop_new();
	struct notes notes;
	struct signals *s;

	signals_reset();
	s = signals_new(loop, claims_none, on_received, &notes);
	ck_assert(!is_default(SIGTERM) && !is_default(SIGUSR1) && !is_default(SIGUSR2));
	ck_assert(is_default(SIGWINCH) && is_default(SIGALRM) && is_default(SIGRTMIN));
	signals_free(s);
	loop_free(loop);
}
END_TEST

static bool claims_some(void *context, int signo)
{
	(void)context;
	return signo == SIGWINCH || signo == SIGALRM || signo == SIGSEGV || signo == SIGPIPE;
}

struct fickle {
	struct notes notes; /* first: on_received knows it */
	bool (*claims)(void *context, int signo);
};

static bool claims_as_told(void *context, int signo)
{
	struct fickle *f = context;

	return f->claims(context, signo);
}

/* G1: a reload may give signals to programs and take them back. */
START_TEST(listens_to_what_is_claimed_now)
{
	struct ev_loop *loop = loop_new();
	struct fickle f = { .claims = claims_none };
	struct signals *s;
	int ends[2];

	signals_reset();
	s = signals_new(loop, claims_as_told, on_received, &f);
	for (int i = 0; i < 3; i++) {
		f.claims = claims_some;
		signals_update(s);
		signals_update(s);
		raise(SIGWINCH);
		raise(SIGALRM);
		raise(SIGTERM);
		ev_run(loop, EVRUN_ONCE);
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert_int_eq(f.notes.received[SIGWINCH], i + 1);
		ck_assert_int_eq(f.notes.received[SIGALRM], i + 1);
		ck_assert_int_eq(f.notes.received[SIGTERM], i + 1);
		f.claims = claims_none;
		signals_update(s);
		ck_assert(is_default(SIGWINCH) && is_default(SIGALRM) && is_default(SIGSEGV));
		ck_assert(!is_default(SIGTERM));
		raise(SIGWINCH);
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert_int_eq(f.notes.received[SIGWINCH], i + 1);
	}
	/* a broken pipe is still no reason to die */
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	close(ends[1]);
	signals_free(s);
	loop_free(loop);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *relay = tcase_create("relay");

	tcase_add_test(relay, starts_as_a_fresh_process);
	tcase_add_test(relay, hands_on_what_is_claimed);
	tcase_add_test(relay, relays_the_name_of_a_fault_when_somebody_sends_it);
	tcase_add_test(relay, dies_of_a_fault_of_its_own);
	tcase_add_test(relay, keeps_its_own_broken_pipe_to_itself);
	tcase_add_test(relay, leaves_children_alone);
	tcase_add_test(relay, takes_only_its_own_when_nothing_is_claimed);
	tcase_add_test(relay, listens_to_what_is_claimed_now);
	suite_add_tcase(suite, relay);
	return suite;
}

int main(void)
{
	return suite_run(make_suite());
}
