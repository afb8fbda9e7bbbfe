/* SPDX-License-Identifier: MIT */
/* Waits for families to be gone and kills them.
 *
 * Waiting needs no clock.  In a cgroup inotify tells.  Without one, whatever changes a family
 * changes one of our children: a process is either a child of ours or below one, and when that one
 * dies SIGCHLD comes and the next look finds what it left.  For the same reason it is enough to
 * kill children: those below them become children next.  The one timer is for what does not die
 * when killed, and for a look that was cut short. */
#include "os/family.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/grouptree.h"
#include "os/kin.h"
#include "os/launch.h"
#include "os/membership.h"
#include "os/stray.h"

enum {
	LOOKS_MAX = 4,      /* in a row, when processes keep dying while we look */
	SLICE_MS = 5,       /* of one look that kills */
	CONTINUE_MS = 1,    /* until a look that was cut short goes on */
	RETRY_MS = 50,      /* until what was killed is killed again */
	STUBBORN_MS = 3000, /* after that it is named, and tried again more slowly */
	RETRY_STUBBORN_MS = 1000,
	UNCERTAIN_MAX_MS =
		1000, /* a process that takes longer to die must not hold up other programs */
	NAMED_MAX = 8,
	NAMED_TEXT_MAX = 512,
};

struct family {
	msec_t since_ms;      /* of the sweep */
	struct launch launch; /* forking only */
	uint32_t seen_in;     /* number of the look that saw a living member */
	bool watched, sweeping, named;
	bool told_soon; /* it is empty, and the callback is on its way */
	bool grouped;   /* the last start was in a cgroup */
	bool check;     /* the cgroup has changed */
};

struct families {
	struct ev_loop *loop;
	const struct settings *settings;
	struct reaper *reaper;
	struct kin *kin;
	struct grouptree *groups; /* NULL = none */
	family_empty *empty;
	void *context;
	struct family *items; /* by program; owned */
	size_t room;          /* of each of these three */
	uint32_t *watched;    /* programs; owned, room for all */
	size_t watched_count, ungrouped_count;
	uint32_t *emptied; /* programs to be told of; owned, room for all */
	size_t emptied_count;
	struct strays strays;
	ev_timer retry;
	ev_prepare check; /* never started, only fed: runs after all other events of a wake-up */
	uint32_t look_number;
	bool look_certain;
	uint64_t look_generation;
	unsigned look_iteration;
	msec_t look_ends_ms;
	msec_t uncertain_since_ms; /* MSEC_NEVER = the last look was certain */
	bool checking, must_poll;
};

static const char *name_of(const struct families *fs, uint32_t program)
{
	return fs->settings->programs[program].name;
}

static void check_soon(struct families *fs)
{
	ev_feed_event(fs->loop, &fs->check, EV_CUSTOM);
}

static void retry_in(struct families *fs, msec_t ms)
{
	ev_timer_stop(fs->loop, &fs->retry);
	ev_now_update(fs->loop);
	ev_timer_set(&fs->retry, (double)ms / 1000., 0.);
	ev_timer_start(fs->loop, &fs->retry);
}

/* Looking */

static bool on_look(void *context, pid_t pid, uint32_t program)
{
	struct families *fs = context;

	if (program != NO_PROGRAM) {
		fs->items[program].seen_in = fs->look_number;
		if (fs->items[program].sweeping && !fs->items[program].grouped)
			kill(pid, SIGKILL);
	}
	return clock_monotonic_ms() < fs->look_ends_ms;
}

/* Looks until it is certain that what was not seen is not there, or says that it is not. */
static bool look_until_certain(struct families *fs)
{
	msec_t now = clock_monotonic_ms();

	fs->look_ends_ms = now + SLICE_MS;
	for (int i = 0; i < LOOKS_MAX && clock_monotonic_ms() < fs->look_ends_ms; i++) {
		fs->look_number++;
		if (kin_look(fs->kin, on_look, fs)) {
			fs->uncertain_since_ms = MSEC_NEVER;
			return true;
		}
	}
	if (fs->uncertain_since_ms == MSEC_NEVER)
		fs->uncertain_since_ms = now;
	return now - fs->uncertain_since_ms > UNCERTAIN_MAX_MS;
}

static bool look(struct families *fs)
{
	fs->look_certain = look_until_certain(fs);
	fs->look_generation = reaper_generation(fs->reaper);
	fs->look_iteration = ev_iteration(fs->loop);
	return fs->look_certain;
}

/* One look serves all whose main processes were reaped before it: a thousand exits in one wake-up
 * cost one look. */
