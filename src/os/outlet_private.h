/* SPDX-License-Identifier: MIT */
/* What outlet.c and outflow.c share. */
#pragma once

#include <limits.h>
#include <pthread.h>

#include "os/outbuf.h"
#include "os/outlet.h"

enum outlet_state {
	OUTLET_RESTS,
	OUTLET_WAITS, /* for a thread */
	OUTLET_WORKS, /* a thread is at it */
};

struct outlet {
	struct crew_job job;   /* the work itself */
	struct crew_job drain; /* drops for the thread that hangs */
	struct crew *crew;
	enum outlet_kind kind;
	char *name; /* owned */
	const struct outlet_hooks *hooks;
	void *context;

	pthread_mutex_t lock;
	pthread_cond_t rests; /* no thread works on it any more */
	/* locked */
	enum outlet_state state;
	bool again;                        /* there is more to do than was known when it began */
	bool drains;                       /* `drain` waits or runs */
	bool closing;                      /* wants to be freed */
	struct channel *channels, *cursor; /* owned; in the order of their making */
	size_t channel_count;
	struct outbuf said; /* vergerd's own lines */
	unsigned reopens_wanted, reopens_done;
	int reopen_error;
	bool policy_is_new;
	struct logfile_policy policy;
	struct outlet_health health;
	bool news, wants_room;
	msec_t retry_at, works_since;
	msec_t seen_since; /* works_since, when outlet_watch saw it last */
	struct packing packing;

	/* of the thread that works */
	struct logfile *file;
	int fd; /* stream (borrowed) or socket (owned) */
	struct outbuf
		out; /* made and not yet written; its memory is the thread's while nothing is */
	size_t out_first;
	size_t turn_bytes;                /* read since the job began */
	bool torn;                        /* the file ends in a line that nobody goes on with */
	const struct channel *unfinished; /* whose line the file ends in the middle of */
	struct linestamp stamp;
	int64_t local_second; /* of local_time */
	char local_time[20];
};

/* Does what the packing of a rotated file needs of a thread. */
void outlet_pack(struct outlet *o);
/* No thread works on it any more: what is half packed goes. */
void outlet_end_packing(struct outlet *o);

/* The job; see crew.h. */
void outflow_run(struct crew_job *job, void **bench);
void outflow_drain(struct crew_job *job, void **bench);

/* --- records (outlet_record.c); negative errno: the target takes nothing, and the rest is kept ---
 */

int outlet_open_target(struct outlet *o, const struct logfile_policy *policy);
/* Closes what the thread has opened. */
void outlet_close_target(struct outlet *o);
/* Writes some of it; how much. */
ssize_t outlet_write_some(struct outlet *o, const char *bytes, size_t size);
/* Writes what was made. */
int outlet_flush(struct outlet *o);
/* A line in the middle of which another one would begin is ended; `c` goes on with its own. */
int outlet_end_unfinished(struct outlet *o, const struct channel *c);
/* A line is on its way when this returns: written, or kept in outlet.out with a negative errno. */
int outlet_emit(struct outlet *o, struct channel *c, enum log_format format,
                const struct line_facts *facts, const struct line *line);

/* --- from pipes to records (outlet_pump.c) --- */

enum {
	INPUT_SIZE = 128 * 1024,  /* one read */
	TURN_BYTES = 1024 * 1024, /* then it is another channel's turn, and another outlet's */
};

/* What a thread keeps from one job to the next. */
struct bench {
	char *input;       /* INPUT_SIZE; owned */
	struct outbuf out; /* memory for what is made: outlets that rest hold none */
};

/* The bench of a thread, with its input; NULL when memory is out. */
struct bench *bench_get(void **slot);

/* Moves what is in a pipe to where it belongs.  0 or negative errno of the target. */
int outlet_pump(struct outlet *o, struct channel *c, void **slot);
