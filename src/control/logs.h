/* SPDX-License-Identifier: MIT */
/* The stream of what programs wrote. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct host_tail;
struct logs;

void logs_free(struct logs *l);

/* There is more in this tail: whether it is one of these. */
bool logs_on_growth(struct logs *l, const struct host_tail *tail);
/* A program was removed. */
void logs_on_removed(struct logs *l, uint32_t program);

/* Whether there is something to tell; tells some of it.  True when that was the last. */
bool logs_is_ready(const struct logs *l);
bool logs_step(struct logs *l);

/* Ends the stream. */
void logs_finish(struct logs *l);
