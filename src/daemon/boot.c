/* SPDX-License-Identifier: MIT */
/* The way up and the way down.  Every refusal is one sentence on standard error, before anything
 * was started. */
#include "daemon/boot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/desk.h"
#include "os/daemonize.h"
#include "os/lock.h"
#include "os/rundir.h"
#include "os/signals.h"

enum { REFUSAL_MAX = 1024 };

/* Why vergerd does not come up; told where the person who started it can read it. */
struct refusal {
	int status; /* 0 = none */
	char text[REFUSAL_MAX];
};

__attribute__((format(printf, 3, 4))) static void refuse(struct refusal *refusal, int status,
                                                         const char *format, ...)
{
	va_list args;

	refusal->status = status;
	va_start(args, format);
	vsnprintf(refusal->text, sizeof refusal->text, format, args);
	va_end(args);
}

static void ensure_run_dir(const struct settings *s, struct refusal *refusal)
{
	int r = s->run_dir ? rundir_ensure(s->run_dir) : 0;

	if (r < 0)
		refuse(refusal, EXIT_STATUS_CREATE, "run_dir %s: %s", s->run_dir, strerror(-r));
}

static void open_log(const struct settings *s, struct capture *capture,
                     struct logtarget **logtarget, struct refusal *refusal)
{
	struct logtarget_wish wish = logtarget_wish(s);
	struct logtarget_world world = logtarget_world(capture);
	int r = logtarget_open(logtarget, &wish, &world);

	log_set_level(s->log_level);
	if (r < 0)
		refuse(refusal, EXIT_STATUS_CREATE, "log %s: %s", logtarget_name(&wish),
		       strerror(-r));
}

static void take_lock(struct lock *lock, const char *path, struct refusal *refusal)
{
	pid_t owner = 0;
	int r = lock_take(lock, path, &owner);

	if (r == -EWOULDBLOCK)
		refuse(refusal, EXIT_STATUS_RUNNING,
		       "another vergerd is running, PID %d: it holds %s", (int)owner, path);
	else if (r == -ELOOP)
		refuse(refusal, EXIT_STATUS_CREATE,
		       "pidfile %s: is a symbolic link, which is never followed", path);
	else if (r == -EINVAL)
		refuse(refusal, EXIT_STATUS_CREATE,
		       "pidfile %s: holds something else than a PID and is left alone", path);
	else if (r < 0)
		refuse(refusal, EXIT_STATUS_CREATE, "pidfile %s: %s", path, strerror(-r));
}

static void open_desk(struct daemon *d, struct refusal *refusal)
{
	const char *path = d->settings->control_socket;
	int r = path ? desk_open(&d->desk, d) : 0;

	if (r == -EADDRINUSE)
		refuse(refusal, EXIT_STATUS_RUNNING,
		       "control_socket %s: another vergerd answers there", path);
	else if (r == -EEXIST)
		refuse(refusal, EXIT_STATUS_CREATE,
		       "control_socket %s: something else than a socket stands there and is left "
		       "alone",
		       path);
	else if (r < 0)
		refuse(refusal, EXIT_STATUS_CREATE, "control_socket %s: %s", path, strerror(-r));
}

static void make_daemon(struct daemon *d, const struct daemon_parts *parts, struct refusal *refusal)
{
	int r = daemon_init(d, parts);

	if (r < 0)
		refuse(refusal, EXIT_STATUS_SYSTEM, "cannot start: %s", strerror(-r));
	else
		open_desk(d, refusal);
}

static int run(const struct boot *boot, struct logtarget *logtarget, struct capture *capture,
               struct lock *lock, int report_fd, struct refusal *refusal)
{
	struct probe probe;
	struct daemon d;
	int status = 0;

	if (boot->no_run_dir)
		log_info(NULL,
		         "no run_dir (%s): no control socket, and programs without a pidfile of "
		         "their own have none",
		         boot->no_run_dir);
	probe_run(&probe);
	if (!probe.subreaper)
		log_warning(NULL, "this system has no child subreaper: processes that leave their "
		                  "parent are lost");
	make_daemon(&d,
	            &(struct daemon_parts){
			    .settings = boot->settings,
			    .source = boot->source,
			    .probe = &probe,
			    .logtarget = logtarget,
			    .capture = capture,
			    .environ = boot->environ,
			    .report_fd = report_fd,
		    },
	            refusal);
	if (!refusal->status)
		status = daemon_run(&d);
	/* whoever waits on the socket for the end may start the next vergerd then */
	desk_withdraw(d.desk);
	lock_release(lock);
	daemon_release(&d);
	probe_release(&probe);
	return status;
}

/* what must be had before anything is started */
static void prepare(const struct settings *s, struct capture *capture, struct logtarget **logtarget,
                    struct lock *lock, struct refusal *refusal)
{
	ensure_run_dir(s, refusal);
	if (!refusal->status)
		open_log(s, capture, logtarget, refusal);
	if (!refusal->status && s->pidfile)
		take_lock(lock, s->pidfile, refusal);
}

static void tell(const struct refusal *refusal, int report_fd)
{
	char text[REFUSAL_MAX + 16];

	if (report_fd < 0) {
		log_error(NULL, "%s", refusal->text);
		return;
	}
	snprintf(text, sizeof text, "vergerd: %s", refusal->text);
	daemonize_report(report_fd, refusal->status, text, 1);
}

int boot_run(const struct boot *boot)
{
	struct logtarget *logtarget = NULL;
	struct capture *capture;
	struct lock lock = LOCK_INIT;
	struct refusal refusal = { 0 };
	int report_fd = boot->daemonize ? daemonize_start(1) : -1;
	int status;

	if (boot->daemonize && report_fd < 0) {
		log_error(NULL, "cannot go to the background: %s", strerror(-report_fd));
		return EXIT_STATUS_SYSTEM;
	}
	signals_hold();
	capture = capture_new();
	if (!capture)
		refuse(&refusal, EXIT_STATUS_SYSTEM, "cannot start: %s", strerror(errno));
	else
		prepare(boot->settings, capture, &logtarget, &lock, &refusal);
	status = refusal.status ? 0 : run(boot, logtarget, capture, &lock, report_fd, &refusal);
	if (refusal.status) {
		tell(&refusal, report_fd);
		status = refusal.status;
	}
	lock_release(&lock);
	logtarget_close(logtarget); /* with whatever was logged until here */
	capture_free(capture);
	return status;
}
