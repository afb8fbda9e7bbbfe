/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/loop.h"
#include "os/proc.h"
#include "os/signals.h"
#include "puppet.h"
#include "unit/suite.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

enum { WORDS_MAX = 64, SWEEP_MS = 30000, READY_MS = 30000, LOOK_MS = 300, LOOKS_MAX = 10 };

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Failed tests end without cleaning up; what they leave comes to us. */
static void sweep_children(void)
{
	msec_t end = clock_monotonic_ms() + SWEEP_MS;

	while (clock_monotonic_ms() < end) {
		struct pid_list children = PID_LIST_INIT;

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		proc_children(getpid(), true, &children);
		for (size_t i = 0; i < children.count; i++)
			kill(children.items[i], SIGKILL);
		if (children.count == 0)
			end = 0;
		pid_list_release(&children);
	}
}

int stage_main(int argc, char **argv, Suite *(*make_suite)(void))
{
	int result;

	if (argc > 1 && strcmp(argv[1], PUPPET_WORD) == 0)
		puppet_run(argv + 2);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	result = suite_run(make_suite());
	sweep_children();
	return result;
}

static void on_before_reap(void *context, uint32_t program)
{
	struct stage *s = context;
	struct stage_notes *notes = &s->notes[program];
	siginfo_t info = { 0 };

	notes->before_count++;
	notes->zombie_was_there =
		kill(notes->pid, 0) == 0 &&
		waitid(P_PID, (id_t)notes->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == notes->pid;
}

static void on_exited(void *context, uint32_t program, const struct reaper_exit *exit)
{
	struct stage *s = context;

	s->notes[program].exit_count++;
	s->notes[program].exit = *exit;
	s->exit_count++;
	family_main_gone(s->families, program);
}

static void on_orphan(void *context, const struct reaper_exit *exit)
{
	struct stage *s = context;

	if (s->hooks && hooks_on_exit(s->hooks, exit))
		s->hook_exit_count++;
	else if (!s->claim_orphan || !s->claim_orphan(s, exit))
		s->orphan_count++;
}

static void on_settled(void *context)
{
	struct stage *s = context;

	s->settled_count++;
	families_settled(s->families);
}

static void on_empty(void *context, uint32_t program)
{
	struct stage *s = context;

	s->notes[program].empty_count++;
}

static void make_programs(struct stage *s, size_t first, size_t count)
{
	static char names[STAGE_PROGRAMS_MAX][24];

	for (size_t i = first; i < first + count; i++) {
		snprintf(names[i], sizeof names[i], "p%zu", i);
		s->programs[i] = (struct program_settings){ .name = names[i] };
	}
	s->settings = (struct settings){ .program_count = first + count, .programs = s->programs };
}

void stage_add_programs(struct stage *s, size_t count)
{
	make_programs(s, s->settings.program_count, count);
}

void stage_open(struct stage *s, size_t program_count)
{
	struct reaper_handlers handlers = {
		.before_reap = on_before_reap,
		.exited = on_exited,
		.orphan = on_orphan,
		.settled = on_settled,
		.context = s,
	};
	int ends[2];

	signals_reset();
	memset(s, 0, sizeof *s);
	snprintf(s->directory, sizeof s->directory, "/tmp/verger-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->directory));
	chmod(s->directory, 0777); /* tests change their user */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	s->life_fd = ends[0];
	s->life_write_fd = ends[1];
	make_programs(s, 0, program_count);
	probe_run(&s->probe);
	s->loop = loop_new();
	ck_assert_ptr_nonnull(s->loop);
	s->reaper = reaper_new(s->loop, &s->probe, &handlers);
	ck_assert_ptr_nonnull(s->reaper);
	s->families = families_new(s->loop, &s->probe, &s->settings, s->reaper, on_empty, s);
	ck_assert_ptr_nonnull(s->families);
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

void stage_close(struct stage *s)
{
	close(s->life_write_fd);
	sweep_children();
	families_free(s->families);
	reaper_free(s->reaper);
	loop_free(s->loop);
	probe_release(&s->probe);
	close(s->life_fd);
	remove_directory(s->directory);
}

const char *stage_path(struct stage *s, const char *name)
{
	static char paths[2][STAGE_PATH_MAX];
	static int turn;

	turn = !turn;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", s->directory, name);
	return paths[turn];
}

/* Splits the words in place, the directory put in for %s.  Owned by nobody: the process execs or
 * ends. */
static void make_arguments(struct stage *s, const char *words, char *arguments[WORDS_MAX])
{
	size_t count = 0;
	char *text = strdup(words), *word;

	arguments[count++] = (char *)"puppet";
	arguments[count++] = (char *)PUPPET_WORD;
	while ((word = strsep(&text, " ")) && count + 1 < WORDS_MAX) {
		char *place = strstr(word, "%s"), *full;

		if (!*word)
			continue;
		if (place && asprintf(&full, "%.*s%s%s", (int)(place - word), word, s->directory,
		                      place + 2) > 0)
			word = full;
		arguments[count++] = word;
	}
	arguments[count] = NULL;
}

static pid_t fork_into(int cgroup_fd)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	if (cgroup_fd < 0)
		return fork();
	args.flags = CLONE_INTO_CGROUP;
	args.cgroup = (unsigned)cgroup_fd;
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

pid_t stage_spawn(struct stage *s, uint32_t program, const char *words)
{
	int cgroup_fd = family_cgroup(s->families, program);
	const char *mark =
		s->choose_mark ? s->choose_mark(s, program) : family_mark(s->families, program);
	char *arguments[WORDS_MAX], variable[8300], *environment[] = { variable, NULL };
	int exec_ends[2];
	char nothing;
	pid_t pid;

	ck_assert_int_eq(pipe2(exec_ends, O_CLOEXEC), 0);
	pid = fork_into(cgroup_fd);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setsid();
		fcntl(s->life_write_fd, F_SETFD, 0);
		snprintf(variable, sizeof variable, "VERGER_FAMILY=%s", mark);
		make_arguments(s, words, arguments);
		execve("/proc/self/exe", arguments, environment);
		_exit(94);
	}
	close(exec_ends[1]);
	ck_assert_int_eq(read(exec_ends[0], &nothing, 1), 0); /* it has exec'ed */
	close(exec_ends[0]);
	family_cgroup_release(s->families, cgroup_fd);
	return pid;
}

pid_t stage_start(struct stage *s, uint32_t program, const char *words)
{
	pid_t pid = stage_spawn(s, program, words);

	s->notes[program].pid = pid;
	ck_assert_int_eq(reaper_watch(s->reaper, program, pid, -1), 0);
	family_started(s->families, program, pid);
	return pid;
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	*(bool *)timer->data = true;
	ev_break(loop, EVBREAK_ONE);
}

bool stage_run_until(struct stage *s, bool (*done)(struct stage *s), int ms)
{
	bool late = false;
	ev_timer deadline;

	ev_now_update(s->loop);
	ev_timer_init(&deadline, on_deadline, ms / 1000., 0.);
	deadline.data = &late;
	ev_timer_start(s->loop, &deadline);
	while (!late && !(done && done(s)))
		ev_run(s->loop, EVRUN_ONCE);
	ev_timer_stop(s->loop, &deadline);
	return !late;
}

void stage_run(struct stage *s, int ms)
{
	stage_run_until(s, NULL, ms);
}

void stage_touch(struct stage *s, const char *name)
{
	close(open(stage_path(s, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

bool stage_comes_to_rest(struct stage *s)
{
	for (int i = 0; i < LOOKS_MAX; i++) {
		unsigned before = ev_iteration(s->loop);

		stage_run(s, LOOK_MS);
		if (ev_iteration(s->loop) - before <= 1) /* the deadline's own */
			return true;
	}
	return false;
}

void stage_await_file(struct stage *s, const char *name)
{
	msec_t end = clock_monotonic_ms() + READY_MS;

	while (access(stage_path(s, name), F_OK) < 0) {
		ck_assert_msg(clock_monotonic_ms() < end, "%s never came", name);
		pause_ms(1);
	}
}

bool stage_anybody_lives(struct stage *s)
{
	struct pollfd life = { .fd = s->life_fd, .events = POLLIN };
	bool lives;

	close(s->life_write_fd);
	s->life_write_fd = -1;
	lives = poll(&life, 1, 0) != 1 || !(life.revents & POLLHUP);
	return lives;
}

size_t stage_child_count(void)
{
	struct pid_list children = PID_LIST_INIT;
	size_t count;

	proc_children(getpid(), true, &children);
	count = children.count;
	pid_list_release(&children);
	return count;
}
