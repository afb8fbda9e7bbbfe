/* SPDX-License-Identifier: MIT */
/* pid and signal: the main process of a program, without a race (contract P8). */
#include <inttypes.h>

#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/progress.h"

int pid_run(struct ctl *ctl)
{
	json_t *parameters = json_object(), *reply;
	int status = EXIT_USAGE;

	parameters = connection_with_text(parameters, "name", ctl->arguments->words[0]);
	if (parameters)
		status = connection_open(ctl);
	if (status != 0) {
		json_decref(parameters);
		return status;
	}
	status = connection_call(ctl, "Pid", parameters, &reply);
	if (status != 0)
		return status;
	if (ctl->arguments->json)
		connection_print_json(ctl, reply);
	else
		printf("%" JSON_INTEGER_FORMAT "\n", member_integer(reply, "pid", 0));
	json_decref(reply);
	return EXIT_DONE;
}

/* {"names": [NAME], "signal": SIGNAL, "to": TO} */
static json_t *signal_parameters(const struct arguments *a)
{
	json_t *parameters = connection_with_text(json_object(), "signal", a->words[1]), *name;

	if (!parameters)
		return NULL;
	if (a->to)
		json_object_set_new(parameters, "to", json_string(a->to));
	name = json_string(a->words[0]);
	if (name) {
		json_object_set_new(parameters, "names", json_pack("[o]", name));
		return parameters;
	}
	screen_complain("'%s' is no UTF-8", a->words[0]);
	json_decref(parameters);
	return NULL;
}

static int tell_signalled(struct ctl *ctl, const json_t *reply)
{
	struct progress progress;
	int status;

	if (ctl->arguments->json)
		connection_print_json(ctl, reply);
	progress_init(&progress, ctl, "signal", PROGRESS_WITHOUT_ADVICE);
	progress_add(&progress, member_array(reply, "programs"));
	status = progress_finish(&progress);
	progress_release(&progress);
	return status;
}

int signal_run(struct ctl *ctl)
{
	json_t *parameters = signal_parameters(ctl->arguments), *reply;
	int status = EXIT_USAGE;

	if (parameters)
		status = connection_open(ctl);
	if (status != 0) {
		json_decref(parameters);
		return status;
	}
	status = connection_call(ctl, "Signal", parameters, &reply);
	if (status != 0)
		return status;
	status = tell_signalled(ctl, reply);
	json_decref(reply);
	return status;
}
