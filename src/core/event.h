/* SPDX-License-Identifier: MIT */
/* What happened, as a value.  Everything core ever learns comes in one of these. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a start failed, in the order of the steps (S1). */
enum spawn_step {
	SPAWN_STEP_NONE,
	SPAWN_STEP_ENVIRONMENT, /* an environment file */
	SPAWN_STEP_COMMAND,     /* looking the command up */
	SPAWN_STEP_DIRECTORY,
	SPAWN_STEP_STDIN,
	SPAWN_STEP_STDOUT,
	SPAWN_STEP_STDERR,
	SPAWN_STEP_PIDFILE,
	SPAWN_STEP_CGROUP,
	SPAWN_STEP_PROCESS, /* clone or fork itself */
	SPAWN_STEP_SESSION,
	SPAWN_STEP_LIMITS,
	SPAWN_STEP_NICE,
	SPAWN_STEP_OOM,
	SPAWN_STEP_GROUPS,
	SPAWN_STEP_GROUP,
	SPAWN_STEP_USER,
	SPAWN_STEP_NO_NEW_PRIVS,
	SPAWN_STEP_EXEC,
	SPAWN_STEP_CANCELLED, /* no longer wanted when its turn came */
};

enum event_type {
	EVENT_SPAWNED,      /* pid */
	EVENT_SPAWN_FAILED, /* failure */
	EVENT_EXITED,       /* exit: the main process is reaped, its PID file gone */
	EVENT_MAIN_FOUND,   /* pid: the daemon that a forking program left behind */
	EVENT_READY,
	EVENT_FAMILY_EMPTY, /* no process of the program is left */
	EVENT_FAMILY_LEFT,  /* the main process is gone and others of the program are still there */
	EVENT_STOP_COMMAND_FAILED, /* it could not be run */
	EVENT_START,               /* verbs: somebody asks */
	EVENT_STOP,
	EVENT_RESTART,
	EVENT_RELOAD,    /* the program is to read its own files again (reload_signal) */
	EVENT_FORGOTTEN, /* the answer to EFFECT_REMOVED: nobody knows the program any more, and its
	                    id is free; nothing happens if it was named again in between */
	EVENT_SHUTDOWN, /* stop everything and end; asked for again: drop stop_delay, then the grace
	                 */
	EVENT_SIGNAL,   /* signal: vergerd received it and does not want it for itself */
	EVENT_BOOT,     /* start what is to be started */
	EVENT_TICK,     /* the deadline is reached */
};

struct event {
	enum event_type type;
	uint32_t program; /* index; ignored by SHUTDOWN, SIGNAL, BOOT and TICK */
	union {
		pid_t pid;
		int signal;
		struct {
			enum spawn_step step;
			int error; /* positive errno */
		} failure;
		struct {
			int code;   /* 0 to 255, when signal is 0 */
			int signal; /* the signal that killed it, or 0 */
			bool core_dumped;
		} exit;
	};
};
