/* SPDX-License-Identifier: MIT */
/* The exit status of vergerctl, the same for every verb. */
#pragma once

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3, /* status, pid: as LSB has it for init scripts */
	EXIT_REFUSED = 4,     /* no such program, or not allowed */
	EXIT_UNREACHABLE = 5,
	EXIT_TIMED_OUT = 124,   /* as timeout(1) */
	EXIT_INTERRUPTED = 130, /* 128 + SIGINT; what was asked for goes on */
};
