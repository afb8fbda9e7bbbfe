/* SPDX-License-Identifier: MIT */
/* Collects sections and entries.  Knows nothing of what values mean, nor where files are. */
#include "config/source.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "config/reader.h"
#include "base/suggest.h"
#include "config/values.h"

enum { INSTANCE_MAX = 9999 };

static const char *const kind_titles[] = {
	[SECTION_VERGER] = "verger",
	[SECTION_DEFAULTS] = "defaults",
	[SECTION_PROGRAM] = "program:",
	[SECTION_GROUP] = "group:",
};
static const enum key_place kind_places[] = {
	[SECTION_VERGER] = KEY_IN_VERGER,
	[SECTION_DEFAULTS] = KEY_IN_DEFAULTS,
	[SECTION_PROGRAM] = KEY_IN_PROGRAM,
	[SECTION_GROUP] = KEY_IN_GROUP,
};

int source_init(struct source *s, char *const *environment, bool alone, struct diags *diags)
{
	*s = (struct source){
		.arena = arena_new(), .environ = environment, .alone = alone, .diags = diags
	};
	s->file_tail = &s->files;
	s->section_tail = &s->sections;
	return s->arena ? 0 : -ENOMEM;
}

static void keep(void *node)
{
	(void)node; /* sections live in the arena */
}

void source_release(struct source *s)
{
	tdestroy(s->by_title, keep);
	arena_free(s->arena);
}

void source_refuse_entry(struct source *s, struct source_entry *entry, const struct fault *fault)
{
	const struct section *section = entry->section;

	if (!entry->faulty)
		diags_add(s->diags, DIAG_ERROR, section->file->path, entry->line, section->title,
		          entry->key->name, "%s", fault->text);
	entry->faulty = true;
}

void source_refuse_section(struct source *s, const struct section *section, const char *key,
                           const struct fault *fault)
{
	diags_add(s->diags, DIAG_ERROR, section->file->path, section->line, section->title, key,
	          "%s", fault->text);
}

/* "at line 3" in the same file, "in b.ini, line 3" in another */
static const char *place(const struct source_file *from, const struct source_file *file,
                         unsigned line, char *out, size_t size)
{
	if (from == file)
		snprintf(out, size, "in line %u", line);
	else
		snprintf(out, size, "in %.200s, line %u", file->path, line);
	return out;
}

/* sections */

static int compare_titles(const void *a, const void *b)
{
	return strcmp(((const struct section *)a)->title, ((const struct section *)b)->title);
}

/* The earlier section that makes this one a repetition, or NULL.  [verger] and [defaults] may stand
 * once in every file. */
static const struct section *find_twin(struct source *s, struct section *section)
{
	struct section **node;

	if (section->kind == SECTION_PROGRAM || section->kind == SECTION_GROUP) {
		node = tsearch(section, &s->by_title, compare_titles);
		s->incomplete |= !node;
		return node && *node != section ? *node : NULL;
	}
	for (const struct section *other = s->sections; other; other = other->next)
		if (other->kind == section->kind && other->file == section->file)
			return other;
	return NULL;
}

const struct section *source_find_section(const struct source *s, const char *title)
{
	const struct section key = { .title = title };
	struct section *const *node = tfind(&key, &s->by_title, compare_titles);

	return node ? *node : NULL;
}

/* Splits "web:0" into its base and its number.  0, FAULTY or -ENOMEM. */
static int judge_program_name(struct source *s, struct section *section, struct fault *fault)
{
	char *base = arena_alloc(s->arena, strlen(section->name) + 1);
	char *colon;
	int64_t number;

	if (!base)
		return -ENOMEM;
	memcpy(base, section->name, strlen(section->name) + 1);
	colon = strrchr(base, ':');
	if (colon && parse_int(colon + 1, 0, INSTANCE_MAX, &number) == 0) {
		*colon = '\0';
		section->instance = (int)number;
	}
	section->base = base;
	return value_name(base, fault);
}

