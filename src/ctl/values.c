/* SPDX-License-Identifier: MIT */
/* config show: every value that holds, and where it was written. */
#include <string.h>

#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"

/* "[program:web] command = app  # /etc/verger/verger.ini:12" */
static void print_value(const struct screen *screen, const json_t *value)
{
	const char *file = member_text(value, "file");
	const json_t *differs = json_object_get(value, "differs");

	screen_put(screen, INK_FAINT, "[%s] ", member_text(value, "section"));
	screen_put(screen, INK_STRONG, "%s", member_text(value, "key"));
	screen_put(screen, INK_PLAIN, " = %s", member_text(value, "value"));
	if (*file)
		screen_put(screen, INK_FAINT, "  # %s:%" JSON_INTEGER_FORMAT, file,
		           member_integer(value, "line", 0));
	else
		screen_put(screen, INK_FAINT, "  # default");
	if (json_is_string(differs))
		screen_put(screen, INK_BUSY, "; the file says by now: %s",
		           json_string_value(differs));
	putchar('\n');
}

static int print_values(const struct ctl *ctl, const json_t *reply)
{
	const json_t *values = member_array(reply, "values"), *value;
	const json_t *faults = member_array(reply, "faults"), *fault;
	bool differ = false;
	size_t i;

	for (i = 0; (value = json_array_get(values, i)); i++) {
		print_value(&ctl->screen, value);
		differ |= json_is_string(json_object_get(value, "differs"));
	}
	if (differ)
		screen_complain(
			"the file has changed since it was read: vergerctl reload --dry-run");
	for (i = 0; (fault = json_array_get(faults, i)); i++)
		screen_complain("%s:%" JSON_INTEGER_FORMAT ": %s", member_text(fault, "file"),
		                member_integer(fault, "line", 0), member_text(fault, "text"));
	return json_array_size(faults) > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int show(struct ctl *ctl)
{
	json_t *parameters = connection_parameters(ctl, 1), *reply;
	int status = EXIT_USAGE;

	if (parameters)
		status = connection_open(ctl);
	if (status != 0) {
		json_decref(parameters);
		return status;
	}
	status = connection_call(ctl, "Config", parameters, &reply);
	if (status != 0)
		return status;
	if (ctl->arguments->json)
		connection_print_json(ctl, reply);
	else
		status = print_values(ctl, reply);
	json_decref(reply);
	return status;
}

int values_run(struct ctl *ctl)
{
	const char *what = ctl->arguments->words[0];

	if (strcmp(what, "show") == 0)
		return show(ctl);
	if (strcmp(what, "convert") == 0)
		screen_complain("config convert comes with a later version of verger; until then "
		                "docs/how-to/from-supervisord.md tells how to do it by hand");
	else
		screen_complain("config %s: expected: vergerctl config show [NAME ...]", what);
	return EXIT_USAGE;
}

int upgrade_run(struct ctl *ctl)
{
	(void)ctl;
	screen_complain("upgrade comes with a later version of verger; until then stop vergerd and "
	                "start the new one");
	return EXIT_USAGE;
}
