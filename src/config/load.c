/* SPDX-License-Identifier: MIT */
/* Reads, builds, and hands over settings or faults, never both.  Knows the order of the work, not
 * the work. */
#include "config/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/build.h"
#include "config/keys.h"
#include "config/path.h"
#include "config/source.h"
#include "config/values.h"

/* handing over the faults */

struct ranked {
	size_t file, line, place;
	const struct diag *diag;
};

static const struct source_file *find_file(const struct source *s, const char *path)
{
	for (const struct source_file *f = s->files; f && path; f = f->next)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* What is wrong with a file of another dialect by our rules says nothing to its owner. */
static void hand_over_foreign(const struct source *s, struct diags *out)
{
	for (const struct source_file *f = s->files; f; f = f->next)
		if (f->foreign_line)
			diags_add(out, DIAG_ERROR, f->path, f->foreign_line, "supervisord", NULL,
			          "this is a configuration of supervisord, which this version of "
			          "vergerd cannot read; "
			          "write it with [verger] and [program:NAME], see verger.ini(5)");
}

/* Appends the faults in the order of files and lines.  0 or -ENOMEM, with nothing appended. */
static int hand_over(const struct source *s, const struct diags *found, struct diags *out)
{
	_cleanup_free_ struct ranked *ranks = calloc(found->count + 1, sizeof *ranks);
	size_t count = 0, kept_errors = 0;

	if (!ranks)
		return -ENOMEM;
	hand_over_foreign(s, out);
	for (size_t i = 0; i < found->count; i++) {
		const struct diag *d = &found->items[i];
		const struct source_file *file = find_file(s, d->file);

		if (!file || !file->foreign_line)
			ranks[count++] = (struct ranked){ file ? file->index : 0, d->line, i, d };
	}
	qsort(ranks, count, sizeof *ranks, compare_ranks);
	for (size_t i = 0; i < found->count; i++)
		kept_errors += found->items[i].level == DIAG_ERROR;
	for (size_t i = 0; i < count; i++) {
		const struct diag *d = ranks[i].diag;

		diags_add(out, d->level, d->file ? d->file : "?", d->line, NULL, NULL, "%s",
		          d->text ? d->text : strerror(ENOMEM));
	}
	/* those past DIAGS_MAX were counted, not kept; `out` is full as well then and goes on
	 * counting */
	for (size_t i = kept_errors; i < found->error_count; i++)
		diags_add(out, DIAG_ERROR, s->files ? s->files->path : "?", 0, NULL, NULL,
		          "there are more faults");
	return 0;
}

int load_refuse_memory(const char *file, struct diags *diags)
{
	diags_add(diags, DIAG_ERROR, file ? file : "command line", 0, NULL, NULL,
	          "memory is out; nothing is read");
	return CONF_INVALID;
}

/* Builds what was read, unless a file is not ours to read at all or not even one is there. */
static int finish(struct source *s, const struct build_input *input, struct settings **out,
                  struct diags *diags)
{
	struct settings *settings = NULL;
	bool buildable = source_is_complete(s) && s->files && !source_is_foreign(s);

	if (buildable)
		settings = build_settings(s, input);
	/* what is missing may look like somebody's mistake: it is not told */
	if (!source_is_complete(s) || (buildable && !settings) ||
	    hand_over(s, s->diags, diags) < 0) {
		settings_free(settings);
		return load_refuse_memory(input->file, diags);
	}
	if (!settings || s->diags->error_count > 0) {
		settings_free(settings);
		return CONF_INVALID;
	}
	*out = settings;
	return CONF_OK;
}

int load_recording(const char *path, const struct conf_context *context, struct record *record,
                   struct settings **out, struct diags *diags)
{
	const struct build_input input = {
		.file = path, .context = context, .ask_system = true, .record = record
	};
	struct diags found = DIAGS_INIT;
	struct source source;
	int r = CONF_INVALID;

	if (source_init(&source, context->environ, false, &found) < 0) {
		load_refuse_memory(path, diags);
	} else {
		source_read(&source, path);
		r = finish(&source, &input, out, diags);
	}
	source_release(&source);
	diags_release(&found);
	return r;
}

int conf_load(const char *path, const struct conf_context *context, struct settings **out,
              struct diags *diags)
{
	return load_recording(path, context, NULL, out, diags);
}

int conf_load_bytes(const char *name, const char *bytes, size_t size,
                    const struct conf_context *context, struct settings **out, struct diags *diags)
{
	const struct build_input input = { .file = name, .context = context };
	struct diags found = DIAGS_INIT;
	struct source source;
	int r = CONF_INVALID;

	if (source_init(&source, context->environ, true, &found) < 0) {
		load_refuse_memory(name, diags);
	} else {
		source_read_bytes(&source, name, bytes, size);
		r = finish(&source, &input, out, diags);
	}
	source_release(&source);
	diags_release(&found);
	return r;
}

/* the command line */

/* The name of a command: its last component, with '_' for what no name may have. */
static char *name_of_command(const char *command)
{
	char *name = strdup(path_base(command));
	struct fault fault;

	if (!name)
		return NULL;
	if (*name == '.' || *name == '-')
		*name = '_';
	for (char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == ':')
			*p = '_';
	if (value_name(name, &fault) == 0)
		return name;
	free(name);
	return strdup("program");
}

static const char *name_given(const struct conf_assignment *assignments, size_t count)
{
	const char *name = NULL;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(assignments[i].key, "name"))
			name = assignments[i].value;
	return name;
}

