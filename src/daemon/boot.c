/* SPDX-License-Identifier: MIT */
/* The way up and the way down.  Every refusal is one sentence on standard error, before anything
 * was started. */
#include "daemon/boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "os/daemonize.h"
#include "os/lock.h"
#include "os/rundir.h"

/* descriptors that vergerd needs beside one for each program */
enum { DESCRIPTORS_SPARE = 256 };

static int ensure_run_dir(const struct settings *s)
{
	int r;

	if (!s->run_dir)
		return 0;
	r = rundir_ensure(s->run_dir);
	if (r < 0) {
		log_error(NULL, "run_dir %s: %s", s->run_dir, strerror(-r));
		return EXIT_STATUS_CREATE;
	}
	return 0;
}

static int take_lock(struct lock *lock, const char *path)
{
	pid_t owner = 0;
	int r;

	if (!path)
		return 0;
	r = lock_take(lock, path, &owner);
	if (r == -EWOULDBLOCK) {
		log_error(NULL, "another vergerd is running, PID %d: it holds %s", (int)owner,
		          path);
		return EXIT_STATUS_RUNNING;
	}
	if (r < 0) {
		log_error(NULL, "pidfile %s: %s%s", path, strerror(-r),
		          r == -ELOOP ? " (a symbolic link is never followed)" : "");
		return EXIT_STATUS_CREATE;
	}
	return 0;
}

/* Each program takes a descriptor of ours.  Raises the soft limit if that is too low; *before is
 * what programs are to get.  True when it was raised. */
static bool raise_nofile(size_t programs, struct rlimit *before)
{
	struct rlimit want;
	rlim_t need = programs + DESCRIPTORS_SPARE;

	if (getrlimit(RLIMIT_NOFILE, before) < 0 || before->rlim_cur >= need)
		return false;
	want = *before;
	want.rlim_cur = need < want.rlim_max ? need : want.rlim_max;
	if (want.rlim_cur < need)
		log_warning(NULL,
		            "%zu programs want %ju open files, but the hard limit is %ju: some may "
		            "not start",
		            programs, (uintmax_t)need, (uintmax_t)want.rlim_max);
	return setrlimit(RLIMIT_NOFILE, &want) == 0;
}

static int run(const struct boot *boot, struct logtarget *logtarget, int report_fd)
{
	struct rlimit before;
	struct probe probe;
	struct daemon d;
	int status, r;
	bool raised = raise_nofile(boot->settings->program_count, &before);

	probe_run(&probe);
	r = daemon_init(&d, &(struct daemon_parts){
				    .settings = boot->settings,
				    .probe = &probe,
				    .logtarget = logtarget,
				    .environ = boot->environ,
				    .nofile = raised ? &before : NULL,
				    .report_fd = report_fd,
				    .on_hangup = boot->on_hangup,
				    .hangup_context = boot->hangup_context,
			    });
	if (r < 0) {
		log_error(NULL, "cannot start: %s", strerror(-r));
		status = EXIT_STATUS_SYSTEM;
	} else {
		if (!probe.subreaper)
			log_warning(NULL, "this system has no child subreaper: processes that "
			                  "leave their parent are lost");
		status = daemon_run(&d);
	}
	daemon_release(&d);
	probe_release(&probe);
	return status;
}

int boot_run(const struct boot *boot)
{
	const struct settings *s = boot->settings;
	struct logtarget *logtarget = NULL;
	struct lock lock = LOCK_INIT;
	int report_fd = -1;
	int status = ensure_run_dir(s);
	int r;

	if (status)
		return status;
	if (boot->daemonize) {
		report_fd = daemonize_start(1);
		if (report_fd < 0) {
			log_error(NULL, "cannot go to the background: %s", strerror(-report_fd));
			return EXIT_STATUS_SYSTEM;
		}
	}
	/* from here on standard error still reaches the starter, until it was told how the start
	 * went */
	r = logtarget_open(&logtarget, s->log_target, s->log_path);
	log_set_level(s->log_level);
	if (r < 0) {
		log_error(NULL, "log %s: %s", s->log_path, strerror(-r));
		status = EXIT_STATUS_CREATE;
	} else {
		status = take_lock(&lock, s->pidfile);
	}
	if (!status) {
		if (boot->no_run_dir)
			log_info(NULL,
			         "no run_dir (%s): programs without a pidfile of their own have "
			         "none",
			         boot->no_run_dir);
		status = run(boot, logtarget, report_fd);
	} else if (report_fd >= 0) {
		daemonize_report(report_fd, status, "", 1);
	}
	lock_release(&lock);
	logtarget_close(logtarget);
	return status;
}
