/* SPDX-License-Identifier: MIT */
/* Tells families apart by looking at our children.
 *
 * Why one look can prove that a family is gone: only we reap our children, so our list of children
 * never loses an entry while we read it, and a process hands its children to us before it becomes a
 * zombie.  A look that met no new zombie has therefore seen everything there was.  One that did is
 * repeated. */
#include "os/kin.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/acquaintance.h"

#define MARK_NAME "VERGER_FAMILY"

enum {
	MARK_MAX = 8192, /* of the whole value */
	MARK_INHERITED_MAX =
		4096, /* more than that many levels of vergerds are cut at the outermost */
};

/* A child that was there before us. */
#define INHERITED (NO_PROGRAM - 1)

/* A command that runs beside the programs, or what it has left. */
#define OUTSIDE (NO_PROGRAM - 2)

struct kin_program {
	pid_t main_pid;    /* 0 = none */
	pid_t sessions[2]; /* of the process started, and of the daemon found; 0 = none */
	pid_t group;       /* of the last main process; 0 = none */
	bool started;      /* ever */
	uint64_t start_ticks;
};

struct kin {
	struct ev_loop *loop;
	struct reaper *reaper;
	const struct settings *settings;
	bool pidfds, children_file;
	pid_t self;
	struct kin_program *programs; /* owned */
	size_t program_room;
	size_t loose_count; /* programs with a session that no living main process leads */
	size_t started_count;
	uint32_t last_started;  /* the only one when started_count is 1 */
	bool may_guess;         /* orphans can come from nobody but programs */
	kin_outsider *outsider; /* NULL = there is none */
	const void *outsider_context;
	char id[32];          /* of this vergerd, in marks */
	char *inherited_mark; /* owned; may be empty */
	struct text mark;
	struct acquaintances known; /* of a program, NO_PROGRAM or INHERITED */
	struct pid_list orphans;    /* children that are no main processes, as of the last list */
	uint64_t list_generation;
	unsigned list_iteration;
	bool list_valid;
	size_t zombies; /* met by the last look */
	uint64_t zombies_generation;
};

/* To whom an orphan belongs */

void kin_set_outsider(struct kin *k, kin_outsider *outsider, const void *context)
{
	k->outsider = outsider;
	k->outsider_context = context;
}

bool kin_is_outside(const struct kin *k, pid_t child)
{
	return k->outsider && k->outsider(k->outsider_context, getsid(child));
}

static uint32_t find_by_session(const struct kin *k, pid_t session)
{
	uint32_t program = session > 0 ? reaper_find(k->reaper, session) : NO_PROGRAM;

	if (program != NO_PROGRAM || session <= 0 || k->loose_count == 0)
		return program;
	/* its main process has gone, but while the session has members its number stays taken */
	for (uint32_t i = 0; i < k->program_room; i++)
		if (k->programs[i].sessions[0] == session || k->programs[i].sessions[1] == session)
			return i;
	return NO_PROGRAM;
}

static uint32_t find_by_name(const struct kin *k, const char *name, size_t length)
{
	for (uint32_t i = 0; i < k->settings->program_count; i++) {
		const char *candidate = k->settings->programs[i].name;

		/* (a place that is free has no name) */
		if (candidate && strncmp(candidate, name, length) == 0 && !candidate[length])
			return i;
	}
	return NO_PROGRAM;
}

/* The program, NO_PROGRAM, or OUTSIDE. */
static uint32_t find_by_mark(const struct kin *k, pid_t pid)
{
	char value[MARK_MAX];
	size_t id_length = strlen(k->id);

	if (proc_environ_find(pid, MARK_NAME, value, sizeof value) < 0)
		return NO_PROGRAM;
	for (const char *entry = value; *entry; entry += strspn(entry, " ")) {
		size_t length = strcspn(entry, " ");

		if (strncmp(entry, k->id, id_length) == 0 && entry[id_length] == '/') {
			if (length == id_length + 1)
				return OUTSIDE;
			return find_by_name(k, entry + id_length + 1, length - id_length - 1);
		}
		entry += length;
	}
	return NO_PROGRAM;
}

static bool is_dead(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == child;
}

/* The program, NO_PROGRAM, INHERITED or OUTSIDE.  *leaving: it cannot be told because it is ending
 * just now. */
