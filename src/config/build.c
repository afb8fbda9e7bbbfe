/* SPDX-License-Identifier: MIT */
/* Builds settings, section by section.  Knows no key beyond those that concern several keys or
 * [verger] as a whole; the rest is in the table, and what concerns several programs in relations.c
 * and logfiles.c. */
#include "config/build.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/accounts.h"
#include "config/claims.h"
#include "config/depends.h"
#include "config/draft.h"
#include "config/logfiles.h"
#include "config/names.h"
#include "config/reader.h"
#include "config/record.h"
#include "config/relations.h"

enum { KEYS_MAX = 160 };

/* The entries that make up one program: its own, and of [defaults] where it has none. */
struct sheet {
	struct source_entry *own[KEYS_MAX], *defaults[KEYS_MAX]; /* by index in config_keys */
};

static size_t index_of(const struct key *key)
{
	return (size_t)(key - config_keys);
}

void build_refuse(struct build *b, const struct section *section, struct source_entry *entry,
                  const char *key, const struct fault *fault)
{
	if (entry && entry->section == section)
		source_refuse_entry(b->source, entry, fault);
	else
		source_refuse_section(b->source, section, key, fault);
}

void build_note_memory(struct build *b, int r)
{
	b->source->incomplete |= r < 0;
}

/* one value */

/* Expands the text of an entry and hands it to its key. */
static void take_entry(struct build *b, struct source_entry *entry, struct key_target *target)
{
	struct fault fault;
	struct text value;
	int r;

	entry->judged = true;
	if (entry->faulty || !entry->key->parse)
		return;
	b->names.here = target->here = entry->section->file->here;
	text_init(&value, READER_VALUE_MAX);
	r = names_expand_value(&b->names, entry->text, entry->key->flags & KEY_WORDS, &value,
	                       &target->quoted, &fault);
	if (r == 0 && (value.size || !(entry->key->flags & KEY_EMPTY)))
		r = entry->key->parse(entry->key, text_get(&value), target, &fault);
	build_note_memory(b, r);
	if (r > 0)
		source_refuse_entry(b->source, entry, &fault);
	else
		record_add(b->input->record, target->draft ? (uint32_t)b->count : NO_PROGRAM,
		           entry);
	text_release(&value);
}

/* [verger] */

/* "FOLDER/NAME.pid" in the arena: what is in the run directory unless it is named. */
static const char *default_path(struct build *b, const char *name, const char *suffix)
{
	struct text path;
	const char *interned = NULL;

	text_init(&path, SIZE_MAX / 2);
	if (text_add_format(&path, "%s/%s%s",
	                    strcmp(b->settings->run_dir, "/") != 0 ? b->settings->run_dir : "",
	                    name, suffix) == 0)
		interned = arena_intern(b->settings->arena, text_get(&path));
	build_note_memory(b, interned ? 0 : -ENOMEM);
	text_release(&path);
	return interned;
}

/* Claims a path; a fault is told at `entry` or, for a default, at the section. */
static void claim_path(struct build *b, enum claim_kind kind, const char *path, const char *who,
                       struct source_entry *entry, const struct section *section)
{
	struct claim claim = { .kind = kind, .path = path, .who = who };
	struct fault fault;
	int r;

	if (entry)
		section = entry->section;
	if (section) {
		claim.file = section->file->path;
		claim.line = entry ? entry->line : section->line;
	}
	r = claims_add(&b->claims, &claim, &fault);
	build_note_memory(b, r);
	if (r > 0 && entry)
		source_refuse_entry(b->source, entry, &fault);
	else if (r > 0 && section)
		source_refuse_section(b->source, section, "pidfile", &fault);
}

/* The paths of vergerd itself; a default comes first, so that whoever names its path is at fault.
 */