static bool look_lately(struct families *fs)
{
	if (fs->look_number > 0 && fs->look_certain &&
	    fs->look_generation == reaper_generation(fs->reaper) &&
	    fs->look_iteration == ev_iteration(fs->loop))
		return true;
	return look(fs);
}

static bool was_seen(const struct families *fs, uint32_t program)
{
	return fs->items[program].seen_in == fs->look_number;
}

bool family_is_empty(struct families *fs, uint32_t program)
{
	if (kin_main(fs->kin, program))
		return false;
	if (fs->items[program].grouped)
		return !grouptree_is_populated(fs->groups, program);
	return look_lately(fs) && !was_seen(fs, program);
}

/* Waiting */

/* Puts it on the list of those waited for; -errno when nobody will tell of its cgroup. */
static int start_watch(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];

	if (!f->watched) {
		fs->watched[fs->watched_count++] = program;
		fs->ungrouped_count += !f->grouped;
	}
	f->watched = true;
	/* inotify tells of groups; of the others only the death of a child does */
	reaper_set_urgent(fs->reaper, fs->ungrouped_count > 0);
	return f->grouped ? grouptree_watch(fs->groups, program) : 0;
}

static void end_watch(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];

	for (size_t i = 0; i < fs->watched_count; i++) {
		if (fs->watched[i] == program) {
			fs->watched[i] = fs->watched[--fs->watched_count];
			break;
		}
	}
	fs->ungrouped_count -= f->watched && !f->grouped;
	reaper_set_urgent(fs->reaper, fs->ungrouped_count > 0);
	f->watched = f->sweeping = f->named = f->check = false;
	if (f->grouped)
		grouptree_unwatch(fs->groups, program);
	if (fs->watched_count == 0) {
		ev_timer_stop(fs->loop, &fs->retry);
		fs->must_poll = false;
	}
}

/* Nothing of it is left: what told its processes from others may now mean others. */
static void became_empty(struct families *fs, uint32_t program)
{
	end_watch(fs, program);
	fs->items[program].launch = (struct launch){ 0 };
	kin_emptied(fs->kin, program);
}

bool family_watch(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];

	f->told_soon = false;
	if (family_is_empty(fs, program)) {
		became_empty(fs, program);
		return true;
	}
	if (start_watch(fs, program) < 0)
		fs->must_poll = true;
	/* the kernel tells of a group at most once in 10 ms: the first time we look for ourselves
	 */
	if (f->grouped || fs->must_poll)
		retry_in(fs, CONTINUE_MS);
	/* it may have become empty before the kernel was asked to tell */
	f->check = true;
	check_soon(fs);
	return false;
}

/* Killing */

static void name_leftovers(struct families *fs, uint32_t program)
{
	struct family_member members[NAMED_MAX];
	size_t count = family_members(fs, program, members, NAMED_MAX);
	struct text text;

	text_init(&text, NAMED_TEXT_MAX);
	for (size_t i = 0; i < count && i < NAMED_MAX; i++)
		text_add_format(&text, "%s%d %s (state %c)", i ? ", " : "", (int)members[i].pid,
		                members[i].name, members[i].state);
	if (count > NAMED_MAX)
		text_add_format(&text, " and %zu more", count - NAMED_MAX);
	if (count)
		log_warning(name_of(fs, program), "cannot be killed yet: %s", text_get(&text));
	text_release(&text);
}

static int kill_group(struct families *fs, uint32_t program)
{
	int r = grouptree_kill(fs->groups, program);

	if (r)
		log_error(name_of(fs, program), "control group cannot be killed: %s", strerror(-r));
	return r;
}

bool family_sweep(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];

	if (!f->sweeping) {
		f->sweeping = true;
		f->named = false;
		f->since_ms = clock_monotonic_ms();
		/* once through the whole tree, which notes who is below the main process while that
		 * can be seen; looks do the rest */
		if (f->grouped)
			kill_group(fs, program);
		else if (kin_main(fs->kin, program))
			family_signal(fs, program, SIGKILL, SCOPE_TREE);
	}
	if (family_watch(fs, program))
		return true;
	retry_in(fs, RETRY_MS);
	return false;
}

/* Kills again what should be dead by now.  When to come back. */
static msec_t press_on(struct families *fs, uint32_t program, msec_t now)
{
	struct family *f = &fs->items[program];
	pid_t main_pid = kin_main(fs->kin, program);
	bool stubborn = now - f->since_ms >= STUBBORN_MS;

	if (f->grouped)
		kill_group(fs, program);
	else if (main_pid)
		family_signal(fs, program, SIGKILL, SCOPE_MAIN);
	if (stubborn && !f->named) {
		f->named = true;
		name_leftovers(fs, program);
	}
	return stubborn ? RETRY_STUBBORN_MS : RETRY_MS;
}

