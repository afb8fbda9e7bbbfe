/* SPDX-License-Identifier: MIT */
/* What every verb is given, and the verbs themselves: each returns an exit status (exits.h) after
 * it has said what there is to say. */
#pragma once

#include "ctl/arguments.h"
#include "ctl/screen.h"

struct verger_client;

struct ctl {
	const struct arguments *arguments;
	struct screen screen;
	struct verger_client *client; /* NULL until connection_open */
	char *socket_path;            /* owned; NULL until then */
};

int status_run(struct ctl *ctl);
int request_run(struct ctl *ctl); /* start, stop, restart, wait */
int reload_run(struct ctl *ctl);
int signal_run(struct ctl *ctl);
int pid_run(struct ctl *ctl);
int logs_run(struct ctl *ctl);
int events_run(struct ctl *ctl);
int why_run(struct ctl *ctl);
int check_run(struct ctl *ctl);
int values_run(struct ctl *ctl); /* config */
int shutdown_run(struct ctl *ctl);
int doctor_run(struct ctl *ctl);
int names_run(struct ctl *ctl);
int upgrade_run(struct ctl *ctl);