static void suggest_section(const char *title, char *out, size_t size)
{
	size_t prefix = strcspn(title, ":");
	char *kind = strndup(title, prefix + (title[prefix] == ':'));
	struct suggestion suggestion;

	out[0] = '\0';
	if (!kind)
		return;
	suggestion_init(&suggestion, kind);
	for (size_t i = 0; i < ARRAY_SIZE(kind_titles); i++)
		suggestion_offer(&suggestion, kind_titles[i]);
	if (suggestion.best && strchr(suggestion.best, ':'))
		snprintf(out, size, "; did you mean [%s%.80s]?", suggestion.best,
		         title[prefix] ? title + prefix + 1 : "NAME");
	else if (suggestion.best)
		snprintf(out, size, "; did you mean [%s]?", suggestion.best);
	free(kind);
}

/* Finds the kind and the name in the title.  0, FAULTY or -ENOMEM. */
static int judge_title(struct source *s, struct section *section, struct fault *fault)
{
	const char *title = section->title;
	char hint[160];

	for (size_t i = 0; i < ARRAY_SIZE(kind_titles); i++) {
		size_t size = strlen(kind_titles[i]);
		bool named = kind_titles[i][size - 1] == ':';

		if (named ? strncmp(title, kind_titles[i], size) != 0
		          : strcmp(title, kind_titles[i]) != 0)
			continue;
		section->kind = (enum section_kind)i;
		section->name = section->base = title + size;
		if (section->kind == SECTION_PROGRAM)
			return judge_program_name(s, section, fault);
		return named ? value_name(section->name, fault) : 0;
	}
	suggest_section(title, hint, sizeof hint);
	return fault_set(fault, "there is no such section%s",
	                 *hint ? hint
	                       : ", only [verger], [defaults], [program:NAME] and [group:NAME]");
}

static void on_section(void *context, const char *title, unsigned line)
{
	struct source *s = context;
	struct section *section = arena_alloc(s->arena, sizeof *section);
	const struct section *twin;
	struct fault fault;
	char where[256];
	int r;

	s->current = NULL;
	if (s->file->foreign_line || !section)
		return;
	if (!strcmp(title, "supervisord")) {
		s->file->foreign_line = line;
		return;
	}
	*section = (struct section){
		.title = arena_intern(s->arena, title),
		.instance = -1,
		.file = s->file,
		.line = line,
	};
	section->tail = &section->entries;
	r = section->title ? judge_title(s, section, &fault) : -ENOMEM;
	if (r > 0)
		source_refuse_section(s, section, NULL, &fault);
	if (r != 0)
		return;
	twin = find_twin(s, section);
	if (twin) {
		fault_set(&fault, "this section is there already, %s",
		          place(s->file, twin->file, twin->line, where, sizeof where));
		source_refuse_section(s, section, NULL, &fault);
		return;
	}
	*s->section_tail = section;
	s->section_tail = &section->next;
	s->current = section;
}

/* entries */

static struct source_entry *find_entry(const struct section *section, const struct key *key)
{
	for (struct source_entry *e = section->entries; e; e = e->next)
		if (e->key == key)
			return e;
	return NULL;
}

/* An earlier entry of the same key: in the section, or anywhere in the sections that make one. */
static const struct source_entry *find_earlier(const struct source *s,
                                               const struct section *section, const struct key *key)
{
	if (section->kind == SECTION_PROGRAM || section->kind == SECTION_GROUP)
		return find_entry(section, key);
	for (const struct section *other = s->sections; other; other = other->next) {
		const struct source_entry *e =
			other->kind == section->kind ? find_entry(other, key) : NULL;

		/* every file may include others */
		if (e && (other == section || strcmp(key->name, "include") != 0))
			return e;
	}
	return NULL;
}

static const char *name_places(const struct key *key)
{
	if (key->places & KEY_IN_VERGER)
		return "[verger]";
	if (key->places & KEY_IN_GROUP)
		return "[group:NAME]";
	return "[program:NAME]";
}

