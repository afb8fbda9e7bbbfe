/* SPDX-License-Identifier: MIT */
/* The judge.  Each look is the recipe of docs/explanation/pid-files.md: read the PID, open a pidfd
 * for it, read the file again.  If it is still the same file with the same text, then it claimed
 * all the while that this PID is this program's, and whatever /proc said about the PID in between
 * must be true of the program. */
#include "observer/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "observer/sighting.h"

enum {
	EXEC_DEADLINE_MS = 2000, /* a child that is still called vergerd after that is none */
	COMPLAINTS_MAX = 5,      /* by each reader */
};

enum owner {
	OWNER_PROGRAM,
	OWNER_BEFORE_EXEC, /* a child of vergerd; whose, only its exec will tell */
	OWNER_ALIEN,
	OWNER_NOBODY,
};

struct look {
	struct tally *tally;
	int dir_fd;
	const char *program;
	char file[24];
	unsigned *complaints;
};

/* Whether the name is vergerd's with its beginning replaced by the program's: the kernel writes a
 * new name byte by byte, and who reads it during the exec sees half of each. */
static bool is_before_exec(const char *comm, const char *program)
{
	const char *before = SUPERVISOR_NAME;
	size_t own = 0;

	while (comm[own] && comm[own] == program[own])
		own++;
	for (size_t i = 0; i <= own && i <= strlen(before); i++)
		if (strcmp(comm + i, before + i) == 0)
			return true;
	return false;
}

static enum owner find_owner(const struct look *l, pid_t pid, char comm[COMM_SIZE])
{
	if (!comm_read(pid, comm))
		return OWNER_NOBODY;
	if (strcmp(comm, l->program) == 0)
		return OWNER_PROGRAM;
	return is_before_exec(comm, l->program) ? OWNER_BEFORE_EXEC : OWNER_ALIEN;
}

static void complain(const struct look *l, const struct sighting *s, const char *what)
{
	if ((*l->complaints)++ < COMPLAINTS_MAX)
		fprintf(stderr, "%s held \"%.*s\": %s\n", l->file, (int)strcspn(s->text, "\n"),
		        s->text, what);
}

static bool is_unreaped(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
}

/* The file named a child before its exec: the same process has to become the program, or to end. */
static void await_exec(const struct look *l, const struct sighting *s, int pidfd)
{
	msec_t deadline = clock_monotonic_ms() + EXEC_DEADLINE_MS;
	enum owner owner = OWNER_BEFORE_EXEC;
	char comm[COMM_SIZE];

	while (owner == OWNER_BEFORE_EXEC && clock_monotonic_ms() < deadline) {
		owner = find_owner(l, s->pid, comm);
		/* what was read is about this process only if the PID was still its own afterwards
		 */
		if (!is_unreaped(pidfd)) {
			tally_add(&l->tally->gone);
			return;
		}
		if (owner == OWNER_BEFORE_EXEC &&
		    poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0) > 0) {
			tally_add(&l->tally->gone);
			return;
		}
	}
	if (owner == OWNER_PROGRAM) {
		tally_add(&l->tally->accepted);
		return;
	}
	tally_add(&l->tally->aliens);
	complain(l, s, comm);
}

/* Takes a sighting; true when it shows a PID.  Everything else is counted. */
static bool take(const struct look *l, struct sighting *s)
{
	sighting_take(s, l->dir_fd, l->file);
	switch (s->form) {
	case SIGHTING_ABSENT: tally_add(&l->tally->absent); return false;
	case SIGHTING_EMPTY:
		tally_add(&l->tally->empty);
		complain(l, s, "empty");
		return false;
	case SIGHTING_TORN:
		tally_add(&l->tally->torn);
		complain(l, s, "torn");
		return false;
	case SIGHTING_PID: return true;
	}
	return false;
}

static void look_once(const struct look *l)
{
	_cleanup_fd_ int pidfd = -1;
	struct sighting before, after;
	char comm[COMM_SIZE] = "";
	enum owner owner;

	if (!take(l, &before))
		return;
	pidfd = (int)syscall(SYS_pidfd_open, before.pid, 0);
	owner = pidfd < 0 ? OWNER_NOBODY : find_owner(l, before.pid, comm);
	if (!take(l, &after) || !sighting_is_same(&before, &after)) {
		tally_add(&l->tally->changed);
		if (owner == OWNER_ALIEN)
			tally_add(&l->tally->careless);
		return;
	}
	switch (owner) {
	case OWNER_PROGRAM: tally_add(&l->tally->accepted); break;
	case OWNER_BEFORE_EXEC: await_exec(l, &before, pidfd); break;
	case OWNER_ALIEN:
		tally_add(&l->tally->aliens);
		complain(l, &before, comm);
		break;
	case OWNER_NOBODY:
		tally_add(&l->tally->late);
		complain(l, &before, "its process was reaped already");
		break;
	}
}

void reader_run(struct tally *tally, const struct cast *cast, int dir_fd, size_t first)
{
	unsigned complaints = 0;

	for (size_t i = first; !tally->stop; i++) {
		struct look l = {
			.tally = tally,
			.dir_fd = dir_fd,
			.program = cast->names[i % cast->count],
			.complaints = &complaints,
		};

		snprintf(l.file, sizeof l.file, "%s.pid", l.program);
		look_once(&l);
	}
}
