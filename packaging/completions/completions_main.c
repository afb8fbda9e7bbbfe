/* SPDX-License-Identifier: MIT */
/* Build tool: the completion of vergerctl for one shell, from its template and the tables of verbs
 * and options.  Knows no verb.  usage: completions bash|zsh|fish TEMPLATE FILE */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/verbs.h"
#include "ctl/options.h"
#include "template.h"

static bool is_completed(const struct verb *verb)
{
	return verb->name && !(verb->flags & VERB_HIDDEN);
}

static bool takes_programs(const struct verb *verb)
{
	switch (verb->words) {
	case VERB_PROGRAMS:
	case VERB_PROGRAMS_OR_ALL:
	case VERB_PROGRAM:
	case VERB_PROGRAM_SIGNAL:
	case VERB_PROGRAM_OR_NONE: return true;
	case VERB_NO_WORDS:
	case VERB_FILE:
	case VERB_SUBVERB: return false;
	}
	return false;
}

static void each_verb(void (*print)(const struct verb *verb))
{
	for (size_t i = 0; i < verb_count; i++)
		if (is_completed(&verbs[i]))
			print(&verbs[i]);
}

/* Options of `verb`; NULL = those of every verb. */
static void each_option(const struct verb *verb,
                        void (*print)(const struct ctl_option *o, const struct verb *verb))
{
	for (size_t i = 0; i < ctl_option_count; i++) {
		const struct ctl_option *o = &ctl_options[i];

		if (verb ? option_is_of(o, verb) : option_is_global(o))
			print(o, verb);
	}
}

/* --- bash --- */

/* What may follow a verb, as a word for the script. */
static const char *bash_words(const struct verb *verb)
{
	if (verb->words == VERB_PROGRAM_SIGNAL)
		return "signal";
	if (verb->words == VERB_FILE)
		return "file";
	if (verb->words == VERB_SUBVERB)
		return "config";
	return takes_programs(verb) ? "names" : "none";
}

static void print_bash_option(const struct ctl_option *o, const struct verb *verb)
{
	(void)verb;
	if (option_letter(o))
		printf("-%c ", option_letter(o));
	printf("--%s ", o->name);
}

static void print_bash_verb(const struct verb *verb)
{
	printf("\t%s) words=%s options='", verb->name, bash_words(verb));
	each_option(verb, print_bash_option);
	puts("' ;;");
}

static void print_bash_verbs(void)
{
	each_verb(print_bash_verb);
}

static void print_bash_name(const struct verb *verb)
{
	printf("%s ", verb->name);
}

static void print_bash_names(void)
{
	fputs("\t\t_vergerctl_offer '", stdout);
	each_verb(print_bash_name);
	puts("'");
}

static void print_bash_options(void)
{
	fputs("\t\t_vergerctl_offer \"$options ", stdout);
	each_option(NULL, print_bash_option);
	puts("\"");
}

/* What stands after an option. */
static void print_bash_values(void)
{
	for (size_t i = 0; i < ctl_option_count; i++) {
		const struct ctl_option *o = &ctl_options[i];

		if (!o->argument)
			continue;
		printf("\t--%s", o->name);
		if (option_letter(o))
			printf(" | -%c", option_letter(o));
		if (o->values == OPTION_FILE_VALUE)
			puts(") _vergerctl_files && return ;;");
		else
			printf(") _vergerctl_offer '%s' && return ;;\n",
			       o->listed ? o->listed : "");
	}
}

/* --- zsh --- */

