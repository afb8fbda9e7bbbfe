/* SPDX-License-Identifier: MIT */
/* shutdown: stops everything and waits for the end of vergerd. */
#include <errno.h>

#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/stream.h"

/* vergerd ends the connection when it ends itself. */
static int wait_for_end(struct ctl *ctl, struct stream *stream)
{
	for (;;) {
		json_t *reply = NULL;
		int news = stream_next(stream, &reply, -1);

		json_decref(reply);
		if (news == -ECONNRESET)
			return EXIT_DONE;
		if (news < 0)
			return connection_explain(ctl, news);
		if (news == STREAM_SUSPENDED)
			stream_suspend(stream);
		if (news == STREAM_INTERRUPTED) {
			screen_complain(
				"interrupted; vergerd goes on with the shutdown: vergerctl status");
			return stream_exit_status(stream);
		}
	}
}

int shutdown_run(struct ctl *ctl)
{
	json_t *parameters = json_object();
	struct stream stream;
	int status = connection_open(ctl);

	if (ctl->arguments->now)
		json_object_set_new(parameters, "now", json_true());
	if (status != 0) {
		json_decref(parameters);
		return status;
	}
	status = connection_call(ctl, "Shutdown", parameters, NULL);
	if (status == 0)
		status = stream_init(&stream, ctl);
	if (status != 0)
		return status;
	status = wait_for_end(ctl, &stream);
	stream_release(&stream);
	return status;
}
