/* SPDX-License-Identifier: MIT */
/* Writes the table of keys for people.  Knows no key by name. */
#include "config/keydoc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/keys.h"

struct chapter {
	const char *title;
	enum key_place place;
};

static const struct chapter chapters[] = {
	{ "[verger] section", KEY_IN_VERGER },
	{ "[program:NAME] and [defaults] sections", KEY_IN_PROGRAM },
	{ "[group:NAME] sections", KEY_IN_GROUP },
};

enum { LINE_WIDTH = 72 };

/* Writes `size` bytes; what roff would take for an escape is made harmless. */
static void write_bytes(const char *text, size_t size, FILE *out)
{
	for (; size > 0; size--, text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\'')
			fputs("\\(aq", out);
		else
			fputc(*text, out);
	}
}

/* Text on lines of its own, broken between words. */
static void write_text(const char *text, FILE *out)
{
	size_t column = 0;

	while (*text) {
		size_t size = strcspn(text, " ");

		if (column > 0) {
			bool fits = column + 1 + size <= LINE_WIDTH;

			fputc(fits ? ' ' : '\n', out);
			column = fits ? column + 1 : 0;
		}
		/* a request starts with one of these at the start of a line */
		if (column == 0 && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		write_bytes(text, size, out);
		column += size;
		text += size;
		text += strspn(text, " ");
	}
}

/* As an argument of a macro: in quotes, so that no word of it is taken for another macro. */
static void write_argument(const char *text, FILE *out)
{
	fputc('"', out);
	write_bytes(text, strlen(text), out);
	fputc('"', out);
}

/* What a reload makes of a new value; most are live, which is not said again and again. */
static void write_change(const struct key *key, FILE *out)
{
	if (key->flags & KEY_FIXED)
		fputs("Fixed while vergerd runs.\n", out);
	else if (key->flags & KEY_RESTARTS && key->places & KEY_IN_VERGER)
		fputs("A change restarts all programs.\n", out);
	else if (key->flags & KEY_RESTARTS)
		fputs("A change restarts the program.\n", out);
	else if (key->flags & KEY_MOVES)
		fputs("A change restarts the program only if its output passes through\n"
		      ".Nm vergerd\n"
		      "from then on, or does no longer.\n",
		      out);
}

static void write_key(const struct key *key, FILE *out)
{
	fprintf(out, ".It Ic %s No = Ar ", key->name);
	write_argument(key->form, out);
	fputc('\n', out);
	write_text(key->help, out);
	fputs(".\n", out);
	if (key->places & KEY_IN_PROGRAM && !(key->places & KEY_IN_DEFAULTS))
		fputs("Not in [defaults].\n", out);
	write_change(key, out);
	if (!key->default_text)
		return;
	fputs("Default:", out);
	if (*key->default_text == '(') {
		fputc(' ', out);
		for (const char *p = key->default_text + 1; p[1]; p++)
			fputc(*p, out);
		fputs(".\n", out);
	} else {
		fputs("\n.Ql ", out);
		write_argument(key->default_text, out);
		fputs(" .\n", out);
	}
}

static void write_chapter(const struct chapter *chapter, FILE *out)
{
	fprintf(out, ".Ss The %s\n.Bl -tag -width Ds\n", chapter->title);
	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].places & chapter->place && !(config_keys[i].flags & KEY_LATER))
			write_key(&config_keys[i], out);
	fputs(".El\n", out);
}

int conf_keydoc(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(chapters); i++)
		write_chapter(&chapters[i], out);
	return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
