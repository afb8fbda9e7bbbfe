/* SPDX-License-Identifier: MIT */
/* Starts of real processes, each test in the three ways of making one (S1, S2, P2, P4, R4).
 * VERGER_SPAWN=fork leaves the two that share memory out: valgrind cannot follow them. */
#include "os/spawn.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/os/scratch.h"
#include "unit/suite.h"

enum { RESULTS_MAX = 2500, MODES = 3 };

/* as settings hold them; lives as long as the block around it */
#define WORDS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

extern char **environ;

static struct settings settings;
static struct program_settings program;
static struct spawn_surroundings around;
static struct spawn_result results[RESULTS_MAX];
static size_t result_count;
static volatile sig_atomic_t signals_handled;
static char output[SCRATCH_PATH_SIZE], pidfile[SCRATCH_PATH_SIZE];

static void on_done(void *context, struct spawn_result *result)
{
	(void)context;
	ck_assert_uint_lt(result_count, RESULTS_MAX);
	results[result_count++] = *result;
}

static void on_signal(int signo)
{
	(void)signo;
	signals_handled++;
}

static void set_up(void)
{
	scratch_make();
	snprintf(output, sizeof output, "%s/output", scratch);
	snprintf(pidfile, sizeof pidfile, "%s/web.pid", scratch);
	settings = (struct settings){ 0 };
	program = (struct program_settings){
		.name = "web",
		.pidfile_mode = 0644,
		.pidfile_uid = (uid_t)-1,
		.pidfile_gid = (gid_t)-1,
		.umask_value = -1,
		.stdin_stream.kind = STREAM_NULL,
		.stdout_stream = { .kind = STREAM_FILE, .path = output },
		.stderr_stream.kind = STREAM_STDOUT,
	};
	around = (struct spawn_surroundings){
		.settings = &settings,
		.environ = environ,
		.dirs = pidfile_dirs_new(),
		.cgroup_fd = -1,
	};
	result_count = 0;
	signals_handled = 0;
}

static void tear_down(void)
{
	for (size_t i = 0; i < result_count; i++)
		fd_close(results[i].pidfd);
	pidfile_dirs_free(around.dirs);
	scratch_remove();
}

static struct spawner *new_spawner(int mode)
{
	const struct probe probe = { .spawn_mode = (enum spawn_mode)mode,
		                     .pidfd = true,
		                     .close_range = true };
	struct spawner *sp = spawner_new(&probe, on_done, NULL);

	ck_assert_ptr_nonnull(sp);
	return sp;
}

static void start_program(struct spawner *sp, uint32_t number,
                          const struct program_settings *settled)
{
	char detail[PLAN_DETAIL_MAX] = "";
	struct spawn_plan plan;
	int error;

	ck_assert_msg(spawn_plan_make(&plan, settled, &around, &error, detail) == SPAWN_STEP_NONE,
	              "%s", detail);
	spawner_start(sp, number, &plan);
}

static void start(struct spawner *sp, uint32_t number)
{
	start_program(sp, number, &program);
}

/* starts the program once and waits until it has exec'ed */
static struct spawn_result *run(int mode)
{
	struct spawner *sp = new_spawner(mode);

	result_count = 0;
	start(sp, 7);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_uint_eq(result_count, 1);
	ck_assert_uint_eq(results[0].program, 7);
	return &results[0];
}

static int reap(pid_t pid)
{
	siginfo_t info = { 0 };

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* starts the program, and waits for its good end */
static const char *run_for_output(int mode)
{
	struct spawn_result *result = run(mode);

	ck_assert_msg(result->step == SPAWN_STEP_NONE, "%s", result->detail);
	ck_assert_int_eq(reap(result->pid), 0);
	return scratch_read(output);
}

static void assert_nothing_left(void)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert(!scratch_has(pidfile));
}

static void assert_fails(int mode, enum spawn_step step, int error, const char *form)
{
	struct spawn_result *result = run(mode);
	char expected[PLAN_DETAIL_MAX];

	snprintf(expected, sizeof expected, form, scratch);
	ck_assert_str_eq(result->detail, expected);
	ck_assert_int_eq(result->step, step);
	ck_assert_int_eq(result->error, error);
	ck_assert_int_eq(result->pid, 0);
	ck_assert_int_eq(result->pidfd, -1);
	ck_assert_uint_eq(result->pidfile.inode, 0);
	assert_nothing_left();
}