/* The loop's part */

/* Moves what is empty from `watched` to `emptied`. */
static void sort_out(struct families *fs, bool certain)
{
	for (size_t i = fs->watched_count; i-- > 0;) {
		uint32_t program = fs->watched[i];
		struct family *f = &fs->items[program];
		bool gone;

		if (kin_main(fs->kin, program))
			continue;
		if (f->grouped)
			gone = (f->check || fs->must_poll) &&
			       !grouptree_is_populated(fs->groups, program);
		else
			gone = certain && !was_seen(fs, program);
		f->check = false;
		if (!gone)
			continue;
		/* (fills place i with the last of the list, which has been seen to) */
		became_empty(fs, program);
		f->told_soon = true;
		fs->emptied[fs->emptied_count++] = program;
	}
}

/* Whoever is told may watch others, start others, and learn in passing that one of the next is
 * empty. */
static void tell_emptied(struct families *fs)
{
	while (fs->emptied_count > 0) {
		uint32_t program = fs->emptied[--fs->emptied_count];

		if (!fs->items[program].told_soon)
			continue;
		fs->items[program].told_soon = false;
		fs->empty(fs->context, program);
	}
}

static bool needs_look(const struct families *fs)
{
	for (size_t i = 0; i < fs->watched_count; i++) {
		const struct family *f = &fs->items[fs->watched[i]];

		if (!f->grouped && (f->sweeping || !kin_main(fs->kin, fs->watched[i])))
			return true;
	}
	return false;
}

static void check_all(struct families *fs)
{
	bool certain = true;

	if (fs->checking)
		return;
	fs->checking = true;
	if (needs_look(fs))
		certain = look(fs);
	sort_out(fs, certain);
	if (!certain)
		retry_in(fs, CONTINUE_MS);
	tell_emptied(fs);
	fs->checking = false;
}

void families_settled(struct families *fs)
{
	if (fs->watched_count > 0)
		check_all(fs);
}

static void on_check(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	(void)loop;
	(void)events;
	check_all(watcher->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct families *fs = timer->data;
	msec_t now = clock_monotonic_ms(), next = MSEC_NEVER;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < fs->watched_count; i++) {
		fs->items[fs->watched[i]].check = true;
		if (fs->items[fs->watched[i]].sweeping) {
			msec_t wait = press_on(fs, fs->watched[i], now);

			next = wait < next ? wait : next;
		}
	}
	if (fs->must_poll && next > RETRY_MS)
		next = RETRY_MS;
	if (next != MSEC_NEVER)
		retry_in(fs, next);
	check_all(fs);
}

static void on_group_changed(void *context, uint32_t program)
{
	struct families *fs = context;

	fs->items[program].check = true;
	check_soon(fs);
}

/* Members */

static struct membership membership_of(const struct families *fs, uint32_t program)
{
	return (struct membership){
		.kin = fs->kin,
		.groups = fs->items[program].grouped ? fs->groups : NULL,
		.reaper = fs->reaper,
		.program = program,
	};
}

int family_signal(struct families *fs, uint32_t program, int signo, enum signal_scope scope)
{
	struct membership m = membership_of(fs, program);

	return membership_signal(&m, signo, scope);
}

int family_continue(struct families *fs, uint32_t program, enum signal_scope scope)
{
	struct membership m = membership_of(fs, program);

	return membership_continue(&m, scope);
}

size_t family_members(struct families *fs, uint32_t program, struct family_member *out, size_t max)
{
	struct membership m = membership_of(fs, program);

	return membership_describe(&m, out, max);
}

pid_t family_find_main(struct families *fs, uint32_t program, const char *main_pid_file,
                       pid_t *told)
{
	struct membership m = membership_of(fs, program);
	pid_t pid = launch_find_main(&fs->items[program].launch, &m, main_pid_file, told);

	if (pid == 0 && family_is_empty(fs, program))
		return -ESRCH;
	return pid;
}

/* Starts and ends */

const char *family_mark(struct families *fs, uint32_t program)
{
	if (program == NO_PROGRAM)
		return kin_mark(fs->kin, program);
	/* before the start, not when we hear of it: a daemon may be quicker than we are */
	if (fs->settings->programs[program].type == PROGRAM_FORKING && !kin_main(fs->kin, program))
		fs->items[program].launch.started_us = clock_realtime_us();
	return kin_mark(fs->kin, program);
}

int family_cgroup(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];
	bool lives = kin_main(fs->kin, program) || f->watched;
	int fd;

	/* a family is followed one way or the other, not both: a stop command joins the others */
	if (!fs->groups || (lives && !f->grouped))
		return -1;
	fd = grouptree_open(fs->groups, program);
	if (fd < 0)
		log_warning(name_of(fs, program), "no control group to start in: %s",
		            strerror(-fd));
	if (!lives)
		f->grouped = fd >= 0;
	return fd < 0 ? -1 : fd;
}