static void claim_verger_paths(struct build *b)
{
	static const char me[] = "vergerd itself";
	const struct settings *s = b->settings;
	struct source_entry *pidfile = source_find(b->source, SECTION_VERGER, "pidfile");
	struct source_entry *socket = source_find(b->source, SECTION_VERGER, "control_socket");

	if (s->control_socket && !socket)
		claim_path(b, CLAIM_SOCKET, s->control_socket, me, NULL, NULL);
	if (s->pidfile)
		claim_path(b, CLAIM_PIDFILE, s->pidfile, me, pidfile, NULL);
	if (s->control_socket && socket)
		claim_path(b, CLAIM_SOCKET, s->control_socket, me, socket, NULL);
}

/* run_dir comes before all that may stand in it. */
static void build_run_dir(struct build *b, struct source_entry *entry, struct key_target *target)
{
	struct settings *s = b->settings;

	if (entry)
		take_entry(b, entry, target);
	else if (b->input->context->default_run_dir)
		s->run_dir = arena_intern(s->arena, b->input->context->default_run_dir);
	b->names.run_dir = s->run_dir;
	if (!s->run_dir || b->input->command)
		return;
	s->pidfile = default_path(b, "vergerd", ".pid");
	s->control_socket = default_path(b, "control", ".sock");
}

static void build_verger(struct build *b)
{
	struct settings *s = b->settings;
	struct strv environment = STRV_INIT, env_files = STRV_INIT;
	struct key_target target = {
		.arena = s->arena,
		.scratch = b->scratch,
		.accounts = b->accounts,
		.verger = s,
		.environment = &environment,
		.env_files = &env_files,
	};
	struct source_entry *run_dir = source_find(b->source, SECTION_VERGER, "run_dir");

	build_run_dir(b, run_dir, &target);
	for (struct section *section = b->source->sections; section; section = section->next)
		for (struct source_entry *e = section->kind == SECTION_VERGER ? section->entries
		                                                              : NULL;
		     e; e = e->next)
			if (e != run_dir)
				take_entry(b, e, &target);
	claim_verger_paths(b);
	build_note_memory(b, draft_intern_strv(s->arena, &environment, &s->environment));
	build_note_memory(b, draft_intern_strv(s->arena, &env_files, &s->env_files));
	strv_release(&environment);
	strv_release(&env_files);
}

/* programs */

static void fill_sheet(const struct build *b, const struct section *section, struct sheet *sheet)
{
	memset(sheet, 0, sizeof *sheet);
	for (const struct section *s = b->source->sections; s; s = s->next)
		for (struct source_entry *e = s->kind == SECTION_DEFAULTS ? s->entries : NULL; e;
		     e = e->next)
			sheet->defaults[index_of(e->key)] = e;
	for (struct source_entry *e = section->entries; e; e = e->next)
		sheet->own[index_of(e->key)] = e;
}

/* The entry that counts for a key, or NULL. */
static struct source_entry *sheet_get(const struct sheet *sheet, const char *name)
{
	size_t i = index_of(key_find(name, KEY_IN_PROGRAM));

	return sheet->own[i] ? sheet->own[i] : sheet->defaults[i];
}

static void take_sheet(struct build *b, const struct sheet *sheet, struct key_target *target)
{
	for (size_t i = 0; i < config_key_count; i++) {
		struct source_entry *own = sheet->own[i], *defaults = sheet->defaults[i];

		if (defaults && (!own || config_keys[i].flags & KEY_ADDS))
			take_entry(b, defaults, target);
		/* a command line may say what adds up several times */
		for (struct source_entry *e = own ? own->section->entries : NULL; e; e = e->next)
			if (e->key == own->key)
				take_entry(b, e, target);
	}
}

