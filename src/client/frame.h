/* SPDX-License-Identifier: MIT */
/* Bytes that come in pieces of any size, cut into messages at each NUL.  Knows neither sockets nor
 * JSON. */
#pragma once

#include <stddef.h>

struct frame {
	/* private */
	char *bytes;             /* owned */
	size_t used, capacity;   /* bytes received; bytes there is room for */
	size_t first, looked_at; /* where the next message begins; no NUL before here */
	size_t max_size;
};

/* Messages may have up to max_size bytes without their NUL. */
void frame_init(struct frame *f, size_t max_size);
void frame_release(struct frame *f);

/* Makes room for what is received next: *at and how much may be written there, at least one byte.
 * Messages taken before are gone then.  0 or -ENOMEM. */
int frame_room(struct frame *f, char **at, size_t *size);

/* `size` bytes were written where frame_room said. */
void frame_filled(struct frame *f, size_t size);

/* Takes the next whole message, NUL-terminated and borrowed until the next frame_room.  1; 0 when
 * there is none yet; -EMSGSIZE when what has come already is longer than one may be. */
int frame_next(struct frame *f, const char **message, size_t *size);
