/* SPDX-License-Identifier: MIT */
/* names: what may be given as NAME, for completion; and who is meant by names that were given. */
#include "ctl/names.h"

#include <string.h>

#include "ctl/connection.h"
#include "ctl/exits.h"
#include "ctl/member.h"

static json_t *word_list(const char *words)
{
	json_t *list = json_array();
	size_t size;

	for (; *words; words += size + strspn(words + size, " ")) {
		size = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, size));
	}
	return list;
}

int names_ask(struct ctl *ctl, const char *fields, json_t **programs)
{
	json_t *parameters = connection_parameters(ctl, 0), *reply;
	int status;

	if (!parameters)
		return EXIT_USAGE;
	json_object_set_new(parameters, "fields", word_list(fields));
	status = connection_call(ctl, "Status", parameters, &reply);
	if (status != 0)
		return status;
	*programs = json_incref(member_array(reply, "programs"));
	if (!*programs)
		*programs = json_array();
	json_decref(reply);
	return 0;
}

size_t names_widest(const json_t *programs)
{
	size_t widest = 0, i;
	json_t *program;

	for (i = 0; (program = json_array_get(programs, i)); i++) {
		size_t size = strlen(member_text(program, "name"));

		if (size > widest)
			widest = size;
	}
	return widest;
}

/* Every name once: an object keeps them in order. */
static void print_names(const json_t *programs)
{
	const struct screen plain = { 0 };
	json_t *seen = json_object(), *program;
	size_t i;

	for (i = 0; (program = json_array_get(programs, i)); i++) {
		const char *group = member_text(program, "group");
		const char *own = member_text(program, "name");
		json_t *section = json_stringn(own, strcspn(own, ":"));

		json_object_set_new(seen, own, json_true());
		if (section)
			json_object_set_new(seen, json_string_value(section), json_true());
		json_decref(section);
		if (*group)
			json_object_set_new(seen, group, json_true());
	}
	for (void *at = json_object_iter(seen); at; at = json_object_iter_next(seen, at))
		screen_say(&plain, INK_PLAIN, "%s", json_object_iter_key(at));
	json_decref(seen);
}

int names_run(struct ctl *ctl)
{
	json_t *programs;
	int status = connection_open(ctl);

	if (status == 0)
		status = names_ask(ctl, "name group", &programs);
	if (status != 0)
		return status;
	print_names(programs);
	json_decref(programs);
	return EXIT_DONE;
}
