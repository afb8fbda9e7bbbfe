/* SPDX-License-Identifier: MIT */
/* The life of one program as a table of state × event.  Guards (is it still wanted? was that a
 * success? one restart too many?) are turned into events first, so that the table has no conditions
 * and can be read, checked and printed. */
#pragma once

#include <stdbool.h>

enum life_state {
	LIFE_STOPPED,  /* not wanted; nothing of it is there */
	LIFE_WAITING,  /* wanted; starts as soon as what it depends on is there */
	LIFE_SPAWNING, /* handed to the system, the answer is not back */
	LIFE_STARTING, /* its process is there, it is not ready yet */
	LIFE_LAUNCHED, /* forking: the launcher is done, the daemon it left is being looked for */
	LIFE_RUNNING,
	LIFE_STOPPING, /* it was told to stop; the main process is still there */
	LIFE_CLEARING, /* the main process is gone; others of its family are told to stop */
	LIFE_KILLING,  /* the grace is over; everything of it is being killed */
	LIFE_BACKOFF,  /* waits for its next start */
	LIFE_EXITED,   /* ended for good by itself, well */
	LIFE_FAILED,   /* ended for good, badly */
	LIFE_STATE_COUNT,
};

enum life_event {
	LIFE_ON_WANT_UP,
	LIFE_ON_WANT_DOWN,
	LIFE_ON_CONDITIONS_MET,
	LIFE_ON_SPAWNED,          /* started, not ready */
	LIFE_ON_SPAWNED_READY,    /* started, and that is all it takes */
	LIFE_ON_SPAWNED_UNWANTED, /* started, but a stop came in between */
	LIFE_ON_SPAWN_RETRY,      /* could not be started; try again later */
	LIFE_ON_SPAWN_RETRY_NOW,  /* the same, without delay */
	LIFE_ON_SPAWN_GIVE_UP,    /* could not be started once too often */
	LIFE_ON_SPAWN_UNWANTED,   /* could not be started, and need not be any more */
	LIFE_ON_LAUNCHED,         /* forking: the launcher ended well */
	LIFE_ON_READY,            /* it serves; for forking: the daemon is found */
	LIFE_ON_EXITED,           /* the main process ended */
	LIFE_ON_LEFT, /* the main process ended and has left others, which nobody has told to stop
	                 yet */
	LIFE_ON_LEFT_TOLD,    /* the same, in the middle of a stop */
	LIFE_ON_UNTOLD,       /* the stop_command could not be run: the signal must do */
	LIFE_ON_TIMEOUT,      /* the deadline of this state */
	LIFE_ON_STEP,         /* the grace of a stop step is over and there is another step */
	LIFE_ON_KILL_NOW,     /* no grace */
	LIFE_ON_GONE_STOPPED, /* nothing is left: it was asked for */
	LIFE_ON_GONE_AGAIN,   /* nothing is left: start at once */
	LIFE_ON_GONE_BACKOFF, /* nothing is left: start after a delay */
	LIFE_ON_GONE_EXITED,  /* nothing is left: ended well for good */
	LIFE_ON_GONE_FAILED,  /* nothing is left: ended badly for good */
	LIFE_EVENT_COUNT,
};

/* What a transition asks for beside the new state. */
enum life_action {
	LIFE_DO_SPAWN = 1 << 0,
	LIFE_DO_ARM_READY = 1 << 1,    /* the time it has to become ready */
	LIFE_DO_ARM_BACKOFF = 1 << 2,  /* the delay before its next start */
	LIFE_DO_BEGIN_STOP = 1 << 3,   /* the first stop step: its signal, and its grace */
	LIFE_DO_NEXT_STEP = 1 << 4,    /* the next stop step */
	LIFE_DO_REPEAT_STEP = 1 << 5,  /* the signal of this step after all, and its grace anew */
	LIFE_DO_TELL_LEFT = 1 << 6,    /* the signal of this step to those that have not had it */
	LIFE_DO_SWEEP = 1 << 7,        /* kill everything; name what resists now and then */
	LIFE_DO_FIND_MAIN = 1 << 8,    /* look for the daemon that was left behind */
	LIFE_DO_WATCH_FAMILY = 1 << 9, /* tell when nothing is left */
	LIFE_DO_DISARM = 1 << 10,
	LIFE_DO_NAME_LEFTOVERS = 1 << 11,
};

enum life_verdict {
	LIFE_UNDECIDED,  /* nobody thought of this cell: a test fails */
	LIFE_GO,         /* change to `next` and act */
	LIFE_STAY,       /* nothing to do: harmless or already so */
	LIFE_IMPOSSIBLE, /* cannot happen: a fault of ours, logged, ignored */
};

struct life_rule {
	enum life_verdict verdict;
	enum life_state next;
	unsigned actions; /* enum life_action */
};

/* The cell of the table; never NULL for values in range. */
const struct life_rule *lifecycle_rule(enum life_state state, enum life_event event);

/* As people see it: stopped waiting starting running stopping backoff exited failed.  Several
 * states share a name. */
const char *life_state_name(enum life_state state);

/* As developers see it; for traces and the generated table. */
const char *life_state_symbol(enum life_state state);
const char *life_event_symbol(enum life_event event);

/* Whether a process of the program may be there in this state. */
bool life_state_is_active(enum life_state state);

/* Whether it rests there until somebody asks for something: stopped, exited, failed. */
bool life_state_is_settled(enum life_state state);
