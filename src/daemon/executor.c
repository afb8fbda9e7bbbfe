/* SPDX-License-Identifier: MIT */
/* Effects become system calls here, and their results events.  Decides nothing that core could
 * decide. */
#include "daemon/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/signame.h"
#include "config/envfile.h"
#include "daemon/command.h"
#include "daemon/desk.h"
#include "daemon/evidence.h"
#include "daemon/farewell.h"
#include "daemon/report.h"

/* marks the number of a program when it is its stop_command that is started */
#define STOP_COMMAND_BIT 0x80000000u

/* how often a daemon that has not shown itself is looked for (kernel.md: its PID file came 50 ms
 * late) */
#define FIND_INTERVAL 0.02

static void post_failure(struct daemon *d, uint32_t program, enum spawn_step step, int error)
{
	evidence_on_failure(d, program, step, error);
	daemon_post(d, (struct event){ .type = EVENT_SPAWN_FAILED,
	                               .program = program,
	                               .failure = { .step = step, .error = error } });
}

static void set_detail(struct unit *unit, const char *detail)
{
	free(unit->detail);
	unit->detail = detail ? strdup(detail) : NULL;
}

/* --- starting --- */

static void report_up(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];

	if (!unit->counted)
		return;
	unit->counted = false;
	d->not_up--;
}

struct spawn_surroundings executor_surroundings(struct daemon *d, uint32_t program, bool in_family)
{
	return (struct spawn_surroundings){
		.settings = d->settings,
		.environ = d->environ,
		.dirs = d->dirs,
		.family = family_mark(d->families, in_family ? program : NO_PROGRAM),
		.cgroup_fd = in_family ? family_cgroup(d->families, program) : -1,
		.load_env_file = envfile_load,
		.capture = d->capture,
		.id = program,
		.null_fd = d->null_fd,
		.nofile = descriptors_for_programs(&d->descriptors),
	};
}

/* true with *cgroup_fd to be given back when the child has exec'ed */
static bool spawn(struct daemon *d, uint32_t program, int *cgroup_fd)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct spawn_surroundings around;
	struct spawn_plan plan;
	char detail[PLAN_DETAIL_MAX];
	enum spawn_step step;
	int error = 0;

	if (!supervisor_wants_spawn(d->supervisor, program)) {
		post_failure(d, program, SPAWN_STEP_CANCELLED, 0);
		return false;
	}
	if (!descriptors_to_spare(&d->descriptors, d->running + capture_held(d->capture),
	                          d->null_fd)) {
		log_error(s->name, "new process: %s", strerror(EMFILE));
		set_detail(&d->units[program], "new process: Too many open files");
		post_failure(d, program, SPAWN_STEP_PROCESS, EMFILE);
		return false;
	}
	around = executor_surroundings(d, program, true);
	*cgroup_fd = around.cgroup_fd;
	step = spawn_plan_make(&plan, s, &around, &error, detail);
	if (step != SPAWN_STEP_NONE) {
		log_error(s->name, "%s", detail);
		set_detail(&d->units[program], detail);
		post_failure(d, program, step, error);
		return true;
	}
	evidence_on_start(d, program, &plan);
	capture_on_start(d->capture, s, program);
	spawner_start(d->spawner, program, &plan);
	return true;
}

void executor_spawn_slice(struct daemon *d)
{
	struct program_queue *q = &d->to_spawn;
	size_t n = q->count < EXECUTOR_SLICE ? q->count : EXECUTOR_SLICE;
	int cgroup_fds[EXECUTOR_SLICE];
	size_t held = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t program = program_queue_take(q);

		held += spawn(d, program, &cgroup_fds[held]);
	}
	spawner_finish(d->spawner);
	while (held)
		family_cgroup_release(d->families, cgroup_fds[--held]);
}

