/* SPDX-License-Identifier: MIT */
/* Options of vergerd.  Those of `vergerd -- CMD` are the keys of a program, taken from the key
 * table. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strv.h"
#include "config/keys.h"

enum {
	OPTION_PRINT_CONFIG = 256,
	OPTION_DAEMON,
	OPTION_PROBE,
	OPTION_NAME,
	OPTION_FORWARD,
	OPTION_KEY, /* and upwards: index into config_keys */
};

static const struct option fixed[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 't' },
	{ "test", no_argument, NULL, 't' },
	{ "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
	{ "daemon", no_argument, NULL, OPTION_DAEMON },
	{ "probe", no_argument, NULL, OPTION_PROBE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "forward", required_argument, NULL, OPTION_FORWARD },
};

static const char help_text[] =
	"usage: vergerd [-c FILE] [--daemon]\n"
	"       vergerd [-c FILE] -t | --print-config\n"
	"       vergerd [--KEY VALUE]... -- COMMAND [ARGUMENT]...\n"
	"\n"
	"Starts the programs that FILE describes, restarts them or ends by the policy of each, "
	"and\n"
	"keeps a PID file for each that is always true.\n"
	"\n"
	"examples:\n"
	"  vergerd -c /etc/verger/verger.ini         host everything in that file, in the "
	"foreground\n"
	"  vergerd -t -c verger.ini                  is the file right? prints every fault\n"
	"  vergerd --pidfile /run/app.pid -- python3 -u app.py\n"
	"                                            one program: its signals, its exit status\n"
	"\n"
	"options:\n"
	"  -c, --config FILE   the configuration; else $VERGER_CONFIG, ./verger.ini,\n"
	"                      ~/.config/verger/verger.ini, /etc/verger/verger.ini\n"
	"  -t, --check         check the configuration, print every fault, start nothing\n"
	"      --print-config  print the configuration as understood, with every default\n"
	"      --daemon        go to the background; returns when every program is up, or one "
	"failed\n"
	"      --probe         print what this kernel and this sandbox allow\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"      --KEY VALUE     with -- COMMAND: any key of [program:NAME], such as --pidfile "
	"PATH,\n"
	"                      --argv0 NAME, --restart always, --user NAME, --stop-timeout 30s,\n"
	"                      --forward 'HUP USR1:QUIT'; and --name NAME\n"
	"\n"
	"exit status: 0 done; the status of a program (128+N for signal N) where it says on_exit "
	"or\n"
	"on_failure = exit, and always with -- COMMAND; 64 usage; 71 the system refused; 73 a "
	"file\n"
	"could not be made; 75 another vergerd is running; 78 the configuration is wrong.\n"
	"\n"
	"manual: vergerd(8), verger.ini(5)\n";

static bool is_command_line_key(const struct key *key)
{
	return (key->places & KEY_IN_PROGRAM) && !(key->flags & (KEY_FILE_ONLY | KEY_LATER)) &&
	       strcmp(key->name, "command") != 0;
}

/* "stop_timeout" as an option: "stop-timeout" */
static char *option_name(const char *key)
{
	char *name = strdup(key);

	for (char *p = name; p && *p; p++)
		if (*p == '_')
			*p = '-';
	return name;
}

static struct option *all_options(void)
{
	size_t n = ARRAY_SIZE(fixed);
	struct option *all = calloc(n + config_key_count + 1, sizeof *all);

	if (!all)
		return NULL;
	memcpy(all, fixed, sizeof fixed);
	for (size_t i = 0; i < config_key_count; i++)
		if (is_command_line_key(&config_keys[i]))
			all[n++] = (struct option){ .name = option_name(config_keys[i].name),
				                    .has_arg = required_argument,
				                    .val = OPTION_KEY + (int)i };
	return all;
}

static void free_options(struct option *all)
{
	for (size_t i = ARRAY_SIZE(fixed); all && all[i].name; i++)
		free((char *)all[i].name);
	free(all);
}

static void assign(struct options *o, const char *key, const char *value)
{
	o->assignments[o->assignment_count++] =
		(struct conf_assignment){ .key = key, .value = value };
}

static void take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'c': o->config_path = value; break;
	case 't': o->action = ACTION_CHECK; break;
	case OPTION_PRINT_CONFIG: o->action = ACTION_PRINT_CONFIG; break;
	case OPTION_DAEMON: o->daemonize = true; break;
	case OPTION_PROBE: o->action = ACTION_PROBE; break;
	case 'h':
		fputs(help_text, stdout);
		o->action = ACTION_DONE;
		break;
	case 'V':
		puts("vergerd " VERGER_VERSION);
		o->action = ACTION_DONE;
		break;
	case OPTION_NAME: assign(o, "name", value); break;
	case OPTION_FORWARD: assign(o, "forward_signals", value); break;
	case '?': o->action = ACTION_USAGE; break;
	default: assign(o, config_keys[option - OPTION_KEY].name, value); break;
	}
}

/* what the options say together; getopt has seen each of them alone */
static const char *find_contradiction(const struct options *o, const char *word)
{
	if (word && !o->command)
		return "a command is given after --, as in: vergerd -- python3 app.py";
	if (o->command && o->config_path)
		return "a command after -- needs no configuration file: leave -c or the command "
		       "out";
	if (o->command && !o->command[0])
		return "there is no command after --";
	if (!o->command && o->assignment_count)
		return "options of a program need a command after --; a file says it in "
		       "[program:NAME]";
	return NULL;
}

void options_parse(struct options *o, int argc, char **argv)
{
	struct option *all = all_options();
	const char *contradiction;
	int option;

	*o = (struct options){ .assignments = calloc((size_t)argc + 1, sizeof *o->assignments) };
	if (!all || !o->assignments) {
		fputs("vergerd: out of memory\n", stderr);
		o->action = ACTION_USAGE;
		free_options(all);
		return;
	}
	/* messages say vergerd whatever argv[0] is: some platforms want it to be "python -u app.py"
	 */
	opterr = 0;
	while (o->action < ACTION_DONE &&
	       (option = getopt_long(argc, argv, "+:c:thV", all, NULL)) != -1) {
		if (option == ':')
			fprintf(stderr, "vergerd: %s needs a value\n", argv[optind - 1]);
		else if (option == '?')
			fprintf(stderr, "vergerd: unknown option %s\n", argv[optind - 1]);
		take_option(o, option == ':' ? '?' : option, optarg);
	}
	free_options(all);
	if (o->action >= ACTION_DONE)
		goto out;
	if (optind > 0 && optind <= argc && !strcmp(argv[optind - 1], "--"))
		o->command = argv + optind;
	contradiction = find_contradiction(o, argv[optind]);
	if (contradiction) {
		fprintf(stderr, "vergerd: %s\n", contradiction);
		o->action = ACTION_USAGE;
	}
out:
	if (o->action == ACTION_USAGE)
		fputs("vergerd: try 'vergerd --help'\n", stderr);
}

void options_release(struct options *o)
{
	free(o->assignments);
	*o = (struct options){ 0 };
}

static char *path_if_there(char *path)
{
	if (path && access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *options_find_config(const struct options *o, char *const *environ)
{
	const char *home = strv_find_env(environ, "HOME");
	const char *named =
		o->config_path ? o->config_path : strv_find_env(environ, "VERGER_CONFIG");
	char *path = NULL;

	if (named && *named)
		return strdup(named);
	path = path_if_there(strdup("verger.ini"));
	if (!path && home && asprintf(&path, "%s/.config/verger/verger.ini", home) >= 0)
		path = path_if_there(path);
	return path ? path : path_if_there(strdup("/etc/verger/verger.ini"));
}