/* Resolves user, group and the owner of the PID file. */
static void finish_accounts(struct build *b, const struct sheet *sheet, struct draft *d)
{
	struct source_entry *user = sheet_get(sheet, "user"), *group = sheet_get(sheet, "group");
	struct source_entry *owner = sheet_get(sheet, "pidfile_owner");
	struct fault fault;
	int r;

	if (d->user || d->group) {
		r = accounts_credentials(b->accounts, d->user, d->group, &d->p.credentials, &fault);
		build_note_memory(b, r);
		/* what [defaults] says wrongly is wrong once */
		if (r > 0)
			source_refuse_entry(b->source, d->user ? user : group, &fault);
	}
	if (d->pidfile_owner) {
		r = accounts_owner(b->accounts, d->pidfile_owner, &d->p.pidfile_uid,
		                   &d->p.pidfile_gid, &fault);
		build_note_memory(b, r);
		if (r > 0)
			source_refuse_entry(b->source, owner, &fault);
	}
}

/* What is right key by key and wrong together. */
static void judge_together(struct build *b, struct section *section, const struct sheet *sheet,
                           const struct draft *d)
{
	const struct program_settings *p = &d->p;
	struct fault fault;

	if (p->main_pid_file && p->type != PROGRAM_FORKING) {
		fault_set(&fault, "only a program of type = forking has one");
		build_refuse(b, section, sheet_get(sheet, "main_pid_file"), "main_pid_file",
		             &fault);
	}
	if (p->restart_delay_ms > p->restart_delay_max_ms) {
		fault_set(&fault, "restart_delay is above restart_delay_max");
		build_refuse(b, section, sheet_get(sheet, "restart_delay"), "restart_delay",
		             &fault);
	}
	if (p->reload_signal && p->reload_command) {
		fault_set(&fault, "reload_signal is given as well, and only one can be done; an "
		                  "empty value takes away what [defaults] gives");
		build_refuse(b, section, sheet_get(sheet, "reload_command"), "reload_command",
		             &fault);
	}
	for (size_t i = 0; p->forward && i < p->forward->count; i++) {
		int signo = p->forward->rules[i].from;

		if ((signo != SIGTERM && signo != SIGINT && signo != SIGQUIT) ||
		    p->on_exit == END_EXIT)
			continue;
		fault_set(&fault, "without TERM, INT and QUIT vergerd could not be stopped: "
		                  "a program that claims one of them needs on_exit = exit");
		build_refuse(b, section, sheet_get(sheet, "forward_signals"), "forward_signals",
		             &fault);
		break;
	}
}

static void finish_pidfile(struct build *b, struct section *section, const struct sheet *sheet,
                           struct draft *d)
{
	struct source_entry *entry = sheet_get(sheet, "pidfile");

	if (entry && entry->faulty)
		return;
	if (!d->pidfile_given && b->settings->run_dir && !b->input->command)
		d->p.pidfile = default_path(b, d->p.name, ".pid");
	if (!d->p.pidfile || !d->enabled)
		return;
	/* a path in [defaults] is at fault for the program that comes second */
	claim_path(b, CLAIM_PIDFILE, d->p.pidfile, d->p.name,
	           entry && entry->section == section ? entry : NULL, section);
}

static void judge_command(struct build *b, struct section *section, const struct sheet *sheet,
                          struct draft *d)
{
	struct fault fault;
	struct strv words = STRV_INIT;
	int r = 0;

	if (b->input->command && b->input->command->section == section) {
		for (size_t i = 0; b->input->command->words[i] && r == 0; i++)
			r = strv_add(&words, b->input->command->words[i]);
		if (r == 0)
			r = draft_intern_strv(b->settings->arena, &words, &d->p.command);
		build_note_memory(b, r);
		strv_release(&words);
	} else if (!sheet_get(sheet, "command")) {
		fault_set(&fault, "a program needs this key");
		source_refuse_section(b->source, section, "command", &fault);
	}
}

