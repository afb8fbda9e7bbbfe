/* SPDX-License-Identifier: MIT */
/* What capture.c (pipes) and capture_news.c (what is told of targets) share. */
#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include "os/capture.h"
#include "os/crew.h"
#include "os/outlet.h"

/* A target: its outlet, and what was said of it. */
struct target {
	struct target *next;   /* capture.targets */
	struct outlet *outlet; /* owned */
	dev_t dev;             /* of a stream */
	ino_t ino;
	bool had_channels, is_over; /* it goes when it is empty */
	bool reopens;               /* was told to */
	struct outlet_health told;
	uint64_t lost_before; /* bytes, when its trouble began */
	int polled_fd;        /* in capture.poll_fd, for room; owned; -1 = none */
	bool given_up;        /* by capture_drain */
};

/* The channels of a program's standard output and error; the same one twice if they go to the same
 * target. */
struct unit_streams {
	struct channel *streams[2];
};

struct capture {
	struct crew *crew;
	const struct outlet_hooks *hooks; /* of all outlets */
	struct target *targets;           /* owned */
	struct target *own;               /* where vergerd's own lines go; NULL = elsewhere */
	int own_fd;                       /* which vergerd writes to itself; -1 = none */
	size_t own_waits;                 /* bytes of vergerd's own that no thread was called for */
	uint64_t lane;                    /* of the folder looked at last; 0 = none */
	size_t lane_size;
	char lane_folder[256];
	struct packer *packer;  /* owned; NULL = nothing is packed */
	struct target *packing; /* whose turn it is */
	bool packs_no_more;
	struct unit_streams *units; /* owned; the channels belong to outlets */
	size_t unit_count;
	size_t held; /* descriptors */
	int poll_fd;
	struct ev_loop *loop; /* NULL before there is one */
	ev_io readable;
	ev_timer rest, watch;
	ev_async wake;
	ev_prepare prepare;
	capture_last_words *last_words;
	void *context;

	pthread_mutex_t rest_lock; /* taken behind an outlet's */
	struct channel *resting;
	bool rest_timer_runs;
	bool has_news; /* there is something for capture_look */
};

/* The lane of a path (crew.h): what it lies on. */
uint64_t capture_lane(struct capture *c, const char *path);

/* Makes a target; NULL when memory is out. */
struct target *capture_add_target(struct capture *c, enum outlet_kind kind, const char *name,
                                  int fd, uint64_t lane);
/* The one there is, or NULL. */
struct target *capture_find_target(const struct capture *c, enum outlet_kind kind,
                                   const char *name);
struct target *capture_find_stream(const struct capture *c, const struct stat *st);
/* The target behind a descriptor of vergerd; NULL when memory is out. */
struct target *capture_get_stream(struct capture *c, int fd);

/* Has a thread write vergerd's own lines that wait. */
void capture_send_for_own(struct capture *c);
/* Has vergerd's own log written where no thread can be had. */
void capture_own_here(struct capture *c);
/* Looks at what threads have to tell. */
void capture_look(struct capture *c);
/* Goes on with the packing of a target's rotated files. */
void capture_pack(struct capture *c, struct target *t);
/* A target is no longer asked whether it has room. */
void capture_forget_room(struct capture *c, struct target *t);
/* Has an outlet do what there is to do. */
void capture_kick(struct capture *c, struct outlet *o);