static void stop_command(struct daemon *d, uint32_t program)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct strv env = STRV_INIT;
	struct spawn_plan plan;
	int cgroup_fd = -1;

	if (command_environment(d, program, &env) < 0 ||
	    command_plan(d, program, "stop_command", s->stop_command, env.items, true, &plan,
	                 &cgroup_fd) < 0) {
		daemon_post(
			d, (struct event){ .type = EVENT_STOP_COMMAND_FAILED, .program = program });
	} else {
		spawner_start(d->spawner, program | STOP_COMMAND_BIT, &plan);
		spawner_finish(d->spawner);
	}
	family_cgroup_release(d->families, cgroup_fd);
	strv_release(&env);
}

static void on_stop_command_spawned(struct daemon *d, uint32_t program,
                                    const struct spawn_result *result)
{
	fd_close(result->pidfd); /* it is reaped like any other child; the stop goes by the
	                            program's own end */
	if (result->step == SPAWN_STEP_NONE)
		return;
	log_error(daemon_name(d, program), "stop_command: %s", result->detail);
	daemon_post(d, (struct event){ .type = EVENT_STOP_COMMAND_FAILED, .program = program });
}

void executor_on_spawned(void *context, struct spawn_result *result)
{
	struct daemon *d = context;
	uint32_t program = result->program & ~STOP_COMMAND_BIT;
	struct unit *unit = &d->units[program];
	int r;

	if (result->program & STOP_COMMAND_BIT) {
		on_stop_command_spawned(d, program, result);
		return;
	}
	if (result->step != SPAWN_STEP_NONE) {
		log_error(daemon_name(d, program), "%s", result->detail);
		set_detail(unit, result->detail);
		capture_on_started(d->capture, program, 0);
		post_failure(d, program, result->step, result->error);
		return;
	}
	if (unit->detail)
		set_detail(unit, NULL);
	if (result->pidfile.inode)
		pidfile_published(&unit->pidfile, d->settings->programs[program].pidfile,
		                  &result->pidfile);
	r = reaper_watch(d->reaper, program, result->pid, result->pidfd);
	if (r < 0)
		log_error(daemon_name(d, program), "PID %d cannot be watched: %s", (int)result->pid,
		          strerror(-r));
	d->running++;
	capture_on_started(d->capture, program, result->pid);
	family_started(d->families, program, result->pid);
	daemon_post(
		d, (struct event){ .type = EVENT_SPAWNED, .program = program, .pid = result->pid });
}

/* --- families --- */

static void tell_empty(struct daemon *d, uint32_t program)
{
	d->units[program].awaits_empty = false;
	capture_on_empty(d->capture, program);
	daemon_post(d, (struct event){ .type = EVENT_FAMILY_EMPTY, .program = program });
}

static void watch_family(struct daemon *d, uint32_t program)
{
	if (family_watch(d->families, program)) {
		tell_empty(d, program);
		return;
	}
	d->units[program].awaits_empty = true;
	daemon_post(d, (struct event){ .type = EVENT_FAMILY_LEFT, .program = program });
}

static void sweep(struct daemon *d, uint32_t program)
{
	if (family_sweep(d->families, program))
		tell_empty(d, program);
	else
		d->units[program].awaits_empty = true;
}

/* --- daemons of forking programs --- */

static void stop_finding(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];

	if (!unit->finding)
		return;
	unit->finding = false;
	if (--d->finding == 0)
		ev_timer_stop(d->loop, &d->find_timer);
}

/* publishes the PID file of a daemon that was found; false when it cannot be, and the daemon has to
 * go (P4) */
static bool publish_found(struct daemon *d, uint32_t program, pid_t pid)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct pidfile_target target;
	pid_t owner = 0;
	int r;

	if (!s->pidfile)
		return true;
	r = pidfile_prepare(d->dirs, s->pidfile, d->settings->run_dir, &target, &owner);
	if (r == 0) {
		target.mode = s->pidfile_mode;
		target.uid = s->pidfile_uid;
		target.gid = s->pidfile_gid;
		r = pidfile_publish(d->dirs, &d->units[program].pidfile, &target, s->pidfile, pid);
	}
	if (r < 0)
		log_error(s->name, "pidfile %s: %s; the daemon is stopped again", s->pidfile,
		          strerror(-r));
	return r == 0;
}

