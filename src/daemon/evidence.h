/* SPDX-License-Identifier: MIT */
/* What is noted of each end of a program, for whoever asks later why it is as it is (R3).  Reading
 * files is left for a moment in which nothing else is to be done. */
#pragma once

#include "daemon/daemon.h"

/* A start: where its output begins. */
void evidence_on_start(struct daemon *d, uint32_t program, const struct spawn_plan *plan);
/* A start that failed. */
void evidence_on_failure(struct daemon *d, uint32_t program, enum spawn_step step, int error);
/* The end of its main process; before core hears of it. */
void evidence_on_exit(struct daemon *d, uint32_t program, const struct reaper_exit *exit);

/* Looks at one of the ends that wait for it: what the program said last, and whether memory was
 * out.
 */
void evidence_examine(struct daemon *d);

/* What a life that went through vergerd said last (capture_last_words; `context` is the daemon). */
void evidence_on_last_words(void *context, uint32_t program, const char *text, size_t size);
