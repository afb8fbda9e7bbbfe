/* SPDX-License-Identifier: MIT */
/* start, stop, restart and wait: what is asked of programs, and waited for. */
#include <string.h>

#include "ctl/connection.h"
#include "ctl/exits.h"
#include "ctl/progress.h"

/* wait asks for nothing that vergerd could go on with */
static bool is_wait(const struct verb *verb)
{
	return strcmp(verb->name, "wait") == 0;
}

static json_t *request_parameters(const struct ctl *ctl)
{
	const struct arguments *a = ctl->arguments;
	json_t *parameters = connection_parameters(ctl, 0);

	if (!parameters)
		return NULL;
	if (a->all)
		json_object_set_new(parameters, "all", json_true());
	if (a->no_wait)
		json_object_set_new(parameters, "wait", json_false());
	if (a->timeout != MSEC_NEVER)
		json_object_set_new(parameters, "timeout_ms", json_integer(a->timeout));
	if (!is_wait(a->verb))
		return parameters;
	return connection_with_text(parameters, "state", a->for_state ? a->for_state : "running");
}

int request_run(struct ctl *ctl)
{
	const struct verb *verb = ctl->arguments->verb;
	struct progress progress;
	json_t *parameters;
	int status = connection_open(ctl);

	if (status != 0)
		return status;
	parameters = request_parameters(ctl);
	if (!parameters)
		return EXIT_USAGE;
	status = connection_call_more(ctl, verb->method, parameters);
	if (status != 0)
		return status;
	progress_init(&progress, ctl, verb->name,
	              is_wait(verb) ? PROGRESS_WITHOUT_ADVICE : PROGRESS_WITH_ADVICE);
	status = progress_follow(&progress, NULL, NULL);
	progress_release(&progress);
	return status;
}