static int append_program(struct build *b, const struct draft *d, struct built built)
{
	if (b->count == b->capacity) {
		size_t capacity = b->capacity ? b->capacity * 2 : 16;
		struct program_settings *programs =
			reallocarray(b->programs, capacity, sizeof *programs);
		struct built *all;

		if (!programs)
			return -ENOMEM;
		b->programs = programs;
		all = reallocarray(b->built, capacity, sizeof *all);
		if (!all)
			return -ENOMEM;
		b->built = all;
		b->capacity = capacity;
	}
	b->programs[b->count] = d->p;
	b->built[b->count++] = built;
	return 0;
}

/* The defaults that differ for `vergerd -- CMD`. */
static void set_command_defaults(struct build *b, struct draft *d, struct key_target *target)
{
	const struct key *forward = key_find("forward_signals", KEY_IN_PROGRAM);
	struct fault fault;

	d->p.restart = RESTART_NEVER;
	d->p.on_exit = d->p.on_failure = END_EXIT;
	d->p.stdin_stream.kind = STREAM_INHERIT;
	build_note_memory(b, forward->parse(forward, "all", target, &fault));
}

/* Starts a program: what it is called and where it stands. */
static int identify(struct build *b, struct program_settings *p, const struct section *section,
                    const char *name, unsigned instance)
{
	struct arena *arena = b->settings->arena;

	p->name = arena_intern(arena, name);
	p->section = arena_intern(arena, section->base);
	p->file = arena_intern(arena, section->file->path);
	p->line = section->line;
	p->instance = instance;
	return p->name && p->section && p->file ? 0 : -ENOMEM;
}

/* Reads and judges all that a program says. */
static int fill_draft(struct build *b, struct draft *d, struct section *section,
                      const struct sheet *sheet)
{
	struct key_target target = {
		.arena = b->settings->arena,
		.scratch = b->scratch,
		.draft = d,
		.environment = &d->environment,
		.env_files = &d->env_files,
	};

	if (b->input->command)
		set_command_defaults(b, d, &target);
	take_sheet(b, sheet, &target);
	/* a oneshot that has done its work is not to do it again and again */
	if (d->p.type == PROGRAM_ONESHOT && !b->input->command && !sheet_get(sheet, "restart"))
		d->p.restart = RESTART_ON_FAILURE;
	judge_command(b, section, sheet, d);
	finish_accounts(b, sheet, d);
	judge_together(b, section, sheet, d);
	finish_pidfile(b, section, sheet, d);
	return draft_finish(d, b->settings->arena);
}

static void build_instance(struct build *b, struct section *section, const struct sheet *sheet,
                           const char *name, unsigned instance)
{
	struct draft d;
	struct built built = { .section = section };
	int r;

	b->names.program = name;
	snprintf(b->names.instance, sizeof b->names.instance, "%u", instance);
	draft_init(&d);
	r = identify(b, &d.p, section, name, instance);
	if (r == 0)
		r = fill_draft(b, &d, section, sheet);
	built.requires = d.requires;
	built.after = d.after;
	built.requires_entry = sheet_get(sheet, "requires");
	built.after_entry = sheet_get(sheet, "after");
	if (r == 0 && d.enabled)
		r = append_program(b, &d, built);
	else
		record_drop(b->input->record, (uint32_t)b->count);
	build_note_memory(b, r);
	draft_release(&d);
	b->names.program = NULL;
}

/* How many instances a section asks for: needed before the first has its name. */
static unsigned count_instances(struct build *b, const struct section *section,
                                const struct sheet *sheet)
{
	struct source_entry *entry = sheet_get(sheet, "instances");
	struct draft d;
	struct key_target target = { .draft = &d };

	if (!entry)
		return 1;
	b->names.program = section->name;
	snprintf(b->names.instance, sizeof b->names.instance, "0");
	draft_init(&d);
	take_entry(b, entry, &target);
	b->names.program = NULL;
	return d.instances;
}

