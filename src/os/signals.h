/* SPDX-License-Identifier: MIT */
/* Signals sent to vergerd itself, and the dispositions it starts with. */
#pragma once

#include <ev.h>
#include <stdbool.h>

/* First thing in main: every signal to its default, none blocked (a parent may have left SIGCHLD
 * ignored, nohup HUP), SIGPIPE caught by a handler that does nothing (ignoring it would be
 * inherited by programs). */
void signals_reset(void);

/* Keeps signals waiting until signals_new is ready for them: one that arrives while vergerd starts
 * is heard a little later and kills nobody. */
void signals_hold(void);

struct signals;
typedef void signals_received(void *context, int signo);

/* Listens for TERM INT QUIT HUP USR1 USR2 and for every signal for which `claims` says yes. */
struct signals *signals_new(struct ev_loop *loop, bool (*claims)(void *context, int signo),
                            signals_received *received, void *context);

/* The claims have changed: listens to what they say now. */
void signals_update(struct signals *s);
void signals_free(struct signals *s);
