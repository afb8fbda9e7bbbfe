/* SPDX-License-Identifier: MIT */
/* What src/control needs of vergerd (control/host.h). */
#pragma once

#include "daemon/daemon.h"

/* Fills it for the life of the daemon, which is borrowed. */
void host_init(struct control_host *host, struct daemon *d);
