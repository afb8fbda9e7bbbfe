/* SPDX-License-Identifier: MIT */
/* System calls for code that runs between clone and exec, in memory and thread-local storage it
 * shares with a running parent: nothing here touches errno.  The calls themselves are in
 * arch/<arch>/sys.h. */
#pragma once

/* Marks every function that runs in such a child: its stack is unknown to the sanitizers. */
#define CHILD_CODE __attribute__((no_sanitize("address", "undefined")))

#include "sys.h"

/* sys_call(SYS_name, arguments…): the result, or negative errno. */
#define sys_call(...) SYS_CALL_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_CALL_PADDED(nr, a, b, c, d, e, f, ...)                                                 \
	sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
