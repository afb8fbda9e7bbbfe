/* SPDX-License-Identifier: MIT */
#include "ctl/help.h"

#include <stdbool.h>
#include <string.h>

#include "ctl/options.h"

/* where a help begins, and where its lines end */
enum { HELP_COLUMN = 26, HELP_WIDTH = 80 };

static const char *const who_may[] = {
	[ROLE_NONE] = "everybody",
	[ROLE_VIEW] = "root, the user of vergerd, members of control_group and of view_group",
	[ROLE_OPERATE] = "root, the user of vergerd, members of control_group",
	[ROLE_ADMIN] = "root, the user of vergerd",
};

/* `left`, and beside it `text` in lines of words. */
static void print_entry(const char *left, const char *text, FILE *out)
{
	int at = fprintf(out, "  %s", left);

	if (at >= HELP_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	while (*text) {
		int size = (int)strcspn(text, " ");

		if (at + 1 + size > HELP_WIDTH) {
			fputc('\n', out);
			at = 0;
		}
		if (at < HELP_COLUMN)
			at += fprintf(out, "%*s", HELP_COLUMN - at, "");
		else
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", size, text);
		text += size + (int)strspn(text + size, " ");
	}
	fputc('\n', out);
}

static void print_option(const struct ctl_option *o, FILE *out)
{
	char left[OPTION_TEXT_SIZE];

	print_entry(option_format(o, left), o->help, out);
}

static void print_verb(const struct verb *verb, FILE *out)
{
	char left[128];

	snprintf(left, sizeof left, "%s%s%s", verb->name, *verb->synopsis ? " " : "",
	         verb->synopsis);
	print_entry(left, verb->help, out);
}

static void print_overview(FILE *out)
{
	fputs("usage: vergerctl [-s SOCKET] [--json] [--no-color] [VERB] [OPTION ...] [NAME "
	      "...]\n\n"
	      "Sees and steers the programs that vergerd hosts.  Without a verb: status.\n"
	      "A NAME is that of a program, NAME:0 for one instance, a group, or a pattern with\n"
	      "* ? [ ].\n\n"
	      "verbs:\n",
	      out);
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].name && !(verbs[i].flags & VERB_HIDDEN))
			print_verb(&verbs[i], out);
	fputs("\noptions:\n", out);
	for (size_t i = 0; i < ctl_option_count; i++)
		if (option_is_global(&ctl_options[i]))
			print_option(&ctl_options[i], out);
	fputs("\nvergerctl VERB --help tells the options of a verb.\n\n"
	      "exit status: 0 done (status: all run); 1 failed; 2 usage; 3 not running (status, "
	      "pid);\n"
	      "4 no such program, or not allowed; 5 vergerd is not reachable; 124 timed out.\n\n"
	      "examples:\n"
	      "  vergerctl                          what runs, what does not, and why\n"
	      "  vergerctl restart web              returns when web is up again\n"
	      "  vergerctl why web                  its last exits, its last output, what to do\n"
	      "  vergerctl reload --dry-run         what a changed configuration would do\n"
	      "  vergerctl logs -f 'web*'           what they write, as they write it\n\n"
	      "manual: vergerctl(1), vergerd(8), verger.ini(5)\n",
	      out);
}

static void print_one(const struct verb *verb, FILE *out)
{
	bool has_options = false;

	for (size_t i = 0; i < ctl_option_count; i++)
		has_options |= option_is_of(&ctl_options[i], verb);
	fprintf(out, "usage: vergerctl %s%s%s%s\n\n", verb->name,
	        has_options ? " [OPTION ...]" : "", *verb->synopsis ? " " : "", verb->synopsis);
	print_entry(verb->name, verb->help, out);
	fprintf(out, "\nfor: %s\n", who_may[verb->role]);
	if (!has_options)
		return;
	fputs("\noptions:\n", out);
	for (size_t i = 0; i < ctl_option_count; i++)
		if (option_is_of(&ctl_options[i], verb))
			print_option(&ctl_options[i], out);
}

void help_print(const struct verb *verb, FILE *out)
{
	if (verb)
		print_one(verb, out);
	else
		print_overview(out);
}
