/* SPDX-License-Identifier: MIT */
/* What vergerd says in its log about its programs: sentences for the person who reads them at 3
 * a.m. */
#pragma once

#include "daemon/daemon.h"

/* A change of state. */
void report_state(const struct daemon *d, uint32_t program, enum life_state from,
                  enum life_state to);

/* The main process ended. */
void report_exit(const struct daemon *d, uint32_t program, const struct reaper_exit *exit);

/* Who is still there while a stop waits (S4). */
void report_leftovers(const struct daemon *d, uint32_t program);

/* Length of the longest text of report_format_exit, with its NUL. */
#define REPORT_EXIT_SIZE 64

/* "exited with status 3", "was killed by SIGSEGV (core dumped)". */
const char *report_format_exit(int code, int signal, bool core, char out[REPORT_EXIT_SIZE]);