static uint32_t find_program(struct kin *k, pid_t child, bool *leaving)
{
	uint32_t program = NO_PROGRAM;
	const struct acquaintance *entry;
	struct proc_stat stat;

	*leaving = false;
	if (kin_is_outside(k, child))
		return OUTSIDE;
	program = find_by_session(k, getsid(child));
	if (program == NO_PROGRAM)
		program = find_by_mark(k, child);
	if (program != NO_PROGRAM)
		return program;
	/* (Z without being dead: the leader has ended, threads of it live) */
	if (proc_stat_read(child, &stat) || is_dead(child) ||
	    (!stat.has_memory && stat.state != 'Z')) {
		*leaving = true;
		return NO_PROGRAM;
	}
	entry = acquaintances_find(&k->known, child, stat.start_ticks);
	if (entry)
		return entry->program;
	if (k->may_guess && k->started_count == 1) {
		acquaintances_note(&k->known, child, stat.start_ticks, k->last_started);
		return k->last_started;
	}
	log_warning(NULL, "process %d (%s) has come to us and belongs to no program we know of",
	            (int)child, stat.name);
	acquaintances_forget_ended(&k->known, NO_PROGRAM);
	acquaintances_note(&k->known, child, stat.start_ticks, NO_PROGRAM);
	return NO_PROGRAM;
}

bool kin_may_belong(struct kin *k, pid_t child, uint32_t program)
{
	bool leaving;
	uint32_t found = find_program(k, child, &leaving);

	return found == program || found == NO_PROGRAM;
}

/* Our children */

static int list_orphans(struct kin *k)
{
	size_t kept = 0;
	int r;

	k->orphans.count = 0;
	k->list_valid = false;
	r = proc_children(k->self, k->children_file, &k->orphans);
	if (r)
		return r;
	for (size_t i = 0; i < k->orphans.count; i++)
		if (reaper_find(k->reaper, k->orphans.items[i]) == NO_PROGRAM)
			k->orphans.items[kept++] = k->orphans.items[i];
	k->orphans.count = kept;
	k->list_generation = reaper_generation(k->reaper);
	k->list_iteration = ev_iteration(k->loop);
	k->list_valid = true;
	return 0;
}

/* For signals a list of this very wake-up is good enough: stopping a thousand programs reads it
 * once. */
static int list_orphans_lately(struct kin *k)
{
	if (k->list_valid && k->list_generation == reaper_generation(k->reaper) &&
	    k->list_iteration == ev_iteration(k->loop))
		return 0;
	return list_orphans(k);
}

/* Zombies that were there before the list was read have handed over their children before as well.
 */
static bool met_new_zombies(struct kin *k, size_t zombies)
{
	uint64_t generation = reaper_generation(k->reaper);
	bool known = zombies == 0 || (zombies == k->zombies && generation == k->zombies_generation);

	k->zombies = zombies;
	k->zombies_generation = generation;
	return !known;
}

bool kin_look(struct kin *k, kin_visit *visit, void *context)
{
	size_t zombies = 0;
	bool anybody_leaving = false;

	if (list_orphans(k))
		return false;
	for (size_t i = k->orphans.count; i-- > 0;) {
		pid_t pid = k->orphans.items[i];
		uint32_t program;
		bool leaving;

		if (is_dead(pid)) {
			zombies++;
			continue;
		}
		program = find_program(k, pid, &leaving);
		anybody_leaving |= leaving;
		if (leaving || program == INHERITED)
			continue;
		if (!visit(context, pid, program == OUTSIDE ? NO_PROGRAM : program))
			return false;
	}
	return !met_new_zombies(k, zombies) && !anybody_leaving;
}

/* Whole families */

void kin_members_release(struct kin_members *members)
{
	free(members->items);
	*members = (struct kin_members)KIN_MEMBERS_INIT;
}

