/* SPDX-License-Identifier: MIT */
/* What vergerd can tell of its configuration and of the machine it runs on. */
#pragma once

#include "control/host.h"
#include "daemon/daemon.h"

/* See struct control_host; `context` is the daemon. */
int inventory_config(void *context, bool (*selected)(void *arg, uint32_t program),
                     void (*value)(void *arg, const struct host_value *value), void *arg,
                     struct diags *faults);
void inventory_doctor(void *context,
                      void (*finding)(void *arg, enum finding_level level, const char *subject,
                                      const char *text, const char *advice),
                      void *arg);
