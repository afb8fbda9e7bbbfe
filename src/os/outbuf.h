/* SPDX-License-Identifier: MIT */
/* Bytes on their way out: records are put together at its end and written from its start.  It has
 * no maximum of its own; who fills it stops after the record that brings it to his. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct outbuf {
	char *data; /* owned; NULL while nothing was ever reserved */
	size_t size, capacity;
};

/* Decimal digits of the largest number. */
#define OUTBUF_DIGITS 20

/* Room for `extra` bytes behind the `size` that are there; who writes there adds to `size`.  NULL
 * when memory is out: the buffer is unchanged then. */
char *outbuf_reserve(struct outbuf *b, size_t extra);

/* Appends; 0 or -ENOMEM with the buffer unchanged. */
int outbuf_add(struct outbuf *b, const char *bytes, size_t size);

/* Gives the memory back; an empty buffer stays. */
void outbuf_release(struct outbuf *b);

/* Writes a number into room of OUTBUF_DIGITS bytes; where it ends. */
char *outbuf_put_number(char *at, uint64_t number);
