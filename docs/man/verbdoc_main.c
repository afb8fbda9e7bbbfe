/* SPDX-License-Identifier: MIT */
/* Build tool: copies the template of vergerctl(1) to a page and fills in what comes from the tables
 * of verbs and options.  Knows no verb.  usage: verbdoc TEMPLATE PAGE */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/verbs.h"
#include "ctl/options.h"
#include "template.h"

/* Text of a macro's argument: no blank, and nothing that mdoc would take for its own. */
static void print_argument(const char *text)
{
	putchar(' ');
	for (; *text; text++) {
		if (*text == '|' || *text == '[' || *text == ']')
			fputs("\\&", stdout);
		putchar(*text);
	}
}

/* " Ar NAME" for each word of a synopsis, options and brackets as they are */
static void print_synopsis(const struct verb *verb)
{
	const char *word = verb->synopsis;
	size_t size;

	for (; *word; word += size + strspn(word + size, " ")) {
		char text[64];

		size = strcspn(word, " ");
		snprintf(text, sizeof text, "%.*s", (int)size, word);
		if (strncmp(text, "--", 2) == 0)
			printf(" Fl Fl %s", text + 2);
		else if (strcmp(text, "|") == 0)
			fputs(" No \\&|", stdout);
		else if (strcmp(text, "show") == 0)
			fputs(" Cm show", stdout);
		else {
			fputs(" Ar", stdout);
			print_argument(text);
		}
	}
}

/* A sentence with its capital and its full stop, each part after a semicolon on a line of its own.
 */
static void print_sentence(const char *text)
{
	putchar(toupper((unsigned char)*text));
	for (text++; *text; text++) {
		putchar(*text);
		if (*text == ';') {
			putchar('\n');
			text += strspn(text + 1, " ");
		}
	}
	puts(".");
}

static void print_option(const struct ctl_option *o)
{
	fputs(".It", stdout);
	if (option_letter(o)) {
		printf(" Fl %c", option_letter(o));
		if (o->argument) {
			fputs(" Ar", stdout);
			print_argument(o->argument);
		}
		fputs(" ,", stdout);
	}
	printf(" Fl Fl %s", o->name);
	if (o->argument) {
		fputs(" Ar", stdout);
		print_argument(o->argument);
	}
	putchar('\n');
	print_sentence(o->help);
}

static void print_verb(const struct verb *verb)
{
	bool has_options = false;

	printf(".It Cm %s", verb->name);
	print_synopsis(verb);
	putchar('\n');
	print_sentence(verb->help);
	for (size_t i = 0; i < ctl_option_count; i++) {
		if (!option_is_of(&ctl_options[i], verb))
			continue;
		if (!has_options)
			puts(".Bl -tag -width Ds -compact");
		has_options = true;
		print_option(&ctl_options[i]);
	}
	if (has_options)
		puts(".El");
}

static void print_verbs(void)
{
	for (size_t i = 0; i < verb_count; i++)
		if (verbs[i].name && !(verbs[i].flags & VERB_HIDDEN))
			print_verb(&verbs[i]);
}

static void print_options(void)
{
	for (size_t i = 0; i < ctl_option_count; i++)
		if (option_is_global(&ctl_options[i]))
			print_option(&ctl_options[i]);
}

/* Who may do what: the verbs of a role, for members of its group. */
static void print_role(enum control_role role)
{
	const char *separator = "";

	for (size_t i = 0; i < verb_count; i++) {
		if (!verbs[i].name || (verbs[i].flags & VERB_HIDDEN) || verbs[i].role != role)
			continue;
		printf("%s.Cm %s", separator, verbs[i].name);
		separator = " ,\n";
	}
	puts(" .");
}

static void print_view(void)
{
	print_role(ROLE_VIEW);
}

static void print_operate(void)
{
	print_role(ROLE_OPERATE);
}

static const struct template_place places[] = {
	{ ".\\\" @OPTIONS@\n", print_options },
	{ ".\\\" @VERBS@\n", print_verbs },
	{ ".\\\" @VIEW@\n", print_view },
	{ ".\\\" @OPERATE@\n", print_operate },
};

int main(int argc, char **argv)
{
	if (argc == 3)
		return template_fill(argv[1], argv[2], places, ARRAY_SIZE(places));
	fputs("usage: verbdoc TEMPLATE PAGE\n", stderr);
	return 1;
}