/* Between single quotes of a specification, where `marked` have a meaning. */
static void print_zsh_text(const char *text, const char *marked)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr(marked, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

/* '(-n --lines)'{-n,--lines}'[help]:lines:' */
static void print_zsh_option(const struct ctl_option *o, const struct verb *verb)
{
	fputs(verb ? " \\\n\t\t\t" : "\t\t", stdout);
	if (option_letter(o))
		printf("'(-%c --%s)'{-%c,--%s}", option_letter(o), o->name, option_letter(o),
		       o->name);
	else
		printf("--%s", o->name);
	fputs("'[", stdout);
	print_zsh_text(o->help, "[]:");
	putchar(']');
	if (o->argument)
		printf(":%s:%s", o->name, o->values == OPTION_FILE_VALUE ? "_files" : "");
	if (o->listed)
		printf("(%s)", o->listed);
	fputs(verb ? "'" : "'\n", stdout);
}

static void print_zsh_words(const struct verb *verb)
{
	if (verb->words == VERB_PROGRAM_SIGNAL)
		fputs(" ':program:_vergerctl_names' ':signal:_signals -s'", stdout);
	else if (verb->words == VERB_FILE)
		fputs(" ':file:_files'", stdout);
	else if (verb->words == VERB_SUBVERB)
		fputs(" ':what:(show)' '*:program:_vergerctl_names'", stdout);
	else if (verb->words == VERB_PROGRAM)
		fputs(" ':program:_vergerctl_names'", stdout);
	else if (takes_programs(verb))
		fputs(" '*:program:_vergerctl_names'", stdout);
}

static void print_zsh_verb(const struct verb *verb)
{
	printf("\t%s)\n\t\t_arguments -s $everywhere", verb->name);
	each_option(verb, print_zsh_option);
	print_zsh_words(verb);
	puts("\n\t\t;;");
}

static void print_zsh_verbs(void)
{
	each_verb(print_zsh_verb);
}

static void print_zsh_name(const struct verb *verb)
{
	printf("\t\t'%s:", verb->name);
	print_zsh_text(verb->help, ":");
	puts("'");
}

static void print_zsh_names(void)
{
	each_verb(print_zsh_name);
}

static void print_zsh_options(void)
{
	each_option(NULL, print_zsh_option);
}

/* --- fish --- */

static void print_fish_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void print_fish_option(const struct ctl_option *o, const struct verb *verb)
{
	fputs("complete -c vergerctl", stdout);
	if (verb)
		printf(" -n '__fish_seen_subcommand_from %s'", verb->name);
	printf(" -l %s", o->name);
	if (option_letter(o))
		printf(" -s %c", option_letter(o));
	if (o->values == OPTION_FILE_VALUE)
		fputs(" -rF", stdout);
	else if (o->argument)
		printf(" -xa '%s'", o->listed ? o->listed : "");
	fputs(" -d '", stdout);
	print_fish_text(o->help);
	puts("'");
}

static void print_fish_words(const struct verb *verb)
{
	static const char seen[] = "complete -c vergerctl -n '__fish_seen_subcommand_from";

	if (verb->words == VERB_FILE)
		printf("%s %s' -F\n", seen, verb->name);
	if (verb->words == VERB_SUBVERB)
		printf("%s %s' -a show\n", seen, verb->name);
	if (verb->words == VERB_PROGRAM_SIGNAL)
		printf("%s %s' -a 'HUP INT QUIT USR1 USR2 TERM CONT STOP KILL'\n", seen,
		       verb->name);
	if (takes_programs(verb) || verb->words == VERB_SUBVERB)
		printf("%s %s' -a '(__vergerctl_names)'\n", seen, verb->name);
}

static void print_fish_verb(const struct verb *verb)
{
	printf("complete -c vergerctl -n __fish_use_subcommand -a %s -d '", verb->name);
	print_fish_text(verb->help);
	puts("'");
	each_option(verb, print_fish_option);
	print_fish_words(verb);
}

static void print_fish_verbs(void)
{
	each_verb(print_fish_verb);
}

static void print_fish_options(void)
{
	each_option(NULL, print_fish_option);
}

/* --- */

static const struct template_place bash_places[] = {
	{ "# @VALUES@\n", print_bash_values },
	{ "# @VERBS@\n", print_bash_verbs },
	{ "# @NAMES@\n", print_bash_names },
	{ "# @OPTIONS@\n", print_bash_options },
};

static const struct template_place zsh_places[] = {
	{ "# @NAMES@\n", print_zsh_names },
	{ "# @OPTIONS@\n", print_zsh_options },
	{ "# @VERBS@\n", print_zsh_verbs },
};

static const struct template_place fish_places[] = {
	{ "# @OPTIONS@\n", print_fish_options },
	{ "# @VERBS@\n", print_fish_verbs },
};

static const struct {
	const char *shell;
	const struct template_place *places;
	size_t count;
} shells[] = {
	{ "bash", bash_places, ARRAY_SIZE(bash_places) },
	{ "zsh", zsh_places, ARRAY_SIZE(zsh_places) },
	{ "fish", fish_places, ARRAY_SIZE(fish_places) },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 4 && i < ARRAY_SIZE(shells); i++)
		if (strcmp(shells[i].shell, argv[1]) == 0)
			return template_fill(argv[2], argv[3], shells[i].places, shells[i].count);
	fputs("usage: completions bash|zsh|fish TEMPLATE FILE\n", stderr);
	return 1;
}