/* Judges a key that is in the table by its place, and `later` ones by being there at all. */
static int judge_key(const struct source *s, const struct section *section, const struct key *key,
                     const char *value, struct fault *fault)
{
	const struct source_entry *earlier;
	char where[256];

	if (!(key->places & kind_places[section->kind]))
		return fault_set(fault, "this key belongs in %s", name_places(key));
	if (key->flags & KEY_LATER && !(key->flags & KEY_EMPTY && !*value))
		return fault_set(fault, "this version of vergerd knows this key but does not act "
		                        "on it yet; remove it");
	earlier = find_earlier(s, section, key);
	if (earlier)
		return fault_set(fault, "this key is there already, %s",
		                 place(section->file, earlier->section->file, earlier->line, where,
		                       sizeof where));
	return 0;
}

static void on_entry(void *context, const char *name, const char *value, unsigned line)
{
	struct source *s = context;
	struct section *section = s->current;
	struct source_entry *entry;
	const struct key *key;
	struct fault fault;
	char hint[SUGGESTION_SIZE];
	int r;

	if (!section)
		return;
	key = key_find(name, kind_places[section->kind]);
	if (key)
		r = judge_key(s, section, key, value, &fault);
	else
		r = fault_set(&fault, "there is no such key%s",
		              key_suggest(name, kind_places[section->kind], hint, sizeof hint));
	if (r != 0) {
		struct fault shown;

		fault_set(&shown, "%.80s", name);
		diags_add(s->diags, DIAG_ERROR, s->file->path, line, section->title, shown.text,
		          "%s", fault.text);
		return;
	}
	entry = source_add_entry(s, section, key, value);
	if (entry)
		entry->line = line;
}

/* An indented line that looks like a key is a value to us, and probably was not meant as one. */
static void on_continuation(void *context, const char *key_name, const char *text, unsigned line)
{
	struct source *s = context;
	struct section *section = s->current;
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	char name[64];
	const struct key *key;

	if (!section || !size || size >= sizeof name ||
	    text[size + strspn(text + size, " \t")] != '=')
		return;
	snprintf(name, sizeof name, "%.*s", (int)size, text);
	key = key_find(name, kind_places[section->kind]);
	if (key && key->places & kind_places[section->kind])
		diags_add(
			s->diags, DIAG_WARNING, s->file->path, line, section->title, key_name,
			"this indented line continues the value above; if '%s' is meant as a key, "
			"it must start in the first column",
			name);
}

struct source_entry *source_add_entry(struct source *s, struct section *section,
                                      const struct key *key, const char *text)
{
	struct source_entry *entry = arena_alloc(s->arena, sizeof *entry);
	const char *own_text = arena_intern(s->arena, text);

	if (!entry || !own_text)
		return NULL;
	*entry = (struct source_entry){ .key = key, .text = own_text, .section = section };
	*section->tail = entry;
	section->tail = &entry->next;
	return entry;
}

struct source_entry *source_find(const struct source *s, enum section_kind kind,
                                 const char *key_name)
{
	for (const struct section *section = s->sections; section; section = section->next)
		for (struct source_entry *e = section->kind == kind ? section->entries : NULL; e;
		     e = e->next)
			if (!strcmp(e->key->name, key_name))
				return e;
	return NULL;
}

void source_parse(struct source *s, struct source_file *file, const char *bytes, size_t size)
{
	const struct reader_handler handler = {
		.on_section = on_section,
		.on_entry = on_entry,
		.on_continuation = on_continuation,
		.context = s,
	};

	s->file = file;
	s->current = NULL;
	if (reader_parse(bytes, size, file->path, &handler, s->diags) < 0)
		s->incomplete = true;
}

struct section *source_add_section(struct source *s, enum section_kind kind, const char *name)
{
	struct section *section = arena_alloc(s->arena, sizeof *section);
	const char *own_name = arena_intern(s->arena, name);
	const struct source_file *file = source_add_file(s, "command line", NULL, 0);

	if (!section || !own_name || !file)
		return NULL;
	*section = (struct section){
		.kind = kind,
		.name = own_name,
		.base = own_name,
		.instance = -1,
		.file = file,
	};
	section->tail = &section->entries;
	*s->section_tail = section;
	s->section_tail = &section->next;
	return section;
}

bool source_is_complete(const struct source *s)
{
	return !s->incomplete && !arena_failed(s->arena);
}

bool source_is_foreign(const struct source *s)
{
	for (const struct source_file *f = s->files; f; f = f->next)
		if (f->foreign_line)
			return true;
	return false;
}
