/* SPDX-License-Identifier: MIT */
/* Names of signals, as kill(1) writes them. */
#pragma once

/* Length of the longest text of signame_format, with its NUL. */
#define SIGNAME_SIZE 16

/* The number of "TERM", "SIGTERM", "term", "15", "RTMIN", "RTMIN+3" or "RTMAX-1"; -EINVAL for
 * anything else, 0 only for "0". */
int signame_parse(const char *text);

/* Writes "SIGTERM", "SIGRTMIN+3", or "signal 99" into out and returns it. */
const char *signame_format(int signo, char out[SIGNAME_SIZE]);