/* the value of a line of /proc/PID/status */
static const char *status_line(const char *text, const char *name)
{
	static char values[4][128];
	static unsigned next;
	char *value = values[next++ % 4];
	const char *line = strstr(text, name);

	ck_assert_msg(line != NULL, "no %s in %s", name, text);
	line += strlen(name);
	line += strspn(line, ":\t ");
	snprintf(value, sizeof values[0], "%.*s", (int)strcspn(line, "\n"), line);
	return value;
}

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	printf("skipped: needs root\n");
	return false;
}

/* ---- what goes wrong ---- */

START_TEST(s1_failures_of_exec_speak)
{
	program.pidfile = pidfile;
	program.directory = scratch;
	scratch_put("run.sh", "#!/nope/python\n", 0755);
	program.command = WORDS("./none");
	assert_fails(_i, SPAWN_STEP_EXEC, ENOENT, "command ./none: No such file or directory");
	program.command = WORDS("./run.sh");
	assert_fails(_i, SPAWN_STEP_EXEC, ENOENT,
	             "command ./run.sh: its interpreter /nope/python does not exist (first line "
	             "#!/nope/python)");
	scratch_put("run.sh", "echo\n", 0755);
	assert_fails(_i, SPAWN_STEP_EXEC, ENOEXEC,
	             "command ./run.sh: Exec format error (a script needs a first line such as "
	             "#!/bin/sh)");
	scratch_put("run.sh", "echo\n", 0644);
	assert_fails(_i, SPAWN_STEP_EXEC, EACCES,
	             "command ./run.sh: Permission denied (the file is not executable)");
	program.command = WORDS("./");
	assert_fails(_i, SPAWN_STEP_EXEC, EACCES, "command ./: is a directory");
}
END_TEST

START_TEST(s1_failures_of_settings_speak)
{
	_cleanup_free_ struct limits *limits = malloc(sizeof *limits + sizeof *limits->items);

	program.command = WORDS("true");
	limits->count = 1;
	limits->items[0] = (struct limit){ RLIMIT_NOFILE, 100, 50, true };
	program.limits = limits;
	program.pidfile = pidfile;
	assert_fails(_i, SPAWN_STEP_LIMITS, EINVAL, "limit_nofile: Invalid argument");
	program.limits = NULL;
	program.oom_set = true;
	program.oom_score_adj = 5000;
	assert_fails(_i, SPAWN_STEP_OOM, EINVAL, "oom_score_adj 5000: Invalid argument");
}
END_TEST

START_TEST(s1_directory_closed_to_the_user_speaks)
{
	const struct credentials nobody = {
		.set_user = true, .set_group = true, .uid = 65534, .gid = 65534
	};

	if (!is_root())
		return;
	program.command = WORDS("true");
	program.credentials = &nobody;
	program.directory = scratch_path("closed");
	ck_assert_int_eq(mkdir(program.directory, 0700), 0);
	assert_fails(_i, SPAWN_STEP_DIRECTORY, EACCES, "directory %s/closed: Permission denied");
}
END_TEST

START_TEST(s1_results_come_in_order_good_and_bad)
{
	struct spawner *sp = new_spawner(_i);
	struct program_settings bad = program;

	program.command = WORDS("/bin/true");
	bad.command = WORDS("/nope");
	for (uint32_t i = 0; i < 60; i++)
		start_program(sp, i, i % 3 ? &program : &bad);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_uint_eq(result_count, 60);
	for (uint32_t i = 0; i < 60; i++) {
		ck_assert_uint_eq(results[i].program, i);
		ck_assert_int_eq(results[i].step, i % 3 ? SPAWN_STEP_NONE : SPAWN_STEP_EXEC);
		if (results[i].pid)
			ck_assert_int_eq(reap(results[i].pid), 0);
	}
	assert_nothing_left();
}
END_TEST

START_TEST(r4_refused_process_speaks)
{
	struct rlimit before, none;

	if (!is_root())
		return;
	scratch_become(54321);
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
	program.command = WORDS("true");
	assert_fails(_i, SPAWN_STEP_PROCESS, EAGAIN,
	             "new process: Resource temporarily unavailable");
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
}
END_TEST

START_TEST(p4_failed_pidfile_starts_nothing)
{
	program.command = WORDS("/bin/touch", scratch_path("started"));
	program.pidfile = pidfile;
	program.stdout_stream.kind = STREAM_NULL;
	ck_assert_int_eq(chmod(scratch, 0555), 0);
	scratch_become(65534); /* root may write anywhere */
	assert_fails(_i, SPAWN_STEP_PIDFILE, EACCES, "pidfile %s/web.pid: Permission denied");
	ck_assert(!scratch_has(scratch_path("started")));
}
END_TEST