/* Whether the option is given again later, and that is what counts. */
static bool is_overridden(const struct conf_assignment *assignments, size_t count, size_t i)
{
	const struct key *key = key_find_option(assignments[i].key);

	if (key->flags & KEY_ADDS)
		return false;
	while (++i < count)
		if (key_find_option(assignments[i].key) == key)
			return true;
	return false;
}

static void refuse_option(struct diags *diags, const char *name, const char *text)
{
	diags_add(diags, DIAG_ERROR, "command line", 0, NULL, name, "%s", text);
}

/* NULL when memory is out. */
static struct section *collect_options(struct source *s, const struct conf_assignment *assignments,
                                       size_t count, const char *name)
{
	struct section *section = source_add_section(s, SECTION_PROGRAM, name);
	struct fault fault;

	if (!section)
		return NULL;
	if (value_name(name, &fault) != 0)
		refuse_option(s->diags, "name", fault.text);
	for (size_t i = 0; i < count; i++) {
		const struct key *key = key_find_option(assignments[i].key);

		if (!strcmp(assignments[i].key, "name"))
			continue;
		if (!key)
			refuse_option(s->diags, assignments[i].key, "there is no such option");
		else if (!is_overridden(assignments, count, i))
			source_add_entry(s, section, key, assignments[i].value);
	}
	return section;
}

int conf_from_command(const struct conf_assignment *assignments, size_t count, char *const *command,
                      const struct conf_context *context, struct settings **out,
                      struct diags *diags)
{
	struct diags found = DIAGS_INIT;
	struct source source;
	_cleanup_free_ char *own_name = command[0] ? name_of_command(command[0]) : NULL;
	const char *name = name_given(assignments, count);
	struct build_command build = { .words = command };
	const struct build_input input = { .context = context,
		                           .ask_system = true,
		                           .command = &build };
	int r = CONF_INVALID;

	if (!command[0] || !*command[0]) {
		refuse_option(diags, NULL, "there is no command to run");
		return CONF_INVALID;
	}
	if (source_init(&source, context->environ, true, &found) < 0 || !own_name) {
		load_refuse_memory(NULL, diags);
	} else {
		build.section =
			collect_options(&source, assignments, count, name ? name : own_name);
		r = finish(&source, &input, out, diags);
	}
	source_release(&source);
	diags_release(&found);
	return r;
}

bool conf_key_find(const char *name)
{
	return !strcmp(name, "name") || key_find_option(name) != NULL;
}