static void on_main_found(struct daemon *d, uint32_t program, pid_t pid)
{
	int r;

	stop_finding(d, program);
	if (!publish_found(d, program, pid)) {
		sweep(d, program);
		return;
	}
	r = reaper_watch(d->reaper, program, pid, -1);
	if (r < 0)
		log_error(daemon_name(d, program), "PID %d cannot be watched: %s", (int)pid,
		          strerror(-r));
	d->running++;
	capture_on_started(d->capture, program, pid);
	family_started(d->families, program, pid);
	daemon_post(d, (struct event){ .type = EVENT_MAIN_FOUND, .program = program, .pid = pid });
}

static void find_main(struct daemon *d, uint32_t program)
{
	const struct program_settings *s = &d->settings->programs[program];
	struct unit *unit = &d->units[program];
	pid_t told = 0;
	pid_t pid = family_find_main(d->families, program, s->main_pid_file, &told);

	if (pid > 0) {
		on_main_found(d, program, pid);
	} else if (pid == -ESRCH) {
		stop_finding(d, program);
		log_error(s->name, "its command has ended and left no daemon behind");
		tell_empty(d, program);
	} else if (pid == -EPERM && !unit->told_alien) {
		unit->told_alien = true;
		log_warning(s->name,
		            "main_pid_file %s names PID %d, which is not a process of this program",
		            s->main_pid_file, (int)told);
	}
}

static void begin_finding(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];

	if (!unit->finding) {
		unit->finding = true;
		unit->told_alien = false;
		if (d->finding++ == 0) {
			ev_now_update(d->loop);
			ev_timer_set(&d->find_timer, FIND_INTERVAL, FIND_INTERVAL);
			ev_timer_start(d->loop, &d->find_timer);
		}
	}
	find_main(d, program);
}

void executor_find_mains(struct daemon *d)
{
	for (uint32_t i = 0; d->finding && i < d->settings->program_count; i++)
		if (d->units[i].finding)
			find_main(d, i);
}

/* --- removal --- */

/* nothing of a program that was removed is kept */
static void forget(struct daemon *d, uint32_t program)
{
	struct unit *unit = &d->units[program];
	bool to_examine = unit->to_examine;
	struct program_status status;

	log_info(daemon_name(d, program), "removed");
	supervisor_status(d->supervisor, program, &status);
	desk_on_state(d->desk, program, status.state, LIFE_STATE_COUNT);
	hooks_forget(d->hooks, program);
	family_forget(d->families, program);
	capture_forget(d->capture, program);
	free(unit->detail);
	history_free(unit->history);
	d->leaving -= unit->leaving;
	*unit = (struct unit){ .to_examine = to_examine };
	daemon_post(d, (struct event){ .type = EVENT_FORGOTTEN, .program = program });
}

/* the settings name it no more and nothing of it is left; what its hooks have still to tell of it
 * needs its name */
static void leave(struct daemon *d, uint32_t program)
{
	if (!hooks_wait(d->hooks, program)) {
		forget(d, program);
	} else if (!d->units[program].leaving) {
		d->units[program].leaving = true;
		d->leaving++;
	}
}

static void forget_those_that_left(struct daemon *d)
{
	for (uint32_t i = 0; d->leaving && i < d->settings->program_count; i++) {
		struct program_status status;

		if (!d->units[i].leaving || hooks_wait(d->hooks, i))
			continue;
		d->units[i].leaving = false;
		d->leaving--;
		supervisor_status(d->supervisor, i, &status);
		if (status.removed) /* it may have been named again meanwhile */
			forget(d, i);
	}
}

/* --- ending --- */

void executor_before_reap(void *context, uint32_t program)
{
	struct daemon *d = context;
	struct pidfile *pf = &d->units[program].pidfile;
	int r = pidfile_drop(d->dirs, pf);

	if (r == -ESTALE)
		log_warning(daemon_name(d, program),
		            "pidfile %s was replaced by somebody else and is left alone", pf->path);
	else if (r < 0 && r != -ENOENT)
		log_error(daemon_name(d, program), "pidfile %s cannot be removed: %s", pf->path,
		          strerror(-r));
}