/* ---- what the program finds ---- */

static void put_signals_in_disorder(void)
{
	const unsigned long ignore[8] = { (unsigned long)SIG_IGN }; /* as the kernel has it */
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGRTMIN + 1, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGRTMIN + 2, &action, NULL);
	ck_assert_int_eq(syscall(SYS_rt_sigaction, 32, ignore, NULL, 8),
	                 0); /* the C library refuses to */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

START_TEST(s2_signals_are_default_and_none_is_blocked)
{
	const char *text;

	put_signals_in_disorder();
	program.command = WORDS("cat", "/proc/self/status");
	text = run_for_output(_i);
	ck_assert_str_eq(status_line(text, "SigBlk"), "0000000000000000");
	ck_assert_str_eq(status_line(text, "SigIgn"), "0000000000000000");
	ck_assert_str_eq(status_line(text, "SigCgt"), "0000000000000000");
}
END_TEST

START_TEST(s2_session_is_its_own)
{
	char expected[64];
	const char *text;

	program.command = WORDS("cat", "/proc/self/stat");
	text = run_for_output(_i);
	/* pid (comm) state ppid pgrp session */
	snprintf(expected, sizeof expected, "%d (cat) R %d %d %d ", (int)results[0].pid,
	         (int)getpid(), (int)results[0].pid, (int)results[0].pid);
	ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
}
END_TEST

START_TEST(program_that_takes_the_terminal_has_a_group_in_our_session)
{
	char expected[64];
	const char *text;

	program.take_terminal = true;
	program.command = WORDS("cat", "/proc/self/stat");
	text = run_for_output(_i);
	snprintf(expected, sizeof expected, "%d (cat) R %d %d %d ", (int)results[0].pid,
	         (int)getpid(), (int)results[0].pid, (int)getsid(0));
	ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
}
END_TEST

/* also descriptors that somebody has left open, below and above what the plan uses */
START_TEST(s2_descriptors_are_0_1_2)
{
	int leaked[] = { 90, 200 };

	for (size_t i = 0; i < ARRAY_SIZE(leaked); i++)
		ck_assert_int_eq(dup2(2, leaked[i]), leaked[i]);
	ck_assert_int_ge(open("/dev/null", O_RDONLY), 0);
	program.command = WORDS("ls", "/proc/self/fd");
	ck_assert_str_eq(run_for_output(_i), "0\n1\n2\n3\n"); /* 3 is ls reading the directory */
}
END_TEST

START_TEST(s2_plan_with_high_descriptors_works)
{
	int held[150];

	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	program.directory = scratch;
	program.pidfile = pidfile;
	program.command = WORDS("sh", "-c", "pwd; cat web.pid; readlink /proc/self/fd/0");
	char expected[SCRATCH_PATH_SIZE];
	const char *text = run_for_output(_i);

	snprintf(expected, sizeof expected, "%s\n%d\n/dev/null\n", scratch, (int)results[0].pid);
	ck_assert_str_eq(text, expected);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		close(held[i]);
}
END_TEST

/* three files as our own 0, 1, 2, handed over in another order */
START_TEST(streams_may_overlap_in_any_way)
{
	static const int cases[][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 }, { 1, 2, 0 },
		                        { 2, 0, 1 }, { 1, 1, 1 }, { 0, 0, 0 }, { 2, 2, 2 } };
	const int *order = cases[_i / MODES];
	char detail[PLAN_DETAIL_MAX], expected[SCRATCH_PATH_SIZE];
	struct spawner *sp = new_spawner(_i % MODES);
	struct spawn_plan plan;
	int error, n = 0;

	for (int i = 0; i < 3; i++) {
		char name[] = { (char)('a' + i), '\0' };
		int fd = open(scratch_path(name), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

		ck_assert_int_eq(dup3(fd, i, O_CLOEXEC), i);
		close(fd);
	}
	program.stdin_stream.kind = STREAM_INHERIT;
	program.stdout_stream.kind = STREAM_INHERIT;
	program.stderr_stream.kind = STREAM_INHERIT;
	program.command =
		WORDS("readlink", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2");
	ck_assert_int_eq(spawn_plan_make(&plan, &program, &around, &error, detail),
	                 SPAWN_STEP_NONE);
	for (int i = 0; i < 3; i++) {
		plan.stdio[i] = order[i];
		n += snprintf(expected + n, sizeof expected - (size_t)n, "%s/%c\n", scratch,
		              'a' + order[i]);
	}
	spawner_start(sp, 0, &plan);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_int_eq(reap(results[0].pid), 0);
	ck_assert_str_eq(scratch_read(scratch_path((char[]){ (char)('a' + order[1]), '\0' })),
	                 expected);
}
END_TEST

START_TEST(s2_umask_nice_and_limits_are_set)
{
	_cleanup_free_ struct limits *limits = malloc(sizeof *limits + 2 * sizeof *limits->items);
	int before = getpriority(PRIO_PROCESS, 0);
	const char *text;

	limits->count = 2;
	limits->items[0] = (struct limit){ RLIMIT_FSIZE, 77 * 512, 99 * 512, true };
	limits->items[1] = (struct limit){ RLIMIT_CORE, 0, 1234, false };
	program.limits = limits;
	program.umask_value = 0137;
	program.nice_set = true;
	program.nice_value = 19; /* which everybody may, however nice we are */
	program.command = WORDS("sh", "-c", "umask; nice; ulimit -Sf; ulimit -Hf; ulimit -Hc");
	text = run_for_output(_i);
	ck_assert_str_eq(text, "0137\n19\n77\n99\n0\n");
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), before);
}
END_TEST

