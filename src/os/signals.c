/* SPDX-License-Identifier: MIT */
/* Signals sent to vergerd.  It starts with what a fresh process has, whatever its parent was
 * careless about, and hands on what it receives; what a signal means is decided elsewhere. */
#include "os/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct signals {
	struct ev_loop *loop;
	bool (*claims)(void *context, int signo);
	signals_received *received;
	void *context;
	ev_signal watchers[]; /* by number - 1 */
};

static void do_nothing(int signo)
{
	(void)signo;
}

/* The C library keeps two signals to itself, and its posix_spawn hands them down ignored. */
static void reset_hidden(int signo)
{
	static const char default_action[64]; /* all zero in the kernel's own form */

	syscall(SYS_rt_sigaction, signo, default_action, NULL, (size_t)SIGRTMAX / 8);
}

/* exec turns a handler back into the default; an ignored signal would be ignored by every program
 */
static void catch_broken_pipes(void)
{
	struct sigaction ignored_by_us_alone = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };

	sigaction(SIGPIPE, &ignored_by_us_alone, NULL);
}

void signals_reset(void)
{
	struct sigaction as_born = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (sigaction(signo, &as_born, NULL) < 0 && signo != SIGKILL && signo != SIGSTOP)
			reset_hidden(signo);
	catch_broken_pipes();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void signals_hold(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static bool is_ours(int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
	case SIGHUP:
	case SIGUSR1:
	case SIGUSR2: return true;
	default: return false;
	}
}

static bool can_be_relayed(int signo)
{
	switch (signo) {
	case SIGKILL:
	case SIGSTOP:
	case SIGCHLD: return false; /* the reaper's */
	default: return signo <= SIGSYS || signo >= SIGRTMIN;
	}
}

/* Signals that the kernel also sends for what we do ourselves. */
static bool can_be_our_fault(int signo)
{
	switch (signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGSYS:
	case SIGPIPE: return true;
	default: return false;
	}
}

/* What somebody has sent goes the way of all signals.  A fault of our own must kill us, not come
 * again and again; a log without reader is no signal at all. */
static void on_fault_or_signal(int signo, siginfo_t *info, void *context)
{
	struct sigaction as_born = { .sa_handler = SIG_DFL };

	(void)context;
	if (info->si_code <= 0 && info->si_pid != getpid())
		ev_feed_signal(signo);
	else if (signo != SIGPIPE)
		sigaction(signo, &as_born, NULL);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct signals *s = watcher->data;

	(void)loop;
	(void)events;
	s->received(s->context, watcher->signum);
}

static bool is_wanted(const struct signals *s, int signo)
{
	return is_ours(signo) || (can_be_relayed(signo) && s->claims(s->context, signo));
}

static void start(struct signals *s, ev_signal *watcher)
{
	const struct sigaction tell_apart = { .sa_sigaction = on_fault_or_signal,
		                              .sa_flags = SA_SIGINFO | SA_RESTART };

	ev_signal_start(s->loop, watcher);
	if (can_be_our_fault(watcher->signum))
		sigaction(watcher->signum, &tell_apart, NULL); /* in place of libev's own */
}

static void stop(struct signals *s, ev_signal *watcher)
{
	ev_signal_stop(s->loop, watcher);
	if (watcher->signum == SIGPIPE)
		catch_broken_pipes();
}

void signals_update(struct signals *s)
{
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		ev_signal *watcher = &s->watchers[signo - 1];
		bool wanted = is_wanted(s, signo);

		if (wanted && !ev_is_active(watcher))
			start(s, watcher);
		else if (!wanted && ev_is_active(watcher))
			stop(s, watcher);
	}
}

struct signals *signals_new(struct ev_loop *loop, bool (*claims)(void *context, int signo),
                            signals_received *received, void *context)
{
	sigset_t none;
	struct signals *s = calloc(1, sizeof *s + (size_t)SIGRTMAX * sizeof s->watchers[0]);

	if (!s)
		return NULL;
	s->loop = loop;
	s->claims = claims;
	s->received = received;
	s->context = context;
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		ev_signal_init(&s->watchers[signo - 1], on_signal, signo);
		s->watchers[signo - 1].data = s;
	}
	signals_update(s);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return s;
}

void signals_free(struct signals *s)
{
	if (!s)
		return;
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		stop(s, &s->watchers[signo - 1]);
	free(s);
}
