/* SPDX-License-Identifier: MIT */
/* Tells those to end whom no program answers for. */
#include "os/stray.h"

#include <signal.h>

#include "core/settings.h"
#include "os/proc.h"

enum { LOOKS_MAX = 4 }; /* in a row, when processes keep dying while we look */

struct round {
	struct strays *strays;
	int signo;
	size_t count;
};

/* Whether it is to get a signal that asks: once, and not if it has to report the end. */
static bool is_to_be_told(struct strays *s, pid_t pid)
{
	struct proc_stat stat;

	if (kin_is_outside(s->kin, pid) || proc_stat_read(pid, &stat) ||
	    acquaintances_find(&s->told, pid, stat.start_ticks))
		return false;
	acquaintances_note(&s->told, pid, stat.start_ticks, NO_PROGRAM);
	return true;
}

static bool on_stray(void *context, pid_t pid, uint32_t program)
{
	struct round *round = context;

	(void)program;
	if (round->signo == SIGKILL || (round->signo && is_to_be_told(round->strays, pid)))
		kill(pid, round->signo);
	round->count++;
	return true;
}

size_t strays_signal(struct strays *s, int signo)
{
	struct round round = { .strays = s, .signo = signo };

	for (int i = 0; i < LOOKS_MAX && round.count == 0; i++)
		if (kin_look(s->kin, on_stray, &round))
			break;
	return round.count;
}

void strays_release(struct strays *s)
{
	acquaintances_release(&s->told);
}