/* the kernel would give it to every process that shares the child's memory: to us */
START_TEST(s2_oom_score_is_the_programs_and_not_ours)
{
	char before[16];

	snprintf(before, sizeof before, "%.10s", scratch_read("/proc/self/oom_score_adj"));
	program.oom_set = true;
	program.oom_score_adj = 567;
	program.command = WORDS("cat", "/proc/self/oom_score_adj");
	ck_assert_str_eq(run_for_output(_i), "567\n");
	ck_assert_str_eq(scratch_read("/proc/self/oom_score_adj"), before);
}
END_TEST

START_TEST(s2_umask_of_ours_stays)
{
	mode_t before = umask(027);

	program.umask_value = 0;
	program.command = WORDS("true");
	run_for_output(_i);
	ck_assert_uint_eq(umask(before), 027);
}
END_TEST

static void assert_ids(const char *text, const char *ids, const char *groups)
{
	ck_assert_str_eq(status_line(text, "Uid"), ids);
	ck_assert_str_eq(status_line(text, "Gid"), ids);
	ck_assert_str_eq(status_line(text, "Groups"), groups);
}

START_TEST(s2_privileges_are_really_dropped)
{
	_cleanup_free_ struct credentials *who = calloc(1, sizeof *who + 2 * sizeof(gid_t));
	const char *text;

	if (!is_root())
		return;
	who->set_user = who->set_group = true;
	who->uid = who->gid = 54321; /* no entry in passwd */
	who->group_count = 2;
	who->groups[0] = 7;
	who->groups[1] = 8;
	program.credentials = who;
	program.no_new_privs = true;
	program.pidfile = pidfile; /* written by us, where the user may not */
	program.command = WORDS("cat", "/proc/self/status");
	text = run_for_output(_i);
	assert_ids(text, "54321\t54321\t54321\t54321", "7 8 ");
	ck_assert_str_eq(status_line(text, "CapEff"), "0000000000000000");
	ck_assert_str_eq(status_line(text, "NoNewPrivs"), "1");
	ck_assert(scratch_has(pidfile));
	ck_assert_uint_eq(geteuid(), 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE),
	                 1); /* no change of ids in the child has cleared it */
}
END_TEST

START_TEST(s2_supplementary_groups_of_ours_are_not_handed_on)
{
	const gid_t ours[] = { 4, 27 };
	const struct credentials nobody = {
		.set_user = true, .set_group = true, .uid = 65534, .gid = 65534
	};

	if (!is_root())
		return;
	ck_assert_int_eq(setgroups(2, ours), 0);
	program.credentials = &nobody;
	program.command = WORDS("cat", "/proc/self/status");
	assert_ids(run_for_output(_i), "65534\t65534\t65534\t65534", "");
}
END_TEST

START_TEST(ordinary_user_may_name_itself)
{
	struct credentials self = { .set_user = true, .set_group = true };

	scratch_become(54321);
	self.uid = geteuid();
	self.gid = getegid();
	program.credentials = &self;
	program.stdout_stream.kind = STREAM_NULL;
	program.command = WORDS("true");
	ck_assert_int_eq(run(_i)->step, SPAWN_STEP_NONE);
	ck_assert_int_eq(reap(results[0].pid), 0);
	self.uid++;
	run(_i);
	ck_assert_int_eq(results[0].step, SPAWN_STEP_GROUPS);
	ck_assert_int_eq(results[0].error, EPERM);
}
END_TEST

