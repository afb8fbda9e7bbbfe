/* SPDX-License-Identifier: MIT */
/* A pipe that a program writes its output into, and what is known of the bytes in it: which life of
 * the program they belong to, what was lost of them, and what was said last.
 *
 * vergerd holds one descriptor of it, open for reading and writing: the pipe never ends, and stays
 * from one life of the program to the next.  Programs get ends that are open for both as well, so
 * that the death of vergerd is no SIGPIPE for them (docs/adr/0012).
 *
 * Used by the loop and by one thread at a time; channels of an outlet share its lock, and what is
 * said to be called "locked" needs it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/linecut.h"
#include "os/lineformat.h"
#include "os/logring.h"

enum {
	CHANNEL_PIPE = 64 * 1024,       /* what a pipe holds */
	CHANNEL_LIVES_MAX = 8,          /* whose output has not been read yet */
	CHANNEL_BUSY_BYTES = 16 * 1024, /* what a program writes that is in a hurry */
	CHANNEL_DROP_MAX = 4 * 1024 * 1024,
};

struct outlet;

/* A life of the program: a piece of what comes out of the pipe. */
struct life {
	uint64_t end;  /* of its output, in bytes from the beginning; UINT64_MAX = it goes on */
	pid_t pid;     /* 0 = not known */
	bool starting; /* its PID will be known in a moment */
	bool several;  /* it is more than one that could not be told apart: no PID is right */
};

struct channel {
	struct channel *next;         /* outlet.channels */
	struct channel *next_resting; /* capture.resting */
	struct outlet *outlet;
	uint32_t program;
	int stream; /* 1 or 2 */
	char *name; /* of the program; owned */
	unsigned instance;
	int fd;
	int poll_fd; /* borrowed: the epoll that watches it, for one event at a time */
	uid_t uid;   /* who may open the pipe again; as root only */
	bool wide;

	/* locked */
	enum log_format format;
	enum log_stalled stalled;
	struct life lives[CHANNEL_LIVES_MAX]; /* the first is the one whose bytes are read now */
	size_t life_count;
	uint64_t taken;    /* bytes read from the pipe, ever */
	bool ready;        /* there may be more in the pipe */
	bool armed;        /* an event will tell */
	bool rests;        /* capture.resting has it */
	bool leaving;      /* ends when it is empty */
	bool gone;         /* it has: the thread wants nothing more of it */
	bool awaits_pid;   /* there is something to read when the PID is known */
	bool gap;          /* bytes were dropped and not told of yet */
	bool cut_is_over;  /* the unfinished line is of a life that is over: nothing was dropped of
	                      it, but the thread was not there when it ended */
	bool in_lost_line; /* the next byte belongs to a line of which some were dropped */
	uint64_t lost_lines, lost_bytes;             /* not told of yet */
	uint64_t total_lost_lines, total_lost_bytes; /* since it was made */
	int lost_for;                                /* why: positive errno */
	struct logring ring;
	size_t memory;    /* what the ring may keep */
	size_t said;      /* bytes that this life has added to the ring */
	char *last_words; /* of a life that has ended; owned; NULL = none, or taken */
	size_t last_words_size;

	/* of the thread that works on it */
	struct linecut cut;
	pid_t read_pid; /* of the bytes that were read last */
	char *input;    /* read and not yet worked on; owned */
	size_t input_first, input_end;
};

/* Makes the pipe, to be watched by `poll_fd` (borrowed); a line may have `line_max` bytes.  NULL
 * with errno. */
struct channel *channel_new(const struct program_settings *program, uint32_t id, int stream,
                            size_t line_max, int poll_fd);
void channel_free(struct channel *c);

/* Takes over what a reload may change.  Locked. */
void channel_set_policy(struct channel *c, const struct program_settings *program);

/* An end for the program, open for reading and writing, close-on-exec; or negative errno. */
int channel_open_end(struct channel *c, const struct credentials *who);

/* A life begins: the pipe holds nothing of it yet.  Locked. */
void channel_begin_life(struct channel *c);
/* Its PID is known (0: it did not come about); may make the channel ready.  Locked. */
void channel_set_pid(struct channel *c, pid_t pid);
/* Nobody of it is left: what it wrote is in the pipe.  Locked. */
void channel_end_life(struct channel *c);

/* Reads from the pipe, of one life only.  The count; 0: that life ends here, or nothing may be read
 * yet; -EAGAIN: it is empty.  Locked. */
ssize_t channel_read(struct channel *c, char *buffer, size_t size);
/* Whether the life that is read now has ended and nothing of it is left in the pipe.  Locked. */
bool channel_at_life_end(const struct channel *c);
/* Goes on to the next life; keeps the last words of the one that has ended.  Locked. */
void channel_next_life(struct channel *c);
/* The PID of the life whose bytes were read last.  Locked. */
pid_t channel_pid(const struct channel *c);

/* Notes what the program has said.  Locked. */
void channel_note(struct channel *c, const char *bytes, size_t size);

/* Reads what is in the pipe, CHANNEL_DROP_MAX bytes at most, and forgets it, counting; `reason` is
 * a positive errno.  Whether there may be more.  Locked. */
bool channel_drop(struct channel *c, char *buffer, size_t size, int reason);
/* After bytes were dropped: forgets the unfinished line before them, and what of *bytes belongs to
 * the line that was being lost; false: all of it does.  Locked. */
bool channel_close_gap(struct channel *c, const char **bytes, size_t *size);

/* Has poll_fd tell, once, that there is something in the pipe.  Locked. */
void channel_arm(struct channel *c);

/* A program in a hurry gets a larger pipe: fewer, larger reads. */
void channel_widen(struct channel *c);

/* Bytes in the pipe. */
size_t channel_waiting(const struct channel *c);
