/* SPDX-License-Identifier: MIT */
/* events: each change of state, as it happens. */
#include <signal.h>

#include "base/clock.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"
#include "ctl/moment.h"
#include "ctl/stream.h"

/* "15:04:05 web: running -> backoff: exited with status 1" */
static void print_event(const struct screen *screen, const json_t *event)
{
	const char *from = member_text(event, "from"), *to = member_text(event, "to");
	const char *reason = member_text(event, "reason");
	json_int_t pid = member_integer(event, "pid", 0);
	char at[MOMENT_SIZE];

	screen_put(screen, INK_FAINT, "%s ",
	           moment_format(member_text(event, "time"), clock_realtime_us(), at));
	screen_put(screen, INK_STRONG, "%s", member_text(event, "program"));
	screen_put(screen, INK_PLAIN, ": %s -> ", from);
	screen_put(screen, screen_state_ink(to), "%s", to);
	if (pid > 0)
		screen_put(screen, INK_PLAIN, " (PID %" JSON_INTEGER_FORMAT ")", pid);
	if (*reason)
		screen_put(screen, INK_PLAIN, ": %s", reason);
	putchar('\n');
}

static void print_events(const struct ctl *ctl, const json_t *reply)
{
	json_t *events = member_array(reply, "events"), *event;
	size_t i;

	for (i = 0; (event = json_array_get(events, i)); i++) {
		if (ctl->arguments->json)
			connection_print_json(ctl, event);
		else
			print_event(&ctl->screen, event);
	}
}

static int follow(struct ctl *ctl, struct stream *stream)
{
	for (;;) {
		json_t *reply = NULL;
		int news = stream_next(stream, &reply, -1);

		if (news < 0)
			return connection_explain(ctl, news);
		print_events(ctl, reply);
		json_decref(reply);
		if (news == STREAM_LAST) {
			screen_complain("vergerd has ended");
			return EXIT_UNREACHABLE;
		}
		if (news == STREAM_SUSPENDED)
			stream_suspend(stream);
		if (news == STREAM_INTERRUPTED)
			return stream->signo == SIGINT ? EXIT_DONE : stream_exit_status(stream);
	}
}

int events_run(struct ctl *ctl)
{
	struct stream stream;
	json_t *parameters;
	int status = connection_open(ctl);

	if (status != 0)
		return status;
	parameters = connection_parameters(ctl, 0);
	if (!parameters)
		return EXIT_USAGE;
	status = connection_call_more(ctl, "Monitor", parameters);
	if (status == 0)
		status = stream_init(&stream, ctl);
	if (status != 0)
		return status;
	status = follow(ctl, &stream);
	stream_release(&stream);
	return status;
}