void family_cgroup_release(struct families *fs, int cgroup_fd)
{
	(void)fs;
	fd_close(cgroup_fd);
}

void family_started(struct families *fs, uint32_t program, pid_t main_pid)
{
	struct family *f = &fs->items[program];

	kin_started(fs->kin, program, main_pid);
	f->launch.guess = 0;
	if (fs->settings->programs[program].type == PROGRAM_FORKING && !f->launch.started_us)
		f->launch.started_us = clock_realtime_us();
}

void family_main_gone(struct families *fs, uint32_t program)
{
	struct family *f = &fs->items[program];

	kin_main_gone(fs->kin, program);
	if (f->watched) {
		f->check = true;
		check_soon(fs);
	}
}

void family_rest(struct families *fs, uint32_t program)
{
	if (fs->groups)
		grouptree_remove(fs->groups, program);
}

size_t families_signal_strays(struct families *fs, int signo)
{
	return strays_signal(&fs->strays, signo);
}

static void open_groups(struct families *fs, const struct probe *probe)
{
	int r;

	if (!probe->cgroup_dir)
		return;
	r = grouptree_new(&fs->groups, fs->loop, probe->cgroup_dir, fs->settings, on_group_changed,
	                  fs);
	if (r)
		log_warning(NULL,
		            "control groups in %s: %s: families are followed process by process",
		            probe->cgroup_dir, strerror(-r));
}

/* An array by program with more room, what is new being zero; NULL when memory is out. */
static void *enlarge(void *items, size_t item_size, size_t old_room, size_t room)
{
	char *larger = reallocarray(items, room, item_size);

	if (larger)
		memset(larger + old_room * item_size, 0, (room - old_room) * item_size);
	return larger;
}

static int reserve_items(struct families *fs, size_t count)
{
	struct family *items = enlarge(fs->items, sizeof *items, fs->room, count);

	if (!items)
		return -ENOMEM;
	fs->items = items;
	return 0;
}

static int reserve_list(const struct families *fs, uint32_t **list, size_t count)
{
	uint32_t *items = enlarge(*list, sizeof *items, fs->room, count);

	if (!items)
		return -ENOMEM;
	*list = items;
	return 0;
}

int families_reserve(struct families *fs, size_t count)
{
	if (count <= fs->room)
		return 0;
	if (reserve_items(fs, count) || reserve_list(fs, &fs->watched, count) ||
	    reserve_list(fs, &fs->emptied, count) || kin_reserve(fs->kin, count) ||
	    (fs->groups && grouptree_reserve(fs->groups, count)))
		return -ENOMEM;
	fs->room = count;
	return 0;
}

void family_forget(struct families *fs, uint32_t program)
{
	end_watch(fs, program);
	kin_forget(fs->kin, program);
	if (fs->groups)
		grouptree_forget(fs->groups, program);
	/* (this also takes back what it was about to be told) */
	fs->items[program] = (struct family){ 0 };
}

void families_set_outsider(struct families *fs, kin_outsider *outsider, const void *context)
{
	kin_set_outsider(fs->kin, outsider, context);
}

struct families *families_new(struct ev_loop *loop, const struct probe *probe,
                              const struct settings *settings, struct reaper *reaper,
                              family_empty *empty, void *context)
{
	struct families *fs = calloc(1, sizeof *fs);

	if (!fs)
		return NULL;
	*fs = (struct families){
		.loop = loop,
		.settings = settings,
		.reaper = reaper,
		.empty = empty,
		.context = context,
		.kin = kin_new(loop, probe, settings, reaper),
		.uncertain_since_ms = MSEC_NEVER,
	};
	ev_timer_init(&fs->retry, on_retry, 0., 0.);
	fs->retry.data = fs;
	ev_prepare_init(&fs->check, on_check);
	ev_set_priority(&fs->check, EV_MINPRI);
	fs->check.data = fs;
	if (!fs->kin || families_reserve(fs, settings->program_count + 1)) {
		families_free(fs);
		return NULL;
	}
	fs->strays.kin = fs->kin;
	open_groups(fs, probe);
	return fs;
}

void families_free(struct families *fs)
{
	if (!fs)
		return;
	ev_timer_stop(fs->loop, &fs->retry);
	ev_clear_pending(fs->loop, &fs->check);
	grouptree_free(fs->groups);
	strays_release(&fs->strays);
	kin_free(fs->kin);
	free(fs->items);
	free(fs->watched);
	free(fs->emptied);
	free(fs);
}
