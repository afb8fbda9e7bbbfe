/* SPDX-License-Identifier: MIT */
/* A unix stream socket and its clients: accepts, asks the kernel who they are, moves bytes both
 * ways without ever blocking, and cuts those that cost too much (B3).  What the bytes mean is the
 * handlers' business.
 *
 * Clients come after everything else in the loop's order: a flood of calls delays no exit of a
 * program (watchers of priority EV_MINPRI; at most LISTENER_STEPS calls a round, one for each
 * client in turn). */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "os/peer.h"

enum {
	LISTENER_CLIENTS_MAX = 64, /* one more cuts the one that has been idle longest */
	LISTENER_READ_SIZE = 16384,
	LISTENER_STEPS = 4,
	LISTENER_PATIENCE_MS = 10000, /* for a client to end a message it began, or to read what it
	                                 asked for */
};

struct listener;

/* `client` is what `opened` returned. */
struct listener_handlers {
	/* NULL: close it.  `connection` is for listener_wake. */
	void *(*opened)(void *context, const struct peer *peer, void *connection);
	void (*closed)(void *context, void *client); /* it is gone, whoever ended it */
	int (*receive)(void *client, const char *bytes, size_t size); /* negative: cut it */
	void (*end_of_input)(void *client);
	bool (*wants_input)(const void *client);
	bool (*is_ready)(const void *client);
	int (*step)(void *client); /* negative: cut it */
	const char *(*output)(const void *client, size_t *size);
	void (*sent)(void *client, size_t size);
	bool (*is_busy)(const void *client);    /* not to be cut for room */
	bool (*is_over)(const void *client);    /* close it when its output is written */
	bool (*is_partial)(const void *client); /* amid a message: patience counts */
	void *context;
};

/* Listens at `path` with permissions `mode`.  A socket file that nobody listens at is removed; one
 * that somebody answers at gives -EADDRINUSE; anything else at the path -EEXIST.  The path may be
 * longer than sun_path (it is bound through its directory).  0 or negative errno. */
int listener_new(struct listener **out, struct ev_loop *loop, const char *path, mode_t mode,
                 const struct listener_handlers *handlers);

/* Removes the socket file if it is still ours, and takes no more clients; those that are there
 * stay.
 */
void listener_withdraw(struct listener *l);

/* Writes what can be written at once, closes everything and removes the socket file if it is still
 * ours. */
void listener_free(struct listener *l);

/* There is something to write or to do for this client: it gets its turn at the end of this round
 * of the loop.  May be called at any time between `opened` and `closed`. */
void listener_wake(void *connection);

/* Whether the socket file at the path is (still) the one we listen at. */
bool listener_is_reachable(const struct listener *l);
void listener_set_mode(struct listener *l, mode_t mode);

/* Another time than LISTENER_PATIENCE_MS. */
void listener_set_patience(struct listener *l, msec_t patience_ms);
size_t listener_client_count(const struct listener *l);
