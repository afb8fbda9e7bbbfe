/* SPDX-License-Identifier: MIT */
/* Builds settings.  Knows no key beyond those that concern several programs or several keys at
 * once; the rest is in the table. */
#include "config/build.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/accounts.h"
#include "config/claims.h"
#include "config/depends.h"
#include "config/draft.h"
#include "config/names.h"
#include "config/path.h"
#include "config/reader.h"
#include "config/roster.h"
#include "config/words.h"

enum { KEYS_MAX = 160 };

/* A program that is built, with what is resolved when all are. */
struct built {
	struct section *section;
	const char *requires, *after; /* in the scratch arena, or NULL */
	struct source_entry *requires_entry, *after_entry;
};

/* The entries that make up one program: its own, and of [defaults] where it has none. */
struct sheet {
	struct source_entry *own[KEYS_MAX], *defaults[KEYS_MAX]; /* by index in config_keys */
};

struct build {
	struct source *source;
	const struct conf_context *context;
	const struct build_command *command;
	bool ask_system;
	struct settings *settings;
	struct arena *scratch; /* the source's */
	struct accounts *accounts;
	struct claims claims;
	struct names names;
	struct program_settings *programs; /* they move to the arena when their number is known */
	struct built *built;
	size_t count, capacity;
	struct roster roster;
};

static size_t index_of(const struct key *key)
{
	return (size_t)(key - config_keys);
}

static void refuse_errno(struct build *b, const struct section *section, int r)
{
	struct fault fault;

	fault_set(&fault, "%s", strerror(-r));
	source_refuse_section(b->source, section, NULL, &fault);
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
	if (r < 0)
		r = fault_set(&fault, "%s", strerror(-r));
	if (r != 0)
		source_refuse_entry(b->source, entry, &fault);
	text_release(&value);
}

/* Expands the words of an entry that names programs; false when there are none. */
static bool take_names(struct build *b, struct source_entry *entry, struct strv *words)
{
	struct fault fault;
	struct text value;
	bool quoted;
	int r;

	entry->judged = true;
	b->names.here = entry->section->file->here;
	text_init(&value, READER_VALUE_MAX);
	r = names_expand_value(&b->names, entry->text, true, &value, &quoted, &fault);
	if (r == 0)
		r = words_split(text_get(&value), words, &fault);
	text_release(&value);
	if (r < 0)
		r = fault_set(&fault, "%s", strerror(-r));
	if (r != 0)
		source_refuse_entry(b->source, entry, &fault);
	return r == 0 && words->count > 0;
}

/* [verger] */

/* "FOLDER/NAME.pid" in the arena. */
static const char *default_pidfile(struct build *b, const char *name)
{
	struct text path;
	const char *interned;

	text_init(&path, SIZE_MAX / 2);
	text_add_format(&path, "%s/%s.pid",
	                strcmp(b->settings->run_dir, "/") != 0 ? b->settings->run_dir : "", name);
	interned = arena_intern(b->settings->arena, text_get(&path));
	text_release(&path);
	return interned;
}

static int judge_pidfile_path(const struct build *b, const char *path, struct fault *fault)
{
	struct stat status;

	if (strlen(path_base(path)) > NAME_MAX)
		return fault_set(fault,
		                 "the file name '%.40s...' of %zu bytes is longer than the system "
		                 "takes (%d); "
		                 "name a shorter pidfile",
		                 path_base(path), strlen(path_base(path)), NAME_MAX);
	if (!b->ask_system || lstat(path, &status) < 0)
		return 0; /* what is not there or cannot be seen shows at the start */
	if (S_ISDIR(status.st_mode))
		return fault_set(fault, "%.200s is a directory, not a file", path);
	if (S_ISLNK(status.st_mode))
		return fault_set(
			fault, "%.200s is a symbolic link; a PID file is never written through one",
			path);
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, "%.200s is a device, pipe or socket, not a file", path);
	return 0;
}

/* Checks the path of a PID file and that nobody else claims it; the fault is told at `entry` or,
 * for a default, at the section. */
static void claim_pidfile(struct build *b, const char *path, const char *who,
                          struct source_entry *entry, const struct section *section)
{
	struct claim claim = { .path = path, .who = who, .file = "the default", .line = 0 };
	struct fault fault;
	int r = judge_pidfile_path(b, path, &fault);

	if (entry)
		section = entry->section;
	if (section) {
		claim.file = section->file->path;
		claim.line = entry ? entry->line : section->line;
	}
	if (r == 0)
		r = claims_add(&b->claims, &claim, &fault);
	if (r < 0)
		r = fault_set(&fault, "%s", strerror(-r));
	if (r != 0 && entry)
		source_refuse_entry(b->source, entry, &fault);
	else if (r != 0 && section)
		source_refuse_section(b->source, section, "pidfile", &fault);
}