static int members_add(struct kin_members *members, pid_t pid, pid_t parent)
{
	if (members->count == members->capacity) {
		size_t capacity = members->capacity ? members->capacity * 2 : 16;
		struct kin_member *items = reallocarray(members->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		members->items = items;
		members->capacity = capacity;
	}
	members->items[members->count++] = (struct kin_member){ pid, parent };
	return 0;
}

/* Appends everything below the members from `first` on. */
static int add_descendants(struct kin *k, struct kin_members *members, size_t first)
{
	struct pid_list children = PID_LIST_INIT;
	int r = 0;

	for (size_t i = first; i < members->count && !r; i++) {
		children.count = 0;
		proc_children(members->items[i].pid, k->children_file, &children);
		for (size_t j = 0; j < children.count && !r; j++)
			r = members_add(members, children.items[j], members->items[i].pid);
	}
	pid_list_release(&children);
	return r;
}

static int compare_members(const void *a, const void *b)
{
	const struct kin_member *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

/* Each once.  A process seen below its parent and, after that has died, among our children is one
 * process. */
static void make_unique(struct kin *k, struct kin_members *members)
{
	size_t kept = 0;

	qsort(members->items, members->count, sizeof *members->items, compare_members);
	for (size_t i = 0; i < members->count; i++) {
		struct kin_member *last = kept ? &members->items[kept - 1] : NULL;

		if (!last || last->pid != members->items[i].pid)
			members->items[kept++] = members->items[i];
		else if (members->items[i].parent == k->self)
			last->parent = k->self;
	}
	members->count = kept;
}

static void main_to_front(struct kin_members *members, pid_t main_pid)
{
	for (size_t i = 1; i < members->count; i++) {
		if (members->items[i].pid == main_pid) {
			struct kin_member main_member = members->items[i];

			memmove(members->items + 1, members->items, i * sizeof main_member);
			members->items[0] = main_member;
			return;
		}
	}
}

int kin_tree(struct kin *k, uint32_t program, struct kin_members *out)
{
	pid_t main_pid = k->programs[program].main_pid;
	size_t first;
	bool leaving;
	int r = 0;

	if (main_pid && !is_dead(main_pid))
		r = members_add(out, main_pid, k->self);
	if (!r)
		r = add_descendants(k, out, 0);
	if (!r)
		r = list_orphans_lately(
			k); /* after the tree: who has lost its parent meanwhile is found here */
	first = out->count;
	for (size_t i = 0; !r && i < k->orphans.count; i++) {
		pid_t pid = k->orphans.items[i];

		if (!is_dead(pid) && find_program(k, pid, &leaving) == program)
			r = members_add(out, pid, k->self);
	}
	if (!r)
		r = add_descendants(k, out, first);
	if (out->count)
		make_unique(k, out);
	main_to_front(out, main_pid);
	return r;
}

int kin_signal(struct kin *k, uint32_t program, const struct kin_member *member, int signo)
{
	_cleanup_fd_ int fd = -1;
	struct proc_stat stat;
	int r;

	if (member->parent == k->self)
		return kill(member->pid, signo) < 0 ? -errno : 0;
	/* its parent may have reaped it and the number be a stranger's: hold on to it, look, and
	 * only then signal */
	if (k->pidfds) {
		fd = (int)syscall(SYS_pidfd_open, member->pid, 0);
		if (fd < 0)
			return -errno;
	}
	r = proc_stat_read(member->pid, &stat);
	if (r)
		return r;
	if (!proc_is_alive(member->pid, &stat) ||
	    (stat.parent != member->parent && stat.parent != k->self))
		return -ESRCH;
	acquaintances_note(&k->known, member->pid, stat.start_ticks, program);
	if (fd >= 0)
		return syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0) < 0 ? -errno : 0;
	return kill(member->pid, signo) < 0 ? -errno : 0;
}

/* What happens to programs */

static bool is_loose(const struct kin_program *p)
{
	return (!p->main_pid && p->sessions[0]) || p->sessions[1];
}

void kin_started(struct kin *k, uint32_t program, pid_t main_pid)
{
	struct kin_program *p = &k->programs[program];
	pid_t session = getsid(main_pid);
	struct proc_stat stat;

	k->loose_count -= is_loose(p);
	p->main_pid = main_pid;
	p->group = getpgid(main_pid);
	if (p->group <= 1 || p->group == getpgrp())
		p->group = 0;
	if (session > 0 && session != getsid(0))
		p->sessions[p->sessions[0] && p->sessions[0] != session] = session;
	k->loose_count += is_loose(p);
	if (!p->started) {
		p->started = true;
		k->started_count++;
		k->last_started = program;
	}
	if (k->settings->programs[program].type == PROGRAM_FORKING && !p->start_ticks &&
	    proc_stat_read(main_pid, &stat) == 0)
		p->start_ticks = stat.start_ticks;
}

void kin_main_gone(struct kin *k, uint32_t program)
{
	struct kin_program *p = &k->programs[program];

	k->loose_count -= is_loose(p);
	p->main_pid = 0;
	k->loose_count += is_loose(p);
}

void kin_emptied(struct kin *k, uint32_t program)
{
	struct kin_program *p = &k->programs[program];

	k->loose_count -= is_loose(p);
	p->sessions[0] = p->sessions[1] = p->group = 0;
	p->start_ticks = 0;
	k->loose_count += is_loose(p);
	acquaintances_forget(&k->known, program);
}

void kin_forget(struct kin *k, uint32_t program)
{
	assert(!k->programs[program].main_pid);
	kin_emptied(k, program);
	/* started_count stays: what the program may have left must not be taken for another's */
	k->programs[program].started = false;
}

int kin_reserve(struct kin *k, size_t count)
{
	struct kin_program *programs;

	if (count <= k->program_room)
		return 0;
	programs = reallocarray(k->programs, count, sizeof *programs);
	if (!programs)
		return -ENOMEM;
	memset(programs + k->program_room, 0, (count - k->program_room) * sizeof *programs);
	k->programs = programs;
	k->program_room = count;
	return 0;
}

pid_t kin_main(const struct kin *k, uint32_t program)
{
	return k->programs[program].main_pid;
}

pid_t kin_group(const struct kin *k, uint32_t program)
{
	return k->programs[program].group;
}

uint64_t kin_start_ticks(const struct kin *k, uint32_t program)
{
	return k->programs[program].start_ticks;
}

/* From now on orphans may come from elsewhere; those that are there already do not. */
static void stop_guessing(struct kin *k)
{
	bool leaving;

	if (k->may_guess && list_orphans_lately(k) == 0)
		for (size_t i = 0; i < k->orphans.count; i++)
			find_program(k, k->orphans.items[i], &leaving);
	k->may_guess = false;
}

const char *kin_mark(struct kin *k, uint32_t program)
{
	text_reset(&k->mark);
	if (program == NO_PROGRAM)
		stop_guessing(k);
	if (text_add_format(&k->mark, "%s%s%s/%s", k->inherited_mark, *k->inherited_mark ? " " : "",
	                    k->id,
	                    program == NO_PROGRAM ? "" : k->settings->programs[program].name))
		return NULL;
	return text_get(&k->mark);
}

static char *inherit_mark(void)
{
	const char *value = getenv(MARK_NAME);

	while (value && strlen(value) > MARK_INHERITED_MAX) {
		value += strcspn(value, " ");
		value += strspn(value, " ");
	}
	return strdup(value ? value : "");
}

static void make_id(struct kin *k)
{
	uint32_t random;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
		random = (uint32_t)clock_realtime_us();
	snprintf(k->id, sizeof k->id, "%d.%08x", (int)k->self, random);
}

/* Whoever execs us may have had children of its own. */
static void remember_inherited(struct kin *k)
{
	struct proc_stat stat;

	if (list_orphans(k))
		return;
	for (size_t i = 0; i < k->orphans.count; i++)
		if (proc_stat_read(k->orphans.items[i], &stat) == 0)
			acquaintances_note(&k->known, k->orphans.items[i], stat.start_ticks,
			                   INHERITED);
}

struct kin *kin_new(struct ev_loop *loop, const struct probe *probe,
                    const struct settings *settings, struct reaper *reaper)
{
	struct kin *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	*k = (struct kin){
		.loop = loop,
		.reaper = reaper,
		.settings = settings,
		.pidfds = probe->pidfd,
		.children_file = probe->children,
		.self = getpid(),
		.inherited_mark = inherit_mark(),
	};
	text_init(&k->mark, MARK_MAX);
	make_id(k);
	if (!k->inherited_mark || kin_reserve(k, settings->program_count + 1)) {
		kin_free(k);
		return NULL;
	}
	remember_inherited(k);
	/* PID 1 gets the orphans of everybody, `docker exec` included */
	k->may_guess = k->self != 1 && k->known.count == 0;
	return k;
}

void kin_free(struct kin *k)
{
	if (!k)
		return;
	free(k->programs);
	free(k->inherited_mark);
	acquaintances_release(&k->known);
	text_release(&k->mark);
	pid_list_release(&k->orphans);
	free(k);
}
