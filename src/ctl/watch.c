/* SPDX-License-Identifier: MIT */
/* status --watch: the table, painted again when something changes and each second for the times, on
 * a screen of its own that is given back as it was. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <verger/client.h>

#include "base/clock.h"
#include "ctl/connection.h"
#include "ctl/exits.h"
#include "ctl/status.h"
#include "ctl/stream.h"

#define PAINT_MAX ((size_t)16 * 1024 * 1024)
enum { SECOND_MS = 1000, BREATH_MS = 100, ROWS_AROUND = 4 };

struct watch {
	struct ctl *ctl;
	struct ctl asking; /* the same with a client of its own: that of ctl is told what changes */
	struct stream stream;
	struct termios before;
	bool has_terminal; /* `before` is to be restored */
};

/* Another screen, no cursor, no echo, lines that do not wrap; keys come one by one. */
static void take_screen(struct watch *w)
{
	struct termios now;

	w->has_terminal = tcgetattr(STDIN_FILENO, &w->before) == 0;
	w->stream.has_keys = w->has_terminal;
	if (w->has_terminal) {
		now = w->before;
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &now);
	}
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
}

static void give_screen_back(struct watch *w)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (w->has_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &w->before);
}

static void add_footer(const struct watch *w, const struct report *report, size_t rows,
                       struct text *out)
{
	struct text line;

	text_init(&line, PAINT_MAX);
	if (report->total > rows)
		text_add_format(&line, "%zu more; ", report->total - rows);
	report_add_summary(report, &line);
	text_add_string(&line, "   (q ends)");
	text_add_char(out, '\n');
	screen_add(&w->ctl->screen, out, report->down ? INK_BAD : INK_FAINT, "%s", text_get(&line));
	text_release(&line);
}

/* Every line ends by clearing what was to the right of it, the last one what was below. */
static void write_lines(const struct text *painted)
{
	const char *at = text_get(painted), *end;

	fputs("\033[H", stdout);
	while ((end = strchr(at, '\n'))) {
		fwrite(at, 1, (size_t)(end - at), stdout);
		fputs("\033[K\n", stdout);
		at = end + 1;
	}
	fputs(at, stdout);
	fputs("\033[K\033[J", stdout);
}

static void paint(const struct watch *w, const struct report *report)
{
	unsigned columns, rows;
	struct text out;
	size_t room;

	screen_size(&columns, &rows);
	room = rows > ROWS_AROUND + 1 ? rows - ROWS_AROUND : 1;
	text_init(&out, PAINT_MAX);
	report_print(report, &w->ctl->screen, columns, room, &out);
	add_footer(w, report, room, &out);
	write_lines(&out);
	text_release(&out);
}

static int ask_and_paint(struct watch *w, int *status)
{
	struct report report;
	int r = status_ask(&w->asking, &report);

	if (r != 0)
		return r;
	paint(w, &report);
	*status = report.down ? EXIT_NOT_RUNNING : EXIT_DONE;
	report_release(&report);
	return 0;
}

/* One wait.  1 to go on, 0 to end as *status says, or negative errno. */
static int step(struct watch *w, int timeout_ms, int *status)
{
	json_t *reply = NULL;
	int news = stream_next(&w->stream, &reply, timeout_ms);

	if (news < 0)
		return news;
	json_decref(reply);
	switch ((enum stream_news)news) {
	case STREAM_LAST: return -ECONNRESET;
	case STREAM_MORE:
	case STREAM_TIME:
	case STREAM_RESIZED: return 1;
	case STREAM_KEY: return w->stream.key != 'q' && w->stream.key != 'Q';
	case STREAM_SUSPENDED:
		give_screen_back(w);
		stream_suspend(&w->stream);
		take_screen(w);
		return 1;
	case STREAM_INTERRUPTED:
		/* Ctrl-C is how many people end it, and no failure */
		if (w->stream.signo != SIGINT)
			*status = stream_exit_status(&w->stream);
		return 0;
	}
	return 0;
}

/* Waits for the next moment to paint: at once after a change, but not more often than the eye sees.
 */
static int wait_for_next(struct watch *w, msec_t painted, int *status)
{
	int r = step(w, SECOND_MS, status);

	while (r > 0) {
		msec_t left = painted + BREATH_MS - clock_monotonic_ms();

		if (left <= 0)
			return r;
		r = step(w, (int)left, status);
	}
	return r;
}

static int keep_watching(struct watch *w, int *status)
{
	int r = 1;

	while (r > 0) {
		msec_t now = clock_monotonic_ms();

		if (ask_and_paint(w, status) != 0)
			return -ECONNRESET; /* what was said is gone with the screen */
		r = wait_for_next(w, now, status);
	}
	return r;
}

static int open_both(struct watch *w)
{
	int status = connection_open(&w->asking);
	json_t *parameters;

	if (status != 0)
		return status;
	parameters = connection_parameters(w->ctl, 0);
	if (!parameters)
		return EXIT_USAGE;
	status = connection_call_more(w->ctl, "Monitor", parameters);
	return status ? status : stream_init(&w->stream, w->ctl);
}

/* The first question is asked before the screen is taken: what is wrong with it is said on the old
 * one. */
static int check_names(struct watch *w)
{
	struct report report;
	int status = status_ask(&w->asking, &report);

	if (status == 0)
		report_release(&report);
	return status;
}

int watch_run(struct ctl *ctl)
{
	struct watch w = { .ctl = ctl, .asking = *ctl };
	int status, r;

	w.asking.client = NULL;
	w.asking.socket_path = NULL;
	status = open_both(&w);
	if (status == 0)
		status = check_names(&w);
	if (status != 0) {
		connection_close(&w.asking);
		return status;
	}
	take_screen(&w);
	r = keep_watching(&w, &status);
	give_screen_back(&w);
	stream_release(&w.stream);
	connection_close(&w.asking);
	return r < 0 ? connection_explain(ctl, r) : status;
}