/* ---- PID files ---- */

START_TEST(p2_program_always_finds_its_own_file)
{
	enum { STARTS = 500 };
	static struct {
		struct program_settings program;
		const char *command[5];
		char path[SCRATCH_PATH_SIZE];
	} programs[STARTS];
	struct spawner *sp = new_spawner(_i);

	program.stdout_stream.kind = STREAM_NULL;
	for (uint32_t i = 0; i < STARTS; i++) {
		snprintf(programs[i].path, sizeof programs[i].path, "%s/%u.pid", scratch, i);
		programs[i].command[0] = "sh";
		programs[i].command[1] = "-c";
		programs[i].command[2] = "read pid <$0 && [ $pid = $$ ]";
		programs[i].command[3] = programs[i].path;
		programs[i].program = program;
		programs[i].program.pidfile = programs[i].path;
		programs[i].program.command = (char *const *)programs[i].command;
		start_program(sp, i, &programs[i].program);
	}
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_uint_eq(result_count, STARTS);
	for (size_t i = 0; i < STARTS; i++)
		ck_assert_int_eq(reap(results[i].pid), 0);
}
END_TEST

START_TEST(p3_p5_what_was_published_can_be_dropped)
{
	struct pidfile pf = { 0 };
	char expected[32];

	program.pidfile = pidfile;
	program.command = WORDS("true");
	run_for_output(_i);
	snprintf(expected, sizeof expected, "%d\n", (int)results[0].pid);
	ck_assert_str_eq(scratch_read(pidfile), expected);
	ck_assert_int_eq(count_entries(scratch), 2); /* that and the output */
	pidfile_published(&pf, pidfile, &results[0].pidfile);
	ck_assert_int_eq(pidfile_drop(around.dirs, &pf), 0);
	ck_assert(!scratch_has(pidfile));
}
END_TEST

START_TEST(p5_file_that_appears_meanwhile_is_left)
{
	struct spawner *sp = new_spawner(_i);
	char detail[PLAN_DETAIL_MAX];
	struct spawn_plan plan;
	int error;

	program.pidfile = pidfile;
	program.command = WORDS("true");
	ck_assert_int_eq(spawn_plan_make(&plan, &program, &around, &error, detail),
	                 SPAWN_STEP_NONE);
	scratch_put("web.pid", "1\n", 0644);
	spawner_start(sp, 0, &plan);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_int_eq(results[0].step, SPAWN_STEP_PIDFILE);
	ck_assert_int_eq(results[0].error, EEXIST);
	ck_assert_str_eq(scratch_read(pidfile), "1\n");
}
END_TEST

/* ---- what vergerd keeps ---- */

START_TEST(g2_signal_during_a_batch_is_handled_once_and_by_us)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct spawner *sp;
	int failed = 0;

	sigaction(SIGUSR1, &action, NULL);
	sp = new_spawner(_i);
	program.command = WORDS("true");
	program.stdout_stream.kind = STREAM_NULL;
	for (uint32_t i = 0; i < 40; i++) {
		start(sp, i);
		if (i == 20)
			ck_assert_int_eq(kill(0, SIGUSR1), 0);
	}
	ck_assert_int_eq(signals_handled, 0);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_int_eq(signals_handled, 1);
	for (size_t i = 0; i < result_count; i++)
		if (reap(results[i].pid) == 128 + SIGUSR1) /* had not left our group yet */
			failed++;
	ck_assert_int_le(failed, 21); /* none of those that were started afterwards */
}
END_TEST

START_TEST(mask_of_ours_comes_back)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	program.command = WORDS("true");
	run_for_output(_i);
	sigprocmask(SIG_SETMASK, NULL, &set);
	ck_assert_int_eq(sigismember(&set, SIGUSR2), 1);
	ck_assert_int_eq(sigismember(&set, SIGTERM), 0);
	ck_assert_int_eq(sigismember(&set, SIGCHLD), 0);
}
END_TEST