static void build_verger(struct build *b)
{
	struct settings *s = b->settings;
	struct strv environment = STRV_INIT, env_files = STRV_INIT;
	struct key_target target = {
		.arena = s->arena,
		.scratch = b->scratch,
		.verger = s,
		.environment = &environment,
		.env_files = &env_files,
	};
	struct source_entry *run_dir = source_find(b->source, SECTION_VERGER, "run_dir");
	struct source_entry *pidfile = source_find(b->source, SECTION_VERGER, "pidfile");

	if (run_dir)
		take_entry(b, run_dir, &target); /* before all that may stand in it */
	else if (b->context->default_run_dir)
		s->run_dir = arena_intern(s->arena, b->context->default_run_dir);
	b->names.run_dir = s->run_dir;
	if (s->run_dir && !b->command)
		s->pidfile = default_pidfile(b, "vergerd");
	for (struct section *section = b->source->sections; section; section = section->next)
		for (struct source_entry *e = section->kind == SECTION_VERGER ? section->entries
		                                                              : NULL;
		     e; e = e->next)
			if (e != run_dir)
				take_entry(b, e, &target);
	if (s->pidfile)
		claim_pidfile(b, s->pidfile, "vergerd itself", pidfile, NULL);
	s->environment = draft_intern_strv(s->arena, &environment);
	s->env_files = draft_intern_strv(s->arena, &env_files);
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

static void refuse(struct build *b, const struct section *section, struct source_entry *entry,
                   const char *key, const struct fault *fault)
{
	if (entry && entry->section == section)
		source_refuse_entry(b->source, entry, fault);
	else
		source_refuse_section(b->source, section, key, fault);
}

/* Resolves user, group and the owner of the PID file. */
static void finish_accounts(struct build *b, struct section *section, const struct sheet *sheet,
                            struct draft *d)
{
	struct source_entry *user = sheet_get(sheet, "user"), *group = sheet_get(sheet, "group");
	struct source_entry *owner = sheet_get(sheet, "pidfile_owner");
	struct fault fault;
	int r;

	if (d->user || d->group) {
		r = accounts_credentials(b->accounts, d->user, d->group, &d->p.credentials, &fault);
		if (r < 0)
			refuse_errno(b, section, r);
		/* what [defaults] says wrongly is wrong once */
		else if (r != 0)
			source_refuse_entry(b->source, d->user ? user : group, &fault);
	}
	if (d->pidfile_owner) {
		r = accounts_owner(b->accounts, d->pidfile_owner, &d->p.pidfile_uid,
		                   &d->p.pidfile_gid, &fault);
		if (r < 0)
			refuse_errno(b, section, r);
		else if (r != 0)
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
		refuse(b, section, sheet_get(sheet, "main_pid_file"), "main_pid_file", &fault);
	}
	if (p->restart_delay_ms > p->restart_delay_max_ms) {
		fault_set(&fault, "restart_delay is above restart_delay_max");
		refuse(b, section, sheet_get(sheet, "restart_delay"), "restart_delay", &fault);
	}
	for (size_t i = 0; p->forward && i < p->forward->count; i++) {
		int signo = p->forward->rules[i].from;

		if ((signo != SIGTERM && signo != SIGINT && signo != SIGQUIT) ||
		    p->on_exit == END_EXIT)
			continue;
		fault_set(&fault, "without TERM, INT and QUIT vergerd could not be stopped: "
		                  "a program that claims one of them needs on_exit = exit");
		refuse(b, section, sheet_get(sheet, "forward_signals"), "forward_signals", &fault);
		break;
	}
}

static void finish_pidfile(struct build *b, struct section *section, const struct sheet *sheet,
                           struct draft *d)
{
	struct source_entry *entry = sheet_get(sheet, "pidfile");

	if (entry && entry->faulty)
		return;
	if (!d->pidfile_given && b->settings->run_dir && !b->command)
		d->p.pidfile = default_pidfile(b, d->p.name);
	if (!d->p.pidfile || !d->enabled)
		return;
	/* a path in [defaults] is at fault for the program that comes second */
	claim_pidfile(b, d->p.pidfile, d->p.name, entry && entry->section == section ? entry : NULL,
	              section);
}

static void judge_command(struct build *b, struct section *section, const struct sheet *sheet,
                          struct draft *d)
{
	struct fault fault;
	struct strv words = STRV_INIT;
	int r = 0;

	if (b->command && b->command->section == section) {
		for (size_t i = 0; b->command->words[i] && r == 0; i++)
			r = strv_add(&words, b->command->words[i]);
		if (r == 0)
			d->p.command = draft_intern_strv(b->settings->arena, &words);
		else
			refuse_errno(b, section, r);
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
static void set_command_defaults(struct draft *d, struct key_target *target)
{
	const struct key *forward = key_find("forward_signals", KEY_IN_PROGRAM);
	struct fault fault;

	d->p.restart = RESTART_NEVER;
	d->p.on_exit = d->p.on_failure = END_EXIT;
	d->p.stdin_stream.kind = STREAM_INHERIT;
	forward->parse(forward, "all", target, &fault);
}

/* Builds one instance; returns how many the section asks for. */
static unsigned build_instance(struct build *b, struct section *section, const struct sheet *sheet,
                               const char *name, unsigned instance)
{
	struct draft d;
	struct key_target target = {
		.arena = b->settings->arena,
		.scratch = b->scratch,
		.draft = &d,
		.environment = &d.environment,
		.env_files = &d.env_files,
	};
	struct built built = { .section = section };
	unsigned instances;
	int r;

	b->names.program = name;
	snprintf(b->names.instance, sizeof b->names.instance, "%u", instance);
	draft_init(&d);
	d.p.name = arena_intern(b->settings->arena, name);
	d.p.section = arena_intern(b->settings->arena, section->base);
	d.p.file = arena_intern(b->settings->arena, section->file->path);
	d.p.line = section->line;
	d.p.instance = instance;
	if (b->command)
		set_command_defaults(&d, &target);
	take_sheet(b, sheet, &target);
	/* a oneshot that has done its work is not to do it again and again */
	if (d.p.type == PROGRAM_ONESHOT && !b->command && !sheet_get(sheet, "restart"))
		d.p.restart = RESTART_ON_FAILURE;
	judge_command(b, section, sheet, &d);
	finish_accounts(b, section, sheet, &d);
	judge_together(b, section, sheet, &d);
	finish_pidfile(b, section, sheet, &d);
	r = draft_finish(&d, b->settings->arena);
	built.requires = d.requires;
	built.after = d.after;
	built.requires_entry = sheet_get(sheet, "requires");
	built.after_entry = sheet_get(sheet, "after");
	if (r == 0 && d.enabled)
		r = append_program(b, &d, built);
	if (r < 0)
		refuse_errno(b, section, r);
	instances = d.instances;
	draft_release(&d);
	b->names.program = NULL;
	return instances;
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
		if (b->source->diags->error_count > faults)
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
	s->program_count = b->count;
	s->programs = arena_alloc(s->arena, b->count * sizeof *s->programs);
	memcpy(s->programs, b->programs, b->count * sizeof *s->programs);
}

/* what concerns several programs */

static void resolve_text(struct build *b, struct depends *d, const char *text,
                         struct source_entry *entry, bool required)
{
	struct fault fault;
	int r = text ? depends_parse(d, &b->roster, text, required, &fault) : 0;

	if (r < 0)
		r = fault_set(&fault, "%s", strerror(-r));
	if (r != 0)
		source_refuse_entry(b->source, entry, &fault);
}

static void resolve_dependencies(struct build *b)
{
	const struct built *last = NULL;
	const struct dependencies *shared = NULL;

	for (size_t i = 0; i < b->count; i++) {
		const struct built *own = &b->built[i];
		struct depends depends = { .count = 0 };

		/* texts are interned: equal ones mean the same, for all instances of a section at
		 * least */
		if (!last || own->requires != last->requires || own->after != last->after) {
			resolve_text(b, &depends, own->requires, own->requires_entry, true);
			resolve_text(b, &depends, own->after, own->after_entry, false);
			shared = depends_intern(&depends, b->settings->arena);
			depends_release(&depends);
			last = own;
		}
		b->settings->programs[i].depends = shared;
	}
}

static void on_cycle(void *context, size_t program, const struct fault *fault)
{
	struct build *b = context;
	const struct built *built = &b->built[program];

	if (built->section->cycle_told)
		return;
	built->section->cycle_told = true;
	refuse(b, built->section,
	       built->requires_entry ? built->requires_entry : built->after_entry, "requires",
	       fault);
}

static void resolve_exit_code_from(struct build *b)
{
	struct source_entry *entry = source_find(b->source, SECTION_VERGER, "exit_code_from");
	struct strv words = STRV_INIT;
	struct roster_range range = { .count = 0 };
	struct fault fault;
	int r = 0;

	if (entry && take_names(b, entry, &words)) {
		if (words.count > 1)
			r = fault_set(&fault, "expected one program, got %zu", words.count);
		else
			r = roster_find(&b->roster, words.items[0], &range, &fault);
		if (r == 0 && range.count == 0)
			r = fault_set(&fault, "program '%.80s' is not enabled", words.items[0]);
		else if (r == 0 && range.count > 1)
			r = fault_set(&fault,
			              "'%.80s' means %zu instances; name one, such as '%.80s:0'",
			              words.items[0], range.count, words.items[0]);
		if (r == 0 && range.count == 1)
			b->settings->exit_code_from = range.indices[0];
		else
			source_refuse_entry(b->source, entry, &fault);
	}
	strv_release(&words);
}

/* Makes the programs that `name` means members of the group; `members` has room for all there are.
 */
static void add_members(struct build *b, struct source_entry *entry, uint32_t group,
                        const char *name, uint32_t *members, size_t *count)
{
	struct settings *s = b->settings;
	struct roster_range range;
	struct fault fault;

	if (roster_find(&b->roster, name, &range, &fault) != 0) {
		source_refuse_entry(b->source, entry, &fault);
		return;
	}
	for (size_t i = 0; i < range.count; i++) {
		struct program_settings *p = &s->programs[range.indices[i]];

		if (p->group != NO_GROUP) {
			fault_set(&fault, "'%.80s' is in group '%.80s' already", p->name,
			          s->groups[p->group].name);
			source_refuse_entry(b->source, entry, &fault);
			return;
		}
		p->group = group;
		members[(*count)++] = range.indices[i];
	}
}

static void build_group(struct build *b, struct section *section, uint32_t index, uint32_t *members)
{
	struct settings *s = b->settings;
	struct group_settings *group = &s->groups[index];
	struct source_entry *entry = section->entries; /* [group:] has one key */
	struct strv words = STRV_INIT;
	size_t count = 0;
	struct fault fault;

	group->name = arena_intern(s->arena, section->name);
	if (!entry) {
		fault_set(&fault, "a group needs this key");
		source_refuse_section(b->source, section, "programs", &fault);
		return;
	}
	take_names(b, entry, &words);
	for (size_t i = 0; i < words.count; i++)
		add_members(b, entry, index, words.items[i], members, &count);
	group->count = count;
	if (count)
		group->programs = arena_intern_bytes(s->arena, members, count * sizeof *members);
	strv_release(&words);
}

static void build_groups(struct build *b)
{
	struct settings *s = b->settings;
	_cleanup_free_ uint32_t *members = calloc(b->count + 1, sizeof *members);
	size_t count = 0;

	for (struct section *section = b->source->sections; section; section = section->next)
		count += section->kind == SECTION_GROUP;
	if (count == 0 || !members)
		return;
	s->group_count = count;
	s->groups = arena_alloc(s->arena, count * sizeof *s->groups);
	count = 0;
	for (struct section *section = b->source->sections; section; section = section->next)
		if (section->kind == SECTION_GROUP)
			build_group(b, section, (uint32_t)count++, members);
}

/* stop-group means something in a group only */
static void judge_groups(struct build *b)
{
	const struct section *told = NULL;
	struct fault fault;

	for (size_t i = 0; i < b->count; i++) {
		const struct program_settings *p = &b->settings->programs[i];
		bool on_exit = p->on_exit == END_STOP_GROUP;

		if (p->group != NO_GROUP || (!on_exit && p->on_failure != END_STOP_GROUP) ||
		    b->built[i].section == told)
			continue;
		told = b->built[i].section;
		fault_set(&fault, "stop-group: '%.80s' is in no group", p->name);
		source_refuse_section(b->source, told, on_exit ? "on_exit" : "on_failure", &fault);
	}
}

static void build_relations(struct build *b)
{
	if (roster_init(&b->roster, b->source, b->settings->programs, b->count) < 0 ||
	    (resolve_dependencies(b),
	     depends_find_cycles(b->settings->programs, b->count, on_cycle, b)) < 0) {
		diags_add(b->source->diags, DIAG_ERROR, b->source->files->path, 0, NULL, NULL, "%s",
		          strerror(ENOMEM));
		return;
	}
	resolve_exit_code_from(b);
	build_groups(b);
	judge_groups(b);
}

static void build_release(struct build *b)
{
	roster_release(&b->roster);
	claims_release(&b->claims);
	accounts_free(b->accounts);
	free(b->programs);
	free(b->built);
}

struct settings *build_settings(struct source *source, const char *file,
                                const struct conf_context *context, bool ask_system,
                                const struct build_command *command)
{
	struct build b = {
		.source = source,
		.context = context,
		.command = command,
		.ask_system = ask_system,
		.settings = settings_new(),
		.scratch = source->arena,
		.claims = { .arena = source->arena },
		.names = { .environ = context->environ },
	};

	if (!b.settings)
		return NULL;
	b.accounts = accounts_new(b.settings->arena, ask_system);
	if (!b.accounts) {
		settings_free(b.settings);
		return NULL;
	}
	if (file)
		b.settings->file = arena_intern(b.settings->arena, file);
	build_verger(&b);
	build_programs(&b);
	build_relations(&b);
	build_release(&b);
	return b.settings;
}
