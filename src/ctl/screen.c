/* SPDX-License-Identifier: MIT */
#include "ctl/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/safe.h"

enum { LINE_MAX_SIZE = 1024 * 1024 };

static const char *const ink_codes[INK_COUNT] = {
	[INK_PLAIN] = "",
	[INK_GOOD] = "\033[32m",
	[INK_BUSY] = "\033[33m",
	[INK_BAD] = "\033[31m",
	[INK_FAINT] = "\033[2m",
	[INK_STRONG] = "\033[1m",
	[INK_NAMES] = "\033[36m",
	[INK_NAMES + 1] = "\033[35m",
	[INK_NAMES + 2] = "\033[34m",
	[INK_NAMES + 3] = "\033[32m",
	[INK_NAMES + 4] = "\033[33m",
	[INK_NAMES + 5] = "\033[96m",
};

void screen_init(struct screen *s, bool no_color)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	s->is_terminal = isatty(STDOUT_FILENO) == 1;
	s->has_color = s->is_terminal && !no_color && !(refused && *refused) && term && *term &&
	               strcmp(term, "dumb") != 0;
}

void screen_size(unsigned *columns, unsigned *rows)
{
	struct winsize size;

	*columns = 80;
	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col > 0)
		*columns = size.ws_col;
	if (size.ws_row > 0)
		*rows = size.ws_row;
}

const char *screen_ink(const struct screen *s, enum ink ink)
{
	return s->has_color ? ink_codes[ink] : "";
}

const char *screen_ink_end(const struct screen *s, enum ink ink)
{
	return s->has_color && ink != INK_PLAIN ? "\033[0m" : "";
}

enum ink screen_state_ink(const char *state)
{
	static const struct {
		const char *state;
		enum ink ink;
	} inks[] = {
		{ "running", INK_GOOD },  { "failed", INK_BAD },    { "backoff", INK_BUSY },
		{ "waiting", INK_BUSY },  { "starting", INK_BUSY }, { "stopping", INK_BUSY },
		{ "stopped", INK_FAINT }, { "exited", INK_FAINT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(inks); i++)
		if (strcmp(inks[i].state, state) == 0)
			return inks[i].ink;
	return INK_PLAIN;
}

__attribute__((format(printf, 4, 0))) static size_t add_arguments(const struct screen *s,
                                                                  struct text *out, enum ink ink,
                                                                  const char *format,
                                                                  va_list arguments)
{
	_cleanup_free_ char *raw = NULL;
	int size = vasprintf(&raw, format, arguments);
	size_t columns;

	if (size < 0) {
		raw = NULL;
		return 0;
	}
	text_add_string(out, screen_ink(s, ink));
	columns = safe_add(out, raw, (size_t)size);
	text_add_string(out, screen_ink_end(s, ink));
	return columns;
}

size_t screen_add(const struct screen *s, struct text *out, enum ink ink, const char *format, ...)
{
	va_list arguments;
	size_t columns;

	va_start(arguments, format);
	columns = add_arguments(s, out, ink, format, arguments);
	va_end(arguments);
	return columns;
}

__attribute__((format(printf, 5, 0))) static void put_arguments(const struct screen *s, FILE *file,
                                                                enum ink ink, const char *end,
                                                                const char *format,
                                                                va_list arguments)
{
	struct text line;

	text_init(&line, LINE_MAX_SIZE);
	add_arguments(s, &line, ink, format, arguments);
	fputs(text_get(&line), file);
	fputs(end, file);
	text_release(&line);
}

void screen_put(const struct screen *s, enum ink ink, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_arguments(s, stdout, ink, "", format, arguments);
	va_end(arguments);
}

void screen_say(const struct screen *s, enum ink ink, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_arguments(s, stdout, ink, "\n", format, arguments);
	va_end(arguments);
}

static bool is_one_place(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

void screen_complain(const char *format, ...)
{
	const struct screen plain = { 0 };
	va_list arguments;

	if (is_one_place(STDOUT_FILENO, STDERR_FILENO))
		fflush(stdout); /* in the order in which it was written */
	fputs("vergerctl: ", stderr);
	va_start(arguments, format);
	put_arguments(&plain, stderr, INK_PLAIN, "\n", format, arguments);
	va_end(arguments);
}

int screen_flush(void)
{
	if (fflush(stdout) == EOF)
		return errno ? -errno : -EIO;
	return ferror(stdout) ? -EIO : 0;
}