START_TEST(pidfd_is_that_of_the_child)
{
	siginfo_t info = { 0 };
	struct pollfd end;

	program.command = WORDS("true");
	run(_i);
	ck_assert_int_ge(results[0].pidfd, 0);
	ck_assert_int_eq(fcntl(results[0].pidfd, F_GETFD), FD_CLOEXEC);
	end = (struct pollfd){ .fd = results[0].pidfd, .events = POLLIN };
	ck_assert_int_eq(poll(&end, 1, 60000), 1);
	ck_assert_int_eq(waitid(P_PIDFD, (id_t)results[0].pidfd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_pid, results[0].pid);
}
END_TEST

START_TEST(kernel_without_pidfds_and_close_range_will_do)
{
	const struct probe probe = { .spawn_mode = (enum spawn_mode)_i };
	struct spawner *sp = spawner_new(&probe, on_done, NULL);

	program.command = WORDS("true");
	program.pidfile = pidfile;
	start(sp, 0);
	spawner_finish(sp);
	spawner_free(sp);
	ck_assert_int_eq(results[0].step, SPAWN_STEP_NONE);
	ck_assert_int_eq(results[0].pidfd, -1);
	ck_assert_int_eq(reap(results[0].pid), 0);
}
END_TEST

/* memory is the sanitizer's part */
START_TEST(i2_two_thousand_starts_leak_nothing)
{
	struct spawner *sp = new_spawner(_i);
	int before = count_entries("/proc/self/fd");

	program.command = WORDS("/bin/true");
	program.directory = "/";
	program.argv0 = "leak";
	for (uint32_t i = 0; i < 2000; i++) {
		program.pidfile = pidfile;
		start(sp, i);
		spawner_finish(sp);
		ck_assert_int_eq(reap(results[i].pid), 0);
		results[i].pidfd = fd_close(results[i].pidfd);
		ck_assert_int_eq(unlink(pidfile), 0);
	}
	ck_assert_int_le(count_entries("/proc/self/fd"),
	                 before + 1); /* the directory of the PID file */
	spawner_free(sp);
}
END_TEST

static int first_mode(void)
{
	const char *wanted = getenv("VERGER_SPAWN");

	return wanted && !strcmp(wanted, "fork") ? SPAWN_FORK : SPAWN_CLONE3;
}

static TCase *add_case(Suite *suite, TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

static void add_tests(TCase *tc, const TTest *const *tests)
{
	for (; *tests; tests++)
		tcase_add_loop_test(tc, *tests, first_mode(), MODES);
}

static Suite *spawn_suite(void)
{
	Suite *suite = suite_create("os/spawn");
	TCase *tc = add_case(suite, tcase_create("failure"));

	add_tests(tc, (const TTest *[]){ s1_failures_of_exec_speak, s1_failures_of_settings_speak,
	                                 s1_directory_closed_to_the_user_speaks,
	                                 s1_results_come_in_order_good_and_bad,
	                                 r4_refused_process_speaks,
	                                 p4_failed_pidfile_starts_nothing, NULL });
	tc = add_case(suite, tcase_create("hands"));
	add_tests(tc, (const TTest *[]){
			      s2_signals_are_default_and_none_is_blocked, s2_session_is_its_own,
			      program_that_takes_the_terminal_has_a_group_in_our_session,
			      s2_descriptors_are_0_1_2, s2_plan_with_high_descriptors_works,
			      s2_umask_nice_and_limits_are_set,
			      s2_oom_score_is_the_programs_and_not_ours, s2_umask_of_ours_stays,
			      NULL });
	tc = add_case(suite, tcase_create("streams"));
	if (first_mode() == SPAWN_CLONE3)
		tcase_add_loop_test(tc, streams_may_overlap_in_any_way, 0, 8 * MODES);
	tc = add_case(suite, tcase_create("privileges"));
	add_tests(tc, (const TTest *[]){ s2_privileges_are_really_dropped,
	                                 s2_supplementary_groups_of_ours_are_not_handed_on,
	                                 ordinary_user_may_name_itself, NULL });
	tc = add_case(suite, tcase_create("pidfile"));
	add_tests(tc, (const TTest *[]){ p2_program_always_finds_its_own_file,
	                                 p3_p5_what_was_published_can_be_dropped,
	                                 p5_file_that_appears_meanwhile_is_left, NULL });
	tc = add_case(suite, tcase_create("parent"));
	add_tests(tc, (const TTest *[]){ g2_signal_during_a_batch_is_handled_once_and_by_us,
	                                 mask_of_ours_comes_back, pidfd_is_that_of_the_child,
	                                 kernel_without_pidfds_and_close_range_will_do,
	                                 i2_two_thousand_starts_leak_nothing, NULL });
	return suite;
}

int main(void)
{
	return suite_run(spawn_suite());
}