void executor_on_exited(void *context, uint32_t program, const struct reaper_exit *exit)
{
	struct daemon *d = context;

	report_exit(d, program, exit);
	evidence_on_exit(d, program, exit);
	d->running--;
	family_main_gone(d->families, program);
	daemon_post(d, (struct event){ .type = EVENT_EXITED,
	                               .program = program,
	                               .exit = { .code = exit->code,
	                                         .signal = exit->signal,
	                                         .core_dumped = exit->core_dumped } });
}

void executor_on_orphan(void *context, const struct reaper_exit *exit)
{
	char how[REPORT_EXIT_SIZE];
	struct daemon *d = context;

	if (!hooks_on_exit(d->hooks, exit) && !capture_on_orphan(d->capture, exit) &&
	    log_wants(LOG_LEVEL_DEBUG))
		log_debug(NULL, "orphan PID %d %s", (int)exit->pid,
		          report_format_exit(exit->code, exit->signal, exit->core_dumped, how));
}

void executor_on_settled(void *context)
{
	struct daemon *d = context;

	families_settled(d->families);
	executor_find_mains(d);
	forget_those_that_left(d);
	farewell_check(d);
	daemon_pump(d);
}

void executor_on_family_empty(void *context, uint32_t program)
{
	struct daemon *d = context;

	/* an exit that is still in the queue asks the same, and is told by the answer */
	daemon_pump(d);
	if (!d->units[program].awaits_empty)
		return;
	tell_empty(d, program);
	daemon_pump(d);
}

static void send_signal(struct daemon *d, const struct effect *effect)
{
	char name[SIGNAME_SIZE];
	int r = family_signal(d->families, effect->program, effect->signal, effect->scope);

	if (r < 0 && r != -ESRCH)
		log_error(daemon_name(d, effect->program), "%s cannot be sent: %s",
		          signame_format(effect->signal, name), strerror(-r));
}

/* --- states --- */

static void tell_starter(struct daemon *d, uint32_t program, enum life_state to)
{
	bool stopped_by_somebody =
		to == LIFE_STOPPED && !supervisor_is_shutting_down(d->supervisor);

	if (to == LIFE_RUNNING || to == LIFE_EXITED || stopped_by_somebody)
		report_up(d, program);
	else if (to == LIFE_FAILED && d->units[program].counted)
		daemon_report_start(d, program);
	if (d->not_up == 0)
		daemon_report_start(d, NO_PROGRAM);
}

static void on_state(struct daemon *d, const struct effect *effect)
{
	report_state(d, effect->program, effect->from, effect->to);
	if (effect->from == LIFE_LAUNCHED)
		stop_finding(d, effect->program);
	if (life_state_is_settled(effect->to))
		family_rest(d->families, effect->program);
	desk_on_state(d->desk, effect->program, effect->from, effect->to);
	command_tell_state(d, effect->program, effect->from, effect->to);
	if (d->report_fd >= 0)
		tell_starter(d, effect->program, effect->to);
}

void executor_carry_out(struct daemon *d, const struct effect *effect)
{
	switch (effect->type) {
	case EFFECT_SPAWN:
		/* core never asks twice before it was answered: there is room for each once */
		program_queue_add(&d->to_spawn, effect->program);
		break;
	case EFFECT_SIGNAL: send_signal(d, effect); break;
	case EFFECT_CONTINUE: family_continue(d->families, effect->program, effect->scope); break;
	case EFFECT_WATCH_FAMILY: watch_family(d, effect->program); break;
	case EFFECT_SWEEP: sweep(d, effect->program); break;
	case EFFECT_FIND_MAIN: begin_finding(d, effect->program); break;
	case EFFECT_STOP_COMMAND: stop_command(d, effect->program); break;
	case EFFECT_RELOAD_COMMAND: command_reload(d, effect->program); break;
	case EFFECT_REMOVED: leave(d, effect->program); break;
	case EFFECT_STATE: on_state(d, effect); break;
	case EFFECT_LEFTOVERS: report_leftovers(d, effect->program); break;
	case EFFECT_QUIT: farewell_begin(d, effect->status, effect->at_once); break;
	}
}