/* [program:web:0] is one instance written out, as --print-config does. */
static void judge_written_out(struct build *b, const struct section *section,
                              const struct sheet *sheet)
{
	char title[READER_SECTION_MAX + 1];
	struct fault fault;

	snprintf(title, sizeof title, "program:%s", section->base);
	if (source_find_section(b->source, title)) {
		fault_set(&fault,
		          "[%.100s] is there as well: instances are either counted or written out",
		          title);
		source_refuse_section(b->source, section, NULL, &fault);
	}
	if (sheet_get(sheet, "instances")) {
		fault_set(&fault, "this section is one instance already");
		source_refuse_entry(b->source, sheet_get(sheet, "instances"), &fault);
	}
}

static void build_program(struct build *b, struct section *section)
{
	size_t faults = b->source->diags->error_count;
	char name[READER_SECTION_MAX + 16];
	struct sheet sheet;
	unsigned count;

	fill_sheet(b, section, &sheet);
	if (section->instance >= 0)
		judge_written_out(b, section, &sheet);
	count = section->instance >= 0 ? 1 : count_instances(b, section, &sheet);
	for (unsigned i = 0; i < count; i++) {
		if (count > 1)
			snprintf(name, sizeof name, "%s:%u", section->base, i);
		build_instance(b, section, &sheet, count > 1 ? name : section->name,
		               section->instance >= 0 ? (unsigned)section->instance : i);
		/* the other instances would only repeat it */
		if (b->source->diags->error_count > faults || !source_is_complete(b->source))
			break;
	}
}

/* Values of [defaults] that no program takes are judged all the same. */
static void judge_unused_defaults(struct build *b)
{
	struct draft d;
	struct key_target target = {
		.arena = b->scratch,
		.scratch = b->scratch,
		.draft = &d,
		.environment = &d.environment,
		.env_files = &d.env_files,
	};

	draft_init(&d);
	b->names.program = "defaults";
	snprintf(b->names.instance, sizeof b->names.instance, "0");
	for (struct section *s = b->source->sections; s; s = s->next)
		for (struct source_entry *e = s->kind == SECTION_DEFAULTS ? s->entries : NULL; e;
		     e = e->next)
			if (!e->judged)
				take_entry(b, e, &target);
	b->names.program = NULL;
	draft_release(&d);
}

static void build_programs(struct build *b)
{
	struct settings *s = b->settings;

	for (struct section *section = b->source->sections; section; section = section->next)
		if (section->kind == SECTION_PROGRAM)
			build_program(b, section);
	judge_unused_defaults(b);
	if (b->count == 0)
		return;
	/* they grew by doubling; what is kept is what is needed */
	s->programs = realloc(b->programs, b->count * sizeof *s->programs);
	if (!s->programs)
		s->programs = b->programs;
	s->program_count = b->count;
	b->programs = NULL;
}

static void build_release(struct build *b)
{
	roster_release(&b->roster);
	claims_release(&b->claims);
	accounts_free(b->accounts);
	free(b->programs);
	free(b->built);
}

static bool is_complete(const struct build *b)
{
	return source_is_complete(b->source) && !arena_failed(b->settings->arena);
}

struct settings *build_settings(struct source *source, const struct build_input *input)
{
	struct build b = {
		.source = source,
		.input = input,
		.settings = settings_new(),
		.scratch = source->arena,
		.claims = { .arena = source->arena, .ask_system = input->ask_system },
		.names = { .environ = input->context->environ },
	};

	if (!b.settings)
		return NULL;
	b.accounts = accounts_new(b.settings->arena, input->ask_system);
	if (!b.accounts) {
		settings_free(b.settings);
		return NULL;
	}
	if (input->file)
		b.settings->file = arena_intern(b.settings->arena, input->file);
	build_verger(&b);
	build_programs(&b);
	/* without all programs, nothing can be said of how they relate */
	if (is_complete(&b))
		relations_resolve(&b);
	if (is_complete(&b))
		logfiles_resolve(&b);
	build_note_memory(&b, is_complete(&b) ? 0 : -ENOMEM);
	build_release(&b);
	return b.settings;
}
